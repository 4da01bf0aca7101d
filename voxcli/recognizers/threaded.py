"""A recognizer made of a synchronous decoder and one thread.

Native decoders block for up to a second at a time and release the interpreter while they do, so they run beside the
event loop, one chunk in hand: no queue forms, and a slow decoder slows its source down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar, TypeVarTuple

from voxcli.audio import Chunk, samples
from voxcli.events import Results
from voxcli.recognizers import Audio, Emit, RecognizerOptions
from voxcli.recognizers.lifecycle import most_uncovered

T = TypeVar("T")
Args = TypeVarTuple("Args")


class Decoder(Protocol):
    """One stream being decoded; used by one thread only."""

    def accept(self, chunk: Chunk) -> list[Results]:
        """What the stream up to the end of this chunk has to say that was not said before."""

    def finish(self) -> list[Results]:
        """The last results; finals cover the stream to its end."""

    def close(self) -> None:
        """Free what the stream holds; nothing is called after it."""


class ThreadedRecognizer:
    """``load_model`` runs once and returns what makes a fresh decoder for each stream; both run in the thread.

    What has come is handed over at once and split there: a decoder is given ``chunk_samples`` at a time.
    """

    def __init__(self, name: str, options: RecognizerOptions, load_model: Callable[[], Callable[[], Decoder]]) -> None:
        self.name = name
        self.model = options.model_name
        self.rereads = False
        self._chunk_samples = options.chunk_samples
        self._load_model = load_model
        self._new_decoder: Callable[[], Decoder] | None = None
        self._loading = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"voxcli-{name}")

    async def load(self) -> None:
        await self._loaded()

    async def recognize(self, audio: Audio, start: int, emit: Emit) -> None:
        """A decoder hears audio without holes: where some was lost, a fresh one goes on."""
        heard: int | None = None
        decoder = await self._in_thread(await self._loaded())
        try:
            with audio.reader(start) as reader:
                async for chunk in reader:
                    if heard is not None and chunk.start != heard:
                        self._give(await self._in_thread(decoder.finish), audio, emit)
                        self._thread.submit(decoder.close)
                        decoder = await self._in_thread(await self._loaded())
                    heard = chunk.end
                    self._give(await self._in_thread(self._accept, decoder, chunk), audio, emit)
                    if heard - audio.covered > most_uncovered(audio.capacity) and not audio.is_live:
                        audio.release(heard)  # a final will come for it all the same
                self._give(await self._in_thread(decoder.finish), audio, emit)
        finally:
            self._thread.submit(decoder.close)

    async def probe(self, audio: Audio) -> None:
        await self.load()

    def _give(self, results: list[Results], audio: Audio, emit: Emit) -> None:
        for result in results:
            emit(result)
            if result.is_final:
                audio.cover(samples(result.start), samples(result.end))

    def _accept(self, decoder: Decoder, chunk: Chunk) -> list[Results]:
        return [result for piece in chunk.split(self._chunk_samples) for result in decoder.accept(piece)]

    async def close(self) -> None:
        self._new_decoder = None
        self._thread.shutdown(wait=False)

    async def _loaded(self) -> Callable[[], Decoder]:
        async with self._loading:
            if self._new_decoder is None:
                self._new_decoder = await self._in_thread(self._load_model)
            return self._new_decoder

    async def _in_thread(self, call: Callable[[*Args], T], *args: *Args) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)
