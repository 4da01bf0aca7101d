"""The ring against a model that keeps everything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from voxcli.ring import Ring, RingStatistics


def audio(start: int, count: int) -> bytes:
    """Samples that carry their own index, so that no shift goes unnoticed."""
    return b"".join((index % 65_536).to_bytes(2, "little") for index in range(start, start + count))


def test_reads_what_was_put() -> None:
    ring = Ring(10)
    assert ring.put(audio(0, 4)) is None
    assert ring.put(audio(4, 3)) is None
    assert (ring.tail, ring.head, ring.free) == (0, 7, 3)
    assert ring.read(2, 3) == audio(2, 3)


def test_reads_less_at_the_head() -> None:
    ring = Ring(10)
    ring.put(audio(0, 4))
    assert ring.read(3, 5) == audio(3, 1)
    assert ring.read(4, 5) == b""


def test_overflow_drops_the_oldest_and_says_which() -> None:
    ring = Ring(5)
    ring.put(audio(0, 4))
    assert ring.put(audio(4, 3)) == (0, 2)
    assert (ring.tail, ring.head, ring.free) == (2, 7, 0)
    assert ring.read(2, 5) == audio(2, 5)


def test_a_block_larger_than_the_ring_leaves_its_end() -> None:
    ring = Ring(3)
    assert ring.put(audio(0, 8)) == (0, 5)
    assert ring.read(5, 9) == audio(5, 3)


def test_what_was_trimmed_cannot_be_read() -> None:
    ring = Ring(5)
    ring.put(audio(0, 5))
    ring.trim(3)
    with pytest.raises(IndexError, match="sample 2 is no longer kept: the ring begins at 3"):
        ring.read(2, 1)
    assert ring.read(3, 2) == audio(3, 2)


def test_trims_no_further_than_the_head_and_never_back() -> None:
    ring = Ring(5)
    ring.put(audio(0, 4))
    ring.trim(9)
    ring.trim(1)
    assert (ring.tail, ring.head) == (4, 4)


def test_refuses_half_a_sample_and_an_empty_ring() -> None:
    with pytest.raises(ValueError, match="half a sample"):
        Ring(5).put(b"\0")
    with pytest.raises(ValueError, match="at least one sample"):
        Ring(0)


def test_statistics() -> None:
    ring = Ring(5)
    ring.put(audio(0, 4))
    ring.put(audio(4, 2))
    ring.trim(4)
    assert ring.statistics() == RingStatistics(capacity=5, kept=2, most_kept=5, put=6, dropped=1)


class RingMachine(RuleBasedStateMachine):
    """Any order of puts and trims: the ring is a window of the whole stream, never larger than it may be."""

    def __init__(self) -> None:
        super().__init__()
        self.ring = Ring(50)
        self.tail = self.head = self.dropped = 0

    @rule(count=st.integers(0, 120))
    def put(self, count: int) -> None:
        lost = self.ring.put(audio(self.head, count))
        self.head += count
        expected = max(self.tail, self.head - 50)
        assert lost == (None if expected == self.tail else (self.tail, expected))
        self.dropped += expected - self.tail
        self.tail = expected

    @rule(ahead=st.integers(-10, 100))
    def trim(self, ahead: int) -> None:
        self.ring.trim(self.tail + ahead)
        self.tail = max(self.tail, min(self.tail + ahead, self.head))

    @invariant()
    def is_a_window(self) -> None:
        assert (self.ring.tail, self.ring.head) == (self.tail, self.head)
        assert self.ring.read(self.tail, 60) == audio(self.tail, self.head - self.tail)
        statistics = self.ring.statistics()
        assert statistics.kept <= statistics.most_kept <= statistics.capacity
        assert (statistics.put, statistics.dropped) == (self.head, self.dropped)


TestRingMachine = RingMachine.TestCase


@given(st.lists(st.integers(1, 30), max_size=20), st.integers(1, 7))
def test_reading_in_steps_gives_the_stream(sizes: list[int], step: int) -> None:
    ring = Ring(1_000)
    for size in sizes:
        ring.put(audio(ring.head, size))
    read = b"".join(ring.read(place, step) for place in range(0, ring.head, step))
    assert read == audio(0, ring.head)
