"""What is heard and what happens: one frozen class for each kind of line that the program can print as JSON.

Names are Deepgram's, flattened (docs/jsonl.md). Times are seconds from the start of the source, counted in samples.
A key whose value is None is left out of the line. The strings below the fields are the descriptions in
``voxcli schema``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

SCHEMA_VERSION = 1

StopReason = Literal[
    "end_of_source", "duration", "once", "until_silence", "interrupted", "device_lost", "error"
]  # fmt: skip

NoticeCode = Literal[
    "reconnecting", "reconnected", "failover", "failback", "best_effort", "rate_limited",
    "device_lost", "device_back", "muted", "clipping", "overrun", "slow",
]  # fmt: skip

GapReason = Literal["ring_overflow", "device_lost", "overrun"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word of a result."""

    word: str
    """The word as it was recognized."""
    start: float
    """Seconds from the start of the source."""
    end: float
    """Seconds from the start of the source."""
    confidence: float
    """0 to 1."""
    punctuated_word: str | None = None
    """The word with case and punctuation, where the recognizer gives both forms."""
    speaker: int | None = None
    """Speaker number, where speakers are told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The first line of a source: what is about to be transcribed, and by what."""

    type: ClassVar[str] = "Session"
    schema_version: int = SCHEMA_VERSION
    """Rises when a reader of older lines would misread newer ones."""
    source: str
    """The file as it was named, - for standard input, or the name of the microphone."""
    backends: tuple[str, ...]
    """The recognizers that may be used, in the order in which they are tried."""
    sample_rate: int
    """Samples a second of the audio that the recognizer is given."""
    channels: int
    """Channels of the audio that the recognizer is given."""
    model: str | None = None
    """The speech model of the first recognizer, where it is known."""
    backend_reason: str | None = None
    """Why that recognizer was taken, where the choice was left to the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What was heard in one span: interim (may still change) or final (will not)."""

    type: ClassVar[str] = "Results"
    seq: int = 0
    """Rises with every Results line printed, interim or final; 0 until it is printed."""
    transcript: str
    """The words, in one string; empty where nothing was said in the span."""
    is_final: bool
    """False for an interim result."""
    speech_final: bool
    """True when the speaker has come to an end here: the utterance is complete."""
    start: float
    """Where the span of audio that this result covers begins, in seconds."""
    duration: float
    """Length of that span in seconds. The spans of final results follow each other without holes."""
    confidence: float | None = None
    """0 to 1, where the recognizer gives one."""
    words: tuple[Word, ...] | None = None
    """The words with their times, where the recognizer gives them."""
    channel: int = 0
    """The channel that was heard, counted from 0."""
    backend: str
    """The recognizer that heard it."""
    speech_start: float | None = None
    """Where speech begins within the span, for a recognizer that knows no word times."""
    speech_end: float | None = None
    """Where speech ends within the span, for a recognizer that knows no word times."""
    promoted: bool | None = None
    """True for the last interim result of a recognizer that never confirmed it; no audio counts as covered by it."""
    source: str | None = None
    """The source, when there are several."""

    @property
    def end(self) -> float:
        return self.start + self.duration


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceEnd:
    """A server says that an utterance is complete, though no result said so. It ends the utterance and is no line."""

    at: float
    """Where its last word ends, in seconds."""
    channel: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that happened and that the reader may want to know; the work goes on."""

    type: ClassVar[str] = "Notice"
    code: NoticeCode
    """What happened."""
    at: float
    """Where in the audio, in seconds."""
    message: str
    """One sentence for a person."""
    backend: str | None = None
    """The recognizer concerned."""
    from_: str | None = None
    """The recognizer before a change."""
    to: str | None = None
    """The recognizer after a change."""
    attempt: int | None = None
    """Which attempt to reconnect this is, counted from 1."""
    delay: float | None = None
    """Seconds until that attempt."""
    source: str | None = None
    """The source, when there are several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Audio that was lost and that no result will cover."""

    type: ClassVar[str] = "Gap"
    start: float
    """Seconds from the start of the source."""
    end: float
    """Seconds from the start of the source."""
    reason: GapReason
    """Why it was lost."""
    source: str | None = None
    """The source, when there are several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """What went wrong, as one sentence and one hint. The exit code says of which kind it was."""

    type: ClassVar[str] = "Error"
    code: str
    """A short name that scripts can compare."""
    message: str
    """One sentence for a person."""
    hint: str
    """What to do next."""
    source: str | None = None
    """The source, when there are several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How far results lag behind the audio, over the newest 1,000 final results of a source."""

    p50: int
    """Milliseconds, median."""
    p95: int
    """Milliseconds, 95th percentile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The last line of a source: how it went."""

    type: ClassVar[str] = "Summary"
    audio_seconds: float
    """Seconds of audio that the source gave."""
    covered_seconds: float
    """Seconds of it that final results cover."""
    lost_seconds: float
    """Seconds of it that were lost: the sum of all Gap lines."""
    finals: int
    """How many final results there were."""
    reconnects: int
    """How many times a connection was made again."""
    failovers: int
    """How many times another recognizer took over."""
    latency_ms: Latency | None = None
    """Audio received but not yet covered at the moment a final result came."""
    stop_reason: StopReason
    """Why the source ended."""
    source: str | None = None
    """The source, when there are several."""


Event = Session | Results | Notice | Gap | Error | Summary
"""Everything that can be a line of JSON."""

_NAMES = {
    cls: tuple((field.name, field.name.rstrip("_")) for field in fields(cls))
    for cls in (Session, Results, Notice, Gap, Error, Summary, Word, Latency)
}
"""Of each field the name here and the name in JSON, where ``from`` is no keyword."""


def as_json(event: Event | Word | Latency) -> dict[str, Any]:
    """An event as a JSON object: ``type`` first, then the keys in the order of the class, None left out.

    Words and latencies in it are left as they are: they are for this function, too (``json.dumps(..., default=...)``).
    """
    tag = getattr(event, "type", None)
    line: dict[str, Any] = {} if tag is None else {"type": tag}
    for name, wire_name in _NAMES[type(event)]:
        value = getattr(event, name)
        if value is not None:
            line[wire_name] = value
    return line
