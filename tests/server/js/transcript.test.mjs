/** Results become utterances, text, lines of JSON and subtitles. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Transcript, asJsonLines, asSrt, asText, clock } from "../../../voxcli/server/static/transcript.js";

function spoken(text, start, each = 0.4, more = {}) {
  const words = text
    .split(" ")
    .map((word, n) => ({ word, start: start + n * each, end: start + (n + 0.8) * each, confidence: 1 }));
  return final(text, start, words.length * each, { words, ...more });
}

function final(transcript, start, duration, more = {}) {
  return {
    type: "Results",
    seq: 1,
    transcript,
    is_final: true,
    speech_final: false,
    start,
    duration,
    channel: 0,
    ...more,
  };
}

function transcriptOf(...finals) {
  const transcript = new Transcript();
  transcript.begin({ type: "Session" });
  for (const each of finals) transcript.add(each);
  return transcript;
}

function cuesIn(srt) {
  return srt
    .trim()
    .split("\n\n")
    .map((block) => {
      const [number, times, ...lines] = block.split("\n");
      const [start, end] = times.split(" --> ").map((time) => {
        const [hours, minutes, seconds, rest] = time.split(/[:,]/).map(Number);
        return ((hours * 60 + minutes) * 60 + seconds) * 1_000 + rest;
      });
      return { number: Number(number), start, end, lines };
    });
}

test("an utterance goes on until its speaker has come to an end", () => {
  const transcript = transcriptOf(
    spoken("one two", 0),
    spoken("three", 1, 0.4, { speech_final: true }),
    final("", 2, 1),
    spoken("four", 3),
  );
  assert.equal(asText(transcript), "one two three\nfour\n");
  assert.deepEqual(
    transcript.utterances.map(({ isOpen }) => isOpen),
    [false, true],
  );
});

test("three seconds without words end it, too, and so does audio that was lost", () => {
  const transcript = transcriptOf(spoken("one", 0), final("", 0.5, 4), spoken("two", 4.5), spoken("three", 5));
  transcript.addGap({ type: "Gap", start: 6, end: 7 });
  transcript.add(spoken("four", 7));
  assert.equal(asText(transcript), "one\ntwo three\nfour\n");
});

test("a second source follows the first one in the text and the subtitles, not in the lines of JSON", () => {
  const transcript = transcriptOf(spoken("one", 0));
  transcript.end({ type: "Summary", audio_seconds: 10 });
  transcript.begin({ type: "Session" });
  transcript.add(spoken("two", 1));
  assert.deepEqual(
    cuesIn(asSrt(transcript)).map(({ start }) => start),
    [0, 11_000],
  );
  const lines = asJsonLines(transcript)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ type }) => type),
    ["Session", "Results", "Summary", "Session", "Results"],
  );
  assert.equal(lines[4].start, 1);
});

test("subtitles have two lines of 42 characters, do not overlap, and say every word once", () => {
  const vocabulary = [
    "a",
    "boat",
    "harbour",
    "Donaudampfschifffahrtsgesellschaft",
    "안녕하세요",
    "x".repeat(130),
    "it's",
  ];
  let seed = 7;
  const next = (most) => (seed = (seed * 16_807) % 2_147_483_647) % most;
  for (let run = 0; run < 60; run += 1) {
    let at = next(100) / 10;
    const finals = Array.from({ length: 12 }, () => {
      const text = Array.from({ length: 1 + next(40) }, () => vocabulary[next(vocabulary.length)]).join(" ");
      const said = spoken(text, at, 0.05 + next(60) / 100, { speech_final: next(3) === 0 });
      at += said.duration + next(40) / 10 - (next(2) ? 0.3 : 0); // what overlaps in the results, too
      return said;
    });
    const cues = cuesIn(asSrt(transcriptOf(...finals)));
    cues.forEach(({ number, start, end, lines }, index) => {
      assert.equal(number, index + 1);
      assert.ok(start < end, `cue ${number} of run ${run}`);
      assert.ok(index === 0 || cues[index - 1].end <= start, `cue ${number} of run ${run} overlaps`);
      assert.ok(lines.length <= 2 && lines.every((line) => [...line].length <= 42), lines.join("|"));
    });
    const bare = (text) => text.replace(/\s/g, "");
    assert.equal(
      bare(cues.flatMap(({ lines }) => lines).join("")),
      bare(finals.map(({ transcript }) => transcript).join("")),
    );
  }
});

test("lines are of even length, long silences part cues, and punctuation is kept", () => {
  const said = spoken("the boats come back to the harbour before the evening", 0, 0.2);
  said.transcript = "The boats come back to the harbour before the evening.";
  const cues = cuesIn(asSrt(transcriptOf(said, spoken("then silence", 5))));
  assert.deepEqual(cues[0].lines, ["The boats come back to the", "harbour before the evening."]);
  assert.equal(cues.length, 2);
});

test("words without times are spread over their speech", () => {
  const cues = cuesIn(asSrt(transcriptOf(final("one two", 1, 4, { speech_start: 2, speech_end: 4 }))));
  assert.deepEqual(cues, [{ number: 1, start: 2_000, end: 4_000, lines: ["one two"] }]);
});

test("times are shown as people write them", () => {
  assert.deepEqual([0, 5.9, 61, 3_599, 3_723, -1].map(clock), ["0:00", "0:05", "1:01", "59:59", "1:02:03", "0:00"]);
  assert.match(asSrt(transcriptOf(spoken("late", 3_723.456))), /^1\n01:02:03,456 --> /);
});

test("nothing said is nothing written", () => {
  assert.deepEqual(
    [asText, asSrt].map((write) => write(transcriptOf(final("", 0, 5)))),
    ["", ""],
  );
});
