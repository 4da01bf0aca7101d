"""Which samples final results have covered: a set of half-open intervals on the stream's sample clock.

Finals with an empty transcript cover too; interims never do. Holes up to ``tolerance`` samples count as covered,
since a server's seconds are rounded.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right


class Coverage:
    """Disjoint intervals, sorted; neighbours no further apart than ``tolerance`` samples are one."""

    def __init__(self, tolerance: int = 0) -> None:
        self.tolerance = tolerance
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        """Cover the samples from ``start`` up to, not including, ``end``; an empty or reversed span covers nothing."""
        if end <= start:
            return
        first = bisect_left(self._ends, start - self.tolerance)
        last = bisect_right(self._starts, end + self.tolerance)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    @property
    def intervals(self) -> list[tuple[int, int]]:
        """The covered spans ``(start, end)`` in order."""
        return list(zip(self._starts, self._ends, strict=True))

    @property
    def first_uncovered(self) -> int:
        """The first sample, counted from 0, that no final has covered."""
        if self._starts and self._starts[0] <= self.tolerance:
            return self._ends[0]
        return 0

    def total(self, head: int) -> int:
        """How many of the samples before ``head`` are covered."""
        return sum(max(0, min(end, head) - min(start, head)) for start, end in self.intervals)
