"""A source around another: all of it passes through, for somebody who does something with its audio on the way."""

from __future__ import annotations

from voxcli.sources import Source


class PassingSource:
    """Everything but ``chunks``, which is what whoever comes of this is for."""

    def __init__(self, source: Source) -> None:
        self.live = source.live
        self._source = source

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def remarks(self) -> list[str]:
        return self._source.remarks

    @property
    def seconds(self) -> float | None:
        return self._source.seconds

    @property
    def level(self) -> float | None:
        return self._source.level

    async def open(self) -> None:
        await self._source.open()

    def stop(self) -> None:
        self._source.stop()

    async def close(self) -> None:
        await self._source.close()
