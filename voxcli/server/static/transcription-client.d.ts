/** Samples a second that the server is sent. */
export declare const SAMPLE_RATE: 16000;

/**
 * `idle` before `connect()`; `connecting` the first time and `reconnecting` from then on, for as long as it takes;
 * `closed` after `finish()` or `close()`; `failed` for what no retry can mend.
 */
export type State = "idle" | "connecting" | "open" | "reconnecting" | "closed" | "failed";

/** What is known about a state. Which of the fields are there depends on it. */
export interface StateDetail {
  /** `reconnecting`, `closed`, `failed`: why, in one sentence for a person. */
  message?: string;
  /** `reconnecting`, `failed`: the WebSocket's close code, or the HTTP status, where there was one. */
  code?: number;
  /** `reconnecting`: which attempt comes next, counted from 1 since the last final over new audio. */
  attempt?: number;
  /** `reconnecting`: seconds until then. */
  delay?: number;
  /** `open`: whether the server has kept the session, so that nothing is heard twice. */
  resumed?: boolean;
  /** `open`: the server does not speak `voxcli.v1`, so that the client can only do its best. */
  plain?: true;
  /** `open`: the name of the session, and what recognizes, as far as the server says it. */
  session?: string;
  backend?: string;
  model?: string;
  /** `failed`, `closed`. */
  reason?: ErrorCode;
  /** `failed`, `closed`: seconds of audio without a final result; 0 after `finish()`. */
  uncoveredSeconds?: number;
  /** What else the server's Ready says. */
  [field: string]: unknown;
}

/** A word, with its time in seconds from the first sample that was given. */
export interface Word {
  word: string;
  start: number;
  end: number;
  confidence?: number;
  /** With case and punctuation, where the recognizer gives both forms. */
  punctuated_word?: string;
  speaker?: number;
}

/** A result. Times are seconds from the first sample that was given, over all connections. */
export interface Result {
  type: "Results";
  /** Rises by one with each result that is told, interim or final. */
  seq: number;
  /** Empty where nothing was said. */
  transcript: string;
  is_final: boolean;
  /** The speaker has come to an end. */
  speech_final: boolean;
  /** The span of audio that the result covers; not the place of its words. */
  start: number;
  duration: number;
  confidence?: number;
  words?: Word[];
  /** Where speech begins and ends, for a recognizer that knows no word times. */
  speech_start?: number;
  speech_end?: number;
  channel?: number;
  backend?: string;
  /** What else the server says about it. */
  [field: string]: unknown;
}

/** Audio that was lost since it had to be kept for longer than the buffer allows. A long one comes in pieces. */
export interface Gap {
  type: "Gap";
  start: number;
  end: number;
  reason: "ring_overflow";
}

/** What the server tells of itself, and what the client has to say about the server. The work goes on. */
export interface Notice {
  type: "Notice" | "Error";
  code?: string;
  message?: string;
  hint?: string;
  [field: string]: unknown;
}

/** The receipt. `duration` and `finals` are of the whole stream, over all sessions of the server. */
export interface Metadata {
  type: "Metadata";
  duration: number;
  finals: number;
  [field: string]: unknown;
}

/**
 * `token_refused`: 401, 402, 403, 4401 to 4403, or a token that a WebSocket cannot carry.
 * `refused`: a close code or an HTTP status that no retry can change, for example for the audio's format.
 * `unanswered`: the server has ended three times without an answer to the last audio.
 * `closed`: by `close()`, or since `finish()` was done before.
 * `misused`: the calls came in an order that makes no sense.
 */
export type ErrorCode = "token_refused" | "refused" | "unanswered" | "closed" | "misused";

export declare class TranscriptionError extends Error {
  readonly name: "TranscriptionError";
  readonly code: ErrorCode;
  /** The close code or the HTTP status behind it. */
  readonly status?: number;
  constructor(code: ErrorCode, message: string, status?: number);
}

/** What the client needs of a WebSocket: the one of browsers, of Node 22, or of the package `ws`. */
export interface WebSocketClass {
  new (
    url: string,
    protocols?: string[],
  ): {
    binaryType: string;
    readonly protocol: string;
    readonly readyState: number;
    readonly bufferedAmount: number;
    send(data: any): void;
    close(code?: number): void;
  };
}

