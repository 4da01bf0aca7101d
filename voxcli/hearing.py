"""What the samples of a microphone give away of its state: muted, or turned up too far. Each is said once."""

from __future__ import annotations

from math import log10

from voxcli.events import Notice

MUTED_SECONDS = 3.0
"""Of pure zeros; a quiet room is never that quiet."""
CLIPPED_SHARE = 0.01
"""Of a second's samples at the edge of what can be written: what is said is distorted."""
FLOOR_DB = -90.0


class Hearing:
    """Told of each block that is captured, in order; ``note`` returns what there is to be said."""

    def __init__(self) -> None:
        self._zeros = 0.0
        self._clipped = self._second = 0.0
        self._said: set[str] = set()

    def note(self, at: float, duration: float, peak: int, clipped: float) -> list[Notice]:
        """A block of ``duration`` seconds at ``at``: its greatest value of 32,768, and seconds of it that clip."""
        self._zeros = 0.0 if peak else self._zeros + duration
        self._second, self._clipped = self._second + duration, self._clipped + clipped
        notices = []
        if self._zeros >= MUTED_SECONDS:
            notices += self._once("muted", at, "nothing but zeros come: is the microphone muted, or not permitted?")
        if self._second >= 1.0:
            if self._clipped >= CLIPPED_SHARE * self._second:
                notices += self._once("clipping", at, "the microphone is too loud and clips: turn its volume down")
            self._second = self._clipped = 0.0
        return notices

    def overrun(self, at: float) -> list[Notice]:
        """The machine came too late to some audio."""
        return self._once("overrun", at, "this machine was too busy and missed some audio of the microphone")

    def _once(self, code: str, at: float, message: str) -> list[Notice]:
        if code in self._said:
            return []
        self._said.add(code)
        return [Notice(code=code, at=at, message=message)]  # type: ignore[arg-type]


def decibels(value: float) -> float:
    """A level from 0 to 1 in dB relative to full scale, -90 at least."""
    return max(FLOOR_DB, 20 * log10(value)) if value > 0 else FLOOR_DB
