/** The level of what is heard as a row of bars that moves with time; of a recording, all of it and how far it is. */

const BAR_PX = 3;
const PITCH_PX = 6;
const BAR_MS = 50;
const SAMPLES_PER_BAR = 800;
const FLOOR_DB = -60;
const SPOKEN_EVERY_MS = 500;
const MOST_BARS = 600;

export class Meter {
  #canvas;
  #element;
  #levels = []; // the newest last
  #waiting = []; // came and not drawn yet
  #recording = null;
  #progress = 0;
  #movedAt = 0;
  #spokenAt = 0;
  #isRunning = false;
  #still = matchMedia("(prefers-reduced-motion: reduce)");

  /** `element` has the role of a meter and holds the canvas. */
  constructor(element) {
    this.#element = element;
    this.#canvas = element.querySelector("canvas");
    new ResizeObserver(() => this.#draw()).observe(element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** What comes from now on is a microphone's. */
  showMicrophone() {
    this.#begin();
  }

  /** All of a recording, of which nothing is heard yet. */
  showRecording(samples) {
    this.#begin();
    const count = Math.min(MOST_BARS, Math.max(1, Math.floor(this.#element.clientWidth / PITCH_PX)));
    const size = Math.max(1, Math.ceil(samples.length / count));
    const heard = Math.min(size, SAMPLES_PER_BAR); // a moment of each part: the mean of a long one is always the same
    const parts = Array.from({ length: count }, (_, index) => samples.subarray(index * size, index * size + heard));
    this.#recording = parts.map((part) => levelOf(part));
    this.#draw();
  }

  /** How much of the recording is heard, from 0 to 1. */
  set progress(fraction) {
    this.#progress = Math.min(1, fraction);
    this.#say(this.#progress);
    this.#draw();
  }

  /** Samples at 16 kHz. */
  push(samples) {
    for (let at = 0; at < samples.length; at += SAMPLES_PER_BAR) {
      this.#waiting.push(levelOf(samples.subarray(at, at + SAMPLES_PER_BAR)));
    }
    const newest = Math.max(0, ...this.#waiting.slice(-2));
    this.#say(newest);
    if (this.#still.matches) {
      this.#levels = [newest];
      this.#waiting = [];
      this.#draw();
    }
  }

  /** Back to rest. */
  rest() {
    this.#isRunning = false;
    this.#levels = [];
    this.#recording = null;
    this.#say(0);
    this.#draw();
  }

  #begin() {
    this.#levels = [];
    this.#waiting = [];
    this.#recording = null;
    this.#progress = 0;
    this.#movedAt = performance.now();
    if (!this.#isRunning && !this.#still.matches) requestAnimationFrame(() => this.#move());
    this.#isRunning = true;
  }

  #move() {
    if (!this.#isRunning || this.#recording) return;
    const now = performance.now();
    while (now - this.#movedAt >= BAR_MS && this.#waiting.length) {
      this.#levels.push(this.#waiting.shift());
      this.#movedAt = this.#waiting.length > 4 ? this.#movedAt : this.#movedAt + BAR_MS; // never far behind
    }
    if (now - this.#movedAt > 4 * BAR_MS) this.#movedAt = now - BAR_MS; // nothing came: the row waits
    this.#levels = this.#levels.slice(-MOST_BARS);
    this.#draw();
    requestAnimationFrame(() => this.#move());
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#element;
    const scale = devicePixelRatio || 1;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    const pen = this.#canvas.getContext("2d");
    pen.scale(scale, scale);
    const style = getComputedStyle(this.#element);
    const colours = { loud: style.color, quiet: style.getPropertyValue("--quiet") || style.color };
    const count = Math.floor(width / PITCH_PX);
    const left = (width - count * PITCH_PX + PITCH_PX - BAR_PX) / 2;
    for (let index = -1; index <= count; index += 1) {
      const { level, isLoud, alpha, shift } = this.#bar(index, count);
      pen.fillStyle = isLoud ? colours.loud : colours.quiet;
      pen.globalAlpha = alpha;
      drawBar(pen, left + index * PITCH_PX - shift, height, level);
    }
  }

  /** What stands at a place, counted from the left. */
  #bar(index, count) {
    if (this.#recording) return this.#barOfRecording((index + 0.5) / count);
    if (this.#still.matches) return this.#barOfLevel((index + 0.5) / count);
    const level = this.#levels[this.#levels.length - count + index];
    if (level === undefined) return { level: 0, isLoud: false, alpha: 1, shift: this.#shift };
    return { level, isLoud: true, alpha: 0.35 + (0.65 * Math.max(0, index)) / count, shift: this.#shift };
  }

  #barOfRecording(place) {
    const level = this.#recording[Math.floor(place * this.#recording.length)] ?? 0;
    return { level, isLoud: place <= this.#progress, alpha: 1, shift: 0 };
  }

  /** Nothing moves: as many bars are lit as it is loud. */
  #barOfLevel(place) {
    const isLoud = place > 0 && place < (this.#levels[0] ?? 0);
    return { level: isLoud ? 0.5 : 0, isLoud, alpha: 1, shift: 0 };
  }

  get #shift() {
    if (!this.#isRunning) return 0;
    return PITCH_PX * Math.min(1, Math.max(0, (performance.now() - this.#movedAt) / BAR_MS));
  }

  #say(level) {
    const now = performance.now();
    if (level && now - this.#spokenAt < SPOKEN_EVERY_MS) return;
    this.#spokenAt = now;
    this.#element.setAttribute("aria-valuenow", Math.round(level * 100));
  }
}

/** From 0 for what is hardly heard to 1 for what is as loud as can be. */
function levelOf(samples) {
  let sum = 0;
  for (const value of samples) sum += value * value;
  const db = 10 * Math.log10(sum / Math.max(1, samples.length) + 1e-12) + 6;
  return Math.min(1, Math.max(0, (db - FLOOR_DB) / -FLOOR_DB)) ** 1.6;
}

function drawBar(pen, x, height, level) {
  const tall = Math.max(BAR_PX, level * height);
  pen.beginPath();
  pen.roundRect(x, (height - tall) / 2, BAR_PX, tall, BAR_PX / 2);
  pen.fill();
}
