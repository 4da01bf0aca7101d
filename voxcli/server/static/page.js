/** The page: buttons, files, what is seen and what is said about it. */

import { Meter } from "./meter.js";
import * as problems from "./problems.js";
import { KEPT_SECONDS, Run } from "./run.js";
import { SAMPLE_RATE } from "./ring.js";
import { Transcript, asJsonLines, asSrt, asText, clock } from "./transcript.js";
import { View } from "./view.js";

const STATES = {
  idle: "Not connected",
  connecting: "Connecting…",
  open: "Connected",
  reconnecting: "Reconnecting…",
  finishing: "Finishing…",
  closed: "Finished",
  failed: "Disconnected",
};
const AWAY_ATTEMPTS = 2; // what the first try mends is not worth a word
const COPIED_MS = 2_000;
const REMEMBERED = ["token", "language"]; // for this tab; never in an address

const SESSION = { type: "Session", schema_version: 1, backends: ["server"], sample_rate: SAMPLE_RATE, channels: 1 };

const ui = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
const meter = new Meter(ui.meter);
const view = new View(ui);
const server = new URL("ws/transcribe", document.baseURI);
let transcript = new Transcript();
let run = null;

// What runs

function startListening() {
  meter.showMicrophone();
  return take("microphone", () => run.listen(), problems.microphoneProblem);
}

async function openRecordings(files) {
  if (run) {
    showProblem(problems.ONE_AT_A_TIME);
    return;
  }
  for (const file of files) {
    const problemOf = (error) => problems.recordingProblem(file.name, error);
    if (!(await take(file.name, () => run.read(file), problemOf))) return;
  }
}

/** One source from its beginning to its end. Returns whether it came to its own end. */
async function take(source, work, problemOf) {
  if (run) return false;
  hideProblem();
  const ended = new Promise((resolve) => {
    run = new Run(source, server, settings(), { ...handlers, ended: resolve });
  });
  const mine = run;
  showRunning(true);
  work().catch((error) => {
    if (run !== mine) return; // it was ended while the browser was still asking
    showProblem(problemOf(error));
    mine.stop();
  });
  const summary = await ended;
  keepInterim();
  if (run.hasBegun) transcript.end(summary);
  else showState("idle");
  view.endUtterance();
  run = null;
  showRunning(false);
  return summary.stop_reason === "end_of_source";
}

const handlers = {
  begun: () => transcript.begin({ ...SESSION, source: run.source }),
  state: (state, detail) => {
    showState(state);
    if (state === "open") hideProblem("away");
    if (state === "reconnecting") showAway(detail);
    if (state === "failed") showProblem(problems.serverProblem(detail));
    if (state === "closed" && detail.uncoveredSeconds) showProblem(problems.leftOpen(detail.uncoveredSeconds));
  },
  result: (result) => {
    if (!result.is_final) {
      view.showInterim(result.transcript);
      return;
    }
    view.showFinal(transcript.add({ ...result, source: run.source }), result.transcript);
    view.endUtterance();
    showResults();
  },
  notice: (notice) => {
    if (notice.type === "Gap") {
      transcript.addGap(notice);
      view.endUtterance();
      view.showGap(notice);
    } else {
      transcript.note(notice);
      if (notice.type === "Error") showProblem(problems.serverSays(notice));
    }
  },
  recording: (samples) => meter.showRecording(samples),
  heard: (samples) => meter.push(samples),
  progress: () => showProgress(),
  muted: () => showProblem(problems.MICROPHONE_MUTED),
  lost: () => showProblem(problems.MICROPHONE_LOST),
};

/** Words that were seen and that no final came for any more: they stay, and are marked. */
function keepInterim() {
  const text = view.takeInterim();
  if (!text) return;
  const final = run.promote(text);
  view.showFinal(transcript.add({ ...final, source: run.source }), text);
  showResults();
}

// What is seen

function showState(state) {
  document.body.dataset.state = state;
  ui.state.textContent = STATES[state];
}

function showAway(detail) {
  view.dimInterim();
  if (detail.attempt >= AWAY_ATTEMPTS) showProblem({ ...problems.serverAway(detail, KEPT_SECONDS), name: "away" });
}

