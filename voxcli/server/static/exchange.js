/** One connection at work: audio up, results down, and a watch over both. */

import { SAMPLE_RATE, toSamples } from "./ring.js";
import { isTime } from "./session.js";

const MESSAGE = 1_600; // samples
const WINDOW = 15 * SAMPLE_RATE; // sent and not acknowledged, at the most
const MOST_BUFFERED = 65_536; // bytes that wait in the socket
const PLAIN_PACE = 1.2; // times the speed of speech, for a server that does not say what it has taken
const BURST_MS = 250; // may go at once where that pace is kept
const PAUSE_MS = 1_000; // a source that gives nothing for so long has paused
const OPEN = 1;

/**
 * `host` is told what happens: `ready(fields)`, `told(result)`, `noticed(fields)`, `progressed()`, `done(metadata)`,
 * `unanswered()` and `dropped(reason)`, after which nothing more comes from here.
 */
export class Exchange {
  #socket;
  #stream;
  #session;
  #timing;
  #host;
  #newest;
  #sentAt;
  #resultAt;
  #resumedAt;
  #drainedAt;
  #lastBuffered = 0;
  #paceFreeAt = 0;
  #askedAt = -Infinity;
  #finishedAt = null;
  #trouble = null;
  #wasMalformed = false;
  #wantsFinal = false;
  #isFinishing = false;

  constructor(socket, stream, timing, host) {
    this.#socket = socket;
    this.#stream = stream;
    this.#session = stream.session;
    this.#timing = timing;
    this.#host = host;
    this.#newest = this.#session.newest;
    this.#sentAt = this.#resultAt = this.#resumedAt = this.#drainedAt = performance.now();
  }

  /** What the server has complained of. */
  get trouble() {
    return this.#trouble?.message ?? null;
  }

  /** Whether a connection that ends now ends well: all was said, though its receipt was not. */
  get isCleanEnd() {
    return this.#finishedAt !== null && this.#stream.isCovered;
  }

  finalize() {
    this.#wantsFinal = true;
    this.pump();
  }

  finish() {
    this.#isFinishing = true;
    this.pump();
  }

  // Up

