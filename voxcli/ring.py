"""The one audio queue: a window of the stream, of fixed greatest size, addressed by absolute sample index.

It keeps what a recognizer may still need and nothing else: ``put`` adds at the head, ``read`` copies from any place,
``trim`` forgets at the tail. When a block does not fit, the oldest audio makes room and ``put`` says which span was
lost; whoever must not lose audio waits for ``free`` first. Memory is held only for what is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from voxcli.audio import SAMPLE_BYTES


@dataclass(frozen=True, slots=True)
class RingStatistics:
    """Counts of samples since the start."""

    capacity: int
    kept: int
    most_kept: int
    put: int
    dropped: int


class Ring:
    """Audio from sample ``tail`` up to, not including, sample ``head``; never more than ``capacity`` samples."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("a ring holds at least one sample")
        self.capacity = capacity
        self.tail = 0
        self._data = bytearray()
        self._most_kept = 0
        self._dropped = 0

    @property
    def head(self) -> int:
        """Absolute index of the sample that comes next."""
        return self.tail + len(self._data) // SAMPLE_BYTES

    @property
    def free(self) -> int:
        """How many samples can be put before the oldest are lost."""
        return self.capacity - len(self._data) // SAMPLE_BYTES

    def put(self, data: bytes) -> tuple[int, int] | None:
        """Add whole samples at the head. Returns the span ``(start, end)`` of the audio lost to make room, if any."""
        if len(data) % SAMPLE_BYTES:
            raise ValueError("half a sample")
        self._data += data
        lost = -self.free
        if lost <= 0:
            self._most_kept = max(self._most_kept, self.head - self.tail)
            return None
        start = self.tail
        self.trim(start + lost)
        self._most_kept = self.capacity
        self._dropped += lost
        return start, self.tail

    def read(self, start: int, count: int) -> bytes:
        """Up to ``count`` samples from ``start`` on; fewer at the head. Raises IndexError for audio no longer kept."""
        if start < self.tail:
            raise IndexError(f"sample {start} is no longer kept: the ring begins at {self.tail}")
        offset = (start - self.tail) * SAMPLE_BYTES
        return bytes(self._data[offset : offset + count * SAMPLE_BYTES])

    def trim(self, upto: int) -> None:
        """Forget everything before sample ``upto`` (at most up to the head)."""
        upto = min(upto, self.head)
        if upto > self.tail:
            del self._data[: (upto - self.tail) * SAMPLE_BYTES]
            self.tail = upto

    def statistics(self) -> RingStatistics:
        """How full the ring is and was, in samples."""
        return RingStatistics(
            capacity=self.capacity,
            kept=self.head - self.tail,
            most_kept=self._most_kept,
            put=self.head,
            dropped=self._dropped,
        )
