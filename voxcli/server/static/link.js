/** One WebSocket from its beginning to its end, and what it is offered: what differs between environments is here. */

export const SUBPROTOCOL = "voxcli.v1";

const NO_CLOSE_MS = 100; // some WebSockets tell of an error and not of the end that follows
const SENDABLE = /^[!#$%&'*+.^_`|~\w-]+$/;

/** `session` is the one that was asked for, or null; `exchange` is there while audio goes up and results come down. */
export class Link {
  #socket;
  #timer = null;

  /** `on`: `opened(link)`, `heard(link, data)`, `closed(link, code, reason)`, `refused(link, code)`; one end only. */
  constructor(socket, session, on) {
    this.#socket = socket;
    this.session = session;
    this.exchange = null;
    this.isOpen = false;
    this.status = null; // the HTTP status of a refusal, where it is told: by Node's `ws` alone
    this.#listen(on);
  }

  get socket() {
    return this.#socket;
  }

  get isV1() {
    return this.#socket.protocol === SUBPROTOCOL;
  }

  /** Calls `late` unless something comes before. */
  expect(milliseconds, late) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(late, milliseconds);
  }

  /** What was expected has come. */
  settle() {
    clearTimeout(this.#timer);
  }

  /** Nothing more is heard of it: what comes late would be told twice. `isPolite`: with 1000, the server may forget. */
  leave(isPolite) {
    const socket = this.#socket;
    this.settle();
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.onerror = () => {}; // Node's `ws` throws an error that nobody listens to
    if (isPolite && this.isOpen) socket.close(1000);
    else if (socket.terminate) socket.terminate();
    else socket.close();
  }

  #listen(on) {
    const socket = this.#socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.settle();
      this.isOpen = true;
      on.opened(this);
    };
    socket.onmessage = ({ data }) => on.heard(this, data);
    socket.onclose = ({ code, reason }) => {
      if (this.isOpen) on.closed(this, code, reason);
      else on.refused(this, code);
    };
    socket.onerror = (event) => {
      this.status = Number(/response: (\d{3})$/.exec(event?.message)?.[1]) || null;
      setTimeout(() => socket.onclose?.({ code: 1006, reason: "" }), NO_CLOSE_MS);
    };
  }
}

/**
 * Which subprotocols to offer next. A browser may not connect to a server that chooses none of them; so one that
 * refuses without a reason is tried without, and taken for plain when it refuses nothing but `voxcli.v1`.
 */
export class Offers {
  #token;
  #plain = "unknown";

  constructor(token) {
    this.#token = token;
  }

  get isSendable() {
    return !this.#token || SENDABLE.test(this.#token);
  }

  get next() {
    if (this.#plain === "tried" || this.#plain === "known") return [];
    return this.#token ? [SUBPROTOCOL, "token", this.#token] : [SUBPROTOCOL];
  }

  /** A connection was refused, and nobody knows why. */
  refused() {
    this.#plain = { unknown: "tried", tried: "unknown", possible: "known", known: "known" }[this.#plain];
  }

  /** A connection is open. Returns whether it was only a trial: the server is there, and is asked once more. */
  opened() {
    const wasTrial = this.#plain === "tried";
    if (wasTrial) this.#plain = "possible";
    return wasTrial;
  }
}
