"""The pipeline between a scripted source and a recognizer that reads words out of the samples themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.audio import Chunk, seconds
from voxcli.errors import BackendError, OutputError, ReaderGone, SourceTruncated
from voxcli.events import Error, Event, Notice, Results, Session, Summary
from voxcli.pipeline import Outcome, Pipeline, PipelineOptions, Stop
from voxcli.recognizers import Audio, Emit
from voxcli.renderers import Status
from voxcli.transcript import Utterance

SESSION = Session(source="talk.wav", backends=("scripted",), sample_rate=16_000, channels=1)


def speech(*numbers: int, samples: int = 1_600) -> bytes:
    """Audio in which each run of samples carries a number."""
    return b"".join(number.to_bytes(2, "little") * samples for number in numbers)


@dataclass
class ScriptedSource:
    """A source that gives out what it is told to, waits where it is told to, and ends when it is stopped."""

    blocks: list[bytes]
    error: Exception | None = None
    endless: bool = False
    name: str = "talk.wav"
    live: bool = False
    remarks: list[str] = field(default_factory=list)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    given: int = 0
    level: float | None = None

    @property
    def seconds(self) -> float | None:
        return sum(len(block) for block in self.blocks) / 32_000

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def stop(self) -> None:
        self.stopped.set()

    async def chunks(self) -> AsyncGenerator[Chunk]:
        start = 0
        for block in self.blocks:
            yield Chunk(start, block)
            start += len(block) // 2
            self.given = start
        if self.error is not None:
            raise self.error
        if self.endless:
            await self.stopped.wait()


@dataclass
class ScriptedRecognizer:
    """Hears the number that each 100 ms carry; a final for each, but for a final that is ``held`` to the end."""

    failing: BackendError | None = None
    hanging: bool = False
    held: bool = False
    notice: Notice | None = None
    chunks: list[Chunk] = field(default_factory=list)
    name: str = "scripted"
    model: str = "numbers"
    rereads: bool = False

    async def load(self) -> None: ...

    async def close(self) -> None: ...

    async def recognize(self, audio: Audio, start: int, emit: Emit) -> None:
        if self.notice is not None:
            emit(self.notice)
        with audio.reader(start) as reader:
            async for chunk in reader:
                self.chunks.append(chunk)
                for piece in chunk.split(1_600):
                    if self.failing is not None and piece.start == 4_800:
                        raise self.failing
                    if not self.held:
                        self.hear(piece, audio, emit)
        if self.hanging:
            await asyncio.Event().wait()
        if self.held:
            self.hear(Chunk(0, b"".join(chunk.data for chunk in self.chunks)), audio, emit)

    async def probe(self, audio: Audio) -> None: ...

    def hear(self, chunk: Chunk, audio: Audio, emit: Emit) -> None:
        emit(heard(chunk))
        audio.cover(chunk.start, chunk.end)


def heard(chunk: Chunk) -> Results:
    number = str(int.from_bytes(chunk.data[:2], "little"))
    start, duration = seconds(chunk.start), seconds(chunk.samples)
    return Results(
        transcript=number, is_final=True, speech_final=False, start=start, duration=duration, backend="scripted"
    )


@dataclass
class Recorder:
    """A renderer that remembers; ``failing`` raises at the first result."""

    shows_status = True
    events: list[Event] = field(default_factory=list)
    utterances: list[str] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    failing: Exception | None = None

    def show(self, event: Event) -> None:
        if self.failing is not None and isinstance(event, Results):
            raise self.failing
        self.events.append(event)

    def utterance(self, utterance: Utterance) -> None:
        self.utterances.append(utterance.text)

    def status(self, status: Status) -> None:
        self.statuses.append(status)

    def close(self) -> None: ...


async def run(
    source: ScriptedSource,
    recognizer: ScriptedRecognizer | None = None,
    recorder: Recorder | None = None,
    *,
    options: PipelineOptions = PipelineOptions(),  # noqa: B008 - frozen
    several: bool = False,
    stop: Stop | None = None,
) -> tuple[Outcome, Recorder]:
    recorder = recorder or Recorder()
    pipeline = Pipeline(source, recognizer or ScriptedRecognizer(), recorder, options, several=several)
    return await pipeline.run(SESSION, stop or Stop()), recorder


async def test_a_source_is_a_session_results_and_a_summary() -> None:
    outcome, recorder = await run(ScriptedSource([speech(1, 2), speech(3)]))
    assert [event.type for event in recorder.events] == ["Session", "Results", "Results", "Results", "Summary"]
    assert recorder.utterances == ["1 2 3"]
    assert outcome.error is None
    assert outcome.summary == recorder.events[-1]


async def test_the_summary_counts() -> None:
    outcome, _ = await run(ScriptedSource([speech(1, 2, 3)]))
    summary = outcome.summary
    assert (summary.audio_seconds, summary.covered_seconds, summary.lost_seconds) == (0.3, 0.3, 0.0)
    assert (summary.finals, summary.reconnects, summary.failovers) == (3, 0, 0)
    assert summary.stop_reason == "end_of_source"
    assert summary.latency_ms is not None
    assert summary.latency_ms.p50 <= summary.latency_ms.p95 <= 2_000


async def test_a_source_without_audio_has_no_latency() -> None:
    outcome, recorder = await run(ScriptedSource([]))
    assert outcome.summary.latency_ms is None
    assert recorder.utterances == []


async def test_a_recognizer_is_given_whole_chunks_and_the_rest() -> None:
    recognizer = ScriptedRecognizer()
    await run(ScriptedSource([bytes(5_000), bytes(2), bytes(4_000)]), recognizer)
    assert [chunk.start for chunk in recognizer.chunks] == [0, *(chunk.end for chunk in recognizer.chunks[:-1])]
    assert all(chunk.samples % 1_600 == 0 for chunk in recognizer.chunks[:-1])
    assert recognizer.chunks[-1].end == 4_501


async def test_a_recognizer_is_given_at_most_a_second() -> None:
    recognizer = ScriptedRecognizer()
    await run(ScriptedSource([bytes(32_000 * 5)]), recognizer)
    assert max(chunk.samples for chunk in recognizer.chunks) == 16_000


@given(st.lists(st.integers(0, 9_000), max_size=8), st.sampled_from([0.02, 0.1, 1.0]))
def test_no_sample_is_lost_or_doubled(sizes: list[int], chunk: float) -> None:
    whole = b"".join(index.to_bytes(3, "little")[:2] for index in range(sum(sizes)))
    blocks, begin = [], 0
    for size in sizes:
        blocks.append(whole[begin * 2 : (begin + size) * 2])
        begin += size
    recognizer = ScriptedRecognizer()

    async def transcribe() -> None:
        await run(ScriptedSource(blocks), recognizer, options=PipelineOptions(chunk=chunk))

    asyncio.run(transcribe())
    assert b"".join(chunk.data for chunk in recognizer.chunks) == whole
    assert all(piece.samples % round(16_000 * chunk) == 0 for piece in recognizer.chunks[:-1])


async def test_several_sources_are_told_apart() -> None:
    _, recorder = await run(ScriptedSource([speech(1)]), several=True)
    assert {event.source for event in recorder.events} == {"talk.wav"}  # type: ignore[union-attr]


async def test_one_source_is_named_once() -> None:
    _, recorder = await run(ScriptedSource([speech(1)]))
    assert [event.source for event in recorder.events[1:]] == [None, None]  # type: ignore[union-attr]


async def test_what_a_broken_source_gave_is_kept() -> None:
    error = SourceTruncated("talk.wav", 0.2)
    outcome, recorder = await run(ScriptedSource([speech(1, 2)], error=error))
    assert recorder.utterances == ["1 2"]
    assert outcome.error is error
    assert outcome.summary.stop_reason == "error"
    assert recorder.events[-2] == Error(code="source_truncated", message=error.message, hint=error.hint)


async def test_what_a_broken_recognizer_heard_is_kept() -> None:
    error = BackendError("it broke", "mend it")
    outcome, recorder = await run(ScriptedSource([speech(1, 2, 3, 4, 5)]), ScriptedRecognizer(failing=error))
    assert recorder.utterances == ["1 2 3"]
    assert outcome.error is error
    assert outcome.summary.covered_seconds == pytest.approx(0.3)


async def test_a_failing_output_ends_the_run() -> None:
    error = OutputError("standard output", "no space left on device")
    recorder = Recorder(failing=error)
    outcome, _ = await run(ScriptedSource([speech(1)], endless=True), recorder=recorder)
    assert outcome.error is error


async def test_a_closed_pipe_is_passed_on() -> None:
    with pytest.raises(ReaderGone):
        await run(ScriptedSource([speech(1)], endless=True), recorder=Recorder(failing=ReaderGone()))


async def test_a_wish_to_stop_ends_the_source_and_prints_the_tail() -> None:
    stop, source = Stop(), ScriptedSource([speech(1, 2)], endless=True)
    recognizer = ScriptedRecognizer(held=True)

    async def wish() -> None:
        while not recognizer.chunks or recognizer.chunks[-1].end < 3_200:
            await asyncio.sleep(0)
        stop.request("interrupted")
        stop.request("once")

    wishing = asyncio.create_task(wish())
    outcome, recorder = await run(source, recognizer, stop=stop)
    await wishing
    assert recorder.utterances == ["1"]
    assert outcome.summary.stop_reason == "interrupted"
    assert outcome.error is None


async def test_a_recognizer_that_does_not_end_is_left() -> None:
    stop, source = Stop(), ScriptedSource([speech(1)], endless=True)
    stop.request("interrupted")
    outcome, recorder = await run(
        source, ScriptedRecognizer(hanging=True), stop=stop, options=PipelineOptions(drain_timeout=0.05)
    )
    assert recorder.utterances == ["1"]
    assert outcome.error is not None
    assert outcome.error.code == "drain_timeout"


async def test_a_fast_source_is_slowed_down() -> None:
    source = ScriptedSource([bytes(32_000)] * 60)
    recognizer = ScriptedRecognizer()
    ahead: list[int] = []

    class Watching(Recorder):
        def status(self, status: Status) -> None:
            ahead.append(source.given - round(status.heard * 16_000))

    outcome, _ = await run(source, recognizer, Watching())
    assert max(ahead) <= 16_000 * 3
    assert outcome.ring.most_kept <= 16_000 * 2.5
    assert outcome.ring.dropped == 0
    assert outcome.summary.audio_seconds == 60


async def test_status_says_how_far_it_is() -> None:
    _, recorder = await run(ScriptedSource([speech(1, 2)]))
    heard = [status.heard for status in recorder.statuses]
    assert heard == sorted(heard)
    assert recorder.statuses[-1].heard == 0.2
    assert recorder.statuses[0] == Status(heard=heard[0], total=0.2, backend="scripted", open_text="")


async def test_a_failover_is_counted() -> None:
    notice = Notice(code="failover", at=0, from_="a", to="b", message="b takes over")
    outcome, recorder = await run(ScriptedSource([speech(1)]), ScriptedRecognizer(notice=notice))
    assert outcome.summary.failovers == 1
    assert notice in recorder.events


def test_a_summary_is_the_last_line() -> None:
    _, recorder = asyncio.run(run(ScriptedSource([speech(1)])))
    assert isinstance(recorder.events[-1], Summary)
