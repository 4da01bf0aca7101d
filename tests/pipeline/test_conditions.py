"""When listening ends by itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from oracle import Script, clocked_samples
from running_server import ServerEars
from streaming import ClockedSource, stream
from voxcli.audio import SAMPLE_RATE, Chunk
from voxcli.errors import DeviceLost
from voxcli.events import Gap, Notice, Results
from voxcli.pipeline import Feed
from voxcli.pipeline.conditions import Conditions, Limits
from voxcli.ring import Ring


def heard(text: str, end: float, *, is_final: bool = True, speech_end: float | None = None) -> Results:
    return Results(
        transcript=text, is_final=is_final, speech_final=is_final, start=0.0, duration=end, backend="b",
        speech_start=None if speech_end is None else 0.0, speech_end=speech_end,
    )  # fmt: skip


def test_without_limits_it_never_ends() -> None:
    assert Conditions(Limits()).at(1e6, 1e6) is None
    assert not Conditions(Limits()).wants_final(1e6)


def test_a_duration() -> None:
    conditions = Conditions(Limits(duration=2.0))
    assert [conditions.at(at, at) for at in (0.0, 1.9, 2.0)] == [None, None, "duration"]


def test_silence_before_the_first_word_does_not_count() -> None:
    conditions = Conditions(Limits(silence=1.0))
    assert conditions.at(60.0, 60.0) is None
    conditions.hear(heard("", 60.0))
    assert conditions.at(90.0, 90.0) is None


def test_silence_counts_from_where_speech_ended() -> None:
    conditions = Conditions(Limits(silence=1.0))
    conditions.hear(heard("hello", 5.0, speech_end=3.5))
    assert [conditions.at(at, at) for at in (4.4, 4.5)] == [None, "until_silence"]


def test_words_that_go_on_are_speech_and_words_that_stay_are_not() -> None:
    conditions = Conditions(Limits(silence=1.0))
    for text, end in (("a", 1.0), ("a b", 2.0), ("a b", 2.5)):
        conditions.hear(heard(text, end, is_final=False))
    assert [conditions.at(at, at) for at in (2.9, 3.0)] == [None, "until_silence"]
    conditions.hear(heard("a b", 3.0))
    conditions.hear(heard("a b", 4.0, is_final=False))
    assert conditions.at(4.9, 4.9) is None


def test_what_no_final_covers_is_not_silent_before_it_has_been_so_for_long() -> None:
    """A recognizer that is behind may have words for it; a final is asked for, once."""
    conditions = Conditions(Limits(silence=1.0))
    conditions.hear(heard("a", 2.0))
    assert not conditions.wants_final(2.9)
    assert conditions.at(3.0, 2.0) is None
    assert [conditions.wants_final(at) for at in (3.0, 3.1, 9.0)] == [True, False, False]
    assert [conditions.at(at, 2.0) for at in (5.9, 6.0)] == [None, "until_silence"]
    conditions.hear(heard("b", 3.0))
    assert conditions.at(3.5, 3.0) is None
    assert conditions.wants_final(4.0)
    assert conditions.at(4.0, 4.0) == "until_silence"


# What a source misses


async def test_what_a_source_missed_is_silence_lost_and_told_where_it_begins() -> None:
    feed = Feed(Ring(10 * SAMPLE_RATE), 1_600, SAMPLE_RATE, keeps=True, is_live=True)
    await feed.put(b"\1\0" * SAMPLE_RATE)
    await feed.miss(SAMPLE_RATE // 2, "overrun")
    await feed.put(b"\1\0" * SAMPLE_RATE)
    assert (feed.head, feed.lost, feed.covered) == (2.5 * SAMPLE_RATE, SAMPLE_RATE // 2, 0)
    assert feed.gaps(0) == []
    feed.cover(0, SAMPLE_RATE)
    assert feed.covered == 1.5 * SAMPLE_RATE
    assert feed.gaps(SAMPLE_RATE) == [Gap(start=1.0, end=1.5, reason="overrun")]
    assert feed.gaps() == []
    feed.end()
    with feed.reader(0) as reader:
        heard = b"".join([chunk.data async for chunk in reader])
    assert len(heard) == 5 * SAMPLE_RATE
    assert heard[2 * SAMPLE_RATE : 3 * SAMPLE_RATE] == bytes(SAMPLE_RATE)


class Faltering(ClockedSource):
    """Misses from 2 to 3 s, and then, if ``lost``, goes away for good."""

    live = True
    lost = False

    async def chunks(self) -> AsyncGenerator[Chunk | Gap | Notice]:  # type: ignore[override]
        yield Chunk(0, clocked_samples(0, 2 * SAMPLE_RATE))
        yield Notice(code="device_lost", at=2.0, message="gone")
        yield Gap(start=2.0, end=3.0, reason="device_lost")
        yield Notice(code="device_back", at=3.0, message="back")
        yield Chunk(3 * SAMPLE_RATE, clocked_samples(3 * SAMPLE_RATE, 2 * SAMPLE_RATE))
        if self.lost:
            raise DeviceLost("usb", 15.0)


@pytest.mark.parametrize("is_lost", [False, True])
async def test_a_gap_of_the_source_has_its_place_and_times_behind_it_are_right(is_lost: bool) -> None:
    source = Faltering(5.0)
    source.lost = is_lost
    told = await stream(ServerEars(), source)
    assert [event for event in told.events if isinstance(event, Gap)] == [Gap(start=2.0, end=3.0, reason="device_lost")]
    finals = [event for event in told.events if isinstance(event, Results) and event.is_final]
    names = [word.word for final in finals for word in final.words or ()]
    truth = [word.name for word in Script().words(5.0) if not 2.0 <= word.start < 3.0]
    assert names == truth
    assert (told.summary.lost_seconds, told.summary.covered_seconds) == (1.0, 4.0)
    assert told.summary.stop_reason == ("device_lost" if is_lost else "end_of_source")