/** Milliseconds. The defaults are in parentheses. */
export interface Timing {
  /** Before the first retry (100), doubled for each up to `mostBackoff` (5000), each a fifth more or less. */
  backoff?: number;
  mostBackoff?: number;
  /** Before the first retry when the server says that there is too much at once (1000). */
  limited?: number;
  /** For a connection to be opened (5000). */
  connect?: number;
  /** For the server to say whether it joins an old session (1000). */
  rejoin?: number;
  /** Without any result, though as much audio was sent beyond the newest one (10000). */
  stall?: number;
  /** For the network to take anything of what waits in the socket (5000). */
  send?: number;
  /** Between two KeepAlive, when there is no audio (10000). */
  keepAlive?: number;
  /** Between two wishes for a final, when the buffer is nearly full (2000). */
  finalize?: number;
  /** After the end, without any result (10000). */
  drain?: number;
  /** The same for a server whose results have no times (2000). */
  quiet?: number;
  /** For a server that has reported an error to close the connection itself (1000). */
  trouble?: number;
  /** For an answer over HTTP after a connection was refused (1000). */
  probe?: number;
}

export interface Options {
  /** Sent as a WebSocket subprotocol beside `voxcli.v1`; never in the address. */
  token?: string;
  /** A short name such as `en`; without one the server decides. */
  language?: string;
  model?: string;
  /** More of the query, as the server's documentation names it. What the address holds already wins. */
  parameters?: Record<string, string | number | boolean>;
  /** How much audio is kept that no final result covers yet: 5 at least, 120 by default. */
  bufferSeconds?: number;
  /** Where there is none in the environment: Node before version 22. */
  WebSocket?: WebSocketClass;
  /**
   * Whether the server is asked over HTTP why it has refused a connection, which a browser is not told (true). The
   * token goes along in a header, to the same server.
   */
  probe?: boolean;
  /** Deadlines, for unusual networks and for tests. */
  timing?: Timing;
  /** From 0 up to 1, for the delays; Math.random by default. */
  random?: () => number;
}

/** Linear16 (an ArrayBuffer or a view of bytes in little-endian order, or an Int16Array), or floats from -1 to 1. */
export type Chunk = ArrayBuffer | Int16Array | Float32Array | Uint8Array | DataView;

export declare class TranscriptionClient {
  /** `url`: ws, wss, http or https; in a page also relative to it. Throws TypeError or RangeError. */
  constructor(url: string | URL, options?: Options);

  /** Each result: interims as they change, finals once, empty ones included. */
  onTranscript: ((text: string, isFinal: boolean, result: Result) => void) | null;
  onState: ((state: State, detail: StateDetail) => void) | null;
  onNotice: ((notice: Gap | Notice) => void) | null;

  readonly state: State;
  /** Seconds of audio given so far. */
  readonly audioSeconds: number;
  /** Seconds up to the first audio that is neither covered by a final result nor lost. */
  readonly coveredSeconds: number;
  /** Seconds that no final can cover any more: the sum of the gaps. */
  readonly lostSeconds: number;
  /** How often a connection was lost and had again. */
  readonly reconnects: number;

  /** Resolves when the server is ready, however long that takes. Rejects for what no retry can mend. */
  connect(): Promise<void>;

  /**
   * Takes 16 kHz mono audio, from before `connect()` on. A microphone ignores the promise; a file awaits it before it
   * gives more. It never rejects, and resolves at once when all is over.
   * Throws TypeError for what is no audio, RangeError for half a sample or more than the buffer, TranscriptionError
   * after `finish()`.
   */
  sendAudio(chunk: Chunk): Promise<void>;

  /** Asks for a final result over all audio given so far. */
  finalize(): void;

  /**
   * No more audio comes. Resolves after the last finals, when all audio is covered, over as many connections as that
   * takes. Rejects for what no retry can mend, and after `close()`.
   */
  finish(): Promise<Metadata>;

  /** Ends at once. */
  close(): void;
}
