"""A chain of recognizers: in which order they are asked, which has failed, and how long that is held against it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from voxcli.backoff import Dwell
from voxcli.errors import BackendError
from voxcli.recognizers import CanWarm, Recognizer
from voxcli.recognizers.lifecycle import Lifecycle

STEADY_SECONDS = 60.0
"""A recognizer that has worked for so long since the way back does not flap."""

Opener = Callable[[], Recognizer]
"""Opens a recognizer; may block and may raise BackendError."""


@dataclass(slots=True)
class Link:
    """One of a chain. ``error`` is why it failed last; where that is permanent it is not asked again."""

    name: str
    opener: Opener
    recognizer: Recognizer | None = None
    error: BackendError | None = None

    @property
    def is_dead(self) -> bool:
        return self.error is not None and self.error.is_permanent


class Chain:
    """``links`` in order of preference, each opened, in a thread, when it is needed; ``at`` is the one at work."""

    def __init__(self, links: Sequence[Link], lifecycle: Lifecycle) -> None:
        self.links = list(links)
        self.lifecycle = lifecycle
        self.at = 0
        self.has_heard = False
        self._dwell = Dwell(lifecycle.dwell, lifecycle.most_dwell)
        self._rest = lifecycle.dwell
        self._failed_at: float | None = None
        self._back_at: float | None = None
        self._opening = asyncio.Lock()

    @property
    def current(self) -> Link:
        """The one at work."""
        return self.links[self.at]

    @property
    def later(self) -> list[Link]:
        """Those that come after it."""
        return self.links[self.at + 1 :]

    @property
    def preferred(self) -> list[Link]:
        """Those before it that may come back."""
        return [link for link in self.links[: self.at] if not link.is_dead]

    def choose_first(self) -> None:
        """For a new stream: the preferred one again, unless it has failed just now."""
        rested = self._failed_at is None or now() - self._failed_at >= self._rest
        alive = [index for index, link in enumerate(self.links) if not link.is_dead]
        if rested and alive:
            self.at = alive[0]

    def fail(self, error: BackendError) -> None:
        """The one at work has failed."""
        moment = now()
        if self._back_at is not None and moment - self._back_at >= STEADY_SECONDS:
            self._dwell.steady()
        self.current.error = error
        self._failed_at = moment
        self._rest = self._dwell.next()

    def go_back(self, index: int) -> None:
        """A preferred one is well again."""
        self.at = index
        self.links[index].error = None
        self._failed_at, self._back_at = None, now()

    @property
    def rest(self) -> float:
        """Seconds to leave the preferred one alone."""
        return self._rest

    def rest_longer(self) -> None:
        """It has failed again, in a probe."""
        self._rest = self._dwell.next()

    async def ready(self, link: Link) -> Recognizer:
        """The recognizer of a link, opened and loaded. Raises BackendError."""
        async with self._opening:
            if link.recognizer is None:
                link.recognizer = await asyncio.to_thread(link.opener)
        await link.recognizer.load()
        return link.recognizer

    async def warm(self, link: Link) -> None:
        """Get a link ready to stand by: what it does at its first words is done before. Raises BackendError."""
        recognizer = await self.ready(link)
        if isinstance(recognizer, CanWarm):
            await recognizer.warm()


def now() -> float:
    """The event loop's clock."""
    return asyncio.get_running_loop().time()
