/** One source on its way through a client: a microphone until it is stopped, or a recording from end to end. */

import { decode } from "./recording.js";
import { Microphone } from "./microphone.js";
import { SAMPLE_RATE } from "./ring.js";
import { TranscriptionClient } from "./transcription-client.js";

const PIECE = SAMPLE_RATE / 10;
export const KEPT_SECONDS = 120;

/**
 * `told` is what happens: `begun()`, `recording(samples)` of a file, `state(state, detail)`, `result(result)`,
 * `notice(notice)`, `heard(samples)`, `progress()`, `muted()`, `lost()` and, once, `ended(summary)`.
 */
export class Run {
  #client;
  #told;
  #microphone = null;
  #finals = 0;
  #seq = 0;
  #reason = "interrupted";
  #backend = "server";
  #isConnected = false;
  #isFinishing = false;
  #hasEnded = false;

  constructor(source, url, settings, told) {
    this.source = source;
    this.seconds = null; // of a recording
    this.#told = told;
    const options = { token: settings.token, language: settings.language, bufferSeconds: KEPT_SECONDS };
    this.#client = new TranscriptionClient(url, options);
    this.#client.onState = (state, detail) => this.#state(state, detail);
    this.#client.onTranscript = (text, isFinal, result) => this.#result(isFinal, result);
    this.#client.onNotice = (notice) => told.notice({ ...notice, source });
  }

  get isFinishing() {
    return this.#isFinishing;
  }

  /** Seconds of audio given, and how many of them have their final words. */
  get progress() {
    return { given: this.#client.audioSeconds, covered: this.#client.coveredSeconds };
  }

  /** Whether there is a stream: before it, nothing but a question has been asked. */
  get hasBegun() {
    return this.#isConnected;
  }

  /** Throws what a microphone throws; then nothing has begun. */
  async listen() {
    this.#microphone = new Microphone({
      onBlock: (samples) => this.#give(samples),
      onMuted: () => this.#told.muted(),
      onLost: () => this.#lost(),
    });
    await this.#microphone.start();
    if (!this.#hasEnded) this.#connect(); // it may have while the browser was still asking
  }

  /** Throws what decoding throws; then nothing has begun. Returns when all was sent. */
  async read(file) {
    const samples = await decode(file);
    if (this.#hasEnded) return;
    this.seconds = samples.length / SAMPLE_RATE;
    this.#told.recording(samples);
    this.#connect();
    for (let at = 0; at < samples.length && !this.#isFinishing && !this.#hasEnded; at += PIECE) {
      await this.#client.sendAudio(samples.subarray(at, at + PIECE));
      if (!this.#hasEnded) this.#told.progress();
    }
    if (!this.#isFinishing && !this.#hasEnded) {
      this.#reason = "end_of_source";
      this.#finish();
    }
  }

  /** No more audio; the last words come. The second time, and wherever nothing more can come, at once. */
  async stop() {
    if (this.#isFinishing || !this.#isConnected) {
      this.#client.close();
      return;
    }
    this.#isFinishing = true;
    await this.#microphone?.stop();
    this.#finish();
  }

  /** The last interim as a final that no final has confirmed. */
  promote(text) {
    const { given, covered } = this.progress;
    const result = { type: "Results", seq: this.#seq + 1, transcript: text, is_final: true, speech_final: true };
    return { ...result, start: covered, duration: given - covered, channel: 0, backend: this.#backend, promoted: true };
  }

  #connect() {
    this.#isConnected = true;
    this.#told.begun();
    this.#client.connect().catch(() => {}); // the state says it
  }

  #give(samples) {
    if (this.#hasEnded) return;
    this.#client.sendAudio(samples);
    this.#told.heard(samples);
    this.#told.progress();
  }

  #finish() {
    this.#isFinishing = true;
    if (this.#hasEnded) return;
    this.#told.state("finishing", {});
    this.#client.finish().catch(() => {}); // the state says it
  }

  #lost() {
    this.#reason = "device_lost";
    this.#told.lost();
    this.stop();
  }

  #result(isFinal, result) {
    if (isFinal) this.#finals += 1;
    this.#seq = result.seq;
    this.#told.result({ ...result, channel: result.channel ?? 0, backend: result.backend ?? this.#backend });
    this.#told.progress();
  }

  #state(state, detail) {
    if (state === "open" && detail.backend) this.#backend = detail.backend;
    const isEnd = state === "closed" || state === "failed";
    if (state === "failed") this.#reason = "error";
    this.#told.state(state === "open" && this.#isFinishing ? "finishing" : state, detail);
    if (isEnd) this.#end();
  }

  #end() {
    this.#hasEnded = true;
    this.#microphone?.stop();
    const client = this.#client;
    this.#told.ended({
      type: "Summary",
      source: this.source,
      audio_seconds: client.audioSeconds,
      covered_seconds: client.coveredSeconds,
      lost_seconds: client.lostSeconds,
      finals: this.#finals,
      reconnects: client.reconnects,
      failovers: 0,
      stop_reason: this.#reason,
    });
  }
}
