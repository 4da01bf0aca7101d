"""What a session has to tell its client, with a bound: finals are kept in order, of interims only the newest counts.

A client that reads slowly misses interims and nothing else; one that comes back is told the finals that it has missed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


class TooSlow(Exception):
    """A client has not read what it would need to read to have it all."""


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str
    seq: int | None


class Outbox:
    """``kept``: how many messages at most. ``forgets``: what was taken is not needed again."""

    def __init__(self, kept: int, *, forgets: bool) -> None:
        self.finals = 0
        self._kept = kept
        self._forgets = forgets
        self._entries: deque[_Entry] = deque()
        self._before = 0
        self._interims: dict[int, tuple[int, str]] = {}
        self._changed = asyncio.Event()
        self._take_at_once: Callable[[], bool] | None = None

    @property
    def end(self) -> int:
        """The place after the last message."""
        return self._before + len(self._entries)

    def final(self, text: Callable[[int], str], channel: int = 0) -> None:
        """A final; ``text`` is given its number."""
        self.finals += 1
        self._interims.pop(channel, None)
        self._add(_Entry(text(self.finals), self.finals))

    def tell(self, text: str) -> None:
        """Something that has its place among the finals and is told once."""
        self._add(_Entry(text, None))

    def interim(self, text: str, channel: int = 0) -> None:
        """An interim; it takes the place of the one before it."""
        self._interims[channel] = (self.end, text)
        self._announce()

    def wake(self) -> None:
        """Something else has changed that a reader of this waits for."""
        self._changed.set()

    def can_resume(self, last_seq: int) -> bool:
        """Whether all finals after that number are still there."""
        first = next((entry.seq for entry in self._entries if entry.seq is not None), self.finals + 1)
        return first <= last_seq + 1 <= self.finals + 1

    def missed(self, last_seq: int) -> list[str]:
        """The finals after that number."""
        return [entry.text for entry in self._entries if entry.seq is not None and entry.seq > last_seq]

    def take(self, place: int) -> list[str]:
        """All messages from ``place`` on, and the newest interims. Raises TooSlow where some are gone."""
        if place < self._before:
            raise TooSlow
        texts = [self._entries[index].text for index in range(place - self._before, len(self._entries))]
        texts += [text for _, text in sorted(self._interims.values())]
        self._interims.clear()
        if self._forgets:
            self._before = self.end
            self._entries.clear()
        return texts

    async def wait(self, take: Callable[[], bool] | None = None) -> None:
        """Until something is there that was not there at the last call.

        ``take`` is called for each message that comes meanwhile; whoever waits is left alone where it returns True.
        """
        self._take_at_once = take
        try:
            await self._changed.wait()
        finally:
            self._take_at_once = None
        self._changed.clear()

    def _add(self, entry: _Entry) -> None:
        self._entries.append(entry)
        if len(self._entries) > self._kept:
            self._entries.popleft()
            self._before += 1
        self._announce()

    def _announce(self) -> None:
        if self._take_at_once is None or not self._take_at_once():
            self._changed.set()
