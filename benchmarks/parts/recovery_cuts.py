"""How soon there is a new word after a cut: ``recovery_cuts.py CASE CUTS SEED``; prints JSON.

Paced audio, a proxy that resets all connections now and then, and the server in a process of its own. A word is new
when it lies behind every word that was shown before the cut and comes over a connection that was made after it.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path

import scripted
from recovery_server import FAST

from chaos import ChaosProxy
from streaming import ClockedSource, stream
from voxcli.events import Event, Results
from voxcli.protocols import Asked
from voxcli.recognizers import open_remote
from voxcli.recognizers.endpoints import Place
from voxcli.recognizers.failover import FailoverRecognizer, Link
from voxcli.recognizers.lifecycle import Lifecycle
from voxcli.recognizers.remote import RemoteRecognizer

PATHS = {"deepgram": "/v1/listen", "server": "/ws/transcribe", "vosk-server": "/"}
LIFECYCLE = Lifecycle()
PATIENCE = 20.0


class Watch:
    """What has been shown, and what is waited for."""

    def __init__(self, proxy: ChaosProxy) -> None:
        self._proxy = proxy
        self._newest = ""
        self._accepted = 0
        self._arrived: asyncio.Future[float] | None = None

    def show(self, event: Event) -> None:
        """Take in what the program tells."""
        if not isinstance(event, Results):
            return
        latest = max(event.transcript.split(), default="")  # w0007 comes before w0011; interims may have no times
        is_new = self._proxy.accepted > self._accepted and latest > self._newest
        if self._arrived is not None and not self._arrived.done() and is_new:
            self._arrived.set_result(asyncio.get_running_loop().time())
        self._newest = max(self._newest, latest)

    async def cut(self) -> float:
        """Cut; seconds until the first new word."""
        loop = asyncio.get_running_loop()
        self._accepted, self._arrived = self._proxy.accepted, loop.create_future()
        cut_at = loop.time()
        self._proxy.reset()
        async with asyncio.timeout(PATIENCE):
            return await self._arrived - cut_at


async def main(case: str, cuts: int, seed: int) -> None:
    """One stream."""
    _, backend, _ = scripted.CASES[case]
    chance = random.Random(seed)  # noqa: S311
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("recovery_server.py")),
        case,
        stdout=asyncio.subprocess.PIPE,
    )
    assert server.stdout is not None
    port = int((await server.stdout.readline()).removeprefix(b"PORT "))
    times: list[float] = []
    source = ClockedSource(24 * 3_600.0, speed=1.0, live=True)
    async with ChaosProxy(port) as proxy:
        watch = Watch(proxy)
        there = open_remote(backend, Place(proxy.url(PATHS[backend]), "s3cret"), Asked())
        recognizer = RemoteRecognizer(there, LIFECYCLE, chance=chance.random)
        chain = FailoverRecognizer([Link(backend, lambda: recognizer)], LIFECYCLE)

        async def cut_now_and_then() -> None:
            await asyncio.sleep(2.0)
            for _ in range(cuts):
                await asyncio.sleep(chance.uniform(1.5, 3.0))
                times.append(await watch.cut())
            source.length = 0.0
            source.stop()

        async with asyncio.TaskGroup() as group:
            group.create_task(cut_now_and_then())
            told = await stream(chain, source, script=FAST, on_event=watch.show, deadline=3_600)
    server.kill()
    await server.wait()
    told.length = told.summary.audio_seconds
    loss = told.loss
    wrong = len(loss.lost) + len(loss.doubled) + len(loss.misplaced)
    print(json.dumps({"times": times, "wrong": wrong, "error": told.outcome.error and told.outcome.error.message}))


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
