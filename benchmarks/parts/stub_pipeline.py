"""The whole way of a file through voxcli, with a recognizer that only counts: ``stub_pipeline.py WAV``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from voxcli.audio import Chunk, seconds
from voxcli.events import Results, Session
from voxcli.pipeline import Pipeline, PipelineOptions, Stop
from voxcli.recognizers import RecognizerOptions
from voxcli.recognizers.threaded import ThreadedRecognizer
from voxcli.renderers import RendererOptions, open_renderer
from voxcli.renderers.output import StreamOutput
from voxcli.sources import SourceOptions, open_source

EVERY = 5 * 16_000


class Counter:
    """A decoder that has a final of one word every five seconds."""

    def __init__(self) -> None:
        self._covered = self._heard = 0

    def accept(self, chunk: Chunk) -> list[Results]:
        """Count."""
        self._heard = chunk.end
        return [] if self._heard - self._covered < EVERY else self.finish()

    def finish(self) -> list[Results]:
        """What was counted."""
        start, self._covered = self._covered, self._heard
        return [
            Results(
                transcript="word",
                is_final=True,
                speech_final=True,
                start=seconds(start),
                duration=seconds(self._heard - start),
                backend="stub",
            )
        ]

    def close(self) -> None:
        """Nothing to free."""


async def main() -> None:
    """Transcribe the file, so to speak."""
    source = open_source(sys.argv[1], SourceOptions())
    await source.open()
    recognizer = ThreadedRecognizer("stub", RecognizerOptions(Path(), "none"), lambda: Counter)
    renderer = open_renderer("jsonl", StreamOutput(sys.stdout), RendererOptions())
    session = Session(source=sys.argv[1], backends=("stub",), sample_rate=16_000, channels=1)
    try:
        await Pipeline(source, recognizer, renderer, PipelineOptions()).run(session, Stop())
    finally:
        await recognizer.close()
        await source.close()


asyncio.run(main())
