"""Finals that are asked for: when readers are told, and that it costs neither a sample nor a wait."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from voxcli.audio import SAMPLE_RATE, Chunk
from voxcli.pipeline import Feed
from voxcli.ring import Ring

SECOND = bytes(2 * SAMPLE_RATE)


async def settled(work: asyncio.Future[Chunk]) -> bool:
    """Whether work ends when everything else has had its turn."""
    for _ in range(20):
        await asyncio.sleep(0)
    return work.done()


async def test_a_wish_for_a_final_is_told_at_once_behind_all_that_has_come() -> None:
    feed = Feed(Ring(100), 10, 50)
    await feed.put(bytes(2 * 23))
    with feed.reader(0) as reader:
        feed.ask_for_final()
        assert [(chunk.start, chunk.samples) for chunk in [await anext(reader) for _ in range(3)]] == [
            (0, 20), (20, 3), (23, 0),
        ]  # fmt: skip
        reading = asyncio.ensure_future(anext(reader))
        feed.ask_for_final()
        assert not await settled(reading)
        await feed.put(bytes(2 * 10))
        assert ((await reading).start, reader.position) == (23, 33)


async def test_a_reader_that_waits_is_woken_by_a_wish() -> None:
    feed = Feed(Ring(100), 10, 50)
    await feed.put(bytes(2 * 10))
    with feed.reader(0) as reader:
        await anext(reader)
        reading = asyncio.ensure_future(anext(reader))
        assert not await settled(reading)
        feed.ask_for_final()
        assert await reading == Chunk(10, b"")


async def test_nothing_is_asked_where_a_final_covers_all_or_nothing_has_come_or_no_more_comes() -> None:
    feed = Feed(Ring(SAMPLE_RATE), 1_600, SAMPLE_RATE, keeps=True)
    feed.ask_for_final()
    await feed.put(bytes(3_200))
    feed.ask_for_final()
    feed.cover(0, 1_600)
    feed.ask_for_final()
    feed.end()
    feed.ask_for_final()
    with feed.reader(0) as reader:
        assert [chunk.samples async for chunk in reader] == [1_600]


async def test_who_goes_on_for_another_is_told_what_no_final_covers_yet() -> None:
    """The first reader was told of both wishes; only the first was answered before it failed."""
    feed = Feed(Ring(10 * SAMPLE_RATE), 1_600, 10 * SAMPLE_RATE, keeps=True)
    for _ in range(2):
        await feed.put(SECOND)
        feed.ask_for_final()
    with feed.reader(0) as reader:
        assert [(await anext(reader)).samples for _ in range(4)] == [SAMPLE_RATE, 0, SAMPLE_RATE, 0]
        feed.cover(0, SAMPLE_RATE)
    with feed.reader(SAMPLE_RATE) as after:
        assert [await anext(after), await anext(after)] == [Chunk(SAMPLE_RATE, SECOND), Chunk(2 * SAMPLE_RATE, b"")]
    with feed.reader(2 * SAMPLE_RATE) as joined:  # the server has the audio, but may not have heard the wish
        assert await anext(joined) == Chunk(2 * SAMPLE_RATE, b"")


async def test_a_wish_within_audio_that_is_lost_is_told_where_it_goes_on() -> None:
    feed = Feed(Ring(5 * SAMPLE_RATE), 1_600, SAMPLE_RATE, keeps=True, is_live=True)
    await feed.put(SECOND * 2)
    with feed.reader(0) as slow, feed.reader(0) as quick:
        for _ in range(2):
            await anext(quick)
        feed.ask_for_final()
        await feed.put(SECOND * 5)
        assert feed.covered == 0  # what the quick one was given may still be covered
        for reader, start in ((slow, 2 * SAMPLE_RATE), (quick, 2 * SAMPLE_RATE)):
            assert [await anext(reader), await anext(reader)] == [Chunk(start, b""), Chunk(start, SECOND)]


STEPS = st.one_of(
    st.integers(1, 40).map(lambda count: ("put", count)),
    st.just(("ask", 0)),
    st.integers(0, 1).map(lambda which: ("read", which)),
    st.integers(0, 100).map(lambda part: ("cover", part)),
)


class Play:
    """Samples that carry their index, and two readers with places of their own, one of them fond of small chunks."""

    def __init__(self, step: int, most: int) -> None:
        self.feed = Feed(Ring(100_000), step, 100_000, keeps=True)
        self.feed.settled.tolerance = 0
        self.step = step
        self.readers = (self.feed.reader(0, most), self.feed.reader(0, step))
        self.told: tuple[list[Chunk], list[Chunk]] = ([], [])
        self.asked: set[int] = set()

    async def put(self, count: int) -> None:
        head = self.feed.head
        await self.feed.put(b"".join(sample.to_bytes(2, "little") for sample in range(head, head + count)))

    async def ask(self, _: int) -> None:
        self.feed.ask_for_final()
        self.asked.add(self.feed.head)

    async def cover(self, part: int) -> None:
        self.feed.cover(0, min(reader.position for reader in self.readers) * part // 100)

    async def read(self, which: int) -> None:
        """What there is to read is there at once, and no chunk goes beyond a wish."""
        wishes = {mark for mark in self.asked if mark > self.feed.covered}
        reading = asyncio.ensure_future(anext(self.readers[which]))
        if await settled(reading):
            chunk = reading.result()
            self.told[which].append(chunk)
            assert not [mark for mark in wishes if chunk.start < mark < chunk.end]
            return
        reading.cancel()
        assert self.feed.head - self.readers[which].position < self.step
        assert wishes <= {chunk.start for chunk in self.told[which] if not chunk.data}

    async def finish(self) -> None:
        self.feed.end()
        for reader, chunks in zip(self.readers, self.told, strict=True):
            chunks += [chunk async for chunk in reader]

    def check(self, chunks: list[Chunk]) -> None:
        """All samples in order, each wish once and in its place unless a final came before it was told."""
        data = b"".join(chunk.data for chunk in chunks)
        assert data == b"".join(sample.to_bytes(2, "little") for sample in range(self.feed.head))
        told = [chunk.start for chunk in chunks if not chunk.data]
        assert told == sorted(set(told))
        assert {mark for mark in self.asked if mark > self.feed.covered} <= set(told) <= self.asked
        assert all(before.end == after.start for before, after in pairwise(chunks))


@settings(max_examples=200)
@given(st.lists(STEPS, max_size=60), st.integers(1, 4), st.integers(10, 60))
def test_each_wish_is_told_once_in_its_place_and_costs_no_sample(
    steps: list[tuple[str, int]], step: int, most: int
) -> None:
    async def play() -> None:
        game = Play(step, most)
        with game.readers[0], game.readers[1]:
            for what, amount in steps:
                await getattr(game, what)(amount)
            await game.finish()
        for chunks in game.told:
            game.check(chunks)

    asyncio.run(play())
