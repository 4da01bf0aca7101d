/** The microphone as 16 kHz samples, one channel, in blocks of a tenth of a second. */

import { Resampler } from "./resampler.js";
import { SAMPLE_RATE } from "./ring.js";

const LAST_BLOCK_MS = 500;
const SILENT_SECONDS = 3;

/** What is heard shall be what was said: each of these would change it. */
const AS_IT_IS = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

export class Microphone {
  /** `onBlock(samples)`; if wanted `onLost()` when it goes away, `onMuted()` when there is nothing but zeros. */
  constructor({ onBlock, onLost, onMuted }) {
    this.onBlock = onBlock;
    this.onLost = onLost;
    this.onMuted = onMuted;
    this.zeros = 0;
    this.isStopped = false;
  }

  /** Asks for it and begins. Throws a DOMException as getUserMedia does; InsecureError, UnsupportedError, LoadError. */
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) throw noMediaDevices();
    this.media = await navigator.mediaDevices.getUserMedia({ audio: AS_IT_IS });
    try {
      if (!this.isStopped) await this.#listen();
    } catch (error) {
      this.#release();
      throw error;
    }
    if (this.isStopped) this.#release(); // while the browser was still asking
  }

  /** Ends, with the last block. */
  async stop() {
    if (this.isStopped) return;
    this.isStopped = true;
    await this.#lastBlock();
    if (this.resampler) this.#give(this.resampler.flush());
    this.#release();
  }

  async #listen() {
    const source = this.#open();
    await this.#loadWorklet();
    this.node = new AudioWorkletNode(this.context, "capture", { numberOfInputs: 1, numberOfOutputs: 1 });
    this.node.port.onmessage = ({ data }) => this.#take(data);
    source.connect(this.node);
    this.node.connect(this.context.destination); // it plays nothing; without this some browsers do not run it
    const [track] = this.media.getAudioTracks();
    track.onended = () => this.isStopped || this.onLost?.();
    await this.context.resume();
  }

  async #loadWorklet() {
    try {
      await this.context.audioWorklet.addModule(new URL("capture-worklet.js", import.meta.url));
    } catch (error) {
      throw Object.assign(new Error(error.message), { name: "LoadError" }); // the server is gone since the page came
    }
  }

  /** At 16 kHz, or where a browser cannot have the microphone at that rate, at its own. */
  #open() {
    try {
      this.context = new AudioContext({ sampleRate: SAMPLE_RATE });
      return this.context.createMediaStreamSource(this.media);
    } catch {
      this.context?.close();
      this.context = new AudioContext();
      if (this.context.sampleRate !== SAMPLE_RATE) this.resampler = new Resampler(this.context.sampleRate);
      return this.context.createMediaStreamSource(this.media);
    }
  }

  #take(block) {
    if (block === null) this.ended?.();
    else this.#give(this.resampler ? this.resampler.push(block) : block);
  }

  #give(samples) {
    if (!samples.length) return;
    this.#watchForZeros(samples);
    this.onBlock(samples);
  }

  #watchForZeros(samples) {
    const before = this.zeros;
    this.zeros = samples.every((value) => value === 0) ? before + samples.length : 0;
    const limit = SILENT_SECONDS * SAMPLE_RATE;
    if (before < limit && this.zeros >= limit) this.onMuted?.();
  }

  #lastBlock() {
    if (!this.node) return Promise.resolve();
    return new Promise((resolve) => {
      this.ended = resolve;
      setTimeout(resolve, LAST_BLOCK_MS);
      this.node.port.postMessage(null);
    });
  }

  #release() {
    for (const track of this.media?.getTracks() ?? []) track.stop();
    if (this.node) this.node.port.onmessage = null;
    if (this.context && this.context.state !== "closed") this.context.close();
  }
}

function noMediaDevices() {
  const error = new Error("this page may not use a microphone");
  error.name = isSecureContext ? "UnsupportedError" : "InsecureError";
  return error;
}
