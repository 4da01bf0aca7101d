"""When listening ends by itself: after so much audio, so much silence, or one utterance."""

from __future__ import annotations

from dataclasses import dataclass

from voxcli.events import Results, StopReason
from voxcli.transcript import speech_end

DOUBT_SECONDS = 3.0
"""How much later it is silent though no final says so: there are servers that cannot be asked for one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds of audio. ``silence`` counts after the first speech only; None: no such end."""

    duration: float | None = None
    silence: float | None = None
    once: bool = False


class Conditions:
    """Told of every result and of how far the recognizer is, it says why to stop."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._said = ""
        self._spoken_until: float | None = None
        self._asked_after: float | None = None

    def hear(self, result: Results) -> None:
        """A result; words that are new are speech."""
        if result.transcript and (result.is_final or result.transcript != self._said):
            self._spoken_until = max(self._spoken_until or 0.0, speech_end(result))
        self._said = "" if result.is_final else result.transcript

    def at(self, heard: float, covered: float) -> StopReason | None:
        """Why to stop, when the recognizer has been given so much audio and finals cover so much of it, in seconds.

        A recognizer may be behind with what it was given, so silence is what finals cover without a word, or what is
        still silent much later.
        """
        limits = self._limits
        if limits.duration is not None and heard >= limits.duration:
            return "duration"
        if limits.silence is not None and self._spoken_until is not None:
            silent_at = self._spoken_until + limits.silence
            if (heard >= silent_at and covered >= silent_at) or heard >= silent_at + DOUBT_SECONDS:
                return "until_silence"
        return None

    def wants_final(self, heard: float) -> bool:
        """Whether it seems to be silent, which a final would make certain. Once for each silence."""
        silence, spoken_until = self._limits.silence, self._spoken_until
        if (
            silence is None
            or spoken_until is None
            or spoken_until == self._asked_after
            or heard < spoken_until + silence
        ):
            return False
        self._asked_after = spoken_until
        return True

    @property
    def is_one_enough(self) -> bool:
        """Whether the first utterance is the last."""
        return self._limits.once
