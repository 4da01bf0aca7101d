"""A recognizer made of recognizers: the first of a chain that gets ready does the work.

A recognizer further down the chain is opened only when the one before it has failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing

from voxcli.audio import Chunk
from voxcli.errors import BackendError
from voxcli.events import Notice, Results
from voxcli.recognizers import Recognizer

Opener = Callable[[], Recognizer]
"""Opens a recognizer; may block and may raise BackendError."""


class FailoverRecognizer:
    """``first`` is at hand; ``others`` are opened in order, each in a thread, when those before have failed to load."""

    def __init__(self, first: Recognizer, others: Sequence[Opener]) -> None:
        self._current = first
        self._others = list(others)
        self._notices: list[Notice] = []

    @property
    def name(self) -> str:
        return self._current.name

    @property
    def model(self) -> str:
        return self._current.model

    async def load(self) -> None:
        try:
            await self._current.load()
        except BackendError as error:
            await self._take_next(error)
            await self.load()

    async def recognize(self, chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Results | Notice]:
        await self.load()
        while self._notices:
            yield self._notices.pop(0)
        async with aclosing(self._current.recognize(chunks)) as results:
            async for result in results:
                yield result

    async def close(self) -> None:
        await self._current.close()

    async def _take_next(self, error: BackendError) -> None:
        """Make the next recognizer that opens the current one. Raises ``error`` itself when there is none."""
        failed = self._current
        await failed.close()
        if not self._others:
            raise error
        try:
            self._current = await asyncio.to_thread(self._others.pop(0))
        except BackendError:
            await self._take_next(error)
            return
        self._notices.append(
            Notice(
                code="failover",
                at=0.0,
                message=f"{error.message}; {self._current.name} takes over",
                from_=failed.name,
                to=self._current.name,
            )
        )
