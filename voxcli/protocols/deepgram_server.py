"""The server's half of ``/v1/listen``: queries checked, messages and errors as Deepgram's clients expect them.

Source: Deepgram's AsyncAPI specification, channel ``/v1/listen``, and its documentation of errors and closing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from voxcli.audio import AudioFormat, Encoding
from voxcli.events import Results
from voxcli.protocols import Malformed
from voxcli.protocols.deepgram import results_message, word_message
from voxcli.protocols.reading import as_whole, json_object
from voxcli.protocols.requests import Query, Refused, Values, audio_format, listed

Command = Literal["KeepAlive", "Finalize", "CloseStream", "Configure"]
COMMANDS: tuple[Command, ...] = ("KeepAlive", "Finalize", "CloseStream", "Configure")

RAW_ENCODINGS = {
    "linear16": Encoding.LINEAR16,
    "linear32": Encoding.FLOAT32,
    "mulaw": Encoding.MULAW,
    "alaw": Encoding.ALAW,
}
PACKED_ENCODINGS = ("flac", "ogg-opus", "opus", "amr-nb", "amr-wb")
"""Encodings whose streams say themselves what they are; they are read like containers."""
OTHER_ENCODINGS = ("speex", "g729")
"""Deepgram's, which are not decoded here."""

MOST_CHANNELS = 20
LEAST_RATE, MOST_RATE = 8_000, 48_000

DEFAULT_ENDPOINTING_MS = 10

NOT_AUDIO = (1008, "DATA-0000: the payload cannot be decoded as audio. See https://dpgr.am/data0000")
TIMED_OUT = (
    1011,
    "NET-0001: no audio data or text message came within the timeout window. See https://dpgr.am/net0001",
)
FAILED = (1011, "NET-0000: no recognizer could answer within the timeout window. See https://dpgr.am/net0000")

