/** What can go wrong, in plain words, each with its cure. */

const SECURE = "Open it as https://, or as http://localhost on the computer where the server runs.";

const LOOK_FOR_SERVER = "See whether the server is running, and whether this computer is online.";

/** `error` is what getUserMedia or an audio context has thrown. */
export function microphoneProblem(error) {
  switch (error.name) {
    case "InsecureError":
      return {
        title: "This page may not use a microphone",
        cure: `The browser allows that only on a secure address. ${SECURE} A recording can be opened here even so.`,
      };
    case "NotAllowedError":
    case "SecurityError":
      return {
        title: "The microphone is not allowed",
        cure: "Choose the symbol beside this page’s address, set the microphone to “Allow”, and try again.",
      };
    case "NotFoundError":
    case "OverconstrainedError":
      return {
        title: "No microphone was found",
        cure: "Plug one in, or switch it on in the system’s sound settings, and try again.",
      };
    case "NotReadableError":
    case "AbortError":
      return {
        title: "The microphone is busy",
        cure: "Another program may be using it. Close that one, or plug the microphone in again, and try once more.",
      };
    case "LoadError":
      return {
        title: "The server cannot be reached",
        cure: `A part of this page could not be had from it. ${LOOK_FOR_SERVER} Then try again.`,
      };
    default:
      return {
        title: "The microphone cannot be used",
        cure: `This browser says: ${sentence(error.message)} A newer one may help; a recording can be opened even so.`,
      };
  }
}

export const MICROPHONE_LOST = {
  title: "The microphone is gone",
  cure: "It was unplugged or switched off. What it heard is safe: plug it in again and go on.",
};

export const MICROPHONE_MUTED = {
  title: "Nothing but silence comes from the microphone",
  cure: "It may be muted, by a key or in the system’s sound settings, or another microphone may be chosen there.",
};

export const ONE_AT_A_TIME = {
  title: "One thing at a time",
  cure: "Let what is running come to its end, or end it; then open the recording again.",
};

/** `error` is what decoding has thrown. */
export function recordingProblem(name, error) {
  if (error.name === "NotReadableError" || error.name === "NotFoundError") {
    return { title: `${name} cannot be read`, cure: "It may have been moved or changed. Choose it again." };
  }
  return {
    title: `${name} cannot be decoded`,
    cure:
      "This browser finds no audio in it that it can play. WAV, MP3, FLAC, Ogg and M4A work nearly everywhere: " +
      "convert it to one of them, for example with “ffmpeg -i FILE talk.wav”.",
  };
}

/** `failure`: what the client tells with the state `failed`. */
export function serverProblem(failure) {
  if (failure.reason === "token_refused") {
    return {
      title: "The server wants a token",
      cure: "Enter the one that you were given for it, and try again. One that was refused may be mistyped or old.",
      wantsToken: true,
    };
  }
  if (failure.reason === "unanswered") {
    return { title: "The end was left unanswered", cure: `${sentence(failure.message)} What came before is complete.` };
  }
  return { title: "The server has refused to go on", cure: `It says: ${sentence(failure.message)}` };
}

/** `state`: what the client tells while it tries to connect again. */
export function serverAway(state, keptSeconds) {
  return {
    title: sentence(state.message).replace(/\.$/, ""),
    cure:
      `This page keeps trying, and keeps what you say meanwhile, up to ${keptSeconds} seconds of it. ` +
      LOOK_FOR_SERVER,
  };
}

export function serverSays(notice) {
  const cure = [notice.message, notice.hint].filter(Boolean).map(sentence).join(" ");
  return { title: "The server reports a problem", cure };
}

export function leftOpen(seconds) {
  return {
    title: `The last ${seconds.toFixed(1)} seconds were not transcribed`,
    cure: "The connection was ended before the server had answered for them.",
  };
}

export const CANNOT_COPY = {
  title: "The text could not be copied",
  cure: "The browser does not allow it here. Save the transcript as text instead.",
};

function sentence(text) {
  const whole = String(text).trim();
  return whole && `${whole[0].toUpperCase()}${whole.slice(1)}${/[.!?]$/.test(whole) ? "" : "."}`;
}
