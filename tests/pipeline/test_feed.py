"""The ring as it is read: waiting, several readers, what is kept, and what a live source loses."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxcli.audio import SAMPLE_RATE, Chunk
from voxcli.events import Gap
from voxcli.pipeline import Feed
from voxcli.ring import Ring

SECOND = bytes(2 * SAMPLE_RATE)


def feed_of(seconds: float, *, keeps: bool = True, is_live: bool = False, ahead: float = 60.0) -> Feed:
    ring = Ring(round(seconds * SAMPLE_RATE))
    return Feed(ring, 1_600, round(ahead * SAMPLE_RATE), keeps=keeps, is_live=is_live)


async def settled(work: asyncio.Future[object] | asyncio.Task[None]) -> bool:
    """Whether work ends when everything else has had its turn."""
    for _ in range(20):
        await asyncio.sleep(0)
    return work.done()


async def test_a_reader_waits_for_a_whole_chunk() -> None:
    feed = Feed(Ring(100), 10, 50)
    await feed.put(bytes(2 * 9))
    with feed.reader(0) as reader:
        reading = asyncio.ensure_future(anext(reader))
        assert not await settled(reading)
        await feed.put(bytes(2))
        assert (await reading).samples == 10
        feed.end()
        with pytest.raises(StopAsyncIteration):
            await anext(reader)


@given(st.lists(st.integers(1, 30), max_size=40), st.integers(1, 4))
@settings(deadline=None)
async def test_what_is_put_at_once_is_taken_whole_or_not_at_all(lengths: list[int], reads: int) -> None:
    """And is what a reader is given, whatever else was put in the ordinary way."""
    ring, sent, came = Ring(60), b"", b""
    feed = Feed(ring, 10, 40)
    with feed.reader(0) as reader:
        for number, length in enumerate(lengths):
            data = bytes([number % 256]) * (2 * length)
            head = feed.head
            if feed.put_at_once(data):
                sent += data
            else:
                assert feed.head == head
                assert feed.head - feed.position + length > 40 or ring.free < length
            for _ in range(reads if feed.head - reader.position >= 10 else 0):
                came += (await anext(reader)).data
                if feed.head - reader.position < 10:
                    break
        feed.end()
        came += b"".join([chunk.data async for chunk in reader])
    assert came == sent


async def test_the_last_chunk_may_end_anywhere() -> None:
    feed = Feed(Ring(100), 10, 50)
    await feed.put(bytes(2 * 13))
    feed.end()
    with feed.reader(0, 10) as reader:
        assert [(chunk.start, chunk.samples) async for chunk in reader] == [(0, 10), (10, 3)]


async def test_a_file_waits_until_something_is_covered() -> None:
    feed = feed_of(5.0)
    putting = asyncio.ensure_future(feed.put(SECOND * 8))
    with feed.reader(0) as reader:
        assert not await settled(putting)
        assert feed.head == 5 * SAMPLE_RATE
        for _ in range(5):
            await anext(reader)
        assert not await settled(putting)
        assert feed.is_full
        feed.cover(0, 5 * SAMPLE_RATE)
        assert await settled(putting)
        assert (feed.head, feed.lost) == (8 * SAMPLE_RATE, 0)


async def test_a_file_is_read_no_further_ahead_than_asked() -> None:
    feed = feed_of(60.0, ahead=2.0)
    putting = asyncio.ensure_future(feed.put(SECOND * 8))
    assert not await settled(putting)
    assert feed.head == 2 * SAMPLE_RATE
    putting.cancel()


async def test_covered_audio_can_be_read_again_from_a_little_before() -> None:
    feed = feed_of(60.0)
    await feed.put(SECOND * 10)
    feed.cover(0, 5 * SAMPLE_RATE)
    with feed.reader(4 * SAMPLE_RATE, 1_600) as reader:
        assert (await anext(reader)).start == 4 * SAMPLE_RATE
    with feed.reader(0, 1_600) as reader:
        assert (await anext(reader)).start == round(3.5 * SAMPLE_RATE)


async def test_without_a_need_to_keep_it_audio_goes_when_it_is_read() -> None:
    feed = feed_of(3.0, keeps=False)
    putting = asyncio.ensure_future(feed.put(SECOND * 50))
    with feed.reader(0) as reader:
        for second in range(50):
            assert (await anext(reader)).start == second * SAMPLE_RATE
    await putting


async def test_two_readers_have_places_of_their_own() -> None:
    feed = feed_of(60.0)
    await feed.put(SECOND * 3)
    with feed.reader(0) as first, feed.reader(SAMPLE_RATE) as second:
        assert [(await anext(first)).start, (await anext(second)).start, (await anext(first)).start] == [
            0, SAMPLE_RATE, SAMPLE_RATE,
        ]  # fmt: skip
    assert feed.position == 2 * SAMPLE_RATE


async def test_beyond_waits_for_audio_or_the_end() -> None:
    feed = feed_of(60.0)
    waiting = asyncio.ensure_future(feed.beyond(0))
    assert not await settled(waiting)
    await feed.put(bytes(2))
    assert await waiting is True
    feed.end()
    assert await feed.beyond(1) is False


async def test_a_live_source_never_waits_and_its_losses_are_exact() -> None:
    feed = feed_of(5.0, is_live=True)
    await feed.put(SECOND * 8)
    assert feed.lost == 3 * SAMPLE_RATE
    assert feed.gaps() == [Gap(start=0.0, end=3.0, reason="ring_overflow")]
    assert feed.covered == 3 * SAMPLE_RATE
    with feed.reader(0) as reader:
        assert (await anext(reader)).start == 3 * SAMPLE_RATE


async def test_what_a_living_reader_has_is_lost_only_when_it_ends() -> None:
    feed = feed_of(5.0, is_live=True)
    await feed.put(SECOND * 4)
    with feed.reader(0) as reader:
        for _ in range(4):
            await anext(reader)
        await feed.put(SECOND * 4)
        assert feed.lost == 0
        feed.cover(0, 2 * SAMPLE_RATE)
    assert feed.gaps() == [Gap(start=2.0, end=3.0, reason="ring_overflow")]


async def test_a_reader_that_is_overtaken_goes_on_where_audio_is() -> None:
    feed = feed_of(5.0, is_live=True)
    await feed.put(SECOND)
    with feed.reader(0) as reader:
        await anext(reader)
        await feed.put(SECOND * 7)
        assert (await anext(reader)).start == 3 * SAMPLE_RATE
        assert feed.gaps() == [Gap(start=1.0, end=3.0, reason="ring_overflow")]


async def test_what_is_released_is_lost_only_with_its_connection() -> None:
    feed = feed_of(5.0)
    putting = asyncio.ensure_future(feed.put(SECOND * 6))
    with feed.reader(0) as reader:
        for _ in range(5):
            await anext(reader)
        assert not await settled(putting)
        feed.release(5 * SAMPLE_RATE)
        assert await settled(putting)
        feed.cover(0, 4 * SAMPLE_RATE)
        assert feed.lost == 0
    assert feed.gaps() == [Gap(start=4.0, end=5.0, reason="ring_overflow")]


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=25),
    st.integers(20, 80),
    st.lists(st.integers(0, 3), min_size=1, max_size=25),
)
def test_every_sample_of_a_live_source_is_read_or_lost(puts: list[int], capacity: int, turns: list[int]) -> None:
    """Samples carry their index; one reader takes some now and then."""

    async def play() -> None:
        feed = Feed(Ring(capacity), 10, 1_000, keeps=True, is_live=True)
        feed.settled.tolerance = 0
        read: list[Chunk] = []
        head = 0
        with feed.reader(0, 10) as reader:
            for number, count in enumerate(puts):
                await feed.put(b"".join((head + i).to_bytes(2, "little") for i in range(count)))
                head += count
                for _ in range(turns[number % len(turns)]):
                    if feed.head - max(reader.position, 0) >= 10 and feed.head - reader.position <= capacity:
                        read.append(await anext(reader))  # noqa: PERF401 - each may be the last
            feed.end()
            read += [chunk async for chunk in reader]
        heard = [
            int.from_bytes(chunk.data[i : i + 2], "little") for chunk in read for i in range(0, len(chunk.data), 2)
        ]
        assert heard == [chunk.start + i for chunk in read for i in range(chunk.samples)]
        assert heard == sorted(set(heard))
        lost = {
            sample
            for gap in feed.gaps()
            for sample in range(round(gap.start * SAMPLE_RATE), round(gap.end * SAMPLE_RATE))
        }
        assert set(heard) | lost == set(range(head))

    asyncio.run(play())
