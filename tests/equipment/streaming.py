"""Streams of clocked audio through the pipeline to servers that really listen, and the verdict on what came out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from oracle import Loss, Script, check, check_names, clocked_samples
from voxcli.audio import SAMPLE_RATE, Chunk, samples, seconds
from voxcli.events import Error, Event, Gap, Notice, Results, Session, Summary, Word
from voxcli.pipeline import Outcome, Pipeline, PipelineOptions, Stop
from voxcli.protocols import Asked, deepgram
from voxcli.recognizers import Audio, Emit, Recognizer, open_remote
from voxcli.recognizers.endpoints import Place
from voxcli.recognizers.failover import FailoverRecognizer, Link
from voxcli.recognizers.lifecycle import Lifecycle, most_uncovered
from voxcli.recognizers.remote import RemoteRecognizer
from voxcli.recognizers.wire import WireLog
from voxcli.renderers import Status
from voxcli.transcript import Utterance

QUICK = Lifecycle(
    backoff=0.01, drain=1.5, connect=1.0, send=0.6, close=0.2, stall=1.0, rejoin=0.3, quiet=0.4, trouble=0.2,
    finalize=0.5, dwell=0.2, most_dwell=2.0, seam=1.0, probe=3.0,
)  # fmt: skip
"""The real deadlines, shortened: what they do is the same."""

BACKENDS = {"deepgram": "deepgram", "voxcli": "server", "plain": "server", "vosk": "vosk-server"}
"""Dialect of the scripted server -> backend that speaks it."""


@dataclass
class ClockedSource:
    """``length`` seconds of clocked audio: at once, or at ``speed`` times real time. ``live``: as a microphone."""

    length: float
    speed: float | None = None
    live: bool = False
    on_block: Callable[[float], None] = lambda seconds: None
    name: str = "clock.wav"
    remarks: list[str] = field(default_factory=list)
    stopped: bool = False
    quiet_spans: Sequence[tuple[float, float]] = ()
    level: float | None = None

    @property
    def seconds(self) -> float | None:
        return self.length

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def stop(self) -> None:
        self.stopped = True

    async def chunks(self) -> AsyncGenerator[Chunk]:
        began, total, block = asyncio.get_running_loop().time(), samples(self.length), 800
        for start in range(0, total, block):
            if self.stopped:
                return
            count = min(block, total - start)
            at = start / SAMPLE_RATE
            is_quiet = any(first <= at < last for first, last in self.quiet_spans)
            yield Chunk(start, bytes(2 * count) if is_quiet else clocked_samples(start, count))
            self.on_block(seconds(start + count))
            ahead = began + (start + count) / SAMPLE_RATE / self.speed if self.speed else 0.0
            await asyncio.sleep(max(0.0, ahead - asyncio.get_running_loop().time()))


@dataclass
class LocalEars:
    """A local recognizer that hears what the scripted servers hear, words whole, a final every ``final_every`` s."""

    final_every: float = 2.0
    pause: float = 0.0
    name: str = "local"
    model: str = "ears"
    rereads: bool = False
    begun: list[int] = field(default_factory=list)
    failing: Exception | None = None
    script: Script = field(default_factory=Script)
    loads: int = 0
    silent_ends: bool = True

    async def load(self) -> None:
        self.loads += 1
        if self.failing is not None:
            raise self.failing

    async def close(self) -> None: ...

    async def probe(self, audio: Audio) -> None: ...

    async def recognize(self, audio: Audio, start: int, emit: Emit) -> None:
        self.begun.append(start)
        covered = start
        with audio.reader(start, 1_600) as reader:
            async for chunk in reader:
                await asyncio.sleep(self.pause)
                is_wanted = not chunk.data and chunk.end > covered
                if is_wanted or chunk.end - covered >= samples(self.final_every):
                    emit(self._final(covered, chunk.end))
                    audio.cover(covered, chunk.end)
                    covered = chunk.end
                elif chunk.end - covered > most_uncovered(audio.capacity) and not audio.is_live:
                    audio.release(chunk.end)
            if reader.position > covered:
                emit(self._final(covered, reader.position))
                audio.cover(covered, reader.position)

    def _final(self, start: int, end: int) -> Results:
        words = tuple(
            Word(word=word.name, start=word.start, end=word.end, confidence=1.0)
            for word in self.script.words_at(start, end)
        )
        return Results(
            transcript=" ".join(word.word for word in words),
            is_final=True,
            speech_final=self.silent_ends,
            start=seconds(start),
            duration=seconds(end - start),
            words=words,
            backend=self.name,
        )


@dataclass
class Recorder:
    """A renderer that remembers."""

    shows_status = True
    events: list[Event] = field(default_factory=list)
    utterances: list[str] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    on_event: Callable[[Event], None] = lambda event: None

    def show(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    def utterance(self, utterance: Utterance) -> None:
        self.utterances.append(utterance.text)

    def status(self, status: Status) -> None:
        self.statuses.append(status)

    def close(self) -> None: ...


@dataclass
class Told:
    """What came out of a stream."""

    outcome: Outcome
    recorder: Recorder
    length: float
    script: Script

    @property
    def events(self) -> list[Event]:
        return self.recorder.events

    @property
    def summary(self) -> Summary:
        return self.outcome.summary

    @property
    def finals(self) -> list[Results]:
        return [event for event in self.events if isinstance(event, Results) and event.is_final]

    @property
    def gaps(self) -> list[tuple[float, float]]:
        return [(event.start, event.end) for event in self.events if isinstance(event, Gap)]

    @property
    def notices(self) -> list[str]:
        return [event.code for event in self.events if isinstance(event, Notice)]

    @property
    def errors(self) -> list[str]:
        return [event.code for event in self.events if isinstance(event, Error)]

    @property
    def text(self) -> str:
        return " ".join(final.transcript for final in self.finals if final.transcript)

    @property
    def loss(self) -> Loss:
        """What is wrong with the words and their times."""
        words = [(word.word, word.start, word.end) for final in self.finals for word in final.words or ()]
        return check(words, self.script, self.length, gaps=self.gaps)

    @property
    def loss_of_names(self) -> Loss:
        """What is wrong with the words of results without times."""
        return check_names(self.text.split(), self.script, self.length, gaps=self.gaps)

    def assert_whole(self) -> None:
        """No word lost, none doubled, every time right, every sample covered."""
        assert self.outcome.error is None, self.outcome.error
        assert self.loss == Loss(), (self.loss, self.notices)
        starts = [final.start for final in self.finals if final.transcript]
        assert starts == sorted(starts)
        assert abs(self.summary.covered_seconds - self.length) <= 0.05, self.summary
        assert self.summary.lost_seconds == 0.0


def remote(url: str, backend: str, lifecycle: Lifecycle = QUICK, log: WireLog | None = None) -> RemoteRecognizer:
    """A recognizer for a server, with the key ``s3cret``; its jitter is none."""
    return RemoteRecognizer(open_remote(backend, Place(url, "s3cret"), Asked()), lifecycle, log, chance=lambda: 0.5)


def chain(*recognizers: Recognizer, lifecycle: Lifecycle = QUICK, warm: bool = False) -> FailoverRecognizer:
    """A chain of them."""

    def link(recognizer: Recognizer) -> Link:
        return Link(recognizer.name, lambda: recognizer)

    return FailoverRecognizer([link(recognizer) for recognizer in recognizers], lifecycle, warm=warm)


async def stream(
    recognizer: Recognizer,
    source: ClockedSource | float,
    *,
    script: Script | None = None,
    buffer: float = 120.0,
    drain: float = 10.0,
    stop: Stop | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
    deadline: float = 60.0,
) -> Told:
    """Stream some seconds through a recognizer; never longer than the deadline."""
    source = ClockedSource(source) if isinstance(source, (int, float)) else source
    recorder = Recorder(on_event=on_event)
    options = PipelineOptions(buffer=buffer, drain_timeout=drain)
    session = Session(source=source.name, backends=(recognizer.name,), sample_rate=SAMPLE_RATE, channels=1)
    pipeline = Pipeline(source, recognizer, recorder, options)
    async with asyncio.timeout(deadline):
        outcome = await pipeline.run(session, stop or Stop())
    await recognizer.close()
    return Told(outcome, recorder, source.length, script or Script())


def unpaced(monkeypatch: object) -> None:
    """Let a test stream to Deepgram's dialect as fast as it can: what is sent is the same."""
    monkeypatch.setattr(deepgram.DeepgramCodec, "pace", 200.0)  # type: ignore[attr-defined]
