"""A server's session on the clock of the stream: places, repetitions, holes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.audio import Chunk, samples, seconds
from voxcli.coverage import Coverage
from voxcli.epoch import RUNS_KEPT, Epoch, Ledger, SampleMap
from voxcli.events import Results, UtteranceEnd, Word


def chunk(start: float, duration: float) -> Chunk:
    return Chunk(samples(start), bytes(2 * samples(duration)))


def final(start: float, end: float, *words: tuple[str, float, float], channel: int = 0) -> Results:
    return Results(
        transcript=" ".join(word for word, _, _ in words),
        is_final=True,
        speech_final=True,
        start=start,
        duration=end - start,
        words=tuple(Word(word=word, start=first, end=last, confidence=0.5) for word, first, last in words),
        channel=channel,
        backend="server",
    )


def epoch_from(begin: float, *covered: tuple[float, float], sent: float = 60.0) -> Epoch:
    settled = Coverage(samples(0.05))
    for start, end in covered:
        settled.add(samples(start), samples(end))
    epoch = Epoch(Ledger(settled), samples(begin))
    epoch.map.add(chunk(begin, sent))
    return epoch


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 30)), min_size=1, max_size=12))
def test_every_sent_sample_has_its_place(sent: list[tuple[int, int]]) -> None:
    places = SampleMap(sent[0][0])
    truth: list[int] = []
    for start, count in sent:
        places.add(Chunk(start, bytes(2 * count)))
        truth += range(start, start + count)
    assert places.length == len(truth)
    assert [places.place(sample) for sample in range(len(truth))] == truth
    assert [places.place(sample + 1, is_end=True) for sample in range(len(truth))] == [place + 1 for place in truth]


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 30)), min_size=1, max_size=8),
    st.integers(0, 300),
    st.integers(0, 50),
)
def test_what_the_server_did_not_get_is_sent_again(sent: list[tuple[int, int]], kept: int, again: int) -> None:
    places, truth = SampleMap(sent[0][0]), []
    for start, count in sent:
        places.add(Chunk(start, bytes(2 * count)))
        truth += range(start, start + count)
    places.truncate(kept)
    del truth[kept:]
    places.add(Chunk(again, bytes(2 * 5)))
    truth += range(again, again + 5)
    assert [places.place(sample) for sample in range(len(truth))] == truth


def test_a_server_cannot_have_heard_what_it_was_not_sent() -> None:
    places = SampleMap(100)
    assert places.place(10**9) == 100
    places.add(Chunk(100, bytes(20)))
    assert (places.place(10**9), places.place(-5)) == (110, 100)


def test_only_so_many_jumps_are_remembered() -> None:
    places = SampleMap(0)
    for number in range(RUNS_KEPT + 50):
        places.add(Chunk(number * 10, bytes(2)))
    assert places.place(places.length - 1) == (RUNS_KEPT + 49) * 10
    assert len(places._starts) == RUNS_KEPT


def test_times_are_those_of_the_stream() -> None:
    epoch = epoch_from(10.0)
    result = replace(final(1.0, 3.0, ("hello", 1.5, 2.0)), speech_start=1.25, speech_end=2.5)
    placed = epoch.place(result)
    assert (placed.start, placed.duration, placed.speech_start, placed.speech_end) == (11.0, 2.0, 11.25, 12.5)
    assert placed.words == (Word(word="hello", start=11.5, end=12.0, confidence=0.5),)
    assert epoch.place(replace(result, words=None)).words is None
    assert epoch.place_end(UtteranceEnd(at=2.0)) == UtteranceEnd(at=12.0)
    assert epoch.place_end(UtteranceEnd(at=-1.0)) == UtteranceEnd(at=10.0)


def test_a_replay_tells_only_what_is_new() -> None:
    epoch = epoch_from(4.0, (0.0, 5.0))
    told = epoch.news(epoch.place(final(0.0, 3.0, ("old", 0.3, 0.8), ("across", 0.9, 1.4), ("new", 2.0, 2.5))))
    assert told is not None
    assert (told.transcript, told.start, told.duration, told.confidence) == ("across new", 5.0, 2.0, None)


def test_a_replay_of_what_is_known_tells_nothing() -> None:
    epoch = epoch_from(4.0, (0.0, 5.0))
    assert epoch.news(epoch.place(final(0.0, 1.0, ("old", 0.3, 0.8)))) is None


def test_a_final_that_was_sent_before_is_told_once() -> None:
    epoch = epoch_from(0.0)
    first = epoch.place(final(0.0, 2.0, ("one", 0.5, 1.0)))
    assert epoch.news(first) == first
    assert epoch.cover(first) == [(0, 32_000)]
    assert epoch.news(first) is None


def test_finals_that_overlap_tell_each_word_once() -> None:
    epoch = epoch_from(0.0)
    epoch.cover(epoch.place(final(0.0, 2.0, ("one", 0.5, 1.0), ("two", 1.2, 1.6))))
    told = epoch.news(epoch.place(final(1.0, 3.0, ("two", 1.2, 1.6), ("three", 2.2, 2.6))))
    assert told is not None
    assert (told.transcript, told.start) == ("three", 2.0)


def test_a_word_that_begins_before_its_span_is_kept() -> None:
    epoch = epoch_from(0.0)
    epoch.cover(epoch.place(final(0.0, 2.0, ("one", 0.5, 1.0))))
    late = epoch.place(final(2.0, 4.0, ("two", 1.5, 2.1)))
    assert epoch.news(late) == late


def test_a_hole_that_was_passed_long_ago_is_covered() -> None:
    epoch = epoch_from(0.0)
    epoch.cover(epoch.place(final(0.0, 2.0)))
    epoch.cover(epoch.place(final(3.0, 12.9)))
    assert epoch.cover(epoch.place(final(12.9, 14.0)))[0] == (samples(2.0), samples(3.0))
    assert epoch.newest == samples(14.0)


def test_a_hole_is_not_covered_while_an_answer_may_come() -> None:
    epoch = epoch_from(0.0)
    epoch.cover(epoch.place(final(0.0, 2.0)))
    assert epoch.cover(epoch.place(final(3.0, 12.5))) == [(samples(3.0), samples(12.5))]


def test_a_session_without_finals_has_its_newest_at_its_begin() -> None:
    assert epoch_from(7.0).newest == samples(7.0)


def test_a_sample_is_covered_when_it_is_on_all_channels() -> None:
    epoch = epoch_from(0.0)
    epoch.channels = 2
    assert epoch.cover(epoch.place(final(0.0, 4.0, channel=0))) == []
    assert epoch.cover(epoch.place(final(0.0, 1.5, channel=1))) == [(0, samples(1.5))]
    assert epoch.cover(epoch.place(final(1.5, 3.0, channel=1))) == [(samples(1.5), samples(3.0))]
    assert epoch.news(epoch.place(final(3.0, 4.0, ("there", 3.2, 3.6), channel=1))) is not None


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=10),
    st.integers(0, 40),
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), max_size=3),
)
def test_a_word_is_told_once_whatever_a_server_repeats(
    said: list[tuple[int, int]], begin: int, known: list[tuple[int, int]]
) -> None:
    """Words of one second each, at whole seconds; finals of any span, in any order, over them."""
    epoch = epoch_from(float(begin), *((float(a), float(a + n)) for a, n in known), sent=100.0)
    told: list[float] = []
    covered: set[int] = {second for a, n in known for second in range(a, a + n)}
    for start, length in said:
        words = [(f"w{begin + at}", float(at), float(at + 1)) for at in range(start, start + length)]
        placed = epoch.place(final(float(start), float(start + length), *words))
        fresh = epoch.news(placed)
        told += [word.start for word in (fresh.words or ())] if fresh is not None else []
        epoch.cover(placed)
    expected = {float(begin + at) for start, length in said for at in range(start, start + length)}
    assert sorted(told) == sorted(expected - {float(second) for second in covered})
    assert len(told) == len(set(told))
    assert all(word == pytest.approx(seconds(samples(word))) for word in told)
