/**
 * Streams audio to a voxcli server and tells what it hears, over as many connections as it takes.
 *
 *     const client = new TranscriptionClient("wss://example.org/ws/transcribe");
 *     client.onTranscript = (text, isFinal) => console.log(isFinal ? text : `(${text})`);
 *     await client.connect();
 *     client.sendAudio(samples); // linear16 or floats, 16 kHz, one channel
 *     await client.finish();
 *
 * Audio is kept until a final result covers it. After a drop the old session goes on, or a new one hears again what is
 * not covered and a second before it; words that were told already are left out by their place, never by their text.
 *
 * No dependencies: browsers, and Node from version 18 on where `options.WebSocket` is given.
 */

import { Exchange, parse } from "./exchange.js";
import { Link, Offers } from "./link.js";
import { SAMPLE_RATE, toLinear16, toSamples, toSeconds } from "./ring.js";
import { Stream } from "./stream.js";
import { statusOf, targetOf } from "./target.js";
import {
  TIMING,
  delayBefore,
  isSuccess,
  verdictOfClose,
  verdictOfProbe,
  verdictOfStatus,
  wordsOfClose,
  wordsOfStatus,
} from "./verdicts.js";

export { SAMPLE_RATE };

const MOST_UNANSWERED = 3; // ends of a stream that a server left unanswered
const MANY_ATTEMPTS = 4;
const TELL_GAPS_MS = 1_000;
const LEAST_BUFFER_SECONDS = 5;

/**
 * What no retry can mend. `code`: `token_refused`, `refused`, `unanswered`, `closed` or `misused`; `status`: the close
 * code or the HTTP status behind it, where there is one.
 */
export class TranscriptionError extends Error {
  constructor(code, message, status) {
    super(message);
    this.name = "TranscriptionError";
    this.code = code;
    this.status = status;
  }
}

export class TranscriptionClient {
  onTranscript = null;
  onState = null;
  onNotice = null;

  #WebSocket;
  #target;
  #token;
  #offers;
  #probes;
  #timing;
  #random;

  #stream;
  #state = "idle";
  #link = null;
  #connected = null;
  #finished = null;
  #room = null;
  #error = null;

  #wasOpen = false;
  #attempts = 0;
  #refusals = 0; // in a row, by a server that says that it is ready
  #unanswered = 0;
  #reconnects = 0;
  #retryTimer = null;
  #ticker = null;
  #gapsToldAt = 0;
  #seq = 0;
  #finals = 0;

