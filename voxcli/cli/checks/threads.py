"""Threads for what blocks, such as the look-up of a name: known by whether one of them is stuck."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class Threads(ThreadPoolExecutor):
    """The event loop's own. A look-up that nobody answers can go on for a minute after everybody has given up on it."""

    def __init__(self) -> None:
        super().__init__(thread_name_prefix="voxcli-doctor")
        self._given: list[Future[Any]] = []

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future = super().submit(work, *arguments, **named)
        self._given.append(future)
        return future

    @property
    def are_busy(self) -> bool:
        """Whether something that was given to them goes on."""
        return any(not future.done() for future in self._given)
