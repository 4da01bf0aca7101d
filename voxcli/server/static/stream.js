/** The audio of one stream: what is kept, what is covered, what is lost, and where to go on after a drop. Pure. */

import { Account, Coverage, TOLERANCE, lengthOf } from "./coverage.js";
import { Ring, toSeconds } from "./ring.js";
import { Session } from "./session.js";

const REPLAY = 16_000; // samples: a replay begins so long before the first uncovered one, so that a word is heard whole
const KEPT = 24_000; // samples: so much covered audio is kept for it
const AHEAD = 32_000; // samples: given and not sent, before whoever can wait is asked to
const FULL = 0.8; // a ring that is so full needs a final

export class Stream {
  #told = new Account();
  #settled = new Coverage(TOLERANCE); // covered or lost
  #losses = new Losses(this.#settled);
  #hasWordTimes = false;

  /** `capacity`: the greatest number of samples that are kept. */
  constructor(capacity) {
    this.ring = new Ring(capacity);
    this.session = null;
    this.cursor = 0; // the sample that is sent next
  }

  get head() {
    return this.ring.head;
  }

  /** The first sample that is neither covered by a final nor lost. */
  get covered() {
    return this.#settled.firstUncovered;
  }

  get isCovered() {
    return this.covered >= this.head - TOLERANCE;
  }

  /** Seconds that no final covers (yet), what is lost not counted. */
  get uncoveredSeconds() {
    const open = lengthOf(this.#settled.uncovered(0, this.head));
    return open > TOLERANCE ? toSeconds(open) : 0;
  }

  get lostSeconds() {
    return toSeconds(this.#losses.samples);
  }

  /** Whether more can come without haste, and without loss. */
  get hasRoom() {
    const { free, capacity } = this.ring;
    return this.head - this.cursor <= AHEAD && free >= Math.min(AHEAD / 2, capacity / 4);
  }

  /** How many samples may be sent and not covered before a final is asked for. */
  get mostUncovered() {
    return Math.max(FULL * this.ring.capacity - KEPT, 1);
  }

  /** Adds samples; the oldest make room for them. */
  put(samples) {
    const lost = this.ring.put(samples);
    if (lost) this.#losses.dropped(lost, this.#sent);
  }

  /** Forgets what was sent, though nothing covers it: it is lost if its session ends now. */
  release() {
    const start = this.ring.tail;
    this.ring.trim(this.cursor);
    this.#losses.dropped([start, this.ring.tail], this.#sent);
  }

  /** The next samples to be sent, and where they begin. */
  take(count) {
    const start = Math.max(this.cursor, this.ring.tail);
    const samples = this.ring.read(start, count);
    this.session.map.add(start, samples.length);
    this.cursor = start + samples.length;
    return samples;
  }

  /** A session whose clock begins with the next sample: with a look back only over audio that has given words. */
  beginSession(isV1) {
    this.leaveSession();
    const begin = this.#hasWordTimes ? this.covered - REPLAY : this.covered;
    this.cursor = Math.max(this.ring.tail, begin, 0);
    this.session = new Session(this.cursor, this.#told, isV1);
  }

  /** The old session goes on. Returns whether that can be. */
  resumeSession(received) {
    const place = this.session.resume(received);
    if (place === null) return false;
    this.cursor = place;
    this.#losses.review(this.#sent);
    return true;
  }

  /** Nothing more comes of the session: what was dropped and is not covered by now is lost. */
  leaveSession() {
    this.session = null;
    this.#losses.review(this.#sent);
  }

  /** A placed final was told. Returns whether it covers new audio. */
  cover(placed) {
    if (placed.transcript) this.#hasWordTimes = Boolean(placed.words?.length);
    const before = this.#settled.within(0, this.head);
    for (const span of this.session.cover(placed)) this.#settled.add(...span);
    this.ring.trim(this.covered - KEPT);
    return this.#settled.within(0, this.head) > before;
  }

  /** All that is left open is answered for: a server may send no final for silence at the end. */
  close() {
    this.leaveSession();
    this.#settled.add(0, this.head);
  }

  /** Gaps that were not told yet, each once. */
  gaps() {
    return this.#losses.gaps();
  }

  get #sent() {
    return this.session?.map.sent ?? new Coverage();
  }
}

/** Audio that a full ring dropped. What a living session was sent may still be covered; the rest is a gap. */
export class Losses {
  #pending = new Coverage();
  #settled;
  #untold = [];

  /** `settled`: what is covered or lost; losses are added to it here. */
  constructor(settled) {
    this.samples = 0;
    this.#settled = settled;
  }

  /** A span is no longer kept. `sent`: what the session was sent. */
  dropped(span, sent) {
    for (const part of this.#settled.uncovered(...span)) this.#pending.add(...part);
    this.review(sent);
  }

  /** What was dropped and is neither covered nor in the hands of the session is lost. */
  review(sent) {
    const waiting = this.#pending.spans.flatMap((span) => this.#settled.uncovered(...span));
    this.#pending = new Coverage();
    for (const part of waiting) {
      for (const lost of sent.uncovered(...part)) this.#lose(...lost);
      for (const kept of this.#settled.uncovered(...part)) this.#pending.add(...kept);
    }
  }

  gaps() {
    return this.#untold.splice(0).map(([start, end]) => {
      return { type: "Gap", start: toSeconds(start), end: toSeconds(end), reason: "ring_overflow" };
    });
  }

  #lose(start, end) {
    this.samples += end - start;
    this.#settled.add(start, end);
    const last = this.#untold[this.#untold.length - 1];
    if (last && Math.abs(last[1] - start) <= TOLERANCE) last[1] = end;
    else this.#untold.push([start, end]);
  }
}
