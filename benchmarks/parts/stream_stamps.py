"""The audio of both clients of a streaming server, and what each of them notes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator

CHUNK_BYTES = 3_200
CHUNK_SECONDS = 0.1
WARM_CHUNKS = 10
"""Connecting, and whatever is done for the first time, is over after so many chunks: CPU is counted from there."""


class Stamps:
    """Chunks of 100 ms, when each was given out and answered, and the CPU that all after the first ten cost."""

    def __init__(self, seconds: float, *, paced: bool) -> None:
        self.given: list[float] = []
        self.answered: list[float] = []
        self._count = round(seconds / CHUNK_SECONDS)
        self._paced = paced
        self._data = bytes(range(256)) * 12 + bytes(CHUNK_BYTES - 256 * 12)
        self._cpu = self._began = 0.0

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Each when it is due, as a microphone gives them, or all at once."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for number in range(self._count):
            if self._paced:
                await asyncio.sleep(max(0.0, begin + (number + 1) * CHUNK_SECONDS - loop.time()))
            if number == WARM_CHUNKS:
                self._cpu, self._began = time.process_time(), time.monotonic()
            self.given.append(time.monotonic())
            yield self._data

    def answer(self) -> None:
        """The next chunk is answered."""
        self.answered.append(time.monotonic())

    def tell(self) -> None:
        """Print it all; the last thing to be done."""
        told = {
            "cpu": time.process_time() - self._cpu,
            "wall": time.monotonic() - self._began,
            "audio": (self._count - WARM_CHUNKS) * CHUNK_SECONDS,
            "given": self.given,
            "answered": self.answered,
        }
        print(json.dumps(told))