_FLAGS = (
    "punctuate", "smart_format", "numerals", "profanity_filter", "dictation", "detect_entities", "diarize",
    "mip_opt_out", "filler_words", "no_delay", "debug",
)  # fmt: skip
_OWN = frozenset({"encoding", "sample_rate", "channels", "multichannel", "language", "model", "interim_results",
                  "endpointing", "utterance_end_ms", "vad_events", "callback", "callback_method"})  # fmt: skip

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class ListenWish:
    """What a client asks for. ``format`` is None for a container, which says itself what it holds.

    ``endpointing`` is seconds of silence that end an utterance, None for never; ``utterance_end`` seconds, None for
    no UtteranceEnd. ``parameters`` are those that a relay passes on.
    """

    format: AudioFormat | None
    is_multichannel: bool
    language: str | None
    model: str | None
    interim: bool
    endpointing: float | None
    utterance_end: float | None
    vad_events: bool
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a client; ``channel`` of a Finalize that is for one channel only."""

    command: Command
    channel: int | None = None


def wish(query: Query, *, is_stream: bool = True) -> ListenWish:
    """What a query asks for. Raises Refused."""
    values = Values(query)
    _check_flags(values)
    interim = values.flag("interim_results")
    return ListenWish(
        format=_format(values),
        is_multichannel=values.flag("multichannel"),
        language=values.text("language"),
        model=values.text("model"),
        interim=interim,
        endpointing=_endpointing(values),
        utterance_end=_utterance_end(values, needs_interim=is_stream and not interim),
        vad_events=values.flag("vad_events"),
        parameters=tuple((name, value) for name, value in query if name not in _OWN),
    )


def said(text: str) -> Said | None:
    """What a text message says; None for a type that is not known. Raises Malformed."""
    fields = json_object(text)
    kind = fields.get("type")
    if not isinstance(kind, str):
        raise Malformed("the message does not say its type")
    for command in COMMANDS:
        if kind == command:
            channel = fields.get("channel")
            number = channel[0] if isinstance(channel, list) and channel else channel
            return Said(command, None if number is None else as_whole(number, "channel", most=MOST_CHANNELS - 1))
    return None


def results(
    heard: Results, *, request_id: str, model: str, channels: int, speech_final: bool, from_finalize: bool
) -> str:
    """A Results message."""
    message = results_message(heard, request_id=request_id, model=model, channels=channels)
    message["speech_final"] = speech_final
    message["from_finalize"] = from_finalize
    return _encode(message)


def speech_started(timestamp: float, channel: int, channels: int) -> str:
    """SpeechStarted: where the first word of an utterance begins, in seconds."""
    return _encode({"type": "SpeechStarted", "channel": [channel, channels], "timestamp": timestamp})


def utterance_end(last_word_end: float, channel: int, channels: int) -> str:
    """UtteranceEnd: where the last word of an utterance ended, in seconds."""
    return _encode({"type": "UtteranceEnd", "channel": [channel, channels], "last_word_end": last_word_end})


def configure_failure(request_id: str) -> str:
    """The answer to Configure: a recognizer here cannot be told new words in the middle of a stream."""
    return _encode(
        {
            "type": "ConfigureFailure",
            "request_id": request_id,
            "code": "CONFIGURE_KEYTERMS_NOT_SUPPORTED",
            "description": "this server's recognizers take no new terms while a stream goes on",
        }
    )


def error_message(description: str, *, variant: str = "SchemaError", code: str = "") -> str:
    """An Error in a stream that goes on."""
    return _encode({"type": "Error", "variant": variant, "description": description} | ({"code": code} if code else {}))


def refusal(code: str, message: str, request_id: str) -> dict[str, str]:
    """The body of a response that refuses a request."""
    return {"err_code": code, "err_msg": message, "request_id": request_id}


def prerecorded(
    channels: Sequence[Sequence[Results]],
    *,
    request_id: str,
    model: str,
    backend: str,
    sha256: str,
    created: str,
    duration: float,
    utterances: bool = False,
) -> dict[str, Any]:
    """The answer to a recording: of each channel one alternative, all of its finals put together."""
    message: dict[str, Any] = {
        "metadata": {
            "transaction_key": "deprecated",
            "request_id": request_id,
            "sha256": sha256,
            "created": created,
            "duration": duration,
            "channels": len(channels),
            "models": [request_id],
            "model_info": {request_id: {"name": model, "version": "", "arch": backend}},
        },
        "results": {"channels": [{"alternatives": [_whole(finals)]} for finals in channels]},
    }
    if utterances:
        message["results"]["utterances"] = [
            _utterance(final, channel, f"{request_id}-{channel}-{number}")
            for channel, finals in enumerate(channels)
            for number, final in enumerate(finals)
            if final.transcript
        ]
    return message


def _whole(finals: Sequence[Results]) -> dict[str, Any]:
    words = [word for final in finals for word in final.words or ()]
    said = [final for final in finals if final.transcript]
    weights = [(final.confidence, final.duration) for final in said if final.confidence is not None]
    length = sum(duration for _, duration in weights)
    return {
        "transcript": " ".join(final.transcript for final in said),
        "confidence": round(sum(value * duration for value, duration in weights) / length, 4) if length else 0.0,
        "words": [word_message(word) for word in words],
    }


def _utterance(final: Results, channel: int, name: str) -> dict[str, Any]:
    words = final.words or ()
    return {
        "id": name,
        "start": words[0].start if words else final.start if final.speech_start is None else final.speech_start,
        "end": words[-1].end if words else final.end if final.speech_end is None else final.speech_end,
        "confidence": final.confidence or 0.0,
        "channel": channel,
        "transcript": final.transcript,
        "words": [word_message(word) for word in words],
    }


def _format(values: Values) -> AudioFormat | None:
    encoding = values.one_of("encoding", [*RAW_ENCODINGS, *PACKED_ENCODINGS, *OTHER_ENCODINGS])
    rate = values.whole("sample_rate", least=LEAST_RATE, most=MOST_RATE)
    channels = values.whole("channels", least=1, most=MOST_CHANNELS) or 1
    if encoding in OTHER_ENCODINGS:
        raise Refused(f"encoding: expected {listed([*RAW_ENCODINGS, *PACKED_ENCODINGS])} or a container without it, "
                      f"got {encoding}, which this server does not decode")  # fmt: skip
    if encoding is None or encoding in PACKED_ENCODINGS:
        return None
    if rate is None:
        raise Refused(f"sample_rate: expected a rate from {LEAST_RATE} to {MOST_RATE} beside encoding, got none")
    return audio_format(RAW_ENCODINGS[encoding], rate, channels)


def _endpointing(values: Values) -> float | None:
    text = values.text("endpointing")
    if text is not None and text.lower() in ("true", "false"):
        return None if text.lower() == "false" else DEFAULT_ENDPOINTING_MS / 1000
    milliseconds = values.whole("endpointing", least=0, most=60_000)
    return (DEFAULT_ENDPOINTING_MS if milliseconds is None else milliseconds) / 1000


def _utterance_end(values: Values, *, needs_interim: bool) -> float | None:
    milliseconds = values.whole("utterance_end_ms", least=1, most=60_000)
    if milliseconds is not None and needs_interim:
        raise Refused("utterance_end_ms: expected interim_results=true beside it, got none")
    return None if milliseconds is None else milliseconds / 1000


def _check_flags(values: Values) -> None:
    for name in _FLAGS:
        values.flag(name)
    if values.has("callback"):
        raise Refused("callback: expected none, since this server sends results only to whoever asked")
