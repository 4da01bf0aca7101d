"""Which samples final results have covered, where to resume, and which words are repetitions.

Finals with an empty transcript cover too; interims never do. Holes up to ``tolerance`` samples count as covered, since
a server's seconds are rounded.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import replace

from voxcli.audio import samples, seconds
from voxcli.events import Results, Word

Span = tuple[int, int]
"""Samples from the first up to, not including, the second."""


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
        if self._ends and self._starts[-1] <= start <= self._ends[-1] + self.tolerance:  # what mostly comes
            self._ends[-1] = max(self._ends[-1], end)
            return
        first = bisect_left(self._ends, start - self.tolerance)
        last = bisect_right(self._starts, end + self.tolerance)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    @property
    def intervals(self) -> list[Span]:
        """The covered spans in order."""
        return list(zip(self._starts, self._ends, strict=True))

    @property
    def first_uncovered(self) -> int:
        """The first sample, counted from 0, that no final has covered."""
        return self.next_uncovered(0)

    def next_uncovered(self, sample: int) -> int:
        """The first sample that is not covered, from ``sample`` on."""
        index = bisect_right(self._starts, sample + self.tolerance) - 1
        return max(sample, self._ends[index]) if index >= 0 else sample

    def covers(self, sample: int) -> bool:
        """Whether a final has covered that sample."""
        index = bisect_right(self._starts, sample) - 1
        return index >= 0 and sample < self._ends[index]

    def uncovered(self, start: int, end: int) -> list[Span]:
        """The parts of a span that are not covered, in order."""
        parts, at = [], start
        for covered_start, covered_end in self._from(start):
            if covered_start >= end:
                break
            if covered_start > at:
                parts.append((at, covered_start))
            at = max(at, covered_end)
        return [*parts, (at, end)] if at < end else parts

    def within(self, start: int, end: int) -> int:
        """How many samples of a span are covered."""
        return max(0, end - start) - sum(last - first for first, last in self.uncovered(start, end))

    def total(self, head: int) -> int:
        """How many of the samples before ``head`` are covered."""
        return self.within(0, head)

    def forget(self, before: int) -> None:
        """Drop the intervals that end at ``before`` or sooner."""
        count = bisect_right(self._ends, before)
        del self._starts[:count], self._ends[:count]

    def copy(self) -> Coverage:
        """The same intervals, to be added to apart from these."""
        other = Coverage(self.tolerance)
        other._starts, other._ends = self._starts[:], self._ends[:]
        return other

    def _from(self, start: int) -> list[Span]:
        first = bisect_right(self._ends, start)
        return list(zip(self._starts[first:], self._ends[first:], strict=True))


def news(result: Results, known: Coverage, told: Sequence[Word] = ()) -> Results | None:
    """What a result says of audio that was not ``known``: words that lie in known audio are repetitions.

    Time decides, never the text. A word across the edge is a repetition if it lies over one of the words ``told``;
    where none are given, if its middle is known. None when all of the result's span is known.

    A result without word times is left whole unless the middle of its speech, or else of its span, is known.
    """
    start, end = samples(result.start), samples(result.end)
    fresh = known.uncovered(start, end)
    if end == start or fresh == [(start, end)]:
        return result
    if not fresh:
        return None
    left = _without_repetitions(result, known, told)
    if not left.transcript and sum(last - first for first, last in fresh) <= known.tolerance:
        return None
    begin = fresh[0][0]
    return replace(left, start=seconds(begin), duration=seconds(fresh[-1][1] - begin))


def _without_repetitions(result: Results, known: Coverage, told: Sequence[Word]) -> Results:
    if result.words:
        kept = tuple(word for word in result.words if not _is_repetition(word, known, told))
        return result if len(kept) == len(result.words) else _with_words(result, kept)
    if result.transcript and known.covers(_middle_of_speech(result)):
        return replace(result, transcript="", confidence=None, speech_start=None, speech_end=None)
    return result


def middle(start: float, end: float) -> int:
    """The sample half-way between two times in seconds."""
    return samples((start + end) / 2)


def _is_repetition(word: Word, known: Coverage, told: Sequence[Word]) -> bool:
    start, end = known.covers(samples(word.start)), known.covers(max(samples(word.start), samples(word.end) - 1))
    if not told or start == end:
        return known.covers(middle(word.start, word.end))
    return any(_lie_over_each_other(word, other) for other in told)


def _lie_over_each_other(word: Word, other: Word) -> bool:
    """Whether more than half of the shorter word is common to both."""
    common = min(word.end, other.end) - max(word.start, other.start)
    return common > 0 and common >= min(word.end - word.start, other.end - other.start) / 2


def _middle_of_speech(result: Results) -> int:
    start = result.start if result.speech_start is None else result.speech_start
    end = result.end if result.speech_end is None else result.speech_end
    return middle(start, end)


def _with_words(result: Results, words: Sequence[Word]) -> Results:
    """The result reduced to some of its words."""
    confidence = round(sum(word.confidence for word in words) / len(words), 4) if words else None
    return replace(
        result,
        transcript=" ".join(word.punctuated_word or word.word for word in words),
        confidence=None if result.confidence is None else confidence,
        words=tuple(words),
    )