  constructor(url, options = {}) {
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
    if (!this.#WebSocket) throw new TypeError("there is no WebSocket here: give one as options.WebSocket");
    const bufferSeconds = options.bufferSeconds ?? 120;
    if (!(bufferSeconds >= LEAST_BUFFER_SECONDS)) throw new RangeError("bufferSeconds is at least 5");
    this.#stream = new Stream(toSamples(bufferSeconds));
    this.#target = targetOf(url, options);
    this.#token = options.token || null;
    this.#offers = new Offers(this.#token);
    this.#probes = options.probe ?? true;
    this.#timing = { ...TIMING, ...options.timing };
    this.#random = options.random ?? Math.random;
  }

  get state() {
    return this.#state;
  }

  /** Seconds of audio given so far. */
  get audioSeconds() {
    return toSeconds(this.#stream.head);
  }

  /** Seconds up to the first audio that is neither covered by a final nor lost. */
  get coveredSeconds() {
    return toSeconds(Math.min(this.#stream.covered, this.#stream.head));
  }

  /** Seconds that no final can cover any more. */
  get lostSeconds() {
    return this.#stream.lostSeconds;
  }

  /** How often a connection was lost and had again. */
  get reconnects() {
    return this.#reconnects;
  }

  // What a page calls

  /** Resolves when the server is ready. Rejects with a TranscriptionError for what no retry can mend. */
  connect() {
    if (this.#connected) return this.#connected.promise;
    this.#connected = deferred();
    if (this.#isOver) {
      this.#connected.reject(this.#error);
    } else {
      const shortest = Math.min(...Object.values(this.#timing));
      this.#ticker = setInterval(() => this.#tick(), Math.min(Math.max(shortest, 10), 250));
      this.#change("connecting");
      this.#open();
    }
    return this.#connected.promise;
  }

  /**
   * Takes audio and sends it as soon as it may. A microphone ignores the promise; what can wait, as a file, awaits it
   * before it gives more. Throws TypeError, RangeError or, after `finish()`, a TranscriptionError.
   */
  sendAudio(chunk) {
    const samples = toLinear16(chunk);
    if (this.#isOver) return Promise.resolve();
    if (this.#finished) throw new TranscriptionError("misused", "no audio can be sent after finish()");
    if (samples.length > this.#stream.ring.capacity) {
      throw new RangeError("more audio at once than the buffer can hold: send shorter pieces and await each");
    }
    this.#stream.put(samples);
    this.#pump();
    if (this.#stream.hasRoom) return Promise.resolve();
    this.#room ??= deferred();
    return this.#room.promise;
  }

  /** Asks for a final over all audio given so far. */
  finalize() {
    this.#link?.exchange?.finalize();
  }

  /** No more audio comes. Resolves with Metadata after the last finals, when all audio is covered. */
  finish() {
    if (!this.#connected) return Promise.reject(new TranscriptionError("misused", "connect() comes before finish()"));
    if (this.#finished) return this.#finished.promise;
    this.#finished = deferred();
    if (this.#isOver) this.#finished.reject(this.#error);
    else this.#link?.exchange?.finish();
    return this.#finished.promise;
  }

  /** Ends at once. What is not covered stays so. */
  close() {
    if (!this.#isOver) this.#end("closed", new TranscriptionError("closed", "the client was closed"));
  }

  get #isOver() {
    return this.#state === "closed" || this.#state === "failed";
  }

  // Connections

  #open() {
    const session = this.#stream.session?.id ? this.#stream.session : null;
    const url = new URL(this.#target);
    if (session) {
      url.searchParams.set("session", session.id);
      url.searchParams.set("last_seq", session.lastSeq);
    }
    try {
      const socket = new this.#WebSocket(url.href, this.#offers.next);
      this.#link = new Link(socket, session, this.#handlers);
      this.#link.expect(this.#timing.connect, () => this.#drop("the server does not answer"));
    } catch (error) {
      if (this.#offers.isSendable) this.#fail(refusal("never", error.message));
      else this.#fail(refusal("denied", "a token with such characters cannot be sent with a WebSocket"));
    }
  }

  #handlers = {
    opened: (link) => this.#opened(link),
    heard: (link, data) => {
      if (link.exchange) link.exchange.heard(data);
      else this.#answered(link, data);
      this.#pump();
    },
    closed: (link, code, reason) => this.#closed(link, code, reason),
    refused: (link, code) => this.#refused(link, code),
  };

  #opened(link) {
    if (this.#offers.opened()) {
      this.#openAnew();
    } else if (link.isV1 && link.session) {
      link.expect(this.#timing.rejoin, () => this.#openAnew());
    } else {
      this.#stream.beginSession(link.isV1);
      this.#talk(link);
      if (!link.isV1) this.#ready({ plain: true });
    }
  }

  /** The first message on a connection that asked for an old session. */
  #answered(link, data) {
    link.settle();
    const fields = readyIn(data);
    if (!fields || (fields.resumed === true && !this.#stream.resumeSession(fields.received_samples))) {
      this.#openAnew();
      return;
    }
    if (fields.resumed !== true) this.#stream.beginSession(true);
    this.#talk(link);
    this.#ready(fields);
  }

  /** The server does not join the old session: a new one, at once. */
  #openAnew() {
    this.#detach();
    this.#forgetSession();
    this.#open();
  }

  #forgetSession() {
    if (this.#stream.session) this.#stream.session.id = null;
  }

  #talk(link) {
    link.exchange = new Exchange(link.socket, this.#stream, this.#timing, {
      ready: (fields) => this.#ready(fields),
      told: (result) => this.#tell(result),
      noticed: (fields) => this.#call(this.onNotice, fields),
      progressed: () => {
        this.#attempts = this.#unanswered = 0;
      },
      done: (metadata) => this.#done(metadata),
      unanswered: () => this.#leftUnanswered(),
      dropped: (reason) => this.#drop(reason),
    });
    if (this.#finished) link.exchange.finish();
  }

  /** The server has shown that it is there; `fields` are those of Ready, where that was what showed it. */
  #ready(fields) {
    if (fields.type === "Ready") this.#stream.session.id = sessionName(fields) ?? this.#stream.session.id;
    if (this.#state === "open") return;
    if (this.#wasOpen) this.#reconnects += 1;
    this.#wasOpen = true;
    this.#change("open", { ...fields, type: undefined, resumed: fields.resumed === true });
    this.#connected.resolve();
  }

  // The end of a connection, and the next

  #closed(link, code, reason) {
    const verdict = verdictOfClose(code);
    const message = link.exchange?.trouble || reason || wordsOfClose(code);
    if (verdict === "never" || verdict === "denied") {
      if (link.exchange) this.#fail(refusal(verdict, message, code));
      else this.#openAnew();
    } else if (code === 1000 && link.exchange?.isCleanEnd) {
      this.#done({});
    } else {
      this.#drop(message, { code, isLimited: verdict === "limited" });
    }
  }

  /** A connection that never opened. A browser is not told why, so the server is asked. */
  async #refused(link, code) {
    this.#detach();
    const status = link.status ?? (await this.#askedStatus());
    if (this.#isOver) return;
    if (!this.#wasOpen && link.status === null) this.#offers.refused();
    this.#refusals = isSuccess(status) ? this.#refusals + 1 : 0;
    if (this.#refusals > 1) this.#forgetSession(); // a server that is there may not like the session
    this.#judge(link.status === null ? verdictOfProbe(status) : verdictOfStatus(status), link, code, status);
  }

  #judge(verdict, link, code, status) {
    const isForGood = verdict === "never" || verdict === "denied";
    if (verdict === "never" && link.session) this.#openAnew();
    else if (isForGood) this.#fail(refusal(verdict, wordsOfStatus(status), status));
    else this.#retry(wordsOfStatus(status), { code, isLimited: verdict === "limited" });
  }

  #askedStatus() {
    const isWorthAsking = this.#probes && (!this.#wasOpen || this.#attempts >= MANY_ATTEMPTS);
    return isWorthAsking ? statusOf(this.#target, this.#token, this.#timing.probe) : null;
  }

  #drop(message, detail = {}) {
    if (this.#isOver) return;
    this.#detach();
    this.#retry(message, detail);
  }

  #retry(message, { code, isLimited = false } = {}) {
    const delay = delayBefore(this.#attempts, isLimited, this.#timing, this.#random());
    this.#attempts += 1;
    this.#retryTimer = setTimeout(() => this.#open(), delay);
    this.#change("reconnecting", { message, code, attempt: this.#attempts, delay: delay / 1_000 });
  }

  #detach(isPolite = false) {
    this.#link?.leave(isPolite);
    this.#link = null;
  }

  #leftUnanswered() {
    this.#unanswered += 1;
    const open = this.#stream.uncoveredSeconds.toFixed(1);
    if (this.#unanswered < MOST_UNANSWERED) {
      this.#forgetSession(); // it has ended
      this.#drop("the server finished before the end of the audio");
    } else {
      this.#fail(new TranscriptionError("unanswered", `the server has no answer to the last ${open} s`));
    }
  }

  // The end of it all

  #done(metadata) {
    if (this.#isOver) return;
    this.#stream.close();
    this.#tellGaps();
    this.#finished.resolve({ ...metadata, type: "Metadata", duration: this.audioSeconds, finals: this.#finals });
    this.#end("closed", new TranscriptionError("closed", "the client has finished"));
  }

  #fail(error) {
    if (!this.#isOver) this.#end("failed", error);
  }

  #end(state, error) {
    clearInterval(this.#ticker);
    clearTimeout(this.#retryTimer);
    this.#error = error;
    this.#state = state;
    this.#detach(true);
    this.#stream.leaveSession();
    this.#tellGaps();
    this.#connected?.reject(error);
    this.#finished?.reject(error);
    this.#letMoreCome();
    const { message, code: reason, status: code } = error;
    this.#change(state, { message, reason, code, uncoveredSeconds: this.#stream.uncoveredSeconds });
  }

  // Always

  #pump() {
    this.#link?.exchange?.pump();
    this.#link?.exchange?.makeRoom(this.#room !== null);
    if (this.#stream.hasRoom) this.#letMoreCome();
  }

  #letMoreCome() {
    this.#room?.resolve();
    this.#room = null;
  }

  #tick() {
    this.#link?.exchange?.tick();
    this.#pump();
    if (performance.now() - this.#gapsToldAt >= TELL_GAPS_MS) this.#tellGaps();
  }

  /** A gap that grows is told piece by piece, about once a second, and always before a final behind it. */
  #tellGaps() {
    this.#gapsToldAt = performance.now();
    for (const gap of this.#stream.gaps()) this.#call(this.onNotice, gap);
  }

  #tell(result) {
    if (this.#isOver) return; // a callback has ended it
    if (result.is_final) {
      this.#tellGaps();
      this.#finals += 1;
    }
    this.#seq += 1;
    const told = withoutUndefined({ ...result, seq: this.#seq });
    this.#call(this.onTranscript, told.transcript, told.is_final, told);
  }

  #change(state, detail = {}) {
    this.#state = state;
    this.#call(this.onState, state, withoutUndefined(detail));
  }

  /** What a callback throws is the page's own error; nothing stops here because of it. */
  #call(callback, ...values) {
    if (!callback) return;
    try {
      callback.call(this, ...values);
    } catch (error) {
      if (globalThis.reportError) globalThis.reportError(error);
      else setTimeout(() => Promise.reject(error));
    }
  }
}

function readyIn(data) {
  try {
    const fields = parse(data);
    return fields.type === "Ready" ? fields : null;
  } catch {
    return null; // no answer to what was asked: the connection is made anew
  }
}

function sessionName(fields) {
  return typeof fields.session === "string" && fields.session ? fields.session : null;
}

function refusal(verdict, message, status) {
  return new TranscriptionError(verdict === "denied" ? "token_refused" : "refused", message, status);
}

function withoutUndefined(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** A promise with its handles. The state is told in any case, so nobody has to wait for it. */
function deferred() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  made.promise.catch(() => {});
  return made;
}
