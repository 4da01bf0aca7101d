"""A wish to stop, and everything that hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TypeVar

from voxcli.events import StopReason

T = TypeVar("T")


class Stopped(Exception):
    """Somebody wanted to stop before some work was done."""


class Stop:
    """A wish to stop, made once, by a signal or a condition, and seen by every source from then on."""

    def __init__(self) -> None:
        self._wish = asyncio.Event()
        self._calls: list[Callable[[], None]] = []
        self.reason: StopReason | None = None

    def request(self, reason: StopReason) -> None:
        """Stop capturing, drain what was captured, end."""
        if self.reason is None:
            self.reason = reason
            self._wish.set()
            for call in self._calls:
                call()

    @contextmanager
    def calling(self, call: Callable[[], None]) -> Iterator[None]:
        """While entered, a wish to stop calls this; at once, if the wish is older."""
        if self.reason is not None:
            call()
        self._calls.append(call)
        try:
            yield
        finally:
            self._calls.remove(call)

    async def wait(self) -> None:
        """Until somebody wants to stop."""
        await self._wish.wait()

    async def unless(self, work: Coroutine[object, object, T]) -> T:
        """The result of some work; raises Stopped, and leaves the work, when somebody wants to stop before."""
        doing, wishing = asyncio.ensure_future(work), asyncio.ensure_future(self._wish.wait())
        try:
            await asyncio.wait({doing, wishing}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise Stopped
            return doing.result()
        finally:
            doing.cancel()
            wishing.cancel()
