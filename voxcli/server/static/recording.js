/** A file as 16 kHz samples, one channel: whatever the browser can play. */

import { SAMPLE_RATE } from "./ring.js";

/** Decodes a file whole. Throws a DOMException (EncodingError, NotReadableError), or an Error named EmptyError. */
export async function decode(file) {
  const bytes = await file.arrayBuffer();
  const context = new OfflineAudioContext(1, 1, SAMPLE_RATE); // what it decodes is at its own rate
  const audio = await context.decodeAudioData(bytes);
  if (!audio.length) throw Object.assign(new Error("there is no audio in it"), { name: "EmptyError" });
  return mixed(Array.from({ length: audio.numberOfChannels }, (_, channel) => audio.getChannelData(channel)));
}

function mixed(channels) {
  if (channels.length === 1) return channels[0];
  const sum = new Float32Array(channels[0].length);
  for (const channel of channels) for (let index = 0; index < sum.length; index += 1) sum[index] += channel[index];
  return sum.map((value) => value / channels.length);
}
