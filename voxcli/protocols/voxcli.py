"""The client's half of ``/ws/transcribe``: our own server and the plainest ones, with or without ``voxcli.v1``.

Without the subprotocol a server is sent nothing but audio, since the simplest one dies of a text message; it may send
three fields (transcript, is_final, speech_final), more of them, or Deepgram's messages passed on as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from voxcli.audio import MAX_CHANNELS, SAMPLE_BYTES, SAMPLE_RATE, samples, seconds
from voxcli.events import Results
from voxcli.protocols import Acknowledged, Asked, Finished, Heard, Malformed, Message, Ready, Trouble
from voxcli.protocols.deepgram import CLOSE_STREAM, FINALIZE, KEEP_ALIVE, channels_of, flattened, merged, utterance_end
from voxcli.protocols.reading import (
    MOST_SECONDS,
    Fields,
    complaint,
    confidence_at,
    endings,
    flag_at,
    json_object,
    optional_text,
    optional_time,
    text_at,
    time_at,
    whole_at,
    words_at,
)

T = TypeVar("T")

NAME = "server"
SUBPROTOCOL = "voxcli.v1"

_MOST_SAMPLES = samples(MOST_SECONDS)
_LONGEST_SESSION_NAME = 256
_MOST_EARLY = 1_000


def query(asked: Asked) -> list[tuple[str, str]]:
    """The query of ``/ws/transcribe``, for audio as the codec sends it."""
    own = [
        ("encoding", "linear16"),
        ("sample_rate", str(SAMPLE_RATE)),
        ("channels", "1"),
        ("language", asked.language),
        *([("model", asked.model)] if asked.model else []),
        ("interim_results", "true"),
    ]
    return merged(own, asked.parameters)


class VoxcliCodec:
    """One session of a server. What it can do is known after ``start``; until then it is taken for a plain one."""

    subprotocols: Sequence[str] = (SUBPROTOCOL,)
    pace = None

    def __init__(self) -> None:
        self._is_v1 = False
        self._session: str | None = None
        self._sent_here = 0
        self._begin(0)

    def _begin(self, sent: int) -> None:
        """A new session, of which ``sent`` samples are sent."""
        self.sent_samples = sent
        self.channels = 1
        self.has_spans = True
        self._acknowledged = self._last_seq = self._covered = 0
        self._early: set[int] = set()
        self._newest_end: int | None = None

    @property
    def acknowledged_samples(self) -> int | None:
        """What the server acknowledged; of a plain one how far its results reach, None while they do not say."""
        if self._is_v1:
            return self._acknowledged
        return self._newest_end if self.has_spans else None

    @property
    def is_talkative(self) -> bool:
        """A plain server may have nothing to say about silence."""
        return self._is_v1

    @property
    def gives_receipt(self) -> bool:
        """A plain server is not even told that no more audio comes."""
        return self._is_v1

    @property
    def keep_alive_seconds(self) -> float | None:
        """A plain server is never sent text."""
        return 10.0 if self._is_v1 else None

    def rejoining(self) -> Mapping[str, str]:
        """The session and the last final received of it, once the server has named the session."""
        return {} if self._session is None else {"session": self._session, "last_seq": str(self._last_seq)}

    def start(self, subprotocol: str | None) -> list[Message]:
        """Nothing to send. Only with the subprotocol can an earlier session go on."""
        self._is_v1 = subprotocol == SUBPROTOCOL
        self._sent_here = 0
        if not self._is_v1:
            self._session = None
            self._begin(0)
        return []

    def audio(self, data: bytes) -> list[Message]:
        """The audio as it is; nothing for no audio."""
        count = len(data) // SAMPLE_BYTES
        self.sent_samples += count
        self._sent_here += count
        return [data] if data else []

    def keep_alive(self) -> list[Message]:
        """KeepAlive; nothing for a plain server."""
        return [KEEP_ALIVE] if self._is_v1 else []

    def finalize(self) -> list[Message]:
        """Finalize: a final over what was sent so far; nothing for a plain server."""
        return [FINALIZE] if self._is_v1 else []

    def finish(self) -> list[Message]:
        """CloseStream: the last finals, Metadata, and the end of the connection; nothing for a plain server."""
        return [CLOSE_STREAM] if self._is_v1 else []

    def receive(self, message: Message) -> list[Heard]:
        """What a message means; nothing for a binary one or one of an unknown type. Raises Malformed."""
        if isinstance(message, bytes):
            return []
        fields = json_object(message)
        match fields.get("type"):
            case None | "Results":
                return self._receive_results(fields)
            case "Error":
                return [Trouble(complaint(fields))]
            case "UtteranceEnd":
                return utterance_end(fields)
            case "Ready" | "Ack" | "Metadata" if self._is_v1:
                return [self._control(fields)]
            case _:
                return _trouble(fields)

    def _control(self, fields: Fields) -> Heard:
        match fields["type"]:
            case "Ready":
                return self._ready(fields)
            case "Ack":
                return self._acknowledge(fields)
            case _:
                return Finished(optional_time(fields, "duration"))

    def _ready(self, fields: Fields) -> Ready:
        received = whole_at(fields, "received_samples", most=_MOST_SAMPLES) or 0
        ready = Ready(_session_name(fields), flag_at(fields, "resumed"), received)
        if not ready.resumed:
            self._begin(self._sent_here)
        elif received > self.sent_samples:
            raise Malformed("the server says that it has more audio of the session than was sent")
        else:
            self.sent_samples = self._acknowledged = received
        self._session = ready.session
        return ready

    def _acknowledge(self, fields: Fields) -> Acknowledged:
        received = whole_at(fields, "received_samples", most=_MOST_SAMPLES)
        if received is None:
            raise Malformed("an Ack does not say how many samples were received")
        self._acknowledged = max(self._acknowledged, min(received, self.sent_samples))
        return Acknowledged(received)

    def _receive_results(self, fields: Fields) -> list[Heard]:
        if _is_deepgrams(fields):
            return self._results(flattened(fields))
        if fields.get("transcript") is None and (fields.get("type") is None or fields.get("error")):
            return _trouble(fields)
        return self._results(fields)

    def _results(self, fields: Fields) -> list[Heard]:
        """The result, unless it is a final that was sent before."""
        result, channels = self._result(fields), channels_of(fields)
        seq = whole_at(fields, "seq", most=_MOST_SAMPLES) if self._is_v1 and result.is_final else None
        if seq is not None and self._came_before(seq):
            return []
        self.channels = max(self.channels, result.channel + 1, channels)
        self._note(result, has_span=_has_span(fields))
        return [result]

    def _came_before(self, seq: int) -> bool:
        """Whether a final of that number was received; notes it. ``_last_seq``: all up to it were."""
        if seq <= self._last_seq or seq in self._early:
            return True
        self._early.add(seq)
        while self._last_seq + 1 in self._early:
            self._last_seq += 1
            self._early.remove(self._last_seq)
        if len(self._early) > _MOST_EARLY:  # a number has been left out: it will not come any more
            self._last_seq = min(self._early) - 1
        return False

    def _result(self, fields: Fields) -> Results:
        is_final, speech_final = endings(fields)
        start, duration = self._span(fields)
        return Results(
            transcript=text_at(fields, "transcript"),
            is_final=is_final,
            speech_final=speech_final,
            start=start,
            duration=duration,
            confidence=_if_sound(confidence_at, fields),
            words=_if_sound(words_at, fields),
            channel=_if_sound(_channel, fields) or 0,
            backend=NAME,
            speech_start=_if_sound(_speech_start, fields),
            speech_end=_if_sound(_speech_end, fields),
        )

    def _span(self, fields: Fields) -> tuple[float, float]:
        """Start and duration as given, else from the final before to the end of what was sent."""
        if _has_span(fields):
            return time_at(fields, "start"), time_at(fields, "duration")
        return seconds(self._covered), seconds(max(0, self.sent_samples - self._covered))

    def _note(self, result: Results, *, has_span: bool) -> None:
        end = min(samples(result.end), self.sent_samples)
        self.has_spans = self.has_spans and has_span
        self._newest_end = max(self._newest_end or 0, end)
        self._acknowledged = max(self._acknowledged, end)
        if result.is_final:
            self._covered = max(self._covered, end)


def _session_name(fields: Fields) -> str | None:
    """A name that can stand in a query. Raises Malformed."""
    name = optional_text(fields, "session") or None
    if name is None or (name.isascii() and name.isprintable() and len(name) <= _LONGEST_SESSION_NAME):
        return name
    raise Malformed("the session's name cannot stand in a query")


def _is_deepgrams(fields: Fields) -> bool:
    channel = fields.get("channel")
    return isinstance(channel, dict) and "alternatives" in channel


def _has_span(fields: Fields) -> bool:
    return fields.get("start") is not None and fields.get("duration") is not None


def _if_sound(read: Callable[[Fields], T | None], fields: Fields) -> T | None:
    """What stands beside the words; where it cannot be read it is left out, and the words stay."""
    try:
        return read(fields)
    except Malformed:
        return None


def _channel(fields: Fields) -> int | None:
    return whole_at(fields, "channel", most=MAX_CHANNELS - 1)


def _speech_start(fields: Fields) -> float | None:
    return optional_time(fields, "speech_start")


def _speech_end(fields: Fields) -> float | None:
    return optional_time(fields, "speech_end")


def _trouble(fields: Fields) -> list[Heard]:
    """What a message says under ``error``, where it has no transcript."""
    error = fields.get("error")
    if error and isinstance(error, str | dict) and fields.get("transcript") is None:
        return [Trouble(complaint(fields))]
    return []
