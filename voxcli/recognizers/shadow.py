"""The stream as a probe sees it: the same audio, but what a probe covers stays its own."""

from __future__ import annotations

from contextlib import AbstractContextManager

from voxcli.recognizers import Audio, Reader


class Shadow:
    """Reads what there is of an Audio and changes nothing of it."""

    def __init__(self, audio: Audio) -> None:
        self.settled = audio.settled.copy()
        self.has_successor = True
        self._audio = audio

    @property
    def head(self) -> int:
        return self._audio.head

    @property
    def ended(self) -> bool:
        return self._audio.ended

    @property
    def covered(self) -> int:
        return self.settled.first_uncovered

    @property
    def position(self) -> int:
        return self._audio.position

    @property
    def capacity(self) -> int:
        return self._audio.capacity

    @property
    def is_full(self) -> bool:
        return self._audio.is_full

    @property
    def is_live(self) -> bool:
        return self._audio.is_live

    def reader(self, start: int, most: int | None = None) -> AbstractContextManager[Reader]:
        return self._audio.reader(start, most)

    def cover(self, start: int, end: int) -> None:
        self.settled.add(start, end)

    def release(self, upto: int) -> None:
        """A probe lets go of nothing."""

    async def beyond(self, position: int) -> bool:
        return await self._audio.beyond(position)
