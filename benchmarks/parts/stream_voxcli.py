"""voxcli's way from a source to a server and back: ``stream_voxcli.py URL SECONDS PACE [PROFILE]``.

What ``voxcli transcribe --json -b server`` puts together: the pipeline, a chain of one server, lines of JSON. A result
counts as an answer when it is given to the renderer. PACE: see stream_bare.py.
"""

from __future__ import annotations

import asyncio
import cProfile
import os
import pstats
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

from stream_stamps import CHUNK_BYTES, Stamps

from voxcli.audio import SAMPLE_BYTES, Chunk
from voxcli.events import Event, Results, Session
from voxcli.pipeline import Pipeline, PipelineOptions, Stop
from voxcli.protocols import Asked
from voxcli.recognizers import open_remote
from voxcli.recognizers.endpoints import Place
from voxcli.recognizers.failover import FailoverRecognizer, Link
from voxcli.recognizers.lifecycle import Lifecycle
from voxcli.recognizers.remote import RemoteRecognizer
from voxcli.renderers import RendererOptions
from voxcli.renderers.jsonl import JsonlRenderer
from voxcli.renderers.output import StreamOutput

SINK = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


class Source:
    """A microphone, or a file that can be read as fast as one wants."""

    name = "stamps"
    seconds = None
    remarks: tuple[str, ...] = ()

    def __init__(self, stamps: Stamps, *, live: bool) -> None:
        self.live = live
        self._stamps = stamps

    async def open(self) -> None:
        """Nothing."""

    async def close(self) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nobody asks for it."""

    async def chunks(self) -> AsyncGenerator[Chunk]:
        """Stamped as they are given out."""
        at = 0
        async for data in self._stamps.chunks():
            yield Chunk(at, data)
            at += CHUNK_BYTES // SAMPLE_BYTES


class Stamping(JsonlRenderer):
    """Notes when it is given results."""

    stamps: Stamps

    def show(self, event: Event) -> None:
        """Note and pass on."""
        if isinstance(event, Results):
            self.stamps.answer()
        super().show(event)


async def main(url: str, seconds: str, pace: str) -> Stamps:
    """Transcribe, so to speak."""
    stamps = Stamps(float(seconds), paced=pace == "paced")
    lifecycle = Lifecycle()
    remote = RemoteRecognizer(open_remote("server", Place(url), Asked()), lifecycle)
    chain = FailoverRecognizer([Link("server", lambda: remote, remote)], lifecycle)
    renderer = Stamping(StreamOutput(SINK), RendererOptions())
    renderer.stamps = stamps
    pipeline = Pipeline(Source(stamps, live=pace == "paced"), chain, renderer, PipelineOptions())
    session = Session(source="stamps", backends=("server",), sample_rate=16_000, channels=1)
    outcome = await pipeline.run(session, Stop())
    await chain.close()
    assert outcome.error is None, outcome.error
    return stamps


if len(sys.argv) > 4:  # a file for the profile of a run that is not to be timed
    with cProfile.Profile() as profile:
        asyncio.run(main(*sys.argv[1:4]))
    pstats.Stats(profile).dump_stats(sys.argv[4])
else:
    asyncio.run(main(*sys.argv[1:4])).tell()
