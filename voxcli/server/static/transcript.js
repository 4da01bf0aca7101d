/** Results folded into utterances, and a transcript as text, JSON lines and subtitles. Pure. */

const QUIET_SECONDS = 3; // without new words, an utterance has ended: a server's `speech_final` may never come

const LINE_CHARACTERS = 42;
const CUE_LINES = 2;
const CUE_SECONDS = 7;
const CUE_PAUSE_SECONDS = 1.5;
const LEAST_CUE_SECONDS = 1;

/** What was said, by utterances; one is open while it may go on. Times are seconds from the first source's start. */
export class Transcript {
  #offset = 0;

  constructor() {
    this.utterances = [];
    this.events = []; // lines of JSON, with the times of their own source
  }

  get isEmpty() {
    return this.utterances.length === 0;
  }

  get #open() {
    const last = this.utterances[this.utterances.length - 1];
    return last?.isOpen ? last : null;
  }

  /** A source begins. */
  begin(session) {
    this.events.push(session);
  }

  /** It has ended: what follows comes after its `seconds` of audio. */
  end(summary) {
    this.endUtterance();
    this.events.push(summary);
    this.#offset += summary.audio_seconds;
  }

  /** A final result. Returns the utterance that it has changed; null where it says nothing. */
  add(final) {
    this.events.push(final);
    const words = timedWords(final, this.#offset);
    const newsAt = words[0]?.start ?? final.start + final.duration + this.#offset;
    if (this.#open && newsAt - this.#open.end >= QUIET_SECONDS) this.endUtterance();
    if (!words.length) {
      if (final.speech_final) this.endUtterance();
      return null;
    }
    const utterance = this.#open ?? this.#begun(words[0].start);
    utterance.parts.push(final.transcript);
    utterance.words.push(...words);
    utterance.end = words[words.length - 1].end;
    utterance.isOpen = !final.speech_final;
    return utterance;
  }

  /** Audio that was lost. */
  addGap(gap) {
    this.events.push(gap);
    this.endUtterance();
  }

  /** Anything else that belongs into the lines of JSON. */
  note(event) {
    this.events.push(event);
  }

  endUtterance() {
    if (this.#open) this.#open.isOpen = false;
  }

  #begun(start) {
    const utterance = { start, end: start, parts: [], words: [], isOpen: true };
    this.utterances.push(utterance);
    return utterance;
  }
}

export function asText(transcript) {
  return transcript.utterances.map(({ parts }) => `${parts.join(" ")}\n`).join("");
}

export function asJsonLines(transcript) {
  return transcript.events.map((event) => `${JSON.stringify(event)}\n`).join("");
}

/** SubRip: cues of at most two lines of 42 characters that do not overlap. */
export function asSrt(transcript) {
  const cues = transcript.utterances.flatMap(({ words }) => cuesOf(words));
  return withoutOverlap(cues)
    .map(({ start, end, lines }, index) => `${index + 1}\n${srtTime(start)} --> ${srtTime(end)}\n${lines.join("\n")}\n`)
    .join("\n");
}

/** Seconds as 0:05, 12:34 or 1:02:03. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3_600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = `${String(rest).padStart(2, "0")}`;
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** The words of a final with their times; where it has none, spread over its speech by their length. */
function timedWords(final, offset) {
  const texts = final.transcript.split(/\s+/).filter(Boolean);
  if (final.words?.length) {
    return final.words.map(({ word, punctuated_word: shown, start, end }, index) => {
      const text = texts.length === final.words.length ? texts[index] : (shown ?? word);
      return { text, start: start + offset, end: end + offset };
    });
  }
  const begin = final.speech_start ?? final.start;
  const length = (final.speech_end ?? final.start + final.duration) - begin;
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  let before = 0;
  return texts.map((text) => {
    const start = offset + begin + (length * before) / characters;
    before += text.length;
    return { text, start, end: offset + begin + (length * before) / characters };
  });
}

function cuesOf(words) {
  const cues = [];
  let said = [];
  for (const word of words.flatMap(shortened)) {
    const last = said[said.length - 1];
    if (last && (!wrapped([...said, word]) || word.start - last.end > CUE_PAUSE_SECONDS || isLong(said, word))) {
      cues.push(cueOf(said));
      said = [];
    }
    said.push(word);
  }
  return said.length ? [...cues, cueOf(said)] : cues;
}

function isLong(said, word) {
  return word.end - said[0].start > CUE_SECONDS;
}

function cueOf(words) {
  return { start: words[0].start, end: words[words.length - 1].end, lines: wrapped(words) };
}

/** One line or two of even length; null where the words do not fit. */
function wrapped(words) {
  const text = words.map((word) => word.text).join(" ");
  if (lengthOf(text) <= LINE_CHARACTERS) return [text];
  const breaks = words.slice(1).map((_, index) => {
    return [words.slice(0, index + 1), words.slice(index + 1)].map((part) => part.map((word) => word.text).join(" "));
  });
  const longest = (lines) => Math.max(...lines.map(lengthOf));
  const [best] = breaks.sort((one, other) => longest(one) - longest(other));
  return CUE_LINES === 2 && best && longest(best) <= LINE_CHARACTERS ? best : null;
}

/** A word that is longer than a line, in pieces that share its time. */
function shortened(word) {
  const characters = [...word.text];
  if (characters.length <= LINE_CHARACTERS) return [word];
  const count = Math.ceil(characters.length / LINE_CHARACTERS);
  const share = (word.end - word.start) / count;
  return Array.from({ length: count }, (_, index) => {
    const text = characters.slice(index * LINE_CHARACTERS, (index + 1) * LINE_CHARACTERS).join("");
    return { text, start: word.start + index * share, end: word.start + (index + 1) * share };
  });
}

function lengthOf(text) {
  return [...text].length;
}

/** Short cues stay for a second where there is time for it; none begins before the one before it has ended. */
function withoutOverlap(cues) {
  const placed = [];
  for (const cue of cues) {
    const start = Math.max(milliseconds(cue.start), placed[placed.length - 1]?.end ?? 0);
    placed.push({ ...cue, start, end: Math.max(milliseconds(cue.end), start + 1) });
  }
  return placed.map((cue, index) => {
    const next = placed[index + 1]?.start ?? Infinity;
    return { ...cue, end: Math.min(Math.max(cue.end, cue.start + LEAST_CUE_SECONDS * 1_000), Math.max(next, cue.end)) };
  });
}

function milliseconds(seconds) {
  return Math.round(seconds * 1_000);
}

function srtTime(time) {
  const parts = [Math.floor(time / 3_600_000), Math.floor(time / 60_000) % 60, Math.floor(time / 1_000) % 60];
  return `${parts.map((part) => String(part).padStart(2, "0")).join(":")},${String(time % 1_000).padStart(3, "0")}`;
}
