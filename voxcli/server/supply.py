"""Where the recognizers of sessions come from: local ones are loaded once and shared, servers are asked anew each time.

One session's chain is its own, so that trouble in it is no trouble of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from voxcli.protocols import Asked
from voxcli.recognizers import Audio, Emit, Recognizer
from voxcli.recognizers.failover import FailoverRecognizer, Link
from voxcli.recognizers.lifecycle import Lifecycle


class Lent:
    """A shared recognizer in the hands of one session, which may not close it."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer

    @property
    def name(self) -> str:
        return self._recognizer.name

    @property
    def model(self) -> str:
        return self._recognizer.model

    @property
    def rereads(self) -> bool:
        return self._recognizer.rereads

    async def load(self) -> None:
        await self._recognizer.load()

    async def recognize(self, audio: Audio, start: int, emit: Emit) -> None:
        await self._recognizer.recognize(audio, start, emit)

    async def probe(self, audio: Audio) -> None:
        await self._recognizer.probe(audio)

    async def close(self) -> None:
        """It is the server's."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A recognizer on this machine, used by all sessions."""

    recognizer: Recognizer

    @property
    def name(self) -> str:
        return self.recognizer.name

    def opened(self, asked: Asked) -> Recognizer:
        return Lent(self.recognizer)


@dataclass(frozen=True, slots=True)
class Relayed:
    """A server behind this one; ``open`` makes a recognizer of it for what a client asks."""

    name: str
    open: Callable[[Asked], Recognizer]

    def opened(self, asked: Asked) -> Recognizer:
        return self.open(asked)


class Supply:
    """``kinds`` in order of preference."""

    def __init__(self, kinds: Sequence[Shared | Relayed], lifecycle: Lifecycle) -> None:
        self._kinds = kinds
        self._lifecycle = lifecycle

    @property
    def names(self) -> list[str]:
        return [kind.name for kind in self._kinds]

    def recognizer(self, asked: Asked) -> Recognizer:
        """For one stream."""
        first = self._kinds[0]
        if len(self._kinds) == 1 and isinstance(first, Shared):
            return first.opened(asked)
        links = [Link(kind.name, lambda kind=kind: kind.opened(asked)) for kind in self._kinds]  # type: ignore[misc]
        return FailoverRecognizer(links, self._lifecycle)

    async def load(self) -> None:
        """Every local one, so that a failover finds it ready. Raises BackendError."""
        for kind in self._kinds:
            if isinstance(kind, Shared):
                await kind.recognizer.load()

    async def close(self) -> None:
        for kind in self._kinds:
            if isinstance(kind, Shared):
                await kind.recognizer.close()
