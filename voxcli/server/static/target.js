/** Where a server is, what it is asked for, and whether it is there. */

import { SAMPLE_RATE } from "./ring.js";
import { isDenied } from "./verdicts.js";

/** Where to connect. `http` and `https` are taken for `ws` and `wss`; what the URL asks for wins over the options. */
export function targetOf(url, options = {}) {
  const target = new URL(url, globalThis.document?.baseURI);
  target.protocol = target.protocol.replace(/^http/, "ws");
  target.hash = "";
  const query = {
    encoding: "linear16",
    sample_rate: SAMPLE_RATE,
    channels: 1,
    language: options.language,
    model: options.model,
    interim_results: true, // a server that says nothing for long is taken for one that is stuck
    ...options.parameters,
  };
  for (const [name, value] of Object.entries(query)) {
    if (value != null && value !== "" && !target.searchParams.has(name)) target.searchParams.set(name, value);
  }
  return target;
}

/**
 * What a browser is not told about a connection that was refused: the HTTP status with which the server answers there
 * without an upgrade, if it denies access, or else that of `readyz` beside `ws/transcribe`. Null where nobody answers,
 * or nobody may be asked from this page.
 */
export async function statusOf(target, token, patience) {
  const http = new URL(target);
  http.protocol = http.protocol.replace(/^ws/, "http");
  http.search = "";
  const ready = new URL(http);
  ready.pathname = ready.pathname.replace(/ws\/transcribe\/?$/, "readyz");
  const asked = ready.pathname === http.pathname ? [http] : [http, ready];
  const [here, there = here] = await Promise.all(asked.map((url) => ask(url, token, patience)));
  return isDenied(here) ? here : there;
}

async function ask(url, token, patience) {
  if (typeof fetch !== "function") return null;
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), patience);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  try {
    const response = await fetch(url, { headers, cache: "no-store", redirect: "manual", signal: controller.signal });
    return response.status || null;
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}
