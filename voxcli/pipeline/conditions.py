"""When listening ends by itself: after so much audio, so much silence, or one utterance."""

from __future__ import annotations

from dataclasses import dataclass

from voxcli.events import Results, StopReason
from voxcli.transcript import speech_end


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

    def hear(self, result: Results) -> None:
        """A result; words that are new are speech."""
        if result.transcript and (result.is_final or result.transcript != self._said):
            self._spoken_until = max(self._spoken_until or 0.0, speech_end(result))
        self._said = "" if result.is_final else result.transcript

    def at(self, heard: float) -> StopReason | None:
        """Why to stop, when the recognizer has been given so many seconds of audio."""
        limits = self._limits
        if limits.duration is not None and heard >= limits.duration:
            return "duration"
        if limits.silence is not None and self._spoken_until is not None:
            return "until_silence" if heard - self._spoken_until >= limits.silence else None
        return None

    @property
    def is_one_enough(self) -> bool:
        """Whether the first utterance is the last."""
        return self._limits.once
