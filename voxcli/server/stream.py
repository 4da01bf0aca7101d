"""One channel of a client's audio on its way through a recognizer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from voxcli.audio import samples, seconds
from voxcli.events import Error, Notice, Results, UtteranceEnd
from voxcli.pipeline.feed import Feed
from voxcli.recognizers import Recognizer
from voxcli.ring import Ring
from voxcli.server.metrics import Metrics
from voxcli.server.options import ServerOptions

Told = Results | UtteranceEnd | Notice | Error
"""What a recognizer has to tell."""


class AudioStream:
    """``tell`` is given what is heard, ``progress`` how many samples the recognizer has been given."""

    def __init__(
        self,
        recognizer: Recognizer,
        options: ServerOptions,
        metrics: Metrics,
        tell: Callable[[Told], None],
        *,
        channel: int = 0,
        progress: Callable[[int], None] = lambda position: None,
    ) -> None:
        self.recognizer = recognizer
        self.feed = Feed(
            Ring(samples(options.buffer)),
            options.chunk_samples,
            samples(options.read_ahead),
            keeps=recognizer.rereads,
            on_read=progress,
        )
        self._metrics = metrics
        self._tell = tell
        self._channel = channel
        self.is_over = False
        self._covered = asyncio.Event()

    async def put(self, data: bytes) -> None:
        """Add audio, as soon as there is room. All of it is in, or, where this is cancelled, none of it."""
        await self.feed.put(data)
        self._metrics.audio.inc(seconds(len(data) // 2))

    def put_at_once(self, data: bytes) -> bool:
        """Add audio, if there is room now; whether it was added."""
        if not self.feed.put_at_once(data):
            return False
        self._metrics.audio.inc(seconds(len(data) // 2))
        return True

    async def run(self) -> None:
        """Recognize all of it. Raises BackendError."""
        try:
            await self.recognizer.recognize(self.feed, 0, self._take)
        finally:
            self.is_over = True
            self._covered.set()

    async def covered(self) -> None:
        """Until finals cover all that has come, or none will come any more."""
        while not self.is_over and self.feed.covered < self.feed.head - self.feed.settled.tolerance:
            self._covered.clear()
            await self._covered.wait()

    def _take(self, told: Told) -> None:
        if isinstance(told, Results):
            if told.is_final:
                self._metrics.latency.observe(max(0.0, seconds(self.feed.head) - told.end))
                asyncio.get_running_loop().call_soon(self._covered.set)  # once the feed counts it
            self._tell(replace(told, channel=self._channel) if self._channel else told)
            return
        if isinstance(told, Notice) and told.code == "failover":
            self._metrics.failovers.inc()
        self._tell(told)
