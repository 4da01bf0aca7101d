"""The ring as it is read: by any number of readers, from any place that is still kept.

Each reader holds its own place. Audio is forgotten when final results have covered it, or, where nobody will read it
again, when it has been read. A file or a pipe waits for room; a live source cannot, so the oldest audio makes room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType

from voxcli.audio import SAMPLE_BYTES, Chunk, samples, seconds
from voxcli.coverage import Coverage
from voxcli.epoch import KEPT_SECONDS, TOLERANCE_SECONDS
from voxcli.events import Gap, GapReason
from voxcli.losses import Losses
from voxcli.pipeline.marks import Marks
from voxcli.ring import Ring

MOST_SECONDS = 1.0
"""A reader is given no more than this at once, so that it can be stopped and its results come soon."""


class Feed:
    """``keeps``: whether audio is kept until it is covered. ``on_read`` is told how far the foremost reader is.

    ``read_ahead``: how many samples are taken from a source that can wait before a reader has asked for them.
    """

    def __init__(
        self,
        ring: Ring,
        chunk_samples: int,
        read_ahead: int,
        *,
        keeps: bool = False,
        is_live: bool = False,
        on_read: Callable[[int], None] = lambda position: None,
    ) -> None:
        self.is_live = is_live
        self.ended = False
        self.settled = Coverage(samples(TOLERANCE_SECONDS))
        self.has_successor = False
        self._foremost = 0
        self._ring = ring
        self._chunk_samples = chunk_samples
        self._read_ahead = read_ahead
        self._keeps = keeps
        self._on_read = on_read
        self._losses = Losses(self.settled)
        self._marks = Marks(self.settled)
        self._missing: list[Gap] = []
        self._missing_samples = 0
        self._readers: list[FeedReader] = []
        self._changed = asyncio.Event()

    @property
    def head(self) -> int:
        """Samples that have come."""
        return self._ring.head

    @property
    def capacity(self) -> int:
        """Samples that can be kept."""
        return self._ring.capacity

    @property
    def covered(self) -> int:
        """The first sample that is neither covered by a final nor lost."""
        return self.settled.first_uncovered

    @property
    def position(self) -> int:
        """How far the foremost of the readers is, or was."""
        return max((reader.position for reader in self._readers), default=self._foremost)

    @property
    def lost(self) -> int:
        """Samples that no final can cover any more."""
        return self._losses.samples + self._missing_samples

    @property
    def is_full(self) -> bool:
        """Whether no more can come before some is covered."""
        return self._ring.free < self._chunk_samples

    async def put(self, data: bytes) -> None:
        """Add audio of any length, piece by piece as there is room for it."""
        piece_bytes = self._chunk_samples * SAMPLE_BYTES
        for begin in range(0, len(data), piece_bytes):
            if not self.is_live:
                await self._until(lambda: self.head - self.position < self._read_ahead and not self.is_full)
            lost = self._ring.put(data[begin : begin + piece_bytes])
            if lost is not None:
                self._losses.dropped(lost, self._sent())
                self._trim()
            self._changed.set()

    def put_at_once(self, data: bytes) -> bool:
        """Add audio, if there is room for all of it now; whether it was added."""
        count = len(data) // SAMPLE_BYTES
        if self._ring.free < count or self.head - self.position + count > self._read_ahead:
            return False
        self._ring.put(data)
        self._changed.set()
        return True

    async def miss(self, length: int, reason: GapReason) -> None:
        """The source could not give the next samples: silence stands in for them, and nobody waits for their words."""
        self.ask_for_final()
        start, end = self.head, self.head + length
        self._missing.append(Gap(start=seconds(start), end=seconds(end), reason=reason))
        self._missing_samples += length
        self.settled.add(start, end)
        await self.put(bytes(length * SAMPLE_BYTES))

    def end(self) -> None:
        """Nothing more will be put."""
        self.ended = True
        self._changed.set()

    def ask_for_final(self) -> None:
        """A final is wanted over all that has come: each reader is given it at once, and then an empty chunk.

        Asking again before more has come, or when finals cover all of it, changes nothing.
        """
        if not self.ended:
            self._marks.add(self.head)
            self._changed.set()

    async def beyond(self, position: int) -> bool:
        """Wait for audio from ``position`` on; False when the source has ended before it."""
        await self._until(lambda: self.ended or self.head > position)
        return self.head > position

    def reader(self, start: int, most: int | None = None) -> FeedReader:
        """Read from ``start`` on, or from the oldest sample kept if that is later. Enter it, so that it is given back.

        It gives as many whole chunks as have come, up to ``most`` samples; only the last, and the last before a place
        where a final was asked for, may end anywhere.
        """
        return FeedReader(self, start, most or samples(MOST_SECONDS))

    def cover(self, start: int, end: int) -> None:
        """A final result covers these samples."""
        self.settled.add(start, end)
        self._trim()
        self._changed.set()

    def release(self, upto: int) -> None:
        """Forget what was read though nothing covers it: it would be lost if its reader ended now."""
        start = self._ring.tail
        self._ring.trim(upto)
        if self._ring.tail > start:
            self._losses.dropped((start, self._ring.tail), self._sent())
        self._changed.set()

    def gaps(self, upto: int | None = None) -> list[Gap]:
        """Losses not told yet; with ``upto`` only those before it, and what the source missed from there on."""
        told = [gap for gap in self._missing if upto is None or samples(gap.start) <= upto + samples(TOLERANCE_SECONDS)]
        self._missing = self._missing[len(told) :]
        told += [
            Gap(start=seconds(start), end=seconds(end), reason="ring_overflow")
            for start, end in self._losses.gaps(upto)
        ]
        return sorted(told, key=lambda gap: gap.start)

    def _sent(self) -> list[Coverage]:
        return [reader.sent for reader in self._readers]

    def _trim(self) -> None:
        if self._keeps:
            self._ring.trim(self.covered - samples(KEPT_SECONDS))
        else:
            self._ring.trim(min((reader.position for reader in self._readers), default=self._ring.tail))

    async def _until(self, ready: Callable[[], bool]) -> None:
        while not ready():
            self._changed.clear()
            await self._changed.wait()


class FeedReader:
    """One reader's place. ``sent`` is what it was given, ``_asked`` where it was last told that a final is wanted."""

    def __init__(self, feed: Feed, start: int, most: int) -> None:
        self.position = start
        self.sent = Coverage()
        self._feed = feed
        self._most = most
        self._asked = -1

    def __enter__(self) -> FeedReader:
        self._feed._readers.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._feed._readers.remove(self)
        self._feed._losses.review(self._feed._sent())

    def __aiter__(self) -> FeedReader:
        return self

    async def __anext__(self) -> Chunk:
        feed = self._feed
        feed._trim()
        feed._changed.set()
        await feed._until(self._is_due)
        self.position = max(self.position, feed._ring.tail)
        mark = feed._marks.first_after(self._asked)
        if mark is not None and mark <= self.position:
            self._asked = self.position
            return Chunk(self.position, b"")
        chunk = Chunk(self.position, feed._ring.read(self.position, self._length(mark)))
        if not chunk.data:
            raise StopAsyncIteration
        self._pass(chunk)
        return chunk

    def _is_due(self) -> bool:
        feed = self._feed
        has_chunk = feed.head - max(self.position, feed._ring.tail) >= feed._chunk_samples
        return has_chunk or feed.ended or feed._marks.first_after(self._asked) is not None

    def _length(self, mark: int | None) -> int:
        """Samples to give next: whole chunks, but none beyond ``mark``."""
        step = self._feed._chunk_samples
        upto = self._feed.head if mark is None else mark
        whole = max(1, min(upto - self.position, self._most) // step) * step
        return whole if mark is None else min(whole, mark - self.position)

    def _pass(self, chunk: Chunk) -> None:
        self.position = chunk.end
        self.sent.forget(self._feed.covered)
        self.sent.add(chunk.start, chunk.end)
        if chunk.end > self._feed._foremost:
            self._feed._foremost = chunk.end
            self._feed._on_read(chunk.end)
