"""Coverage against a set of covered samples."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from voxcli.coverage import Coverage

spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12)


def covered(*intervals: tuple[int, int], tolerance: int = 0) -> Coverage:
    coverage = Coverage(tolerance)
    for start, end in intervals:
        coverage.add(start, end)
    return coverage


def test_nothing_is_covered_at_first() -> None:
    assert Coverage().first_uncovered == 0
    assert Coverage().total(100) == 0


def test_finals_that_tile_are_one() -> None:
    assert covered((0, 10), (10, 25)).intervals == [(0, 25)]


def test_a_hole_is_where_resuming_begins() -> None:
    coverage = covered((0, 10), (20, 30))
    assert coverage.first_uncovered == 10
    coverage.add(10, 20)
    assert coverage.first_uncovered == 30


def test_nothing_counts_before_the_start_is_covered() -> None:
    assert covered((5, 10)).first_uncovered == 0


def test_small_holes_count_as_covered() -> None:
    assert covered((2, 10), (12, 30), tolerance=2).first_uncovered == 30
    assert covered((3, 10), tolerance=2).first_uncovered == 0


def test_an_empty_or_reversed_span_covers_nothing() -> None:
    assert covered((5, 5), (9, 3)).intervals == []


def test_total_ends_at_the_head() -> None:
    assert covered((0, 10), (20, 40)).total(25) == 15
    assert covered((20, 40)).total(10) == 0


@given(spans)
def test_agrees_with_a_set_of_samples(added: list[tuple[int, int]]) -> None:
    coverage = covered(*added)
    samples = {sample for start, end in added for sample in range(start, end)}
    assert {sample for start, end in coverage.intervals for sample in range(start, end)} == samples
    assert coverage.first_uncovered == next(sample for sample in range(200) if sample not in samples)
    assert coverage.total(40) == len([sample for sample in samples if sample < 40])


@given(spans, st.integers(0, 5))
def test_intervals_stay_apart_and_in_order(added: list[tuple[int, int]], tolerance: int) -> None:
    intervals = covered(*added, tolerance=tolerance).intervals
    assert all(start < end for start, end in intervals)
    assert all(before[1] + tolerance < after[0] for before, after in pairwise(intervals))


@given(spans, st.randoms(), st.integers(0, 5))
def test_order_does_not_matter(added: list[tuple[int, int]], random: object, tolerance: int) -> None:
    shuffled = list(added)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert covered(*added, tolerance=tolerance).intervals == covered(*shuffled, tolerance=tolerance).intervals
