/** What is kept, covered, lost and told, without a network: random cuts of sessions against a plain count. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Account, Coverage } from "../../../voxcli/server/static/coverage.js";
import { Ring, toLinear16 } from "../../../voxcli/server/static/ring.js";
import { SampleMap, Session } from "../../../voxcli/server/static/session.js";
import { Losses, Stream } from "../../../voxcli/server/static/stream.js";
import {
  delayBefore,
  verdictOfClose,
  verdictOfProbe,
  verdictOfStatus,
} from "../../../voxcli/server/static/verdicts.js";
import { targetOf } from "../../../voxcli/server/static/target.js";

/** The same numbers for the same seed (mulberry32). */
function chance(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let value = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

function whole(random, most) {
  return Math.floor(random() * (most + 1));
}

const word = (text, start, end) => ({ word: text, start, end, confidence: 1 });

function final(start, duration, words = []) {
  const transcript = words.map((each) => each.word).join(" ");
  return { type: "Results", transcript, is_final: true, speech_final: false, start, duration, words };
}

test("a ring gives back what was put, and says what it lost", () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const random = chance(seed);
    const ring = new Ring(100 + whole(random, 40_000));
    let head = 0;
    for (let step = 0; step < 60; step += 1) {
      const samples = Int16Array.from({ length: whole(random, ring.capacity) }, (_, n) => (head + n) % 30_000);
      const before = ring.tail;
      const lost = ring.put(samples);
      head += samples.length;
      assert.equal(ring.head, head);
      assert.deepEqual(lost, ring.tail > before ? [before, ring.tail] : null);
      assert.equal(ring.free, ring.capacity - (head - ring.tail));
      const start = ring.tail + whole(random, ring.length);
      const read = ring.read(start, whole(random, 5_000));
      assert.ok(read.every((value, n) => value === (start + n) % 30_000));
      if (random() < 0.5) ring.trim(ring.tail + whole(random, ring.length));
    }
  }
});

test("a ring holds no more memory than is needed, and never more than its capacity", () => {
  const ring = new Ring(120 * 16_000);
  for (let second = 0; second < 600; second += 1) {
    ring.put(new Int16Array(16_000));
    ring.trim(ring.head - 24_000);
  }
  assert.equal(ring.length, 24_000);
  for (let second = 0; second < 600; second += 1) ring.put(new Int16Array(16_000));
  assert.equal(ring.length, ring.capacity);
});

test("coverage counts as a set of samples would", () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const random = chance(seed);
    const coverage = new Coverage();
    const known = new Set();
    for (let step = 0; step < 12; step += 1) {
      const [start, end] = [whole(random, 60), whole(random, 60)];
      coverage.add(start, end);
      for (let sample = start; sample < end; sample += 1) known.add(sample);
      for (let sample = 0; sample < 62; sample += 1) assert.equal(coverage.covers(sample), known.has(sample));
      const parts = coverage.uncovered(5, 50).flatMap(([a, b]) => Array.from({ length: b - a }, (_, n) => a + n));
      assert.deepEqual(
        parts,
        Array.from({ length: 45 }, (_, n) => n + 5).filter((sample) => !known.has(sample)),
      );
      assert.equal(coverage.within(5, 50), 45 - parts.length);
      let first = 0;
      while (known.has(first)) first += 1;
      assert.equal(coverage.firstUncovered, first);
    }
  }
});

test("spans that are nearly neighbours are one", () => {
  const coverage = new Coverage(800);
  coverage.add(500, 16_000);
  coverage.add(16_800, 32_000);
  coverage.add(40_000, 48_000);
  assert.deepEqual(coverage.spans, [
    [500, 32_000],
    [40_000, 48_000],
  ]);
  assert.equal(coverage.firstUncovered, 32_000);
});

test("places of a session are places of the stream, over jumps and truncations", () => {
  const map = new SampleMap(1_000);
  map.add(1_000, 500);
  map.add(9_000, 500);
  assert.equal(map.place(499), 1_499);
  assert.equal(map.place(500, true), 1_500);
  assert.equal(map.place(500), 9_000);
  assert.equal(map.place(5_000), 9_500, "what was not sent is taken for the last");
  assert.deepEqual(map.sent.spans, [
    [1_000, 1_500],
    [9_000, 9_500],
  ]);
  map.truncate(300);
  assert.equal(map.place(map.length), 1_300);
  map.add(1_300, 100);
  assert.deepEqual(map.sent.spans, [[1_000, 1_400]]);
});

