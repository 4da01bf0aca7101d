"""Audio that a full ring had to drop: what of it is lost for good, and which gaps can be told.

Dropped audio that a living connection has been sent may still be covered by a final, so it is lost only when that
connection ends. Losses that adjoin are one gap, told when it can no longer grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from voxcli.coverage import Coverage, Span


class Losses:
    """``settled`` is what is covered or lost; losses are added to it here, so that nobody waits for them."""

    def __init__(self, settled: Coverage) -> None:
        self.samples = 0
        self._settled = settled
        self._pending = Coverage()
        self._untold: list[Span] = []

    def dropped(self, span: Span, sent: Sequence[Coverage]) -> None:
        """A span is no longer kept. ``sent``: what each living connection has been sent."""
        for part in self._settled.uncovered(*span):
            self._pending.add(*part)
        self.review(sent)

    def review(self, sent: Sequence[Coverage]) -> None:
        """What was dropped and is neither covered nor on a living connection is lost. After each end of one."""
        waiting = [part for span in self._pending.intervals for part in self._settled.uncovered(*span)]
        self._pending = Coverage()
        for part in waiting:
            for lost in _without(part, sent):
                self._lose(lost)
            for kept in self._settled.uncovered(*part):
                self._pending.add(*kept)

    def gaps(self, upto: int | None = None) -> list[Span]:
        """The gaps not told yet, each once; with ``upto`` only those that end there or sooner."""
        told = [gap for gap in self._untold if upto is None or gap[1] <= upto]
        self._untold = [gap for gap in self._untold if gap not in told]
        return told

    def _lose(self, span: Span) -> None:
        start, end = span
        self.samples += end - start
        self._settled.add(start, end)
        if self._untold and abs(self._untold[-1][1] - start) <= self._settled.tolerance:
            start = self._untold.pop()[0]
        self._untold.append((start, end))


def _without(span: Span, covers: Iterable[Coverage]) -> list[Span]:
    """The parts of a span that are in none of several coverages."""
    parts = [span]
    for cover in covers:
        parts = [rest for part in parts for rest in cover.uncovered(*part)]
    return parts
