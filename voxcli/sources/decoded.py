"""A source made of a blocking decoder: the one place where decoders meet the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any, TypeVar

from voxcli.audio import Chunk
from voxcli.errors import SourceError, UsageError
from voxcli.sources.decoder import Decoder, Opener, StopSignal

T = TypeVar("T")


class DecodedSource:
    """A recording or a stream, read block by block in worker threads."""

    live = False
    level = None

    def __init__(self, name: str, opener: Opener) -> None:
        self.name = name
        self.remarks: list[str] = []
        self._opener = opener
        self._stop = StopSignal()
        self._decoder: Decoder | None = None
        self._at_work: asyncio.Future[Any] | None = None

    async def open(self) -> None:
        try:
            self._decoder = await self._in_thread(self._open)
        except (SourceError, UsageError):
            if not self._stop.is_set():  # a stream that was stopped before its first bytes came is not broken
                raise
        else:
            self.remarks = self._decoder.remarks

    @property
    def seconds(self) -> float | None:
        return self._decoder.seconds if self._decoder else None

    async def chunks(self) -> AsyncGenerator[Chunk]:
        start = 0
        blocks: Iterator[bytes] = self._decoder.blocks() if self._decoder else iter(())
        while (data := await self._in_thread(lambda: next(blocks, None))) is not None:
            if data:
                chunk = Chunk(start, data)
                start = chunk.end
                yield chunk

    def stop(self) -> None:
        self._stop.set()

    async def close(self) -> None:
        self.stop()
        if self._at_work is not None and not self._at_work.done():
            await asyncio.wait({self._at_work})
            self._at_work.exception()  # of a read that nobody waits for any more
        decoder, self._decoder = self._decoder, None
        if decoder is not None:
            await asyncio.to_thread(decoder.close)
        self._stop.close()

    def _open(self) -> Decoder:
        """Keeps the decoder even if nobody waits for it any more, so that ``close`` finds it."""
        self._decoder = self._opener(self._stop)
        return self._decoder

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Runs blocking work; a cancelled caller leaves it to ``close`` to wait for the thread."""
        future = asyncio.get_running_loop().run_in_executor(None, work)
        self._at_work = future
        return await asyncio.shield(future)
