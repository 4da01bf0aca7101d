"""Where finals were asked for: places in a stream over all before which one is wanted, until finals cover them."""

from __future__ import annotations

from bisect import bisect_right

from voxcli.coverage import Coverage

MOST = 64
"""Places kept. Whoever asks more often is answered later: the newest place takes that of the one before it."""


class Marks:
    """``settled``: what needs no final any more, because one covers it or it is lost."""

    def __init__(self, settled: Coverage) -> None:
        self._settled = settled
        self._places: list[int] = []

    def add(self, place: int) -> None:
        """A final is wanted over all before ``place``, which is no earlier than the last one."""
        self._forget()
        if place <= self._settled.first_uncovered or place in self._places[-1:]:
            return
        del self._places[MOST - 1 :]
        self._places.append(place)

    def first_after(self, place: int) -> int | None:
        """The first of them beyond ``place``."""
        self._forget()
        index = bisect_right(self._places, place)
        return self._places[index] if index < len(self._places) else None

    def _forget(self) -> None:
        if self._places:
            del self._places[: bisect_right(self._places, self._settled.first_uncovered)]
