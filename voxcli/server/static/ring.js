/** The one queue of audio: linear16 at 16 kHz, one channel, addressed by the absolute index of a sample. Pure. */

export const SAMPLE_RATE = 16_000;

export const toSamples = (seconds) => Math.round(seconds * SAMPLE_RATE);
export const toSeconds = (samples) => Math.round((samples / SAMPLE_RATE) * 1e6) / 1e6;

/** Samples from `tail` up to, not including, `head`; never more than `capacity`. Memory is held for what is kept. */
export class Ring {
  #data;
  #first = 0;

  constructor(capacity) {
    this.capacity = capacity;
    this.tail = 0;
    this.length = 0;
    this.#data = new Int16Array(Math.min(capacity, SAMPLE_RATE));
  }

  get head() {
    return this.tail + this.length;
  }

  get free() {
    return this.capacity - this.length;
  }

  /** Adds samples at the head, at most `capacity`. Returns the span `[start, end]` lost to make room, or null. */
  put(samples) {
    const start = this.tail;
    this.trim(this.head + samples.length - this.capacity);
    this.#grow(this.length + samples.length);
    const at = (this.#first + this.length) % this.#data.length;
    const fits = Math.min(samples.length, this.#data.length - at);
    this.#data.set(samples.subarray(0, fits), at);
    this.#data.set(samples.subarray(fits), 0);
    this.length += samples.length;
    return this.tail > start ? [start, this.tail] : null;
  }

  /** A copy of up to `count` samples from `start` on, which is not before the tail; fewer at the head. */
  read(start, count) {
    const copy = new Int16Array(Math.max(0, Math.min(count, this.head - start)));
    const at = (this.#first + start - this.tail) % this.#data.length;
    const fits = Math.min(copy.length, this.#data.length - at);
    copy.set(this.#data.subarray(at, at + fits));
    copy.set(this.#data.subarray(0, copy.length - fits), fits);
    return copy;
  }

  /** Forgets what is before sample `upto`, at most up to the head. */
  trim(upto) {
    const count = Math.min(Math.max(upto - this.tail, 0), this.length);
    this.#first = (this.#first + count) % this.#data.length;
    this.tail += count;
    this.length -= count;
  }

  #grow(length) {
    if (length <= this.#data.length) return;
    const data = new Int16Array(Math.min(this.capacity, Math.max(length, 2 * this.#data.length)));
    data.set(this.read(this.tail, this.length));
    this.#data = data;
    this.#first = 0;
  }
}

/** A chunk as linear16. Throws TypeError for what is no audio, RangeError for half a sample. */
export function toLinear16(chunk) {
  if (chunk instanceof Int16Array) return chunk;
  if (chunk instanceof Float32Array) return Int16Array.from(chunk, floatToLinear16);
  if (!(chunk instanceof ArrayBuffer || chunk instanceof Uint8Array || chunk instanceof DataView)) {
    throw new TypeError("audio is an ArrayBuffer, an Int16Array or a Float32Array");
  }
  if (chunk.byteLength % 2) throw new RangeError("half a sample: linear16 has two bytes for each");
  if (chunk instanceof ArrayBuffer) return new Int16Array(chunk);
  return new Int16Array(chunk.buffer.slice(chunk.byteOffset, chunk.byteOffset + chunk.byteLength));
}

/** -1 to 1; what is beyond is clipped, what is no number is silence. */
function floatToLinear16(value) {
  return Math.max(-32_768, Math.min(32_767, Math.round(value * 32_768)));
}
