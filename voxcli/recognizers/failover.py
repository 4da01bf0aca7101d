"""A recognizer made of recognizers: where one fails the next goes on, at the first sample that no final has covered.

The way back: after a while the preferred one is tried in the shadow of the one at work. Once it has brought a final, it
takes over where a final of the other is followed by silence, so that no word is cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from voxcli.audio import samples, seconds
from voxcli.backoff import Dwell
from voxcli.coverage import Coverage, news
from voxcli.errors import AuthenticationFailed, BackendError, BackendSilent, EveryBackendFailed, first_error
from voxcli.events import Error, Notice, NoticeCode, Results, UtteranceEnd
from voxcli.recognizers import Audio, Emit, Recognizer
from voxcli.recognizers.lifecycle import Lifecycle

SEAM_SECONDS = 0.3
"""Silence that is long enough to change recognizers in."""

STEADY_SECONDS = 60.0
"""A recognizer that has worked for so long since the way back does not flap."""

Opener = Callable[[], Recognizer]
"""Opens a recognizer; may block and may raise BackendError."""


@dataclass(slots=True)
class Link:
    """One of a chain. ``error`` is why it failed last; where that is permanent it is not asked again."""

    name: str
    opener: Opener
    recognizer: Recognizer | None = None
    error: BackendError | None = None

    @property
    def is_dead(self) -> bool:
        return self.error is not None and self.error.is_permanent


class FailoverRecognizer:
    """``links`` in order of preference, each opened, in a thread, when it is needed. ``warm``: the second at once."""

    def __init__(self, links: Sequence[Link], lifecycle: Lifecycle, *, warm: bool = False) -> None:
        self.links = list(links)
        self.lifecycle = lifecycle
        self.is_warm = warm
        self.at = 0
        self.has_heard = False
        self._dwell = Dwell(lifecycle.dwell, lifecycle.most_dwell)
        self._rest = lifecycle.dwell
        self._failed_at: float | None = None
        self._back_at: float | None = None
        self._opening = asyncio.Lock()

    @property
    def name(self) -> str:
        return self.links[self.at].name

    @property
    def model(self) -> str:
        recognizer = self.links[self.at].recognizer
        return "" if recognizer is None else recognizer.model

    @property
    def rereads(self) -> bool:
        first = self.links[0].recognizer
        return len(self.links) > 1 or first is None or first.rereads

    async def load(self) -> None:
        """The first of the chain. What keeps it from loading is told when there is a stream to go on with."""
        try:
            await self.ready(self.links[self.at])
        except BackendError as error:
            if len(self.links) == 1 or isinstance(error, AuthenticationFailed):
                raise

    async def recognize(self, audio: Audio, start: int, emit: Emit) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                relay = Relay(self, audio, emit, group)
                await relay.run(start)
                relay.end()
        except ExceptionGroup as failures:
            error = first_error(failures)
            raise error from error.__cause__

    async def probe(self, audio: Audio) -> None:
        recognizer = await self.ready(self.links[self.at])
        await recognizer.probe(audio)

    async def close(self) -> None:
        for link in self.links:
            if link.recognizer is not None:
                await link.recognizer.close()

    def choose_first(self) -> None:
        """For a new stream: the preferred one again, unless it has failed just now."""
        rested = self._failed_at is None or _now() - self._failed_at >= self._rest
        alive = [index for index, link in enumerate(self.links) if not link.is_dead]
        if rested and alive:
            self.at = alive[0]

    def fail(self, error: BackendError) -> None:
        """The one at work has failed."""
        now = _now()
        if self._back_at is not None and now - self._back_at >= STEADY_SECONDS:
            self._dwell.steady()
        self.links[self.at].error = error
        self._failed_at = now
        self._rest = self._dwell.next()

    def go_back(self, index: int) -> None:
        """A preferred one is well again."""
        self.at = index
        self.links[index].error = None
        self._failed_at, self._back_at = None, _now()

    @property
    def rest(self) -> float:
        """Seconds to leave the preferred one alone."""
        return self._rest

    def rest_longer(self) -> None:
        """It has failed again, in a probe."""
        self._rest = self._dwell.next()

    async def ready(self, link: Link) -> Recognizer:
        """The recognizer of a link, opened and loaded. Raises BackendError."""
        async with self._opening:
            if link.recognizer is None:
                link.recognizer = await asyncio.to_thread(link.opener)
        await link.recognizer.load()
        return link.recognizer


class Relay:
    """One stream through a chain. ``group`` holds what goes on beside the recognizer at work."""

    def __init__(self, chain: FailoverRecognizer, audio: Audio, emit: Emit, group: asyncio.TaskGroup) -> None:
        self._chain = chain
        self._audio = audio
        self._emit = emit
        self._group = group
        self._beside: list[asyncio.Task[None]] = []
        self._preparing: set[str] = set()
        self._work: asyncio.Task[None] | None = None
        self._known: Coverage | None = None
        self._proved: tuple[int, float] | None = None
        self._switching = False
        self._return_to: int | None = None

    async def run(self, start: int) -> None:
        """Until the stream is recognized. Raises BackendError when nobody is left."""
        chain = self._chain
        chain.choose_first()
        if chain.is_warm:
            self._stand_by()
        while True:
            try:
                if await self._recognize(start):
                    return
                self._go_back()
            except BackendError as error:
                if not await self._fail_over(error):
                    return
            start = self._audio.covered

    def end(self) -> None:
        """Nobody needs what goes on beside any more."""
        for task in self._beside:
            task.cancel()
        if self._return_to is not None:
            self._chain.at = self._return_to

    # The one at work

    async def _recognize(self, start: int) -> bool:
        """Whether the one at work came to the end of the stream, rather than to the way back."""
        recognizer = await self._chain.ready(self._chain.links[self._chain.at])
        self._audio.has_successor = any(link.error is None for link in self._chain.links[self._chain.at + 1 :])
        self._known = _islands(self._audio.settled, start)
        self._proved, self._switching = None, False
        try:
            async with asyncio.TaskGroup() as group:
                self._work = group.create_task(recognizer.recognize(self._audio, start, self._hear))
                way_back = group.create_task(self._look_for_way_back())
                await asyncio.wait({self._work})
                way_back.cancel()
        except ExceptionGroup as failures:
            error = first_error(failures)
            if not isinstance(error, _Switched):
                raise error from error.__cause__
            return False
        return not self._work.cancelled()

    def _hear(self, event: Results | UtteranceEnd | Notice | Error) -> None:
        """What the one at work has to tell. After the seam it has nothing to tell any more."""
        if self._switching:
            raise _Switched
        if isinstance(event, Results):
            self._hear_result(event)
            return
        self._emit(event)
        if isinstance(event, Notice) and event.code in ("reconnecting", "rate_limited"):
            self._stand_by()

    def _hear_result(self, result: Results) -> None:
        self._chain.has_heard = True
        fresh = result if self._known is None else news(result, self._known)
        if fresh is None:
            return
        self._emit(fresh)
        if fresh.is_final and self._is_seam(fresh) and self._work is not None:
            self._switching = True
            self._work.cancel()

    # The next one

    def _stand_by(self) -> None:
        """Get the next one ready in the background, before it is needed."""
        later = (link for link in self._chain.links[self._chain.at + 1 :] if not link.is_dead)
        link = next(later, None)
        if link is not None and link.name not in self._preparing:
            self._preparing.add(link.name)
            self._beside.append(self._group.create_task(self._prepare(link)))

    async def _prepare(self, link: Link) -> None:
        """That it cannot be had is an error to be told; the one at work goes on."""
        try:
            await self._chain.ready(link)
        except BackendError as error:
            link.error = error
            self._emit(Error(code=error.code, message=f"{link.name} cannot stand by: {error.message}", hint=error.hint))

    async def _fail_over(self, error: BackendError) -> bool:
        """Whether the stream goes on, with the next of the chain; False where what is missing is all there was to come.

        Raises BackendError.
        """
        chain = self._chain
        failed, errors = chain.links[chain.at], [error]
        if isinstance(error, AuthenticationFailed) and not chain.has_heard:
            raise error
        is_at_the_end = isinstance(error, BackendSilent) and self._audio.ended
        if not is_at_the_end:
            chain.fail(error)
        elif self._return_to is None:
            self._return_to = chain.at  # it did its work but for the end
        for index in range(chain.at + 1, len(chain.links)):
            link = chain.links[index]
            try:
                await chain.ready(link)
            except BackendError as another:
                link.error = another
                errors.append(another)
                continue
            chain.at = index
            self._tell("failover", failed, link, f"{error.message}; {link.name} takes over")
            return True
        if isinstance(error, BackendSilent):  # with nobody else its silence is believed
            self._emit(Error(code=error.code, message=error.message, hint=error.hint))
            return not is_at_the_end
        chain.at = 0
        alone = len(errors) == 1 and not isinstance(error, AuthenticationFailed)
        raise error if alone else EveryBackendFailed(errors)

    # The way back

    async def _look_for_way_back(self) -> None:
        """Try those that are preferred, from time to time, until one of them brings a final."""
        chain = self._chain
        while preferred := [link for link in chain.links[: chain.at] if not link.is_dead]:
            await asyncio.sleep(chain.rest)
            for link in preferred:
                try:
                    recognizer = await chain.ready(link)
                    await recognizer.probe(self._audio)
                except BackendError as error:
                    link.error = error
                else:
                    self._proved = chain.links.index(link), _now()
                    return
            chain.rest_longer()

    def _is_seam(self, final: Results) -> bool:
        """Whether the recognizer may change after this final: in silence, or after a long wait for it anywhere."""
        is_last = self._audio.ended and samples(final.end) >= self._audio.head - self._audio.settled.tolerance
        if self._proved is None or is_last:
            return False
        if _now() - self._proved[1] >= self._chain.lifecycle.seam:
            return True
        if final.words or not final.transcript:
            quiet = final.end - (final.words[-1].end if final.words else final.start)
        else:
            speech_end = final.end if final.speech_end is None else final.speech_end
            quiet = max(seconds(self._audio.position), final.end) - speech_end
        return final.speech_final and quiet >= SEAM_SECONDS

    def _go_back(self) -> None:
        chain = self._chain
        if self._proved is None:
            raise AssertionError("nobody goes back without a proof")
        old, new = chain.links[chain.at], chain.links[self._proved[0]]
        chain.go_back(self._proved[0])
        self._tell("failback", old, new, f"{new.name} is back and takes over from {old.name}")

    def _tell(self, code: NoticeCode, old: Link, new: Link, message: str) -> None:
        at = seconds(self._audio.covered)
        self._emit(Notice(code=code, at=at, message=message, backend=new.name, from_=old.name, to=new.name))


class _Switched(Exception):
    """The recognizer that was at work is muted."""


def _islands(settled: Coverage, start: int) -> Coverage | None:
    """What is settled beyond the place where a recognizer begins, if anything is."""
    return settled.copy() if settled.intervals and settled.intervals[-1][1] > start + settled.tolerance else None


def _now() -> float:
    return asyncio.get_running_loop().time()