test("words in audio that is known are not told again, whatever they are", () => {
  const account = new Account();
  account.add(final(0, 2, [word("one", 0.2, 0.6), word("two", 1.2, 1.6)]));
  const again = final(1, 2, [word("two", 1.21, 1.59), word("two", 2.2, 2.6)]);
  const news = account.news(again);
  assert.equal(news.transcript, "two");
  assert.deepEqual(news.words, [word("two", 2.2, 2.6)]);
  assert.deepEqual([news.start, news.duration], [2, 1]);
  assert.equal(account.news(final(0, 2, [word("one", 0.2, 0.6)])), null);
});

test("a word across the edge of what is known is held against the words that were told", () => {
  const cutOff = new Account();
  cutOff.add(final(0, 2, [word("har", 1.7, 2)]));
  assert.equal(cutOff.news(final(1, 2, [word("harbour", 1.7, 2.3)])).transcript, "");
  const unheard = new Account();
  unheard.add(final(0, 2, [word("the", 1.2, 1.5)]));
  assert.equal(unheard.news(final(1, 2, [word("harbour", 1.6, 2.1)])).transcript, "harbour");
});

test("a result without word times is told unless its middle is known", () => {
  const account = new Account();
  account.add(final(0, 2, [word("one", 0.2, 0.6)]));
  const bare = { ...final(1.5, 2), words: undefined, transcript: "two three" };
  assert.equal(account.news(bare).transcript, "two three");
  assert.equal(account.news({ ...bare, start: 0.5, duration: 1.9 }).transcript, "");
});

test("finals that come twice or out of order are told once", () => {
  const session = new Session(0, new Account(), true);
  session.map.add(0, 160_000);
  const told = [];
  for (const seq of [1, 3, 2, 2, 3, 4]) {
    const placed = session.read({ ...final(seq - 1, 1, [word(`w${seq}`, seq - 0.8, seq - 0.2)]), seq });
    if (!placed) continue;
    told.push(session.news(placed).transcript);
    session.cover(placed);
  }
  assert.deepEqual(told, ["w1", "w3", "w2", "w4"]);
  assert.equal(session.lastSeq, 4);
});

test("an old hole in a healthy session is audio in which nothing was found", () => {
  const session = new Session(0, new Account(), true);
  session.map.add(0, 30 * 16_000);
  assert.deepEqual(session.cover(session.read(final(0, 2))), [[0, 32_000]]);
  assert.deepEqual(session.cover(session.read(final(8, 4))), [[128_000, 192_000]]);
  assert.deepEqual(session.cover(session.read(final(12, 10)))[0], [32_000, 128_000]);
});

test("results without times cover what was sent before them", () => {
  const session = new Session(0, new Account(), false);
  session.map.add(0, 32_000);
  const placed = session.read({ transcript: "one", is_final: true });
  assert.deepEqual([placed.start, placed.duration, session.hasSpans], [0, 2, false]);
  session.map.add(32_000, 16_000);
  assert.deepEqual([session.read({ transcript: "", is_final: true }).start], [2]);
});

test("what cannot be relied on is refused or left out", () => {
  const session = new Session(0, new Account(), true);
  session.map.add(0, 160_000);
  for (const odd of [
    {},
    { transcript: 5 },
    { transcript: "a", start: -1, duration: 1 },
    { transcript: "a", start: "0", duration: 1 },
  ]) {
    assert.throws(() => session.read(odd), TypeError);
  }
  const kept = session.read({ ...final(0, 1), transcript: "a b", words: [{ word: "a" }], confidence: "high" });
  assert.deepEqual([kept.transcript, kept.words, kept.confidence], ["a b", undefined, undefined]);
});

test("dropped audio that a living session has may still be covered; the rest is a gap at once", () => {
  const settled = new Coverage(800);
  const losses = new Losses(settled);
  const sent = new Coverage(0, [[0, 16_000]]);
  losses.dropped([0, 32_000], sent);
  assert.deepEqual(losses.gaps(), [{ type: "Gap", start: 1, end: 2, reason: "ring_overflow" }]);
  settled.add(0, 8_000);
  losses.review(new Coverage());
  assert.deepEqual(losses.gaps(), [{ type: "Gap", start: 0.5, end: 1, reason: "ring_overflow" }]);
  assert.deepEqual([losses.samples, losses.gaps()], [24_000, []]);
});

test("a stream is told whole over any cuts of sessions that say where words are", () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const told = toldOverCuts(chance(seed));
    assert.deepEqual(
      told,
      Array.from({ length: told.length }, (_, n) => `w${n}`),
      `seed ${seed}`,
    );
    assert.equal(told.length, 80, `seed ${seed}`);
  }
});

