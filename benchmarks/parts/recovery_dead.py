"""How soon a warm local model has a word after its server died: ``recovery_dead.py BACKEND MODEL WAV TRIALS SEED``.

Prints JSON. Each trial: paced speech from a random place of the recording, a server in a process of its own, SIGKILL
after four to seven seconds; from then on its port refuses.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import wave
from collections.abc import AsyncGenerator
from pathlib import Path

import scripted  # noqa: F401

from streaming import Recorder
from voxcli.audio import Chunk
from voxcli.events import Event, Results, Session
from voxcli.pipeline import Pipeline, PipelineOptions, Stop
from voxcli.protocols import Asked
from voxcli.recognizers import Recognizer, RecognizerOptions, open_recognizer, open_remote
from voxcli.recognizers.endpoints import Place
from voxcli.recognizers.failover import FailoverRecognizer, Link
from voxcli.recognizers.lifecycle import Lifecycle
from voxcli.recognizers.remote import RemoteRecognizer

BLOCK = 800
RATE = 16_000
PATIENCE = 30.0
LIFECYCLE = Lifecycle()


class Speech:
    """A recording as a microphone would give it."""

    name = "speech"
    seconds = None
    remarks: tuple[str, ...] = ()

    def __init__(self, data: bytes, *, live: bool = True) -> None:
        self.live = live
        self.began_at = 0.0
        self._data = data
        self._stopped = False

    async def open(self) -> None:
        """Nothing."""

    async def close(self) -> None:
        """Nothing."""

    def stop(self) -> None:
        """End at the next block."""
        self._stopped = True

    async def chunks(self) -> AsyncGenerator[Chunk]:
        """Blocks of 50 ms, each when it was spoken."""
        loop = asyncio.get_running_loop()
        self.began_at = loop.time()
        for at in range(0, len(self._data) // 2, BLOCK):
            due = self.began_at + (at + BLOCK) / RATE if self.live else 0.0
            await asyncio.sleep(max(0.0, due - loop.time()))
            if self._stopped:
                return
            yield Chunk(at, self._data[2 * at : 2 * (at + BLOCK)])


async def audio_to_word(local: Recognizer, data: bytes) -> float:
    """How many seconds of this audio the recognizer alone wants before its first word."""
    source, stop, ends = Speech(data, live=False), Stop(), []

    def on_event(event: Event) -> None:
        if isinstance(event, Results) and event.transcript:
            ends.append(event.end)
            stop.request("interrupted")

    session = Session(source="speech", backends=(local.name,), sample_rate=RATE, channels=1)
    await Pipeline(source, local, Recorder(on_event=on_event), PipelineOptions()).run(session, stop)
    return ends[0]


async def trial(backend: str, model: Path, data: bytes, kill_after: float) -> dict[str, float]:
    """Seconds from the kill to the change of recognizers, to the first word, and to that from when it was possible.

    It was possible as soon as so much audio was spoken as the model alone, given the same audio, wants for a word.
    """
    loop = asyncio.get_running_loop()
    server = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("recovery_server.py")),
        "voxcli.v1, joined again",
        stdout=asyncio.subprocess.PIPE,
    )
    assert server.stdout is not None
    port = int((await server.stdout.readline()).removeprefix(b"PORT "))
    local = open_recognizer(backend, RecognizerOptions(model, model.name, interim=True))
    await local.load()
    first = RemoteRecognizer(open_remote("server", Place(f"ws://127.0.0.1:{port}"), Asked()), LIFECYCLE)

    def link(recognizer: Recognizer) -> Link:
        return Link(recognizer.name, lambda: recognizer)

    chain = FailoverRecognizer([link(first), link(local)], LIFECYCLE, warm=True)
    source, stop = Speech(data), Stop()
    taken_over: asyncio.Future[float] = loop.create_future()
    heard: asyncio.Future[tuple[float, float]] = loop.create_future()

    def on_event(event: Event) -> None:
        if getattr(event, "code", None) == "failover" and not taken_over.done():
            taken_over.set_result(loop.time())
        if isinstance(event, Results) and event.backend == backend and event.transcript and not heard.done():
            heard.set_result((loop.time(), event.start))

    pipeline = Pipeline(source, chain, Recorder(on_event=on_event), PipelineOptions())
    session = Session(source="speech", backends=("server", backend), sample_rate=RATE, channels=1)
    running = asyncio.create_task(pipeline.run(session, stop))
    await asyncio.sleep(kill_after)
    killed_at = loop.time()
    server.kill()
    await server.wait()
    async with asyncio.timeout(PATIENCE):
        at, start = await heard
    stop.request("interrupted")
    await running
    wanted = await audio_to_word(local, data[2 * round(start * RATE) :])
    await chain.close()
    possible_at = max(killed_at, source.began_at + start + wanted)
    return {"takeover": taken_over.result() - killed_at, "word": at - killed_at, "late": at - possible_at}


async def main(backend: str, model: str, wav: str, trials: int, seed: int) -> None:
    """One trial after the other."""
    chance = random.Random(seed)  # noqa: S311
    with wave.open(wav) as recording:
        data = recording.readframes(recording.getnframes())
    told = []
    for _ in range(trials):
        start = 2 * chance.randrange(max(1, len(data) // 2 - 40 * RATE))
        told.append(await trial(backend, Path(model), data[start : start + 80 * RATE], chance.uniform(4.0, 7.0)))
    print(json.dumps(told))


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
