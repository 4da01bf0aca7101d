/** What a caller of the client does wrong, or does where there is no server; the rest is tested against real ones. */

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { test } from "node:test";
import { TranscriptionClient, TranscriptionError } from "../../../voxcli/server/static/transcription-client.js";

const WebSocket = process.env.WS ? createRequire(import.meta.url)(process.env.WS).WebSocket : globalThis.WebSocket;

/** An address where nobody listens. */
async function nowhere() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `ws://127.0.0.1:${port}/ws/transcribe`;
}

async function newClient(options = {}) {
  return new TranscriptionClient(await nowhere(), { WebSocket, probe: false, ...options });
}

test("a client needs an address, a WebSocket and room for a replay", () => {
  if (!globalThis.WebSocket) assert.throws(() => new TranscriptionClient("ws://localhost/"), TypeError);
  assert.throws(() => new TranscriptionClient("no address", { WebSocket }), TypeError);
  assert.throws(() => new TranscriptionClient("ws://localhost/", { WebSocket, bufferSeconds: 1 }), RangeError);
});

test("what is no audio, or too much at once, is refused where it is given", async () => {
  const client = await newClient({ bufferSeconds: 5 });
  assert.throws(() => client.sendAudio("audio"), TypeError);
  assert.throws(() => client.sendAudio(new ArrayBuffer(1)), RangeError);
  assert.throws(() => client.sendAudio(new Int16Array(80_001)), RangeError);
  client.close();
});

test("audio is kept from before the connection, and what can wait is asked to", async () => {
  const client = await newClient();
  await client.sendAudio(new Float32Array(16_000));
  let hasRoom = false;
  const room = client.sendAudio(new Int16Array(32_000)).then(() => {
    hasRoom = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual([client.audioSeconds, client.coveredSeconds, hasRoom], [3, 0, false]);
  client.close();
  await room;
});

test("the end comes after the beginning", async () => {
  const client = await newClient();
  await assert.rejects(client.finish(), { name: "TranscriptionError", code: "misused" });
  const connecting = client.connect();
  assert.equal(client.connect(), connecting);
  client.finish().catch(() => {});
  assert.throws(() => client.sendAudio(new Int16Array(10)), { code: "misused" });
  client.close();
  await assert.rejects(connecting, TranscriptionError);
  await assert.rejects(client.finish(), { code: "closed" });
  await assert.rejects(client.connect(), { code: "closed" });
  await client.sendAudio(new Int16Array(10));
});

test("a client that nobody answers tries on until it is closed", async () => {
  const client = await newClient({ timing: { backoff: 5, mostBackoff: 10 } });
  const states = [];
  client.onState = (state, detail) => states.push([state, detail.attempt]);
  const connecting = client.connect();
  await new Promise((resolve) => setTimeout(resolve, 200));
  client.close();
  await assert.rejects(connecting, { code: "closed" });
  assert.deepEqual(states[0], ["connecting", undefined]);
  assert.ok(states.length > 5);
  assert.deepEqual(states.slice(1, 4), [
    ["reconnecting", 1],
    ["reconnecting", 2],
    ["reconnecting", 3],
  ]);
  assert.equal(states.at(-1)[0], "closed");
});

test("what a callback throws is nobody else's trouble", async () => {
  const client = await newClient();
  const thrown = new Promise((resolve) => {
    globalThis.reportError = resolve; // as browsers have it; Node's way out ends the process
  });
  client.onState = () => {
    throw new Error("the page's own");
  };
  client.connect().catch(() => {});
  assert.equal((await thrown).message, "the page's own");
  client.onState = null;
  client.close();
  assert.equal(client.state, "closed");
});
