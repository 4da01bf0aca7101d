/** Any sample rate to 16 kHz, as a stream: a windowed sinc in as many phases as the two rates need. Pure. */

import { SAMPLE_RATE } from "./ring.js";

const ATTENUATION_DB = 80;
const PASSED = 0.875; // of the lower of both bands: 7 kHz of 8, and what lies above 9 is gone
const STOPPED = 1.125;

/**
 * `push` takes samples and gives those that are due; `flush` gives the rest. Sample n of the output is at the same time
 * as sample n * rate / 16,000 of the input, whatever the sizes of the blocks: nothing is heard at their borders.
 */
export class Resampler {
  #up;
  #down;
  #phases;
  #taps;
  #kept; // input that the next output still needs, and half a filter of silence before the first sample
  #next = 0; // the next output, in steps of 1/up of an input sample from the start of what is kept
  #taken = 0;
  #given = 0;

  /** `rate`: samples a second of the input. */
  constructor(rate) {
    if (!(rate >= 3_000 && rate <= 768_000)) throw new RangeError(`a sample rate of ${rate} is none`);
    const whole = Math.round(rate);
    const common = greatestCommonDivisor(whole, SAMPLE_RATE);
    this.#up = SAMPLE_RATE / common;
    this.#down = whole / common;
    const half = halfLength(whole);
    this.#taps = 2 * half;
    this.#phases = filterPhases(whole, this.#up, half);
    this.#kept = new Float32Array(half - 1);
  }

  push(samples) {
    this.#taken += samples.length;
    const input = new Float32Array(this.#kept.length + samples.length);
    input.set(this.#kept);
    input.set(samples, this.#kept.length);
    const output = this.#convolve(input);
    const done = Math.min(Math.floor(this.#next / this.#up), input.length);
    this.#kept = input.slice(done);
    this.#next -= done * this.#up;
    this.#given += output.length;
    return output;
  }

  /** The end of the stream: as many samples in all as its length asks for. */
  flush() {
    const due = Math.ceil((this.#taken * this.#up) / this.#down) - this.#given;
    const output = this.push(new Float32Array(this.#taps));
    return output.subarray(0, Math.max(0, due));
  }

  #convolve(input) {
    const count = Math.max(0, Math.ceil(((input.length - this.#taps + 1) * this.#up - this.#next) / this.#down));
    const output = new Float32Array(count);
    for (let index = 0; index < count; index += 1) {
      const first = Math.floor(this.#next / this.#up);
      const filter = this.#phases[this.#next % this.#up];
      let sum = 0;
      for (let tap = 0; tap < this.#taps; tap += 1) sum += input[first + tap] * filter[tap];
      output[index] = sum;
      this.#next += this.#down;
    }
    return output;
  }
}

/** Input samples on either side of an output sample: the longer the filter, the steeper its edge. */
function halfLength(rate) {
  const edge = ((STOPPED - PASSED) * Math.min(rate, SAMPLE_RATE)) / 2 / rate;
  return Math.ceil((ATTENUATION_DB - 7.95) / (14.36 * edge) / 2);
}

/** For each place between two input samples, the weights of the samples around it. */
function filterPhases(rate, up, half) {
  const cutoff = Math.min(1, SAMPLE_RATE / rate);
  const beta = 0.1102 * (ATTENUATION_DB - 8.7);
  return Array.from({ length: up }, (_, phase) => {
    const weights = Float64Array.from({ length: 2 * half }, (__, tap) => {
      const distance = tap - (half - 1) - phase / up;
      return sinc(distance * cutoff) * kaiser(distance / half, beta);
    });
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum); // silence stays silence, and a constant what it is
  });
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The Kaiser window at `x` from -1 to 1. */
function kaiser(x, beta) {
  return Math.abs(x) > 1 ? 0 : besselI0(beta * Math.sqrt(1 - x * x)) / besselI0(beta);
}

function besselI0(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
