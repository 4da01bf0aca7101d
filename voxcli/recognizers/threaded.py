"""A recognizer made of synchronous decoders and a few threads: many streams at once over one loaded model.

Native decoders block for up to a second at a time and release the interpreter while they do, so they run beside the
event loop. Each stream has one call under way at a time, of at most a second of audio, and the calls of all streams
wait in one line: no queue of audio forms, a slow decoder slows its source down, and a file that comes faster than
speech does not keep live streams waiting.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Protocol, runtime_checkable

from voxcli.audio import Chunk, samples
from voxcli.events import Results
from voxcli.recognizers import Audio, Emit, RecognizerOptions
from voxcli.recognizers.lifecycle import most_uncovered

LOGGER = logging.getLogger("voxcli.recognizers")

MOST_SECONDS = 1.0
"""Audio in one call."""


class Decoder(Protocol):
    """One stream being decoded; used by one thread at a time, not always by the same."""

    def accept(self, chunk: Chunk) -> list[Results]:
        """What the stream up to the end of this chunk has to say that was not said before."""

    def flush(self) -> list[Results]:
        """What the audio so far has to say; finals cover all of it, and the stream goes on."""

    def finish(self) -> list[Results]:
        """The last results; finals cover the stream to its end."""

    def close(self) -> None:
        """Free what the stream holds; nothing is called after it."""


class Decoders(Protocol):
    """A loaded model: makes a fresh decoder for each stream."""

    def __call__(self) -> Decoder: ...


@runtime_checkable
class WarmDecoders(Decoders, Protocol):
    """One that can also do beforehand what the next decoder would begin with."""

    def warm(self) -> None:
        """Have the next decoder answer sooner."""


class ThreadedRecognizer:
    """``load_model`` runs once, in one of the ``options.threads`` threads; decoders are made and run in them, too.

    What has come is handed over at once and split there: a decoder is given ``chunk_samples`` at a time.
    """

    def __init__(self, name: str, options: RecognizerOptions, load_model: Callable[[], Decoders]) -> None:
        self.name = name
        self.model = options.model_name
        self.rereads = False
        self._chunk_samples = options.chunk_samples
        self._load_model = load_model
        self._decoders: Decoders | None = None
        self._loading = asyncio.Lock()
        self._threads = ThreadPoolExecutor(options.threads, thread_name_prefix=f"voxcli-{name}")

    async def load(self) -> None:
        await self._loaded()

    async def warm(self) -> None:
        """Let the next stream begin sooner, where the decoders know how to."""
        decoders = await self._loaded()
        if isinstance(decoders, WarmDecoders):
            await asyncio.wrap_future(self._threads.submit(decoders.warm))

    async def recognize(self, audio: Audio, start: int, emit: Emit) -> None:
        """A decoder hears audio without holes: where some was lost, a fresh one goes on."""
        heard: int | None = None
        lane = Lane(self._threads, await self._loaded())
        try:
            with audio.reader(start, samples(MOST_SECONDS)) as reader:
                async for chunk in reader:
                    if heard is not None and chunk.start != heard:
                        self._give(await lane.run(_finish), audio, emit)
                        lane.close()
                        lane = Lane(self._threads, await self._loaded())
                    heard = chunk.end
                    self._give(await lane.run(partial(self._decode, chunk)), audio, emit)
                    if heard - audio.covered > most_uncovered(audio.capacity) and not audio.is_live:
                        audio.release(heard)  # a final will come for it all the same
                self._give(await lane.run(_finish), audio, emit)
        finally:
            lane.close()

    async def probe(self, audio: Audio) -> None:
        await self.load()

    def _give(self, results: list[Results], audio: Audio, emit: Emit) -> None:
        for result in results:
            emit(result)
            if result.is_final:
                audio.cover(samples(result.start), samples(result.end))

    def _decode(self, chunk: Chunk, decoder: Decoder) -> list[Results]:
        if not chunk.data:
            return decoder.flush()
        return [result for piece in chunk.split(self._chunk_samples) for result in decoder.accept(piece)]

    async def close(self) -> None:
        """For all streams; those still at work fail."""
        self._decoders = None
        self._threads.shutdown(wait=False)

    async def _loaded(self) -> Decoders:
        async with self._loading:
            if self._decoders is None:
                self._decoders = await asyncio.wrap_future(self._threads.submit(self._load_model))
            return self._decoders


class Lane:
    """One stream's way through the threads: its decoder, made at the first call, and one call after another."""

    def __init__(self, threads: ThreadPoolExecutor, decoders: Decoders) -> None:
        self._threads = threads
        self._decoders = decoders
        self._decoder: Decoder | None = None
        self._last: Future[list[Results]] | None = None

    async def run(self, work: Callable[[Decoder], list[Results]]) -> list[Results]:
        """``work(decoder)`` in one of the threads; the call before must have ended."""
        self._last = self._threads.submit(self._work, work)
        return await asyncio.wrap_future(self._last)

    def close(self) -> None:
        """Free the decoder, once no call is under way."""
        last, self._last = self._last, None
        if last is not None:
            last.add_done_callback(self._end)

    def _work(self, work: Callable[[Decoder], list[Results]]) -> list[Results]:
        if self._decoder is None:
            self._decoder = self._decoders()
        return work(self._decoder)

    def _end(self, _last: Future[list[Results]]) -> None:
        try:
            self._threads.submit(self._free)
        except RuntimeError:  # the threads have been told to end: then here, where the last call ended
            self._free()

    def _free(self) -> None:
        if self._decoder is None:
            return
        try:
            self._decoder.close()
        except Exception:  # nobody waits for it who could be told
            LOGGER.exception("a decoder did not close as it should")


def _finish(decoder: Decoder) -> list[Results]:
    return decoder.finish()
