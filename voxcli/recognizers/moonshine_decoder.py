"""How Moonshine's lines become results that cover a stream without holes.

Its library cuts speech into lines by itself and knows no word times. Three of its habits shape this file: it decodes
only when asked to, at a price; a stream remembers all its lines for ever; and the last words are lost unless some
silence follows them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from voxcli.audio import SAMPLE_BYTES, Chunk, samples, seconds
from voxcli.events import Results

NAME = "moonshine"

SILENCE_SECONDS = 5.0
"""A silence of this length is reported by an empty final."""
LOOK_BACK_SECONDS = 1.0
"""Speech can turn out to have begun this long before the library noticed it."""
TAIL_SECONDS = 1.0
"""Silence fed at the end, without which the last words do not come."""
RENEW_SECONDS = 60.0
"""After this much audio a stream is replaced at the next final, so that a day of listening stays flat."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the library's transcript; times in seconds from the start of its stream."""

    text: str
    start: float
    end: float
    is_complete: bool


class Stream(Protocol):
    """The library's stream, as this file needs it."""

    def add(self, data: bytes) -> None:
        """Audio: linear16, one channel, 16,000 Hz."""

    def lines(self) -> list[Line]:
        """Decode what is new; every line since the stream began."""

    def close(self) -> None:
        """Free it."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """When to decode: between two lengths of audio, sooner the less of the time it takes."""

    least_seconds: float
    most_seconds: float
    share: float = 0.2
    """At most this part of the time that passes goes into decoding, within those lengths."""

    def is_due(self, audio_seconds: float, passed: float, cost: float) -> bool:
        """Whether to decode now: audio and wall seconds since the last time, and wall seconds that it took."""
        if audio_seconds < self.least_seconds:
            return False
        return audio_seconds >= self.most_seconds or passed * self.share >= cost * (1 - self.share)


class MoonshineDecoder:
    """One stream of ours through a succession of the library's streams.

    ``_covered`` is where the last final ends. The audio since then is kept, so that a new stream can hear it again.
    """

    def __init__(
        self,
        new_stream: Callable[[], Stream],
        *,
        pace: Cadence,
        interim: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._new_stream = new_stream
        self._stream = new_stream()
        self._pace = pace
        self._interim = interim
        self._clock = clock
        self._begin = 0
        self._lines_done = 0
        self._covered = self._heard = self._decoded = 0
        self._uncovered = bytearray()
        self._decoded_at = clock()
        self._cost = 0.0
        self._last_interim = ""

    def accept(self, chunk: Chunk) -> list[Results]:
        if not self._heard:
            self._begin = self._covered = self._heard = self._decoded = chunk.start
        self._stream.add(chunk.data)
        self._uncovered += chunk.data
        self._heard = chunk.end
        audio_seconds = seconds(self._heard - self._decoded)
        if not self._pace.is_due(audio_seconds, self._clock() - self._decoded_at, self._cost):
            return []
        lines = self._decode()
        results = self._finals(lines) + self._silence(lines)
        if results and seconds(self._heard - self._begin) >= RENEW_SECONDS:
            self._renew()
        return results or self._interims(lines)

    def flush(self) -> list[Results]:
        """The silence that brings the last words out belongs to no place, so a new stream goes on after it."""
        results = self.finish()
        if results:
            self._renew()
        return results

    def finish(self) -> list[Results]:
        if self._heard == self._covered:
            return []
        self._stream.add(bytes(samples(TAIL_SECONDS) * SAMPLE_BYTES))
        lines = self._decode()
        results = self._finals([Line(line.text, line.start, line.end, True) for line in lines])
        if self._covered < self._heard:
            results.append(self._final("", self._heard))
        return results

    def close(self) -> None:
        self._stream.close()

    def _decode(self) -> list[Line]:
        """The lines that no final has given yet."""
        started = self._clock()
        lines = self._stream.lines()[self._lines_done :]
        self._decoded_at = self._clock()
        self._cost = self._decoded_at - started
        self._decoded = self._heard
        return lines

    def _finals(self, lines: list[Line]) -> list[Results]:
        finals = []
        for line in lines:
            if not line.is_complete:
                break
            self._lines_done += 1
            if line.text:
                finals.append(self._final(line.text, self._place(line.end), line))
        return finals

    def _silence(self, lines: list[Line]) -> list[Results]:
        """An empty final over silence that has lasted long enough to be worth telling."""
        waiting = [line for line in lines if not line.is_complete]
        upto = self._place(waiting[0].start) if waiting else self._heard - samples(LOOK_BACK_SECONDS)
        if seconds(upto - self._covered) < SILENCE_SECONDS:
            return []
        return [self._final("", upto)]

    def _interims(self, lines: list[Line]) -> list[Results]:
        text = " ".join(line.text for line in lines if line.text)
        if not self._interim or text == self._last_interim:
            return []
        self._last_interim = text
        return [self._result(text, self._heard, is_final=False)]

    def _final(self, text: str, upto: int, line: Line | None = None) -> Results:
        upto = max(upto, self._covered)
        result = self._result(text, upto, is_final=True, line=line)
        del self._uncovered[: (upto - self._covered) * SAMPLE_BYTES]
        self._covered, self._last_interim = upto, ""
        return result

    def _result(self, text: str, upto: int, *, is_final: bool, line: Line | None = None) -> Results:
        return Results(
            transcript=text,
            is_final=is_final,
            speech_final=is_final,
            start=seconds(self._covered),
            duration=seconds(upto - self._covered),
            speech_start=None if line is None else seconds(max(self._covered, self._place(line.start))),
            speech_end=None if line is None else seconds(upto),
            backend=NAME,
        )

    def _place(self, stream_seconds: float) -> int:
        """A time of the library's stream as a sample of ours, no later than what was heard."""
        return min(self._begin + samples(stream_seconds), self._heard)

    def _renew(self) -> None:
        """Go on in a new stream of the library, from where the last final ended."""
        self._stream.close()
        self._stream = self._new_stream()
        self._begin = self._covered
        self._lines_done = 0
        if self._uncovered:
            self._stream.add(bytes(self._uncovered))