  /** Sends what may be sent. Called whenever something has changed. */
  pump() {
    if (this.#finishedAt !== null) return;
    const now = performance.now();
    while (this.#stream.cursor < this.#stream.head && this.#maySend(now)) this.#send(now);
    if (this.#stream.cursor >= this.#stream.head) this.#saidAll(now);
  }

  #maySend(now) {
    if (this.#socket.readyState !== OPEN || this.#socket.bufferedAmount > MOST_BUFFERED) return false;
    const { isV1, hasSpans, acknowledged, unacknowledged } = this.#session;
    const isFollowed = isV1 || (hasSpans && acknowledged > 0);
    if (isFollowed && unacknowledged <= WINDOW - MESSAGE) return true;
    return !isV1 && this.#paceFreeAt <= now + BURST_MS;
  }

  #send(now) {
    if (now - this.#sentAt > PAUSE_MS) this.#resumedAt = now; // until now there was nothing to answer for
    const samples = this.#stream.take(MESSAGE);
    this.#paceFreeAt = Math.max(this.#paceFreeAt, now) + ((samples.length / SAMPLE_RATE) * 1_000) / PLAIN_PACE;
    this.#sentAt = now;
    this.#socket.send(samples);
  }

  #saidAll(now) {
    if (this.#isFinishing) {
      this.#finishedAt = this.#resultAt = now;
      this.#command("CloseStream");
      this.#seeWhetherPlainIsDone(now);
    } else if (this.#wantsFinal) {
      this.#wantsFinal = false;
      this.#command("Finalize");
    }
  }

  #command(type) {
    if (this.#session.isV1) this.#socket.send(JSON.stringify({ type })); // the simplest servers die of a text message
  }

  /** When the ring fills with audio that the server has and does not come to an end with. */
  makeRoom(isSomeoneWaiting) {
    const now = performance.now();
    if (this.#stream.cursor - this.#stream.covered <= this.#stream.mostUncovered) return;
    if (this.#finishedAt !== null || now - this.#askedAt < this.#timing.finalize) return;
    this.#askedAt = now;
    if (this.#session.isV1) this.#command("Finalize");
    else if (isSomeoneWaiting) this.#stream.release(); // it cannot be asked, and nothing would ever move again
  }

  // Down

  /** A message. One that cannot be understood is passed over: the connection can go on without it. */
  heard(data) {
    if (typeof data !== "string") return;
    let fields;
    try {
      fields = parse(data);
      if (isResult(fields)) fields = this.#session.read(fields);
    } catch (error) {
      this.#tellMalformed(error);
      return;
    }
    if (fields !== null) this.#take(fields);
    else this.#resultAt = performance.now(); // a final that was sent again
  }

  #take(fields) {
    if (isResult(fields)) this.#takeResult(fields);
    else if (fields.type === "Error" || !fields.type) this.#takeTrouble(fields);
    else if (fields.type === "Notice") this.#host.noticed(fields);
    else if (this.#session.isV1) this.#takeControl(fields);
  }

  #takeControl(fields) {
    if (fields.type === "Ready") this.#host.ready(fields);
    if (fields.type === "Ack") this.#takeAck(fields);
    if (fields.type === "Metadata" && this.#finishedAt !== null) this.#takeReceipt(fields);
  }

  #takeAck(fields) {
    if (!Number.isInteger(fields.received_samples)) return;
    this.#session.acknowledge(fields.received_samples);
    this.#host.ready({});
  }

  #takeResult(placed) {
    const now = (this.#resultAt = performance.now());
    this.#trouble = null; // it goes on, whatever the server complained of
    this.#host.ready({});
    this.#newest = Math.max(this.#newest, toSamples(placed.start + placed.duration));
    const fresh = this.#session.news(placed);
    if (placed.is_final) {
      this.#askedAt = -Infinity;
      if (this.#stream.cover(placed)) this.#host.progressed();
    }
    if (fresh && (fresh.is_final || fresh.transcript || !placed.transcript)) this.#host.told(fresh);
    this.#seeWhetherPlainIsDone(now);
  }

  #takeTrouble(fields) {
    const message = String(fields.message ?? fields.description ?? fields.error?.message ?? fields.error ?? "an error");
    this.#trouble ??= { message, at: performance.now() };
    this.#host.noticed({ ...fields, type: "Error", message });
  }

  #tellMalformed(error) {
    if (this.#wasMalformed) return;
    this.#wasMalformed = true;
    const message = `the server sent what cannot be understood: ${error.message}`;
    this.#host.noticed({ type: "Error", code: "backend_misunderstood", message });
  }

  // The end

  #takeReceipt(fields) {
    const duration = isTime(fields.duration) ? toSamples(fields.duration) : 0;
    const processed = this.#session.map.place(duration, true);
    if (this.#stream.isCovered || processed >= this.#stream.head - MESSAGE / 2) this.#host.done(fields);
    else this.#host.unanswered();
  }

  /** A plain server cannot say that it has finished: it has when all is covered, or nothing has come for a while. */
  #seeWhetherPlainIsDone(now) {
    if (this.#finishedAt === null || this.#session.isV1) return;
    const { hasSpans } = this.#session;
    const patience = hasSpans ? this.#timing.drain : Math.min(this.#timing.quiet, this.#timing.drain);
    const isAnswered = hasSpans && this.#stream.isCovered;
    if (!isAnswered && now - this.#resultAt <= patience) return;
    if (!isAnswered && this.#stream.uncoveredSeconds) {
      const message = `the server has said nothing about the last ${this.#stream.uncoveredSeconds.toFixed(1)} s`;
      this.#host.noticed({ type: "Notice", code: "best_effort", message });
    }
    this.#host.done({});
  }

  // A watch over it

  /** Called a few times a second. */
  tick() {
    this.pump();
    const now = performance.now();
    const reason = this.#reasonToDrop(now);
    if (reason) this.#host.dropped(reason);
    else if (this.#finishedAt !== null) this.#seeWhetherPlainIsDone(now);
    else if (now - this.#sentAt >= this.#timing.keepAlive) {
      this.#sentAt = now;
      this.#command("KeepAlive");
    }
  }

  #reasonToDrop(now) {
    if (this.#trouble && now - this.#trouble.at > this.#timing.trouble) return this.#trouble.message;
    if (this.#isSendingStuck(now)) return "the server does not take the audio";
    if (!this.#session.isV1) return null; // it may have nothing to say about silence
    if (this.#finishedAt !== null) {
      return now - this.#resultAt > this.#timing.drain ? "nothing came after the end of the audio" : null;
    }
    return this.#isStalled(now) ? `no result for ${this.#timing.stall / 1_000} s` : null;
  }

  /** Results have stopped though there is audio to answer for; acknowledgements prove nothing. */
  #isStalled(now) {
    const { stall } = this.#timing;
    const most = Math.min((stall / 1_000) * SAMPLE_RATE, this.#stream.mostUncovered);
    const isSilent = now - Math.max(this.#resultAt, this.#resumedAt) > stall;
    return isSilent && this.#stream.cursor - this.#newest >= most;
  }

  #isSendingStuck(now) {
    const waiting = this.#socket.bufferedAmount;
    if (!waiting || waiting < this.#lastBuffered) this.#drainedAt = now;
    this.#lastBuffered = waiting;
    return now - this.#drainedAt > this.#timing.send;
  }
}

/** An object of a message. Throws SyntaxError or TypeError. */
export function parse(data) {
  const fields = JSON.parse(data);
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) throw new TypeError("it is no object");
  return fields;
}

/** Whether it is a result: a message without a type is one, unless it complains. */
function isResult(fields) {
  return fields.type === "Results" || (!fields.type && !(fields.error && fields.transcript == null));
}
