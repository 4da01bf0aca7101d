"""How a scripted server behaves, and what it has heard and said in one session: no I/O."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oracle import RATE, Ears, Script, SpokenWord

if TYPE_CHECKING:
    from scripted_faults import Fault, HandshakeFault

Interval = float | Callable[[], float]
"""Seconds, or what gives other seconds each time."""


def irregular(seed: int, shortest: float = 0.2, longest: float = 4.0) -> Callable[[], float]:
    """Intervals without a rule, the same for the same seed: finals that end anywhere, in the middle of a word too."""
    generator = random.Random(seed)
    return lambda: generator.uniform(shortest, longest)


@dataclass(frozen=True)
class Behaviour:
    """What a server does on one connection. Without arguments it is healthy."""

    fault: Fault | HandshakeFault | None = None
    """The one thing that goes wrong."""
    final_every: Interval = 2.0
    """Seconds of audio from the end of a final to the end of the next one."""
    interim_every: float = 0.5
    """Seconds of audio between interims; 0 for none."""
    final_when_idle: float | None = None
    """After so many seconds of wall time without audio comes a final over all that was heard. None: what the dialect
    does, which is 0.3 where there is no CloseStream."""
    words: bool = True
    """Whether results have words."""
    times: bool = True
    """Whether results of ``/ws/transcribe`` have times; else they are the three fields."""
    speech_final: bool = True
    """What finals say about it."""
    covers_silence: bool = True
    """Whether there are finals without words; else what is silent is never covered, at the end neither."""
    result_delay: float = 0.0
    """Seconds of wall time from the audio to the result."""
    speed: float | None = None
    """Audio seconds that are read in a second; None for all that comes."""
    idle_close: float | None = None
    """Close with Deepgram's NET-0001 after so many seconds without audio and text; None for never."""
    v1: bool = True
    """Whether ``voxcli.v1`` is chosen when it is offered."""
    resumable: bool = True
    """Whether a session of ``voxcli.v1`` can be joined again."""
    ready_delay: float = 0.0
    """Seconds of wall time before Ready; nothing is read meanwhile. ``math.inf`` for a server that never says it."""


@dataclass(frozen=True)
class Said:
    """A result: the span of the session that it covers, in samples, and the words in it."""

    start: int
    end: int
    words: tuple[SpokenWord, ...]
    is_final: bool
    number: int | None = None
    """Finals are numbered from 1."""
    from_finalize: bool = False

    @property
    def transcript(self) -> str:
        return " ".join(word.name for word in self.words)


@dataclass(eq=False)
class Session:
    """What was heard and said since the first sample, over all connections that joined it."""

    behaviour: Behaviour
    ears: Ears
    longest_quiet: float = 0.0
    """Seconds of audio after which there is a result in any case; 0 for no such promise."""
    name: str = field(default_factory=lambda: secrets.token_hex(16))
    covered: int = 0
    """The end of the newest final, in samples."""
    finals: list[Said] = field(default_factory=list)
    expires: float | None = None
    """When the session ends for which there is no connection, on the loop's clock."""
    owner: object = None
    """The connection that feeds it."""

    def __post_init__(self) -> None:
        self._newest_result = 0
        self._next_final = self._after(0)

    @classmethod
    def hearing(cls, behaviour: Behaviour, script: Script, longest_quiet: float) -> Session:
        """A new session."""
        return cls(behaviour, Ears(script), longest_quiet)

    def hear(self, data: bytes) -> list[Said]:
        """The results that are due after this audio."""
        self.ears.feed(data)
        said = []
        while self._next_final <= self.ears.heard:
            said += self._final(self._next_final)
        if self._is_interim_due():
            said.append(self._interim())
        return said

    def reply(self, data: bytes) -> Said:
        """The one result that follows this audio, where each message is answered."""
        self.ears.feed(data)
        finals = self._final(self.ears.heard) if self._next_final <= self.ears.heard else []
        return finals[0] if finals else self._interim()

    def flush(self, end: int | None = None, *, from_finalize: bool = False) -> list[Said]:
        """A final over all that was heard (up to ``end``); nothing where there is nothing to cover."""
        end = self.ears.heard if end is None else end
        return self._final(end, from_finalize=from_finalize) if end > self.covered else []

    def between(self, start: int, said: Said) -> Said:
        """The same result over a span with another beginning."""
        words = tuple(self.ears.words_between(start, said.end))
        return Said(start, said.end, words, said.is_final, said.number, said.from_finalize)

    def _final(self, end: int, *, from_finalize: bool = False) -> list[Said]:
        start, self.covered = self.covered, end
        self._next_final = self._after(end)
        words = tuple(self.ears.words_between(start, end))
        if not words and not self.behaviour.covers_silence:
            return []
        self._newest_result = end
        self.finals.append(Said(start, end, words, True, len(self.finals) + 1, from_finalize))
        return self.finals[-1:]

    def _interim(self) -> Said:
        self._newest_result = end = self.ears.heard
        return Said(self.covered, end, tuple(self.ears.words_between(self.covered, end)), False)

    def _is_interim_due(self) -> bool:
        intervals = [seconds for seconds in (self.behaviour.interim_every, self.longest_quiet) if seconds]
        return bool(intervals) and self.ears.heard - self._newest_result >= min(intervals) * RATE

    def _after(self, sample: int) -> int:
        every = self.behaviour.final_every
        return sample + max(1, round((every() if callable(every) else every) * RATE))
