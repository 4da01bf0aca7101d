"""The whole program on one page: source -> ring -> recognizer -> transcript -> renderer.

Two tasks in one group: one moves audio from the source into the ring, one moves it on into the recognizer and shows
what comes out. The ring between them is the only queue of audio, and takes about ``read_ahead`` seconds more than the
recognizer has asked for, so a file or a pipe is slowed down to the recognizer's pace and never dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from statistics import quantiles
from typing import TypeVar

from voxcli.audio import SAMPLE_BYTES, Chunk, samples, seconds
from voxcli.coverage import Coverage
from voxcli.errors import DrainTimeout, SourceError, VoxcliError
from voxcli.events import Error, Event, Latency, Notice, Results, Session, StopReason, Summary
from voxcli.recognizers import Recognizer
from voxcli.renderers import Renderer, Status
from voxcli.ring import Ring, RingStatistics
from voxcli.sources import Source
from voxcli.transcript import Transcript

T = TypeVar("T")

LATENCIES_KEPT = 1_000
"""The latency in a Summary is that of the newest finals, so that memory stays constant."""

MOST_SECONDS = 1.0
"""A recognizer is given no more than this at once, so that it can be stopped and its results come soon."""


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    """Seconds of audio, except ``drain_timeout``: seconds of time for the rest of the work after a wish to stop."""

    chunk: float = 0.1
    buffer: float = 120.0
    read_ahead: float = 2.0
    drain_timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a source ended: always with a summary, and with the error that ended it, if one did."""

    summary: Summary
    error: VoxcliError | None
    ring: RingStatistics


class Stopped(Exception):
    """Somebody wanted to stop before some work was done."""


