/** Which samples final results have covered, and which words of a result are repetitions. Pure. */

import { toSamples, toSeconds } from "./ring.js";

/** Samples: servers round their seconds, so much may be missing between two finals, or at the end. */
export const TOLERANCE = 800;

/** The newest words, against which a word across the edge of a replay is held. */
const WORDS_KEPT = 50;

/** Spans `[start, end]` up to, not including, the second; neighbours no further apart than `tolerance` are one. */
export class Coverage {
  constructor(tolerance = 0, spans = []) {
    this.tolerance = tolerance;
    this.spans = spans;
  }

  copy() {
    return new Coverage(this.tolerance, [...this.spans]);
  }

  /** Covers a span; an empty or reversed one covers nothing. */
  add(start, end) {
    if (end <= start) return;
    const before = this.spans.filter(([, last]) => last < start - this.tolerance);
    const behind = this.spans.filter(([first]) => first > end + this.tolerance);
    const near = this.spans.slice(before.length, this.spans.length - behind.length);
    const one = near.reduce(([first, last], span) => [Math.min(first, span[0]), Math.max(last, span[1])], [start, end]);
    this.spans = [...before, one, ...behind];
  }

  /** The first sample, counted from 0, that is not covered. */
  get firstUncovered() {
    const [first] = this.spans;
    return first && first[0] <= this.tolerance ? first[1] : 0;
  }

  /** Where the last span ends; 0 without one. */
  get end() {
    return this.spans.length ? this.spans[this.spans.length - 1][1] : 0;
  }

  covers(sample) {
    return this.spans.some(([start, end]) => start <= sample && sample < end);
  }

  /** The parts of a span that are not covered, in order. */
  uncovered(start, end) {
    const parts = [];
    for (const [first, last] of this.spans) {
      if (first >= end) break;
      if (first > start) parts.push([start, first]);
      start = Math.max(start, last);
    }
    return start < end ? [...parts, [start, end]] : parts;
  }

  /** How many samples of a span are covered. */
  within(start, end) {
    return Math.max(0, end - start) - lengthOf(this.uncovered(start, end));
  }
}

export function lengthOf(spans) {
  return spans.reduce((sum, [start, end]) => sum + end - start, 0);
}

/** The samples that a result spans. */
export function spanOf(result) {
  return [toSamples(result.start), toSamples(result.start + result.duration)];
}

/** What has been told: the audio that is covered, and the newest words. */
export class Account {
  constructor(covered = new Coverage(TOLERANCE), words = []) {
    this.covered = covered;
    this.words = words;
  }

  copy() {
    return new Account(this.covered.copy(), [...this.words]);
  }

  /** A final was told. */
  add(final) {
    this.covered.add(...spanOf(final));
    this.words = [...this.words, ...(final.words ?? [])].slice(-WORDS_KEPT);
  }

  /** What a result says that was not told; null when all of its span is known. Time decides, never the text. */
  news(result) {
    const [start, end] = spanOf(result);
    const fresh = this.covered.uncovered(start, end);
    if (end === start || (fresh.length === 1 && lengthOf(fresh) === end - start)) return result;
    if (!fresh.length) return null;
    const left = this.#withoutRepetitions(result);
    if (!left.transcript && lengthOf(fresh) <= this.covered.tolerance) return null;
    const [begin, behind] = [fresh[0][0], fresh[fresh.length - 1][1]];
    return { ...left, start: toSeconds(begin), duration: toSeconds(behind - begin) };
  }

  /** A result without word times is left whole unless the middle of its speech, or else of its span, is known. */
  #withoutRepetitions(result) {
    if (result.words?.length) {
      const kept = result.words.filter((word) => !this.#isRepetition(word));
      return kept.length === result.words.length ? result : withWords(result, kept);
    }
    const middle = ((result.speech_start ?? result.start) + (result.speech_end ?? result.start + result.duration)) / 2;
    if (!result.transcript || !this.covered.covers(toSamples(middle))) return result;
    return { ...result, transcript: "", confidence: undefined, speech_start: undefined, speech_end: undefined };
  }

  /** A word across the edge of what is known is held against the words that were told; else its middle decides. */
  #isRepetition(word) {
    const start = this.covered.covers(toSamples(word.start));
    const end = this.covered.covers(Math.max(toSamples(word.start), toSamples(word.end) - 1));
    if (!this.words.length || start === end) return this.covered.covers(toSamples((word.start + word.end) / 2));
    return this.words.some((told) => lieOverEachOther(word, told));
  }
}

/** Whether at least half of the shorter word is common to both. */
function lieOverEachOther(one, other) {
  const common = Math.min(one.end, other.end) - Math.max(one.start, other.start);
  return common > 0 && common >= Math.min(one.end - one.start, other.end - other.start) / 2;
}

/** The result reduced to some of its words. */
function withWords(result, words) {
  const mean = words.reduce((sum, word) => sum + (word.confidence ?? 0), 0) / words.length;
  const hasConfidence = result.confidence !== undefined && words.length > 0;
  return {
    ...result,
    transcript: words.map((word) => word.punctuated_word ?? word.word).join(" "),
    confidence: hasConfidence ? Math.round(mean * 1e4) / 1e4 : undefined,
    words,
  };
}
