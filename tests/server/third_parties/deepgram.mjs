// Deepgram's JavaScript SDK: `deepgram.mjs PORT KEY WAV`, run where the package is installed. Prints what came as JSON.
import { DeepgramClient } from "@deepgram/sdk";
import { readFileSync } from "node:fs";

const [port, key, path] = process.argv.slice(2);
const streaming = new DeepgramClient({ apiKey: key, baseUrl: `ws://127.0.0.1:${port}` });
const posting = new DeepgramClient({ apiKey: key, baseUrl: `http://127.0.0.1:${port}` });
const recording = readFileSync(path);
const came = [];

const socket = await streaming.listen.v1.connect({
  model: "nova-3",
  encoding: "linear16",
  sample_rate: 16000,
  interim_results: "true",
  Authorization: `Token ${key}`,
});
const finalized = new Promise((resolve) => {
  socket.on("message", (message) => {
    came.push([message.type, message]);
    if (message.from_finalize) resolve();
  });
});
const ends = []; // one listener an event is all that a socket takes
socket.on("error", (error) => ends.push(String(error)));
const closed = new Promise((resolve) => {
  socket.on("close", (event) => {
    ends.push("close");
    resolve(event);
  });
});
socket.connect();
await socket.waitForOpen();
for (let at = 44; at < recording.length; at += 6400) socket.sendMedia(recording.subarray(at, at + 6400));
socket.sendKeepAlive({ type: "KeepAlive" });
socket.sendFinalize({ type: "Finalize" });
await finalized;
socket.sendCloseStream({ type: "CloseStream" });
const { code } = await closed;

const posted = await posting.listen.v1.media.transcribeFile(recording, { model: "nova-3" });
console.log(JSON.stringify({ messages: came, ends, posted, code }));
process.exit(0);
