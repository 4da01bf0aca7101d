import asyncio
import time
from collections.abc import AsyncGenerator

from support import SAMPLES
from voxcli.audio import Chunk
from voxcli.sources import SourceOptions, open_source
from voxcli.sources.pacing import PacedSource


class Script:
    """A source that has everything at once."""

    name = "script"
    live = False
    level = None
    seconds = 1.05

    def __init__(self) -> None:
        self.remarks: list[str] = ["a remark"]
        self.calls: list[str] = []

    async def open(self) -> None:
        self.calls.append("open")

    async def chunks(self) -> AsyncGenerator[Chunk]:
        yield Chunk(0, bytes(2 * 16_000))
        yield Chunk(16_000, bytes(2 * 800))

    def stop(self) -> None:
        self.calls.append("stop")

    async def close(self) -> None:
        self.calls.append("close")


class Clock:
    """Time that passes only while somebody sleeps, and a little with every look."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_a_tenth_of_a_second_is_given_out_when_it_would_have_been_spoken() -> None:
    clock = Clock()
    paced = PacedSource(Script(), clock, clock.sleep)
    times = [(round(clock.now - 100, 3), chunk.samples) async for chunk in paced.chunks()]
    assert times == [*((n / 10, 1_600) for n in range(1, 11)), (1.05, 800)]


async def test_who_is_late_does_not_wait() -> None:
    clock = Clock()
    times = []
    async for chunk in PacedSource(Script(), clock, clock.sleep).chunks():
        if chunk.start == 0:
            clock.now += 0.55
        times.append(round(clock.now - 100, 3))
    assert times == [0.65, 0.65, 0.65, 0.65, 0.65, 0.65, 0.7, 0.8, 0.9, 1.0, 1.05]


async def test_everything_else_is_the_source_itself() -> None:
    script = Script()
    paced = PacedSource(script)
    await paced.open()
    paced.stop()
    await paced.close()
    assert script.calls == ["open", "stop", "close"]
    assert (paced.name, paced.live, paced.seconds, paced.remarks) == ("script", False, 1.05, ["a remark"])


async def test_a_real_file_at_the_pace_of_speech_until_it_is_stopped() -> None:
    source = open_source(str(SAMPLES / "harbour.wav"), SourceOptions(realtime=True))
    await source.open()
    sizes, began = [], time.monotonic()
    async for chunk in source.chunks():
        if not sizes:
            asyncio.get_running_loop().call_later(0.5, source.stop)
        sizes.append(chunk.samples)
    await source.close()
    assert 0.5 < time.monotonic() - began < 2
    assert max(sizes) == 1_600
    assert sum(sizes) <= 32_000


async def test_stopping_wakes_a_long_wait() -> None:
    paced = PacedSource(Script(), time.monotonic, lambda _: asyncio.sleep(60))
    asyncio.get_running_loop().call_later(0.1, paced.stop)
    assert len([chunk async for chunk in paced.chunks()]) == 11
    paced.stop()
