"""A recognizer made of recognizers: where one fails the next goes on, at the first sample that no final has covered.

The way back: after a while the preferred one is tried in the shadow of the one at work. Once it has brought a final, it
takes over where a final of the other is followed by silence, so that no word is cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from voxcli.errors import AuthenticationFailed, BackendError, first_error
from voxcli.recognizers import Audio, Emit
from voxcli.recognizers.lifecycle import Lifecycle
from voxcli.recognizers.links import Chain, Link
from voxcli.recognizers.relay import Relay

__all__ = ["FailoverRecognizer", "Link"]


class FailoverRecognizer:
    """``links`` in order of preference, each opened, in a thread, when it is needed. ``warm``: the second at once."""

    def __init__(self, links: Sequence[Link], lifecycle: Lifecycle, *, warm: bool = False) -> None:
        self._chain = Chain(links, lifecycle)
        self._is_warm = warm

    @property
    def name(self) -> str:
        return self._chain.current.name

    @property
    def model(self) -> str:
        recognizer = self._chain.current.recognizer
        return "" if recognizer is None else recognizer.model

    @property
    def rereads(self) -> bool:
        first = self._chain.links[0].recognizer
        return len(self._chain.links) > 1 or first is None or first.rereads

    async def load(self) -> None:
        """The first of the chain. What keeps it from loading is told when there is a stream to go on with."""
        try:
            await self._chain.ready(self._chain.current)
        except BackendError as error:
            if len(self._chain.links) == 1 or isinstance(error, AuthenticationFailed):
                raise

    async def recognize(self, audio: Audio, start: int, emit: Emit) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                relay = Relay(self._chain, audio, emit, group, is_warm=self._is_warm)
                await relay.run(start)
                relay.end()
        except ExceptionGroup as failures:
            error = first_error(failures)
            raise error from error.__cause__

    async def probe(self, audio: Audio) -> None:
        recognizer = await self._chain.ready(self._chain.current)
        await recognizer.probe(audio)

    async def close(self) -> None:
        for link in self._chain.links:
            if link.recognizer is not None:
                await link.recognizer.close()
