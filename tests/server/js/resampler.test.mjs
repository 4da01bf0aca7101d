/** The resampler keeps speech, stops what would be mistaken for it, and knows no borders of blocks. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Resampler } from "../../../voxcli/server/static/resampler.js";

const RATES = [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000];

function tone(hertz, rate, seconds = 0.48) {
  return Float32Array.from({ length: Math.round(rate * seconds) }, (_, n) =>
    Math.sin((2 * Math.PI * hertz * n) / rate),
  );
}

function resampled(samples, rate, block = samples.length) {
  const resampler = new Resampler(rate);
  const parts = [];
  for (let at = 0; at < samples.length; at += block) parts.push(resampler.push(samples.subarray(at, at + block)));
  parts.push(resampler.flush());
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

/** The greatest difference in the middle, where the beginning and the end of the tone are far. */
function difference(one, other) {
  const from = Math.round(one.length / 4);
  let most = 0;
  for (let n = from; n < 3 * from; n += 1) most = Math.max(most, Math.abs(one[n] - other[n]));
  return most;
}

for (const rate of RATES) {
  test(`tones of speech come through unchanged and in time from ${rate} Hz`, () => {
    for (const hertz of [100, 1_000, 3_000, 6_500].filter((each) => each < rate * 0.43)) {
      const heard = resampled(tone(hertz, rate), rate);
      assert.equal(heard.length, 7_680);
      assert.ok(
        difference(heard, tone(hertz, 16_000)) < 0.002,
        `${hertz} Hz: ${difference(heard, tone(hertz, 16_000))}`,
      );
    }
  });
}

for (const rate of RATES.filter((each) => each > 20_000)) {
  test(`what lies above 9 kHz is not heard from ${rate} Hz`, () => {
    for (const hertz of [9_100, 10_000, 15_000, 20_000].filter((each) => each < rate / 2)) {
      const heard = resampled(tone(hertz, rate), rate);
      const loudest = difference(heard, new Float32Array(heard.length));
      assert.ok(loudest < 10 ** (-75 / 20), `${hertz} Hz: ${20 * Math.log10(loudest)} dB`);
    }
  });
}

test("blocks of any size give the same samples", () => {
  for (const rate of [44_100, 48_000, 22_050]) {
    const noise = Float32Array.from({ length: 20_000 }, (_, n) => Math.sin(n * n * 0.37));
    const whole = resampled(noise, rate);
    for (const block of [1, 128, 441, 4_410, 7_777]) assert.deepEqual(resampled(noise, rate, block), whole);
  }
});

test("a constant stays what it is, and silence is silent", () => {
  const heard = resampled(new Float32Array(44_100).fill(0.5), 44_100);
  assert.ok(heard.subarray(200, -200).every((value) => Math.abs(value - 0.5) < 1e-5));
  assert.ok(resampled(new Float32Array(4_800), 48_000).every((value) => value === 0));
});

test("any length of input gives the length that belongs to it", () => {
  for (const rate of [44_100, 48_000, 8_000]) {
    for (const length of [0, 1, 2, 3, 100, 4_409, 4_411]) {
      assert.equal(resampled(new Float32Array(length), rate).length, Math.ceil((length * 16_000) / rate));
    }
  }
});

test("what is no sample rate is refused", () => {
  for (const rate of [0, -1, NaN, Infinity, 100]) assert.throws(() => new Resampler(rate), RangeError);
});
