"""Coverage against a set of covered samples."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from voxcli.coverage import Coverage, middle, news
from voxcli.events import Results, Word

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


@given(spans, st.integers(0, 60), st.integers(0, 60))
def test_questions_about_spans(intervals: list[tuple[int, int]], start: int, end: int) -> None:
    coverage = covered(*intervals)
    inside = {sample for first, last in intervals for sample in range(first, last)}
    asked = set(range(start, end))
    free = {sample for first, last in coverage.uncovered(start, end) for sample in range(first, last)}
    assert free == asked - inside
    assert all(first < last for first, last in coverage.uncovered(start, end))
    assert coverage.within(start, end) == len(asked & inside)
    assert [coverage.covers(sample) for sample in range(62)] == [sample in inside for sample in range(62)]
    assert coverage.next_uncovered(start) == next(sample for sample in range(start, 200) if sample not in inside)


@given(spans, st.integers(0, 60))
def test_a_copy_is_added_to_apart(intervals: list[tuple[int, int]], before: int) -> None:
    coverage = covered(*intervals)
    kept = coverage.intervals
    copy = coverage.copy()
    copy.add(0, 100)
    copy.forget(200)
    assert (coverage.intervals, copy.intervals) == (kept, [])
    coverage.forget(before)
    assert coverage.intervals == [(start, end) for start, end in kept if end > before]


def result(start: float, end: float, *words: tuple[str, float, float], **more: object) -> Results:
    heard = {
        "transcript": " ".join(word for word, _, _ in words),
        "words": tuple(
            Word(word=word, punctuated_word=word.title(), start=first, end=last, confidence=0.5)
            for word, first, last in words
        ),
        **more,
    }
    return Results(
        is_final=True, speech_final=True, start=start, duration=end - start, backend="server", **heard,  # type: ignore[arg-type]
    )  # fmt: skip


SECOND = 16_000


def test_what_is_new_is_left_as_it_is() -> None:
    whole = result(1.0, 2.0, ("new", 0.9, 1.4))
    assert news(whole, covered((0, SECOND))) is whole
    empty = result(1.0, 1.0)
    assert news(empty, covered((0, 5 * SECOND))) is empty


def test_what_is_known_is_no_news() -> None:
    assert news(result(0.0, 2.0, ("old", 0.5, 1.0)), covered((0, 2 * SECOND))) is None
    assert news(result(0.0, 2.01), covered((0, 2 * SECOND), tolerance=800)) is None


def test_words_are_news_when_their_middle_is() -> None:
    told = news(
        result(0.0, 3.0, ("old", 0.3, 0.8), ("across", 0.9, 1.4), ("new", 2.0, 2.5), confidence=0.9),
        covered((0, SECOND)),
    )
    assert told is not None
    assert (told.transcript, told.confidence, told.start, told.end) == ("Across New", 0.5, 1.0, 3.0)


def test_no_words_left_is_an_empty_result_over_the_rest() -> None:
    told = news(result(0.0, 2.0, ("old", 0.3, 0.8), confidence=0.9), covered((0, SECOND)))
    assert told is not None
    assert (told.transcript, told.words, told.confidence, told.start) == ("", (), None, 1.0)


def test_a_result_whose_words_are_all_new_keeps_its_text() -> None:
    told = news(result(0.0, 2.0, ("new", 1.3, 1.8), transcript="New!"), covered((0, SECOND)))
    assert told is not None
    assert (told.transcript, told.start) == ("New!", 1.0)


def test_without_word_times_the_middle_of_the_speech_decides() -> None:
    known = covered((0, SECOND))
    late = news(result(0.0, 3.0, transcript="all of it", words=None), known)
    early = news(result(0.0, 3.0, transcript="all of it", words=None, speech_start=0.1, speech_end=0.9), known)
    assert late is not None
    assert early is not None
    assert (late.transcript, late.start) == ("all of it", 1.0)
    assert (early.transcript, early.speech_start, early.start) == ("", None, 1.0)


def test_the_middle_of_two_times() -> None:
    assert middle(1.0, 2.0) == 24_000


def told(*words: tuple[str, float, float]) -> list[Word]:
    return [Word(word=word, start=start, end=end, confidence=1.0) for word, start, end in words]


def test_a_word_across_the_edge_was_told_if_it_lies_over_one_that_was() -> None:
    """Cut at the edge, the word that was told is shorter; its middle would not show that it is the same."""
    known = covered((0, SECOND))
    across = result(0.5, 3.0, ("across", 0.9, 1.5))
    repeated = news(across, known, told(("acr", 0.88, 1.0)))
    fresh = news(across, known, told(("before", 0.4, 0.91)))
    assert repeated is not None
    assert fresh is not None
    assert (repeated.transcript, fresh.transcript) == ("", "across")


def test_a_word_cut_at_both_ends_is_not_lost() -> None:
    """Its true middle is behind the edge, so it was not told, though the middle of what was heard is before it."""
    known = covered((0, SECOND))
    cut = news(result(0.5, 1.1, ("cut", 0.8, 1.1)), known, told(("before", 0.3, 0.7)))
    assert cut is not None
    assert cut.transcript == "cut"


def test_a_new_word_is_told_however_little_of_its_result_is_new() -> None:
    known = covered((0, SECOND), tolerance=800)
    cut = news(result(0.2, 1.04, ("old", 0.3, 0.6), ("cut", 0.9, 1.04)), known, told(("old", 0.3, 0.6)))
    assert cut is not None
    assert (cut.transcript, cut.start) == ("Cut", 1.0)