function showRunning(isRunning) {
  const hadFocus = document.activeElement === (isRunning ? ui.start : ui.stop);
  ui.start.hidden = isRunning;
  ui.stop.hidden = !isRunning;
  ui.open.disabled = ui.clear.disabled = isRunning;
  if (hadFocus) (isRunning ? ui.stop : ui.start).focus();
  if (isRunning) showProgress();
  else meter.rest();
}

function showProgress() {
  const { given, covered } = run.progress;
  ui.elapsed.textContent = run.seconds === null ? clock(given) : `${clock(covered)} / ${clock(run.seconds)}`;
  if (run.seconds !== null) meter.progress = covered / run.seconds;
}

function showResults() {
  ui.results.hidden = transcript.isEmpty;
}

/** `problem.name`: what can be taken back under that name; `wantsToken`: with a way to the field for it. */
function showProblem(problem) {
  if (ui.problem.querySelector("h2")?.textContent === problem.title) return; // said once, not with every try
  const [title, cure, button] = ["h2", "p", "button"].map((name) => document.createElement(name));
  title.textContent = problem.title;
  cure.textContent = problem.cure;
  button.type = "button";
  button.textContent = problem.wantsToken ? "Enter a token" : "Dismiss";
  button.addEventListener("click", () => {
    hideProblem();
    if (problem.wantsToken) openSettings(ui.token);
  });
  ui.problem.replaceChildren(title, cure, button);
  ui.problem.dataset.name = problem.name ?? "";
  ui.problem.scrollIntoView({ block: "nearest" });
}

function hideProblem(name) {
  if (name === undefined || ui.problem.dataset.name === name) ui.problem.replaceChildren();
}

// What is kept and given away

function settings() {
  return { token: ui.token.value.trim(), language: ui.language.value.trim() };
}

function openSettings(field) {
  ui.settings.open = true;
  field.focus();
}

function save(content, kind, suffix) {
  const address = URL.createObjectURL(new Blob([content], { type: `${kind};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `voxcli-${new Date().toISOString().slice(0, 16).replace(/[T:]/g, "-")}.${suffix}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

async function copy() {
  const text = asText(transcript);
  try {
    await (navigator.clipboard ? navigator.clipboard.writeText(text) : copyBySelection());
  } catch {
    showProblem(problems.CANNOT_COPY);
    return;
  }
  ui.copy.textContent = "Copied";
  setTimeout(() => {
    ui.copy.textContent = "Copy";
  }, COPIED_MS);
}

/** On an insecure address there is no clipboard: what is selected can be copied. */
function copyBySelection() {
  getSelection().selectAllChildren(ui.finals);
  const isDone = document.execCommand("copy");
  getSelection().removeAllRanges();
  if (!isDone) throw new Error("copying is not allowed");
}

function clear() {
  transcript = new Transcript();
  view.clear();
  hideProblem();
  showResults();
  showState("idle");
  ui.elapsed.textContent = clock(0);
  ui.start.focus();
}

// What is pressed and dropped

ui.start.addEventListener("click", startListening);
ui.stop.addEventListener("click", () => run?.stop());
ui.open.addEventListener("click", () => ui.file.click());
ui.file.addEventListener("change", () => {
  const files = [...ui.file.files];
  ui.file.value = "";
  openRecordings(files);
});
ui.copy.addEventListener("click", copy);
ui["save-text"].addEventListener("click", () => save(asText(transcript), "text/plain", "txt"));
ui["save-jsonl"].addEventListener("click", () => save(asJsonLines(transcript), "application/x-ndjson", "jsonl"));
ui["save-srt"].addEventListener("click", () => save(asSrt(transcript), "application/x-subrip", "srt"));
ui.clear.addEventListener("click", clear);

for (const name of REMEMBERED) {
  ui[name].value = sessionStorage.getItem(`voxcli.${name}`) ?? "";
  ui[name].addEventListener("input", () => sessionStorage.setItem(`voxcli.${name}`, ui[name].value.trim()));
}
ui.settings.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
ui.settings.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  ui.settings.open = false;
  ui.settings.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  const path = event.composedPath();
  if (!path.includes(ui.settings) && !path.includes(ui.problem)) ui.settings.open = false;
});

const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
addEventListener("dragover", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  ui.drop.hidden = false;
});
addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) ui.drop.hidden = true;
});
addEventListener("drop", (event) => {
  ui.drop.hidden = true;
  if (!holdsFiles(event)) return;
  event.preventDefault();
  openRecordings([...event.dataTransfer.files]);
});
