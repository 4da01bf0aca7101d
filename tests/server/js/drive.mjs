/**
 * One stream through a TranscriptionClient, as a page would do it, told as lines of JSON on standard output.
 *
 *     node drive.mjs '{"url": "ws://127.0.0.1:8000/ws/transcribe", "audio": "clock.pcm", "speed": 40}'
 *
 * `audio`: a file of linear16. `speed`: times the speed of speech, as a microphone; without it as fast as the client
 * takes it, as a file. `WS` in the environment is where the package `ws` is; without it the WebSocket of Node is used.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { TranscriptionClient } from "../../../voxcli/server/static/transcription-client.js";

const PIECE = 1_600;
const plan = JSON.parse(process.argv[2]);
const WebSocket = process.env.WS ? createRequire(import.meta.url)(process.env.WS).WebSocket : globalThis.WebSocket;

function say(event) {
  process.stdout.write(`${JSON.stringify({ at: performance.now() / 1_000, ...event })}\n`);
}

async function attempt(name, work) {
  try {
    say({ type: name, value: await work() });
    return true;
  } catch (error) {
    say({ type: "Rejected", what: name, code: error.code, status: error.status, message: error.message });
    return false;
  }
}

async function give(client, samples) {
  const begun = performance.now();
  for (let start = 0; start < samples.length; start += PIECE) {
    if (client.state === "failed" || client.state === "closed") return;
    const room = client.sendAudio(samples.subarray(start, start + PIECE));
    const due = plan.speed ? begun + (start + PIECE) / 16 / plan.speed - performance.now() : 0;
    if (!plan.speed) await room;
    else if (due > 2) await new Promise((resolve) => setTimeout(resolve, due));
    if (plan.closeAfter && start / 16_000 >= plan.closeAfter) client.close();
  }
}

const client = new TranscriptionClient(plan.url, { WebSocket, ...plan.options });
client.onTranscript = (text, isFinal, result) => say(result);
client.onState = (state, detail) => say({ type: "State", state, ...detail });
client.onNotice = (notice) => say(notice);

const bytes = plan.audio ? readFileSync(plan.audio) : new Uint8Array();
const samples = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
const connected = attempt("Connected", () => client.connect());
if (!plan.speed || plan.waits) await connected;
await give(client, samples);
if (plan.pause) await new Promise((resolve) => setTimeout(resolve, plan.pause * 1_000));
await attempt("Finished", () => client.finish());
const { audioSeconds, coveredSeconds, lostSeconds, reconnects } = client;
say({ type: "Summary", audioSeconds, coveredSeconds, lostSeconds, reconnects });
