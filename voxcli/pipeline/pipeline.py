"""The whole program on one page: source -> ring -> recognizer -> transcript -> renderer.

Two tasks in one group: one moves audio from the source into the ring, one recognizes it from there and shows what comes
out. The ring between them is the only queue of audio. It takes about ``read_ahead`` seconds more than the recognizer
has asked for, so a file or a pipe is slowed down to the recognizer's pace and never dropped.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from statistics import quantiles

from voxcli.audio import Chunk, samples, seconds
from voxcli.errors import DeviceLost, DrainTimeout, OutputError, SourceError, VoxcliError, first_error
from voxcli.events import Error, Event, Gap, Latency, Notice, Results, Session, StopReason, Summary, UtteranceEnd
from voxcli.pipeline.conditions import Conditions, Limits
from voxcli.pipeline.feed import Feed
from voxcli.pipeline.stop import Stop
from voxcli.recognizers import Recognizer
from voxcli.renderers import Renderer, Status
from voxcli.ring import Ring, RingStatistics
from voxcli.sources import Source
from voxcli.transcript import Transcript, Utterance

_TROUBLES = {
    "reconnecting": "reconnecting", "rate_limited": "reconnecting", "device_lost": "no microphone",
}  # fmt: skip
"""What the status says after a notice, until the next one."""

LATENCIES_KEPT = 1_000
"""The latency in a Summary is that of the newest finals, so that memory stays constant."""


@dataclass(frozen=True, slots=True)
class PipelineOptions:
    """Seconds of audio, except ``drain_timeout``: seconds of time for the rest of the work after a wish to stop."""

    chunk: float = 0.1
    buffer: float = 120.0
    read_ahead: float = 2.0
    drain_timeout: float = 10.0
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a source ended: always with a summary, and with the error that ended it, if one did."""

    summary: Summary
    error: VoxcliError | None
    ring: RingStatistics


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
        self._feed = Feed(
            self._ring,
            samples(options.chunk),
            samples(options.read_ahead),
            keeps=recognizer.rereads,
            is_live=source.live,
            on_read=self._read_upto,
        )
        self._transcript = Transcript()
        self._latencies: deque[float] = deque(maxlen=LATENCIES_KEPT)
        self._newest: Results | None = None
        self._unconfirmed: Results | None = None
        self._trouble: str | None = None
        self._conditions = Conditions(options.limits)
        self._has_enough = False
        self._stop = Stop()
        self._recognizing: asyncio.Task[None] | None = None
        self._counts = {"finals": 0, "reconnected": 0, "failover": 0}
        self._error: VoxcliError | None = None

    async def run(self, session: Session, stop: Stop) -> Outcome:
        """Transcribe the source, which is open, and say how it went. An error is shown and returned, not raised."""
        self._stop = stop
        self._show(session)
        try:
            with stop.calling(self._source.stop):
                await self._run(stop)
        except ExceptionGroup as failures:
            self._error = _ours(failures)
        if not isinstance(self._error, OutputError):
            self._promote()
            self._show_gaps()
        self._end_utterances()
        return self._outcome(stop)

    async def _run(self, stop: Stop) -> None:
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(self._give_up_after(stop))
            capture = group.create_task(self._capture())
            self._recognizing = group.create_task(self._recognize())
            await asyncio.wait({self._recognizing})
            watch.cancel()
            capture.cancel()

    async def _capture(self) -> None:
        """Source into ring. What is wrong with a source does not undo what it gave before."""
        try:
            async with aclosing(self._source.chunks()) as chunks:
                async for given in chunks:
                    await self._take_in(given)
        except SourceError as error:
            self._error = error
        finally:
            self._feed.end()

    async def _take_in(self, given: Chunk | Gap | Notice) -> None:
        """What the source gives."""
        if isinstance(given, Chunk):
            await self._feed.put(given.data)
        elif isinstance(given, Gap):
            await self._feed.miss(samples(given.end) - samples(given.start), given.reason)
        else:
            self._take_notice(given)
        if self._source.live:
            self._tell_status(self._feed.position)

    async def _recognize(self) -> None:
        """Ring into recognizer, results out."""
        await self._recognizer.recognize(self._feed, 0, self._take)

    async def _give_up_after(self, stop: Stop) -> None:
        await stop.wait()
        self._tell_status(self._feed.position)
        await asyncio.sleep(self._options.drain_timeout)
        raise DrainTimeout(self._options.drain_timeout)

    def _take(self, event: Results | UtteranceEnd | Notice | Error) -> None:
        """What the recognizer has to tell."""
        if self._has_enough:
            return
        if isinstance(event, Results):
            self._conditions.hear(event)
            self._take_result(event)
        elif isinstance(event, Notice):
            self._take_notice(event)
        elif isinstance(event, UtteranceEnd):
            self._utter(event)
        else:
            self._show(event)

    def _take_result(self, result: Results) -> None:
        if result.is_final:
            self._show_gaps(samples(result.start))
            self._counts["finals"] += 1
            self._latencies.append(seconds(self._feed.head) - result.end)
            self._unconfirmed = None
        elif result.transcript:
            self._unconfirmed = result
        self._newest = result
        self._show(result)
        self._tell_status(self._feed.position)

    def _take_notice(self, notice: Notice) -> None:
        if notice.code in self._counts:
            self._counts[notice.code] += 1
        self._trouble = _TROUBLES.get(notice.code)
        self._show(notice)
        self._tell_status(self._feed.position)

    def _promote(self) -> None:
        """The last words that nobody confirmed are better than none; they say what they are."""
        if (
            self._unconfirmed is not None
            and not self._has_enough
            and samples(self._unconfirmed.end) > self._feed.covered
        ):
            self._take_result(replace(self._unconfirmed, is_final=True, speech_final=True, promoted=True))

    def _show_gaps(self, upto: int | None = None) -> None:
        for gap in self._feed.gaps(upto):
            self._show(gap)

    def _show(self, event: Event) -> None:
        self._renderer.show(event if self._label is None else replace(event, source=self._label))
        self._utter(event)

    def _utter(self, event: Event | UtteranceEnd) -> None:
        for utterance in self._transcript.add(event):
            self._show_utterance(utterance)

    def _show_utterance(self, utterance: Utterance) -> None:
        """``--once``: the first is all that is wanted, and nobody waits for more."""
        if self._has_enough:
            return
        self._renderer.utterance(utterance)
        if self._conditions.is_one_enough:
            self._has_enough = True
            self._stop.request("once")
            if self._recognizing is not None:
                self._recognizing.cancel()

    def _read_upto(self, position: int) -> None:
        """The recognizer has been given the audio up to here."""
        heard = seconds(position)
        reason = self._conditions.at(heard, seconds(self._feed.covered))
        if reason is not None:
            self._stop.request(reason)
        elif self._conditions.wants_final(heard):
            self._feed.ask_for_final()
        self._tell_status(position)

    def _tell_status(self, heard: int) -> None:
        if not self._renderer.shows_status:
            return
        self._renderer.status(
            Status(
                heard=seconds(self._feed.head if self._source.live else heard),
                total=self._source.seconds,
                backend=self._recognizer.name,
                open_text=self._transcript.open_text,
                behind=None if self._newest is None else max(0.0, seconds(self._feed.head) - self._newest.end),
                trouble="stopping" if self._stop.reason == "interrupted" else self._trouble,
                is_live=self._source.live,
                level=self._source.level,
            )
        )

    def _end_utterances(self) -> None:
        for utterance in self._transcript.finish():
            self._show_utterance(utterance)

    def _outcome(self, stop: Stop) -> Outcome:
        error = self._error
        if error is not None:
            self._show(Error(code=error.code, message=error.message, hint=error.hint))
        summary = Summary(
            audio_seconds=seconds(self._ring.head),
            covered_seconds=seconds(self._feed.settled.total(self._ring.head) - self._feed.lost),
            lost_seconds=seconds(self._feed.lost),
            finals=self._counts["finals"],
            reconnects=self._counts["reconnected"],
            failovers=self._counts["failover"],
            latency_ms=_latency(self._latencies),
            stop_reason=_stop_reason(error, stop),
        )
        self._show(summary)
        return Outcome(summary, error, self._ring.statistics())


def _stop_reason(error: VoxcliError | None, stop: Stop) -> StopReason:
    if isinstance(error, DeviceLost):
        return "device_lost"
    return "error" if error is not None else stop.reason or "end_of_source"


def _latency(latencies: deque[float]) -> Latency | None:
    """Median and 95th percentile in milliseconds."""
    if not latencies:
        return None
    cuts = quantiles([*latencies, *latencies], n=20, method="inclusive")
    return Latency(p50=round(cuts[9] * 1000), p95=round(cuts[18] * 1000))


def _ours(failures: ExceptionGroup[Exception]) -> VoxcliError:
    """The first error of a group. One that is not ours goes on as it was before the group was made."""
    error = first_error(failures)
    if not isinstance(error, VoxcliError):
        raise error from error.__cause__
    return error
