/** One session of the server on the clock of the stream: where its samples belong, what of its results is new. Pure. */

import { Account, Coverage, TOLERANCE, spanOf } from "./coverage.js";
import { toSamples, toSeconds } from "./ring.js";

const HOLE = 160_000; // samples: a hole so far behind the newest final is audio in which nothing was found
const RUNS_KEPT = 1_000; // jumps of a session's clock; a result does not reach back further
const MOST_EARLY = 1_000; // finals whose predecessors are missing

export const isTime = (value) => typeof value === "number" && Number.isFinite(value) && value >= 0 && value < 1e7;

/** Samples of a session to samples of the stream: runs that follow each other without holes in the session. */
export class SampleMap {
  #runs;

  constructor(begin) {
    this.#runs = [{ start: 0, place: begin }];
    this.length = 0;
  }

  /** Samples of the stream were sent, from `start` on. */
  add(start, count) {
    if (this.place(this.length) !== start) {
      this.#cut(this.length);
      this.#runs.push({ start: this.length, place: start });
      this.#runs.splice(0, this.#runs.length - RUNS_KEPT);
    }
    this.length += count;
  }

  /** The server has only the first `length` samples of what was sent. */
  truncate(length) {
    this.length = Math.min(this.length, length);
    this.#cut(Math.max(this.length, 1));
  }

  /** Where a sample of the session belongs; as the end of a span it belongs to what comes before it. */
  place(sample, isEnd = false) {
    const within = Math.min(Math.max(sample, 0), this.length); // a server cannot have heard what it was not sent
    let run = this.#runs[0] ?? { start: 0, place: 0 };
    for (const next of this.#runs) if (next.start <= within - (isEnd ? 1 : 0)) run = next;
    return run.place + within - run.start;
  }

  /** What of the stream was sent. */
  get sent() {
    const sent = new Coverage();
    this.#runs.forEach(({ start, place }, index) => {
      const end = this.#runs[index + 1]?.start ?? this.length;
      sent.add(place, place + end - start);
    });
    return sent;
  }

  #cut(length) {
    this.#runs = this.#runs.filter((run) => run.start < length);
  }
}

/** Over one connection, or several that joined it. `id` is null where it cannot be joined again. */
export class Session {
  #told;
  #before;
  #own = new Account();
  #early = new Set();
  #excused = new Set();
  #covered = 0; // samples of the session; for results without times: where the final before ends

  /** `begin`: the sample that is sent first. `told`: the account of the stream, which grows with each final here. */
  constructor(begin, told, isV1) {
    this.begin = begin;
    this.isV1 = isV1;
    this.id = null;
    this.lastSeq = 0;
    this.hasSpans = true;
    this.acknowledged = 0;
    this.map = new SampleMap(begin);
    this.#told = told;
    this.#before = told.copy();
  }

  get unacknowledged() {
    return this.map.length - this.acknowledged;
  }

  /** Where the newest final of this session ends, in samples of the stream. */
  get newest() {
    return this.#own.covered.end || this.begin;
  }

  acknowledge(samples) {
    this.acknowledged = Math.max(this.acknowledged, Math.min(samples, this.map.length));
  }

  /** The server has kept the session. Returns the sample to go on from; null where it claims what was never sent. */
  resume(received) {
    if (!Number.isInteger(received) || received < 0 || received > this.map.length) return null;
    this.map.truncate(received);
    this.acknowledged = received;
    return this.map.place(this.map.length);
  }

  /** The result that a message holds, on the clock of the stream; null for one that came before. Throws TypeError. */
  read(fields) {
    const result = this.#sound(fields);
    if (result.is_final && this.isV1 && Number.isInteger(fields.seq) && this.#cameBefore(fields.seq)) return null;
    const end = Math.min(spanOf(result)[1], this.map.length);
    this.hasSpans &&= hasSpan(fields);
    this.acknowledge(end);
    if (result.is_final) this.#covered = Math.max(this.#covered, end);
    return this.#placed(result);
  }

  /** What of a placed result was neither told before this session nor said twice in it; null for nothing. */
  news(placed) {
    const fresh = this.#before.news(placed);
    if (!fresh) return null;
    return this.#own.covered.within(...spanOf(fresh)) <= TOLERANCE ? fresh : this.#own.news(fresh);
  }

  /** A placed final was told. Returns the spans that are covered with it, old holes included. */
  cover(placed) {
    this.#told.add(placed);
    this.#own.add(placed);
    const holes = this.#own.covered
      .uncovered(this.begin, this.newest)
      .filter((hole) => hole[1] <= this.newest - HOLE && !this.#excused.has(hole.join()));
    for (const hole of holes) {
      this.#excused.add(hole.join());
      this.#told.covered.add(...hole);
    }
    return [...holes, spanOf(placed)];
  }

  /** Notes a final's number. `lastSeq`: all up to it were received. */
  #cameBefore(seq) {
    if (seq <= this.lastSeq || this.#early.has(seq)) return true;
    this.#early.add(seq);
    while (this.#early.delete(this.lastSeq + 1)) this.lastSeq += 1;
    if (this.#early.size > MOST_EARLY) this.lastSeq = Math.min(...this.#early) - 1; // it will not come any more
    return false;
  }

  /** What can be relied on; what stands beside the words and cannot be read is left out, and the words stay. */
  #sound(fields) {
    if (typeof fields.transcript !== "string") throw new TypeError("a result has no transcript");
    const isSpan = hasSpan(fields);
    if (isSpan && !(isTime(fields.start) && isTime(fields.duration))) throw new TypeError("a result has no times");
    const result = {
      ...fields,
      type: "Results",
      is_final: Boolean(fields.is_final ?? fields.speech_final),
      speech_final: Boolean(fields.speech_final),
      start: isSpan ? fields.start : toSeconds(this.#covered),
      duration: isSpan ? fields.duration : toSeconds(Math.max(0, this.map.length - this.#covered)),
      words: soundWords(fields.words),
    };
    for (const key of ["speech_start", "speech_end", "confidence"]) if (!isTime(result[key])) delete result[key];
    return result;
  }

  #placed(result) {
    const start = this.#time(result.start);
    const end = Math.max(start, this.#time(result.start + result.duration, true));
    const placed = { ...result, start, duration: toSeconds(toSamples(end) - toSamples(start)) };
    placed.words = result.words?.map((word) => {
      const begin = this.#time(word.start);
      return { ...word, start: begin, end: Math.max(begin, this.#time(word.end, true)) };
    });
    if (result.speech_start !== undefined) placed.speech_start = this.#time(result.speech_start);
    if (result.speech_end !== undefined) placed.speech_end = this.#time(result.speech_end, true);
    return placed;
  }

  #time(seconds, isEnd = false) {
    return toSeconds(this.map.place(toSamples(seconds), isEnd));
  }
}

function hasSpan(fields) {
  return fields.start != null && fields.duration != null;
}

/** Words whose times can be relied on, or undefined. */
function soundWords(words) {
  if (!Array.isArray(words)) return undefined;
  const isSound = (word) => typeof word?.word === "string" && isTime(word.start) && isTime(word.end);
  return words.every(isSound) ? words : undefined;
}
