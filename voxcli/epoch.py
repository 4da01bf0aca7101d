"""One session of a server on the clock of the stream: where its samples belong, and what of its results is new.

A server counts from the first sample that it was sent. An epoch begins with a session and ends with it; a connection
that joins the session again goes on in the same epoch.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from voxcli.audio import Chunk, samples, seconds
from voxcli.coverage import Coverage, Span, news
from voxcli.events import Results, UtteranceEnd, Word

TOLERANCE_SECONDS = 0.05
"""Servers round their seconds; so much may be missing between two finals, or at the end."""

REPLAY_SECONDS = 1.0
"""A replay begins so long before the first uncovered sample, so that a word across it is heard whole."""

KEPT_SECONDS = 1.5
"""So much covered audio is kept for it."""

HOLE_SECONDS = 10.0
"""A hole so far behind the newest final of a healthy session is audio in which nothing was found."""

WORDS_KEPT = 50
"""The newest words, against which a word across the edge of a replay is held."""

RUNS_KEPT = 1_000
"""Jumps remembered; a result does not reach back further."""


class SampleMap:
    """Session samples to samples of the stream: runs that follow each other without holes in the session."""

    def __init__(self, begin: int) -> None:
        self._starts = [0]
        self._places = [begin]
        self.length = 0

    def add(self, chunk: Chunk) -> None:
        """Audio was sent."""
        if self.place(self.length) != chunk.start:
            self._cut(self.length)
            self._starts.append(self.length)
            self._places.append(chunk.start)
            del self._starts[:-RUNS_KEPT], self._places[:-RUNS_KEPT]
        self.length += chunk.samples

    def truncate(self, length: int) -> None:
        """The server has only the first ``length`` samples of what was sent."""
        self.length = min(self.length, length)
        self._cut(max(self.length, 1))

    @property
    def is_identity(self) -> bool:
        """Whether the session is the stream, from its first sample on."""
        return self._places == [0]

    def place(self, sample: int, *, is_end: bool = False) -> int:
        """Where a session sample belongs; as the end of a span it belongs to what comes before it.

        A server cannot have heard what it was not sent, so later samples are taken for the last.
        """
        within = min(max(sample, 0), self.length)
        index = max(0, bisect_right(self._starts, within - is_end) - 1)
        return self._places[index] + within - self._starts[index]

    def _cut(self, length: int) -> None:
        """Forget the runs that begin at ``length`` or later."""
        count = bisect_right(self._starts, length - 1)
        del self._starts[count:], self._places[count:]


class Account:
    """What has been given out on one channel: the audio that is covered, and the newest words."""

    def __init__(self, covered: Coverage, words: Iterable[Word] = ()) -> None:
        self.covered = covered
        self.words = deque(words, maxlen=WORDS_KEPT)

    def copy(self) -> Account:
        """The same, to be added to apart from this one."""
        return Account(self.covered.copy(), self.words)

    def news(self, result: Results) -> Results | None:
        """What a result says that was not given out."""
        return news(result, self.covered, self.words)

    def add(self, final: Results) -> None:
        """A final was given out."""
        self.covered.add(samples(final.start), samples(final.end))
        self.words.extend(final.words or ())


class Ledger:
    """What of a stream has been given out already, on each channel that a server tells apart."""

    def __init__(self, settled: Coverage) -> None:
        self._settled = settled
        self._channels: dict[int, Account] = {}

    def of(self, channel: int) -> Account:
        """What is known on a channel."""
        if channel not in self._channels:
            self._channels[channel] = Account(self._settled.copy())
        return self._channels[channel]

    def common(self, span: Span, channels: int) -> list[Span]:
        """The parts of a span that are known on all of so many channels."""
        parts = [span]
        for channel in range(channels):
            parts = [part for known in parts for part in _common(self.of(channel).covered, known)]
        return parts


class Epoch:
    """``begin`` is where its audio begins. ``channels``: how many the server tells apart."""

    def __init__(self, ledger: Ledger, begin: int) -> None:
        self.begin = begin
        self.channels = 1
        self.map = SampleMap(begin)
        self._ledger = ledger
        self._before: dict[int, Account] = {}
        self._own: dict[int, Account] = {}
        self._excused: set[tuple[int, Span]] = set()

    @property
    def newest(self) -> int:
        """Where the newest final of this epoch ends."""
        ends = (own.covered.intervals[-1][1] for own in self._own.values() if own.covered.intervals)
        return max(ends, default=self.begin)

    def place(self, result: Results) -> Results:
        """The result with the times of the stream."""
        if self.map.is_identity and samples(result.end) <= self.map.length:
            return result
        start = self.map.place(samples(result.start))
        end = max(start, self.map.place(samples(result.end), is_end=True))
        return replace(
            result,
            start=seconds(start),
            duration=seconds(end - start),
            words=None if result.words is None else tuple(self._word(word) for word in result.words),
            speech_start=self._time(result.speech_start),
            speech_end=self._time(result.speech_end),
        )

    def place_end(self, end: UtteranceEnd) -> UtteranceEnd:
        """The end of an utterance with the time of the stream."""
        return replace(end, at=seconds(self.map.place(samples(max(end.at, 0.0)), is_end=True)))

    def news(self, placed: Results) -> Results | None:
        """What is new in a result: not given out before this epoch, nor said twice in it."""
        fresh = self._known_before(placed.channel).news(placed)
        own = self._own.get(placed.channel)
        if fresh is None or own is None:
            return fresh
        repeated = own.covered.within(samples(fresh.start), samples(fresh.end))
        return fresh if repeated <= own.covered.tolerance else own.news(fresh)

    def cover(self, placed: Results) -> list[Span]:
        """A final was given out: the spans that are covered on all channels with it, old holes included."""
        self._known_before(placed.channel)
        empty = Account(Coverage(samples(TOLERANCE_SECONDS)))
        for account in (self._ledger.of(placed.channel), self._own.setdefault(placed.channel, empty)):
            account.add(placed)
        spans = [*self._holes(placed.channel), (samples(placed.start), samples(placed.end))]
        return [part for span in spans for part in self._ledger.common(span, self.channels)]

    def _holes(self, channel: int) -> list[Span]:
        """Holes that the server has passed by long ago: nothing will come for them."""
        own = self._own[channel].covered
        newest = own.intervals[-1][1] if own.intervals else self.begin
        holes = [
            hole
            for hole in own.uncovered(self.begin, newest)
            if hole[1] <= newest - samples(HOLE_SECONDS) and (channel, hole) not in self._excused
        ]
        for hole in holes:
            self._excused.add((channel, hole))
            self._ledger.of(channel).covered.add(*hole)
        return holes

    def _known_before(self, channel: int) -> Account:
        if channel not in self._before:
            self._before[channel] = self._ledger.of(channel).copy()
        return self._before[channel]

    def _word(self, word: Word) -> Word:
        start, end = self._place(word.start), self._place(word.end, is_end=True)
        return replace(word, start=seconds(start), end=seconds(max(start, end)))

    def _time(self, at: float | None) -> float | None:
        return None if at is None else seconds(self._place(at))

    def _place(self, at: float, *, is_end: bool = False) -> int:
        return self.map.place(samples(at), is_end=is_end)


def _common(known: Coverage, span: Span) -> list[Span]:
    """The parts of a span that are known."""
    missing = [*known.uncovered(*span), (span[1], span[1])]
    starts = [span[0], *(end for _, end in missing)]
    return [(start, end) for start, (end, _) in zip(starts, missing, strict=False) if end > start]
