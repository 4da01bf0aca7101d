/** What the end of a connection means, and how patient the client is: pure decisions over given numbers. */

/** Milliseconds. */
export const TIMING = {
  backoff: 100, // before the first retry; doubled for each, up to
  mostBackoff: 5_000,
  limited: 1_000, // the first one, when the server says that there is too much at once
  connect: 5_000,
  rejoin: 1_000, // for a server to say whether it joins a session again
  stall: 10_000, // without a result, with as much audio sent beyond the newest one
  send: 5_000, // for the socket to take anything at all
  keepAlive: 10_000, // without audio
  finalize: 2_000, // least time between two wishes for a final
  drain: 10_000, // without a result after the end
  quiet: 2_000, // the same for a server without times, which cannot say that it has finished
  trouble: 1_000, // for a server that has reported an error to close the connection itself
  probe: 1_000, // for an answer over HTTP
};

/** A delay differs from the plan by up to a fifth, so that many clients do not come back at once. */
export function delayBefore(attempt, isLimited, timing, chance) {
  const first = isLimited ? timing.limited : timing.backoff;
  return Math.min(first * 2 ** Math.min(attempt, 16), timing.mostBackoff) * (0.8 + 0.4 * chance);
}

/** Of a close code: `again`, `limited`, `denied` or `never`. 44xx are the server's own, after HTTP's statuses. */
export function verdictOfClose(code) {
  if (code === 1013 || code === 4429) return "limited";
  if ([1002, 1003, 1007, 1008, 1009].includes(code)) return "never";
  if ([4401, 4402, 4403].includes(code)) return "denied";
  return code >= 4400 && code <= 4499 && code !== 4408 ? "never" : "again";
}

/** Of the HTTP status that refused an upgrade, where it can be known. */
export function verdictOfStatus(status) {
  if (status === 429) return "limited";
  if (isDenied(status)) return "denied";
  return [408, 425].includes(status) || (status >= 500 && ![501, 505].includes(status)) ? "again" : "never";
}

/** Of what the server says about itself after a connection was refused without a word: never worse than `denied`. */
export function verdictOfProbe(status) {
  const verdict = status === null ? "again" : verdictOfStatus(status);
  return verdict === "never" ? "again" : verdict;
}

export function isSuccess(status) {
  return status !== null && status >= 200 && status < 300;
}

export function isDenied(status) {
  return [401, 402, 403].includes(status);
}

export function wordsOfClose(code) {
  return code === 1006 ? "the connection broke" : `the server closed the connection (${code})`;
}

export function wordsOfStatus(status) {
  if (status === null) return "the server cannot be reached";
  if (status === 503) return "the server is full or about to end";
  if (status === 401 || status === 402) return "the server wants a token, or another one than this";
  if (status === 403) return "the server does not let this page or this token in";
  if (isSuccess(status)) return "the server is there and refuses the connection: it may have too many";
  return `the server refuses the connection (HTTP ${status})`;
}
