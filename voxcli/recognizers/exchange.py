"""One connection at work: audio up, results down, and a watch over both, in one TaskGroup."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from voxcli.audio import Chunk, samples, seconds
from voxcli.backoff import Pace, Verdict
from voxcli.epoch import TOLERANCE_SECONDS, Epoch
from voxcli.errors import BackendMisunderstood, BackendSilent, first_error
from voxcli.events import Error, Results, UtteranceEnd
from voxcli.printable import printable
from voxcli.protocols import Codec, Finished, Heard, Malformed, Message, Trouble
from voxcli.recognizers import Audio, Emit
from voxcli.recognizers.connection import LOGGER, Connection
from voxcli.recognizers.dropped import Dropped
from voxcli.recognizers.lifecycle import Lifecycle, most_uncovered

CAUTIOUS_PACE = 1.2
"""Audio seconds a second for a server that does not say what it has taken. Deepgram, behind many, throttles at 1.25."""

PAUSE_SECONDS = 1.0
"""A source that gives nothing for so long has paused."""

LEAST_DRAIN_SECONDS = 0.5
"""However short the drain timeout is: the receipt has to travel."""

LOOK_BACK_SECONDS = 1.0
"""A word can turn out to have begun this long before a server knew of it."""

SHORT_TAIL_SECONDS = 5.0
"""What a plain server may leave open at the end, if it has heard no words there."""

STRANGE, STRANGE_CHARACTERS = 3, 80
"""So many messages of which none is understood show that a server speaks another language; so much of each is told."""

BURST_SECONDS = 0.25
"""Audio seconds that may go at once where a pace is kept."""

TOLERANCE = samples(TOLERANCE_SECONDS)


class Exchange:
    """``begin`` is the sample that is sent first. ``run`` ends when the server has answered for all of the audio.

    ``progressed`` is called for each final that covers new audio. ``proving``: ask for a final early, as a probe does.
    """

    def __init__(
        self,
        connection: Connection,
        codec: Codec,
        epoch: Epoch,
        audio: Audio,
        emit: Emit,
        lifecycle: Lifecycle,
        *,
        backend: str,
        progressed: Callable[[], None],
        proving: bool = False,
    ) -> None:
        self.has_word_times: bool | None = None
        self._connection = connection
        self._codec = codec
        self._epoch = epoch
        self._audio = audio
        self._emit = emit
        self._lifecycle = lifecycle
        self._backend = backend
        self._progressed = progressed
        self._proving = proving
        self._clock = asyncio.get_running_loop().time
        self._pace = Pace(codec.pace or CAUTIOUS_PACE, BURST_SECONDS)
        self._moved = asyncio.Event()
        self._sent = self._newest = epoch.newest
        self._sent_at = self._result_at = self._resumed_at = self._clock()
        self._finished_at: float | None = None
        self._asked_at: float | None = None
        self._asked_last: float = 0.0
        self._interim: Results | None = None
        self._was_told_malformed = False
        self._strange: list[str] | None = []
        self._trouble: tuple[str, float] | None = None
        self._receipt: Finished | None = None

    async def run(self, begin: int, greeting: list[Message]) -> None:
        """Until all is covered. Raises Dropped, BackendSilent, and what ``emit`` raises."""
        self._sent = begin
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work) for work in (self._send_audio(begin, greeting), self._watch())]
                await self._receive()
                for task in tasks:
                    task.cancel()
        except ExceptionGroup as failures:
            error = first_error(failures, after=Dropped)  # the end of a connection may have followed from the rest
            if isinstance(error, (Dropped, BackendSilent)) and len(self._strange or ()) >= STRANGE:
                raise BackendMisunderstood(self._backend, f"none of {self._strange}") from error
            if not isinstance(error, _Quiet):
                raise error from error.__cause__

    # Up

    async def _send_audio(self, begin: int, greeting: list[Message]) -> None:
        await self._send(greeting)
        with self._audio.reader(begin, self._lifecycle.chunk_samples) as reader:
            async for chunk in reader:
                if not chunk.data:  # whoever gives the audio wants a final here
                    await self._send(self._codec.finalize())
                    continue
                if self._clock() - self._sent_at > PAUSE_SECONDS:
                    self._resumed_at = self._clock()  # until now there was nothing to answer for
                await self._may_send(chunk)
                self._epoch.map.add(chunk)
                await self._send(self._codec.audio(chunk.data))
                self._sent, self._sent_at = chunk.end, self._clock()
                if self._needs_final():
                    await self._ask_for_final()
            await self._send(self._codec.finish())
            self._finished_at = self._result_at = self._clock()
            await asyncio.Event().wait()  # the reader stays: what it has sent is on a living connection

    async def _send(self, messages: list[Message]) -> None:
        try:
            for message in messages:
                await self._connection.send(message)
        except Dropped:
            await asyncio.Event().wait()  # whoever receives tells how it ended, after what was said before

    async def _may_send(self, chunk: Chunk) -> None:
        """Wait until the server has taken enough of what was sent before, or as long as a careful pace takes."""
        if self._codec.pace is not None:
            delay = self._pace.delay(self._clock(), seconds(chunk.samples))
            if delay:
                await asyncio.sleep(delay)
            return
        patience = None if self._codec.gives_receipt else self._sent_at + seconds(chunk.samples) / CAUTIOUS_PACE
        while self._is_far_ahead():
            self._moved.clear()
            try:
                async with asyncio.timeout_at(patience):
                    await self._moved.wait()
            except TimeoutError:
                return

    def _is_far_ahead(self) -> bool:
        taken = self._codec.acknowledged_samples
        if taken is None:
            return True
        return self._codec.sent_samples - taken > samples(self._lifecycle.window)

    def _needs_final(self) -> bool:
        """Whether the ring fills with audio that the server has and does not come to an end with."""
        unanswered = self._sent - self._audio.covered
        if self._proving:
            return unanswered > samples(self._lifecycle.finalize)
        return unanswered > most_uncovered(self._audio.capacity)

    async def _ask_for_final(self) -> None:
        """Ask, but not again and again. Where it cannot be asked, a full ring lets go of what was sent.

        A server that has heard nothing in a whole ring may be stuck: whoever can go on with the audio shall have it.
        """
        now = self._clock()
        if now - self._asked_last < self._lifecycle.finalize:
            return
        wish = self._codec.finalize()
        if wish:
            self._asked_at = self._asked_at or now
            self._asked_last = now
            await self._send(wish)
        elif self._audio.is_live or self._proving:
            return
        elif self._newest > self._audio.covered or not self._audio.has_successor:
            self._audio.release(self._sent)
        elif now - self._result_at > self._lifecycle.stall:
            raise BackendSilent(self._backend, self._lifecycle.stall)

    # Down

    async def _receive(self) -> None:
        while not self._is_done():
            try:
                message = await self._connection.receive()
            except Dropped as dropped:
                if self._is_clean_end():
                    return
                raise self._explained(dropped) from dropped
            self._read(message)

    def _read(self, message: Message) -> None:
        """Take in a message. One that is malformed is passed over: the connection can go on without it."""
        try:
            meanings = self._codec.receive(message)
            self._note_strange(message, meanings)
            for heard in meanings:
                self._take(heard)
        except Malformed as error:
            self._note_strange(message, [])
            LOGGER.debug("%s sent what cannot be understood: %s", self._backend, error)
            self._tell_malformed(error)
        self._moved.set()

    def _note_strange(self, message: Message, meanings: list[Heard]) -> None:
        """Messages that mean nothing, as long as none has meant anything."""
        if meanings or self._strange is None:
            self._strange = None
        elif len(self._strange) < STRANGE:
            text = message if isinstance(message, str) else f"{len(message)} bytes"
            self._strange.append(printable(self._connection.hidden(text))[:STRANGE_CHARACTERS])

    def _tell_malformed(self, error: Malformed) -> None:
        if not self._was_told_malformed:
            self._was_told_malformed = True
            told = BackendMisunderstood(self._backend, str(error))
            self._emit(Error(code=told.code, message=told.message, hint=told.hint))

    def _take(self, heard: Heard) -> None:
        match heard:
            case Results():
                self._take_result(heard)
            case UtteranceEnd():
                self._emit(self._epoch.place_end(heard))
            case Trouble():
                self._trouble = self._trouble or (self._connection.hidden(heard.message), self._clock())
            case Finished() if self._finished_at is not None:
                self._receipt = heard
            case _:
                pass  # Ready and Acknowledged count in the codec

    def _take_result(self, result: Results) -> None:
        self._result_at = self._clock()
        self._trouble = None  # it goes on, whatever the server complained of
        self._epoch.channels = max(self._epoch.channels, self._codec.channels)
        placed = self._epoch.place(result)
        self._newest = max(self._newest, samples(placed.end))
        fresh = self._epoch.news(placed)
        if fresh is not None and (fresh.is_final or fresh.transcript or not placed.transcript):
            self._emit(fresh)
        if placed.is_final:
            self._take_final(placed)
        else:
            self._interim = placed

    def _cover_silence(self, now: float) -> None:
        """An empty interim over all that a final was asked for, and no final: nothing was said there."""
        interim = self._interim
        if self._asked_at is None or now - self._asked_at < self._lifecycle.finalize:
            return
        if interim is None or interim.transcript or samples(interim.start) > self._audio.covered + TOLERANCE:
            return
        covered, end = self._audio.covered, samples(interim.end) - samples(LOOK_BACK_SECONDS)
        if end > covered:
            silence = replace(interim, start=seconds(covered), duration=seconds(end - covered), is_final=True)
            self._emit(silence)
            self._take_final(silence)

    def _take_final(self, placed: Results) -> None:
        self._asked_at = self._interim = None
        self._asked_last = 0.0
        if placed.transcript:
            self.has_word_times = bool(placed.words)
        before = self._audio.settled.total(self._audio.head)
        for span in self._epoch.cover(placed):
            self._audio.cover(*span)
        if self._audio.settled.total(self._audio.head) > before:
            self._progressed()

    # The end, and trouble

    def _is_done(self) -> bool:
        """Whether the server has answered for all that there is."""
        if self._finished_at is None:
            return False
        if self._receipt is not None:
            return self._closes_the_account(self._receipt)
        return not self._codec.gives_receipt and self._codec.has_spans and self._is_covered()

    def _closes_the_account(self, receipt: Finished) -> bool:
        head = self._audio.head
        processed = None if receipt.seconds is None else self._epoch.map.place(samples(receipt.seconds), is_end=True)
        if self._is_covered() or (processed is not None and processed >= head - TOLERANCE):
            self._audio.cover(self._audio.covered, head)  # a server may send no final for silence at the end
            return True
        raise Dropped(Verdict.TRANSIENT, "the server finished before the end of the audio")

    def _is_covered(self) -> bool:
        return self._audio.covered >= self._audio.head - TOLERANCE

    def _is_clean_end(self) -> bool:
        """Whether a connection ended after all was said, though its receipt was not."""
        return self._finished_at is not None and self._is_covered()

    def _explained(self, dropped: Dropped) -> Dropped:
        """The end of a connection with what the server said before it."""
        if self._trouble is None:
            return dropped
        reason = f"{self._trouble[0]} ({dropped.reason})"
        return Dropped(dropped.verdict, reason, hint=dropped.hint, retry_after=dropped.retry_after, code=dropped.code)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._lifecycle.tick)
            self._connection.check_sending()
            now = self._clock()
            self._check_trouble(now)
            if self._finished_at is None:
                self._cover_silence(now)
                self._check_stall(now)
                await self._stay_awake(now)
            else:
                self._check_drain(now)

    def _check_trouble(self, now: float) -> None:
        if self._trouble is not None and now - self._trouble[1] >= self._lifecycle.trouble:
            raise Dropped(Verdict.TRANSIENT, self._trouble[0])

    def _check_stall(self, now: float) -> None:
        """Results have stopped though there is audio to answer for; pongs and acknowledgements prove nothing."""
        stall = self._lifecycle.stall
        most = min(samples(stall), most_uncovered(self._audio.capacity))
        is_silent = now - max(self._result_at, self._resumed_at) > stall and self._sent - self._newest >= most
        is_stuck = self._asked_at is not None and now - self._asked_at > stall
        if (self._codec.is_talkative and is_silent) or (is_stuck and not self._audio.is_live):
            raise Dropped(Verdict.TRANSIENT, f"no result for {stall:g} s")

    async def _stay_awake(self, now: float) -> None:
        """What has to be said though there is no audio to say it with. Never for longer than a message may take."""
        try:
            async with asyncio.timeout(self._lifecycle.send):
                await self._say_what_is_due(now)
        except TimeoutError:
            self._connection.check_sending()

    async def _say_what_is_due(self, now: float) -> None:
        idle = self._codec.keep_alive_seconds
        if idle is not None and now - self._sent_at >= idle - self._lifecycle.tick:
            self._sent_at = now
            await self._send(self._codec.keep_alive())
        if self._needs_final():
            await self._ask_for_final()

    def _check_drain(self, now: float) -> None:
        """All was sent and the server has not finished."""
        drain = max(self._lifecycle.drain, LEAST_DRAIN_SECONDS)
        if self._codec.gives_receipt:
            if now - self._result_at > drain:
                raise Dropped(Verdict.TRANSIENT, f"nothing came for {drain:g} s after the end")
            return
        patience = drain if self._codec.has_spans else min(self._lifecycle.quiet, drain)
        if now - self._result_at > patience:
            raise _Quiet if self._is_answered() else BackendSilent(self._backend, patience)

    def _is_answered(self) -> bool:
        """Whether a server that cannot say that it has finished has left no words open, and little else."""
        is_open = self._interim is not None and self._interim.transcript
        return not is_open and self._audio.head - self._audio.covered <= samples(SHORT_TAIL_SECONDS)


class _Quiet(Exception):
    """A server that can never say that it has finished has said nothing for a while: that is its end."""
