"""What a full ring lost: against a plain account of every sample."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxcli.coverage import Coverage
from voxcli.losses import Losses


def spans(*intervals: tuple[int, int]) -> Coverage:
    coverage = Coverage()
    for start, end in intervals:
        coverage.add(start, end)
    return coverage


def test_what_was_never_sent_is_lost_at_once() -> None:
    losses = Losses(Coverage())
    losses.dropped((0, 10), [])
    assert (losses.samples, losses.gaps()) == (10, [(0, 10)])


def test_what_is_covered_is_not_lost() -> None:
    losses = Losses(spans((0, 4), (8, 10)))
    losses.dropped((0, 10), [])
    assert losses.gaps() == [(4, 8)]


def test_what_a_living_connection_has_may_still_be_covered() -> None:
    settled = Coverage()
    losses = Losses(settled)
    losses.dropped((0, 10), [spans((0, 20))])
    assert losses.gaps() == []
    settled.add(0, 6)
    losses.review([])
    assert (losses.samples, losses.gaps()) == (4, [(6, 10)])


def test_only_what_was_sent_is_waited_for() -> None:
    losses = Losses(Coverage())
    losses.dropped((0, 10), [spans((0, 3)), spans((5, 6))])
    assert losses.gaps() == [(3, 5), (6, 10)]


def test_adjoining_losses_are_one_gap_told_once() -> None:
    settled = Coverage()
    losses = Losses(settled)
    for start in range(0, 50, 10):
        losses.dropped((start, start + 10), [])
    assert losses.gaps(49) == []
    assert losses.gaps(50) == [(0, 50)]
    assert losses.gaps() == []
    assert settled.first_uncovered == 50


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=4),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=4),
)
def test_every_dropped_sample_is_covered_or_lost(
    before: list[tuple[int, int]], sent: list[tuple[int, int]], later: list[tuple[int, int]]
) -> None:
    settled, at = spans(*before), 0
    losses = Losses(settled)
    for end in (7, 20, 33, 40):
        losses.dropped((at, end), [spans(*sent)])
        at = end
    known = {sample for start, end in settled.intervals for sample in range(start, end)}
    for span in later:
        settled.add(*span)
    losses.review([])
    lost = {sample for start, end in losses.gaps() for sample in range(start, end)}
    assert losses.samples == len(lost)
    assert settled.first_uncovered >= 40
    covered = {sample for start, end in [*before, *later] for sample in range(start, end)}
    assert lost | covered >= set(range(40))
    was_sent = {sample for start, end in sent for sample in range(start, end)}
    assert lost.isdisjoint(covered - (lost & known - was_sent)) or not lost & covered & was_sent
