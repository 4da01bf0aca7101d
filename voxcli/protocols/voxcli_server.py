"""The server's half of ``/ws/transcribe``: what a client asks for, what it says, and what it is told.

A client that does not offer ``voxcli.v1`` is told nothing but results, so that the plainest one works.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from voxcli.audio import SAMPLE_RATE, AudioFormat, Encoding, seconds
from voxcli.events import Error, Notice, Results, as_json
from voxcli.protocols import Malformed
from voxcli.protocols.reading import json_object
from voxcli.protocols.requests import Query, Refused, Values, audio_format

CLOSE_BAD_FORMAT = 4400
CLOSE_IDLE = 4408
CLOSE_TAKEN_OVER = 4409
"""The session went on over a newer connection."""

Command = Literal["KeepAlive", "Finalize", "CloseStream"]
COMMANDS: tuple[Command, ...] = ("KeepAlive", "Finalize", "CloseStream")

ENCODINGS = {
    "linear16": Encoding.LINEAR16,
    "linear32": Encoding.FLOAT32,  # as Deepgram means it
    "float32": Encoding.FLOAT32,
    "mulaw": Encoding.MULAW,
    "alaw": Encoding.ALAW,
}

SESSION_NAME_BYTES = 16
"""Random bytes in the name of a session."""
_SESSION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_SEQ = 2**53

_OWN = frozenset({"encoding", "sample_rate", "channels", "language", "model", "interim_results", "session", "last_seq"})

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=as_json).encode


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client asks for. ``session`` and ``last_seq``: which session it had, and the last final it has of it.

    ``parameters`` are those of its query that are not read here; a relay passes them on.
    """

    format: AudioFormat
    language: str | None
    model: str | None
    interim: bool
    session: str | None
    last_seq: int
    parameters: tuple[tuple[str, str], ...]


def wish(query: Query) -> Wish:
    """What a query asks for. Raises Refused."""
    values = Values(query)
    encoding = ENCODINGS[values.one_of("encoding", list(ENCODINGS)) or "linear16"]
    rate = values.whole("sample_rate", least=0, most=10**9)
    channels = values.whole("channels", least=0, most=10**6)
    return Wish(
        format=audio_format(encoding, SAMPLE_RATE if rate is None else rate, 1 if channels is None else channels),
        language=values.text("language"),
        model=values.text("model"),
        interim=values.flag("interim_results", default=True),
        session=_session(values.text("session")),
        last_seq=values.whole("last_seq", least=0, most=_MOST_SEQ) or 0,
        parameters=tuple((name, value) for name, value in query if name not in _OWN),
    )


def command(text: str) -> Command | None:
    """What a text message wants; None for a type that is not known. Raises Malformed."""
    kind = json_object(text).get("type")
    if not isinstance(kind, str):
        raise Malformed("the message does not say its type")
    return kind if kind in COMMANDS else None


def ready(session: str, *, resumed: bool, received: int, backend: str, model: str) -> str:
    """Ready: the name of the session and how much of its audio the server has, in samples as the client sends them."""
    message: dict[str, Any] = {"type": "Ready", "session": session, "resumed": resumed, "received_samples": received}
    return _encode(message | {"backend": backend} | ({"model": model} if model else {}))


def ack(received: int) -> str:
    """Ack: how much audio of the session the server has, in samples as the client sends them."""
    return _encode({"type": "Ack", "received_samples": received})


def metadata(samples: int, finals: int) -> str:
    """Metadata, the receipt: seconds of audio that were recognized, and how many finals there were."""
    return _encode({"type": "Metadata", "duration": seconds(samples), "finals": finals})


def result(heard: Results, seq: int | None) -> str:
    """A result for a client of ``voxcli.v1``; finals are numbered."""
    message = as_json(heard)
    del message["seq"]
    return _encode(({"type": "Results", "seq": seq} if seq is not None else {}) | message)


def plain_result(heard: Results) -> str:
    """A result for any other client: the three fields, and what else there is, without a type."""
    message = as_json(heard)
    del message["seq"], message["type"]
    return _encode(message)


def event(told: Notice | Error) -> str:
    """A Notice or an Error."""
    return _encode(as_json(told))


def error(code: str, message: str, hint: str) -> str:
    """An Error."""
    return event(Error(code=code, message=message, hint=hint))


def _session(name: str | None) -> str | None:
    if name is None or _SESSION_NAME.fullmatch(name):
        return name
    raise Refused("session: expected the name of a session, as Ready gives it")