/** Forty seconds with two words each through sessions that end anywhere, some after a final, some resumed. */
function toldOverCuts(random) {
  const stream = new Stream(20 * 16_000);
  const told = [];
  let heard = 0; // samples of the session that the server has
  let covered = 0;
  const wordsBetween = (first, behind) => {
    const inside = Array.from({ length: 80 }, (_, n) => ({ n, middle: (n + 0.5) * 8_000 }));
    return inside.filter(({ middle }) => first <= middle && middle < behind);
  };
  while (!(stream.head >= 640_000 && stream.isCovered)) {
    if (!stream.session || random() < 0.15) {
      const received = whole(random, Math.max(0, heard - covered)) + covered;
      if (stream.session && random() < 0.4 && stream.resumeSession(received)) {
        heard = received;
      } else {
        stream.beginSession(true);
        heard = covered = 0;
      }
    }
    if (stream.head < 640_000) stream.put(new Int16Array(1_600));
    while (stream.cursor < stream.head && random() < 0.9) heard += stream.take(1_600).length;
    if (random() < 0.3 && heard > covered) {
      const end = covered + 1 + whole(random, heard - covered - 1);
      const { map } = stream.session;
      const base = map.place(0);
      const words = wordsBetween(map.place(covered), map.place(end, true)).map(({ n, middle }) => {
        return word(`w${n}`, Math.max(0, (middle - 3_200 - base) / 16_000), (middle + 3_200 - base) / 16_000);
      });
      const placed = stream.session.read(final(covered / 16_000, (end - covered) / 16_000, words));
      const news = stream.session.news(placed);
      stream.cover(placed);
      told.push(...(news?.words ?? []).map((each) => each.word));
      covered = end;
    }
  }
  return told;
}

test("chunks become linear16, and what is none is refused", () => {
  assert.deepEqual(
    [...toLinear16(Float32Array.of(0, 0.5, -1, 1, 2, -2, NaN))],
    [0, 16_384, -32_768, 32_767, 32_767, -32_768, 0],
  );
  assert.deepEqual([...toLinear16(Uint8Array.of(9, 1, 2, 3, 4).subarray(1))], [0x0201, 0x0403]);
  assert.deepEqual([...toLinear16(Int16Array.of(1, -2).buffer)], [1, -2]);
  assert.throws(() => toLinear16(new ArrayBuffer(3)), RangeError);
  for (const odd of ["text", [1, 2], null, undefined, 5]) assert.throws(() => toLinear16(odd), TypeError);
});

test("an ended connection is judged by its code", () => {
  const verdicts = { again: [1000, 1001, 1005, 1006, 1011, 1012, 4408, 4500, undefined], limited: [1013, 4429] };
  verdicts.never = [1002, 1003, 1007, 1008, 1009, 4400, 4404, 4409, 4499];
  verdicts.denied = [4401, 4402, 4403];
  for (const [verdict, codes] of Object.entries(verdicts)) {
    for (const code of codes) assert.equal(verdictOfClose(code), verdict, `${code}`);
  }
  const byStatus = { again: [408, 425, 500, 502, 503, 504], never: [400, 404, 426, 501, 505], denied: [401, 403] };
  for (const [verdict, statuses] of Object.entries(byStatus)) {
    for (const status of statuses) assert.equal(verdictOfStatus(status), verdict, `${status}`);
  }
  assert.deepEqual([null, 200, 404, 401, 429].map(verdictOfProbe), ["again", "again", "again", "denied", "limited"]);
});

test("delays double up to five seconds, with chance in them", () => {
  const timing = { backoff: 100, limited: 1_000, mostBackoff: 5_000 };
  assert.deepEqual(
    [0, 1, 2, 6, 99].map((n) => delayBefore(n, false, timing, 0.5)),
    [100, 200, 400, 5_000, 5_000],
  );
  assert.deepEqual(
    [0, 1, 9].map((n) => delayBefore(n, true, timing, 0.5)),
    [1_000, 2_000, 5_000],
  );
  assert.deepEqual(
    [0, 0.999].map((n) => Math.round(delayBefore(0, false, timing, n))),
    [80, 120],
  );
});

test("an address is asked for what is wanted of it, and for no token", () => {
  const plain = targetOf("https://example.org/prefix/ws/transcribe#top", { language: "ko", token: "s3cret" });
  assert.equal(
    plain.href,
    "wss://example.org/prefix/ws/transcribe?encoding=linear16&sample_rate=16000&channels=1&language=ko&interim_results=true",
  );
  const own = targetOf("ws://localhost:1/ws/transcribe?language=de&x=1", {
    language: "ko",
    parameters: { diarize: true },
  });
  assert.equal(own.searchParams.get("language"), "de");
  assert.equal(own.searchParams.get("diarize"), "true");
});
