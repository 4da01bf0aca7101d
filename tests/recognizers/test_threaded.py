"""Many streams over one loaded model: who decodes when, and what one's end does to the others and to its decoder."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from voxcli.audio import SAMPLE_RATE, Chunk, seconds
from voxcli.errors import BackendError
from voxcli.events import Results
from voxcli.pipeline import Feed
from voxcli.recognizers import CanWarm, RecognizerOptions
from voxcli.recognizers.threaded import ThreadedRecognizer
from voxcli.ring import Ring

SECOND = bytes(2 * SAMPLE_RATE)


@dataclass
class Counter:
    """A decoder that says how much it has heard, at a flush and at the end, and remembers how it was called."""

    on_accept: Callable[[Chunk], object] = lambda chunk: None
    calls: list[Chunk] = field(default_factory=list)
    closed: int = 0
    running: int = 0
    begun: int | None = None
    heard: int = 0
    covered: int = 0

    def accept(self, chunk: Chunk) -> list[Results]:
        assert not self.closed
        if self.begun is None:
            self.begun = self.covered = chunk.start
        self.running += 1
        assert self.running == 1
        self.calls.append(chunk)
        self.heard = chunk.end
        self.on_accept(chunk)
        assert not self.closed
        self.running -= 1
        return []

    def flush(self) -> list[Results]:
        if self.heard == self.covered:
            return []
        start, self.covered = self.covered, self.heard
        return [final(start, self.heard)]

    def finish(self) -> list[Results]:
        return self.flush()

    def close(self) -> None:
        assert not self.running
        self.closed += 1


@dataclass
class Model:
    """Makes counters; all of them do the same at each call."""

    on_accept: Callable[[Counter, Chunk], object] = lambda counter, chunk: None
    made: list[Counter] = field(default_factory=list)

    def __call__(self) -> Counter:
        counter = Counter()
        counter.on_accept = lambda chunk: self.on_accept(counter, chunk)
        self.made.append(counter)
        return counter


def final(start: int, end: int) -> Results:
    return Results(
        transcript=f"{end - start}", is_final=True, speech_final=True, start=seconds(start),
        duration=seconds(end - start), backend="counter",
    )  # fmt: skip


def recognizer_of(model: Model, threads: int = 1, chunk_samples: int = SAMPLE_RATE) -> ThreadedRecognizer:
    options = RecognizerOptions(Path(), "model", chunk_samples=chunk_samples, threads=threads)
    return ThreadedRecognizer("counter", options, lambda: model)


async def feed_of(length: float, *, ended: bool = True) -> Feed:
    feed = Feed(Ring(SAMPLE_RATE * 600), 1_600, SAMPLE_RATE * 600)
    await feed.put(bytes(2 * round(length * SAMPLE_RATE)))
    if ended:
        feed.end()
    return feed


async def finals_of(recognizer: ThreadedRecognizer, feed: Feed) -> list[Results]:
    finals: list[Results] = []
    await recognizer.recognize(feed, 0, finals.append)  # type: ignore[arg-type]
    return finals


async def until(ready: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not ready():
            await asyncio.sleep(0.005)


async def test_as_many_streams_as_threads_are_decoded_at_the_same_moment() -> None:
    meeting = threading.Barrier(3)
    recognizer = recognizer_of(Model(lambda counter, chunk: meeting.wait(5)), threads=3)
    results = await asyncio.gather(*[finals_of(recognizer, await feed_of(2)) for _ in range(3)])
    assert [[result.duration for result in finals] for finals in results] == [[2.0]] * 3
    await recognizer.close()


async def test_more_streams_than_threads_take_turns_of_a_second() -> None:
    """A file that is all there does not keep the others waiting until it is done."""
    order: list[int] = []
    model = Model()
    model.on_accept = lambda counter, chunk: order.append(model.made.index(counter))
    recognizer = recognizer_of(model)
    await asyncio.gather(*[finals_of(recognizer, await feed_of(10)) for _ in range(3)])
    await recognizer.close()
    assert [order.count(stream) for stream in range(3)] == [10, 10, 10]
    assert all(before != after for before, after in pairwise(order))


async def test_what_is_handed_over_is_split_for_the_decoder() -> None:
    model = Model()
    recognizer = recognizer_of(model, chunk_samples=1_600)
    await finals_of(recognizer, await feed_of(2.05))
    await recognizer.close()
    assert [chunk.samples for chunk in model.made[0].calls] == [1_600] * 20 + [800]


async def test_a_cancelled_stream_leaves_the_others_alone_and_is_freed_after_its_call() -> None:
    inside, go_on = threading.Event(), threading.Event()
    model = Model()

    def block(counter: Counter, chunk: Chunk) -> None:
        if counter is model.made[0]:
            inside.set()
            assert go_on.wait(5)

    model.on_accept = block
    recognizer = recognizer_of(model, threads=2)
    doomed = asyncio.create_task(finals_of(recognizer, await feed_of(5)))
    await until(inside.is_set)
    doomed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doomed
    (other,) = await finals_of(recognizer, await feed_of(5))
    await until(lambda: model.made[1].closed == 1)
    assert (other.duration, model.made[0].closed) == (5.0, 0)
    go_on.set()
    await until(lambda: model.made[0].closed == 1)
    assert len(model.made[0].calls) == 1
    await recognizer.close()


async def test_a_stream_that_is_cancelled_while_it_waits_for_its_turn_costs_nothing() -> None:
    go_on = threading.Event()
    model = Model(lambda counter, chunk: go_on.wait(5))
    recognizer = recognizer_of(model)
    first = asyncio.create_task(finals_of(recognizer, await feed_of(1)))
    await until(lambda: bool(model.made))
    second = asyncio.create_task(finals_of(recognizer, await feed_of(1)))
    await asyncio.sleep(0.05)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    go_on.set()
    assert [result.duration for result in await first] == [1.0]
    await recognizer.close()
    assert len(model.made) == 1


async def test_a_recognizer_that_is_closed_still_frees_the_decoder_under_way() -> None:
    inside, go_on = threading.Event(), threading.Event()
    model = Model(lambda counter, chunk: (inside.set(), go_on.wait(5)))
    recognizer = recognizer_of(model)
    doomed = asyncio.create_task(finals_of(recognizer, await feed_of(5)))
    await until(inside.is_set)
    doomed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doomed
    await recognizer.close()
    assert model.made[0].closed == 0
    go_on.set()
    await until(lambda: model.made[0].closed == 1)


async def test_an_error_of_one_stream_is_its_own() -> None:
    model = Model()

    def fail(counter: Counter, chunk: Chunk) -> None:
        if counter is model.made[0] and chunk.start >= 2 * SAMPLE_RATE:
            counter.running -= 1
            raise BackendError("it broke", "mend it")

    model.on_accept = fail
    recognizer = recognizer_of(model)
    broken, whole = await asyncio.gather(
        finals_of(recognizer, await feed_of(5)), finals_of(recognizer, await feed_of(5)), return_exceptions=True
    )
    assert isinstance(broken, BackendError)
    assert isinstance(whole, list)
    assert whole[0].duration == 5.0
    await until(lambda: all(counter.closed == 1 for counter in model.made))
    await recognizer.close()


async def test_a_decoder_that_does_not_close_is_told_of_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    class Stuck(Counter):
        def close(self) -> None:
            raise BackendError("it holds on", "pull")

    options = RecognizerOptions(Path(), "model")
    recognizer = ThreadedRecognizer("stuck", options, lambda: Stuck)
    await finals_of(recognizer, await feed_of(1))
    await until(lambda: "did not close" in caplog.text)
    await recognizer.close()


async def test_a_wish_for_a_final_is_answered_without_more_audio_and_the_stream_goes_on() -> None:
    feed, recognizer, finals = await feed_of(1.25, ended=False), recognizer_of(Model()), []
    work = asyncio.create_task(recognizer.recognize(feed, 0, finals.append))  # type: ignore[arg-type]
    for put in (0, 0, 2.51, 0.03):
        await feed.put(bytes(2 * round(put * SAMPLE_RATE)))
        feed.ask_for_final()
        await until(lambda: feed.covered == feed.head)
    await feed.put(SECOND)
    feed.end()
    await work
    await recognizer.close()
    assert [(result.start, round(result.end, 2)) for result in finals] == [
        (0.0, 1.25), (1.25, 3.76), (3.76, 3.79), (3.79, 4.79),
    ]  # fmt: skip


async def test_where_audio_was_lost_a_fresh_decoder_goes_on_even_after_a_wish() -> None:
    inside, go_on = threading.Event(), threading.Event()
    model = Model(lambda counter, chunk: (inside.set(), go_on.wait(5)))
    recognizer, finals = recognizer_of(model), []
    feed = Feed(Ring(SAMPLE_RATE), 1_600, SAMPLE_RATE, is_live=True)
    await feed.put(SECOND)
    work = asyncio.create_task(recognizer.recognize(feed, 0, finals.append))  # type: ignore[arg-type]
    await until(inside.is_set)
    await feed.put(SECOND)
    feed.ask_for_final()
    await feed.put(SECOND)
    feed.end()
    go_on.set()
    await work
    await recognizer.close()
    assert [(result.start, result.end) for result in finals] == [(0.0, 1.0), (2.0, 3.0)]
    assert [counter.begun for counter in model.made if counter.calls] == [0, 2 * SAMPLE_RATE]


async def test_only_what_can_be_warmed_is_warmed() -> None:
    class Warming(Model):
        warmed = 0

        def warm(self) -> None:
            time.sleep(0.01)
            self.warmed += 1

    model = Warming()
    for loaded in (Model(), model):
        recognizer = recognizer_of(loaded)
        assert isinstance(recognizer, CanWarm)
        await recognizer.warm()
        await recognizer.close()
    assert model.warmed == 1
