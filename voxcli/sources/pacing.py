"""``--realtime``: a source that gives its audio out no faster than it was spoken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

from voxcli.audio import SAMPLE_BYTES, SAMPLE_RATE, Chunk
from voxcli.events import Gap, Notice
from voxcli.sources import Source
from voxcli.sources.passing import PassingSource

STEP_SAMPLES = SAMPLE_RATE // 10


class PacedSource(PassingSource):
    """Gives each tenth of a second out at the moment at which a microphone would have it complete."""

    def __init__(
        self,
        source: Source,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``clock`` tells seconds, ``sleep`` waits for some."""
        super().__init__(source)
        self._clock = clock
        self._sleep = sleep
        self._stopped = False
        self._wake: Callable[[], object] | None = None

    async def chunks(self) -> AsyncGenerator[Chunk | Gap | Notice]:
        awake = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._wake = lambda: loop.call_soon_threadsafe(awake.set)
        began = self._clock()
        try:
            async for given in self._source.chunks():
                if not isinstance(given, Chunk):
                    yield given
                    continue
                for piece in _pieces(given):
                    await self._wait(began + piece.end / SAMPLE_RATE, awake)
                    yield piece
        finally:
            self._wake = None

    def stop(self) -> None:
        self._stopped = True
        super().stop()
        wake = self._wake  # another thread may be ending the iteration
        if wake is not None:
            wake()

    async def _wait(self, until: float, awake: asyncio.Event) -> None:
        """Waits for the moment, or for ``stop``; after that, not at all."""
        delay = until - self._clock()
        if delay <= 0 or self._stopped:
            return
        waits = {asyncio.ensure_future(self._sleep(delay)), asyncio.ensure_future(awake.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()


def _pieces(chunk: Chunk) -> list[Chunk]:
    step = STEP_SAMPLES
    return [
        Chunk(chunk.start + at, chunk.data[at * SAMPLE_BYTES : (at + step) * SAMPLE_BYTES])
        for at in range(0, chunk.samples, step)
    ]
