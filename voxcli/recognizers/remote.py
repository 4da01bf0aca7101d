"""A recognizer somewhere else: streams through a server, and probes of it, which tell nobody."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from voxcli.backoff import Retries
from voxcli.errors import BackendUnreachable
from voxcli.events import Error, Notice, Results, UtteranceEnd
from voxcli.recognizers import Audio, Emit
from voxcli.recognizers.lifecycle import Lifecycle
from voxcli.recognizers.remote_stream import Remote, RemoteStream
from voxcli.recognizers.shadow import Shadow
from voxcli.recognizers.wire import Wire

__all__ = ["Remote", "RemoteRecognizer"]


class RemoteRecognizer:
    """``chance`` gives numbers from 0 up to 1, for the jitter of the back-off."""

    def __init__(
        self,
        remote: Remote,
        lifecycle: Lifecycle,
        log: Wire | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = remote.name
        self.model = remote.model
        self.rereads = True
        self._remote = remote
        self._lifecycle = lifecycle
        self._log = log
        self._chance = chance
        self._was_connected = self._was_told_best_effort = False

    async def load(self) -> None:
        """Nothing: a server closes a connection that brings no audio, so it is made when there is some."""

    async def recognize(self, audio: Audio, start: int, emit: Emit) -> None:
        retries = Retries(self._lifecycle.retries, self._lifecycle.backoff, self._chance)
        stream = RemoteStream(
            self._remote,
            self._lifecycle,
            retries,
            audio,
            start,
            emit,
            self._log,
            was_connected=self._was_connected,
            was_told_best_effort=self._was_told_best_effort,
        )
        try:
            await stream.run()
        finally:
            self._was_connected = stream.was_connected
            self._was_told_best_effort = stream.was_told_best_effort

    async def probe(self, audio: Audio) -> None:
        retries, shadow = Retries(0, 0.0, self._chance), Shadow(audio)
        stream = RemoteStream(
            self._remote, self._lifecycle, retries, shadow, shadow.covered, _prove, self._log, proving=True
        )
        try:
            async with asyncio.timeout(self._lifecycle.probe):
                await stream.run()
        except _Proved:
            return
        except TimeoutError:
            pass
        raise BackendUnreachable(self.name, "a probe brought no result", 1)

    async def close(self) -> None:
        """Each connection was closed where it ended."""


class _Proved(Exception):
    """A probe has brought a final over new audio."""


def _prove(event: Results | UtteranceEnd | Notice | Error) -> None:
    if isinstance(event, Results) and event.is_final and event.duration > 0:
        raise _Proved