class Stop:
    """A wish to stop, made once, by a signal or a condition, and seen by every source from then on."""

    def __init__(self) -> None:
        self._wish = asyncio.Event()
        self._calls: list[Callable[[], None]] = []
        self.reason: StopReason | None = None

    def request(self, reason: StopReason) -> None:
        """Stop capturing, drain what was captured, end."""
        if self.reason is None:
            self.reason = reason
            self._wish.set()
            for call in self._calls:
                call()

    @contextmanager
    def calling(self, call: Callable[[], None]) -> Iterator[None]:
        """While entered, a wish to stop calls this; at once, if the wish is older."""
        if self.reason is not None:
            call()
        self._calls.append(call)
        try:
            yield
        finally:
            self._calls.remove(call)

    async def wait(self) -> None:
        """Until somebody wants to stop."""
        await self._wish.wait()

    async def unless(self, work: Coroutine[object, object, T]) -> T:
        """The result of some work; raises Stopped, and leaves the work, when somebody wants to stop before."""
        doing, wishing = asyncio.ensure_future(work), asyncio.ensure_future(self._wish.wait())
        try:
            await asyncio.wait({doing, wishing}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise Stopped
            return doing.result()
        finally:
            doing.cancel()
            wishing.cancel()


class Feed:
    """The ring as a stream of chunks; what has been read and left behind is forgotten.

    A chunk is as many ``chunk_samples`` as have come, up to about ``MOST_SECONDS``; only the last may end anywhere.
    """

    def __init__(self, ring: Ring, chunk_samples: int, read_ahead: int) -> None:
        self.position = 0
        self._ring = ring
        self._chunk_samples = chunk_samples
        self._read_ahead = read_ahead
        self._ended = False
        self._changed = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Samples in the ring that have not been read."""
        return self._ring.head - self.position

    async def put(self, data: bytes) -> None:
        """Add audio of any length, piece by piece as there is room for it."""
        piece_bytes = self._chunk_samples * SAMPLE_BYTES
        for begin in range(0, len(data), piece_bytes):
            await self._until(lambda: self.waiting < self._read_ahead and self._ring.free >= self._chunk_samples)
            self._ring.put(data[begin : begin + piece_bytes])
            self._changed.set()

    def end(self) -> None:
        """Nothing more will be put."""
        self._ended = True
        self._changed.set()

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        self._ring.trim(self.position)
        self._changed.set()
        await self._until(lambda: self._ended or self.waiting >= self._chunk_samples)
        whole = max(1, min(self.waiting, samples(MOST_SECONDS)) // self._chunk_samples) * self._chunk_samples
        chunk = Chunk(self.position, self._ring.read(self.position, whole))
        if not chunk.data:
            raise StopAsyncIteration
        self.position = chunk.end
        return chunk

    async def _until(self, ready: Callable[[], bool]) -> None:
        while not ready():
            self._changed.clear()
            await self._changed.wait()


class Pipeline:
    """One source, from its first sample to its Summary. ``several``: whether every line must name the source."""

    def __init__(
        self,
        source: Source,
        recognizer: Recognizer,
        renderer: Renderer,
        options: PipelineOptions,
        *,
        several: bool = False,
    ) -> None:
        self._source = source
        self._recognizer = recognizer
        self._renderer = renderer
        self._options = options
        self._label = source.name if several else None
        self._ring = Ring(samples(options.buffer))
        self._feed = Feed(self._ring, samples(options.chunk), samples(options.read_ahead))
        self._transcript = Transcript()
        self._coverage = Coverage()
        self._latencies: deque[float] = deque(maxlen=LATENCIES_KEPT)
        self._finals = self._failovers = 0
        self._error: VoxcliError | None = None

    async def run(self, session: Session, stop: Stop) -> Outcome:
        """Transcribe the source, which is open, and say how it went. An error is shown and returned, not raised."""
        self._show(session)
        try:
            with stop.calling(self._source.stop):
                await self._run(stop)
        except ExceptionGroup as failures:
            self._error = _ours(failures)
        self._end_utterances()
        return self._outcome(stop)

    async def _run(self, stop: Stop) -> None:
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._give_up_after(stop))
            capture = group.create_task(self._capture())
            await self._recognize()
            watch.cancel()
            capture.cancel()

    async def _capture(self) -> None:
        """Source into ring. What is wrong with a source does not undo what it gave before."""
        try:
            async with aclosing(self._source.chunks()) as chunks:
                async for chunk in chunks:
                    await self._feed.put(chunk.data)
        except SourceError as error:
            self._error = error
        finally:
            self._feed.end()

    async def _recognize(self) -> None:
        """Ring into recognizer, results out."""
        async with aclosing(self._recognizer.recognize(self._reported(self._feed))) as results:
            async for event in results:
                self._take(event)

    async def _reported(self, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        """The chunks, telling the renderer how far they have come."""
        async for chunk in chunks:
            self._tell_status(chunk.end)
            yield chunk

    async def _give_up_after(self, stop: Stop) -> None:
        await stop.wait()
        await asyncio.sleep(self._options.drain_timeout)
        raise DrainTimeout(self._options.drain_timeout)

    def _take(self, event: Results | Notice) -> None:
        if isinstance(event, Notice):
            self._failovers += event.code == "failover"
        elif event.is_final:
            self._finals += 1
            self._coverage.add(samples(event.start), samples(event.end))
            self._latencies.append(seconds(self._ring.head) - event.end)
        self._show(event)

    def _show(self, event: Event) -> None:
        self._renderer.show(event if self._label is None else replace(event, source=self._label))
        for utterance in self._transcript.add(event):
            self._renderer.utterance(utterance)

    def _tell_status(self, heard: int) -> None:
        self._renderer.status(
            Status(
                heard=seconds(heard),
                total=self._source.seconds,
                backend=self._recognizer.name,
                open_text=self._transcript.open_text,
            )
        )

    def _end_utterances(self) -> None:
        for utterance in self._transcript.finish():
            self._renderer.utterance(utterance)

    def _outcome(self, stop: Stop) -> Outcome:
        error = self._error
        if error is not None:
            self._show(Error(code=error.code, message=error.message, hint=error.hint))
        summary = Summary(
            audio_seconds=seconds(self._ring.head),
            covered_seconds=seconds(self._coverage.total(self._ring.head)),
            lost_seconds=0.0,
            finals=self._finals,
            reconnects=0,
            failovers=self._failovers,
            latency_ms=_latency(self._latencies),
            stop_reason="error" if error is not None else stop.reason or "end_of_source",
        )
        self._show(summary)
        return Outcome(summary, error, self._ring.statistics())


def _latency(latencies: deque[float]) -> Latency | None:
    """Median and 95th percentile in milliseconds."""
    if not latencies:
        return None
    cuts = quantiles([*latencies, *latencies], n=20, method="inclusive")
    return Latency(p50=round(cuts[9] * 1000), p95=round(cuts[18] * 1000))


def _ours(failures: ExceptionGroup[Exception]) -> VoxcliError:
    """The first error of a group. One that is not ours goes on as it was before the group was made."""
    error: Exception = failures
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, VoxcliError):
        raise error from error.__cause__
    return error
