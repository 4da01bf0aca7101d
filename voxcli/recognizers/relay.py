"""One stream through a chain of recognizers: who is at work, who goes on where it fails, and the way back."""

from __future__ import annotations

import asyncio

from voxcli.audio import samples, seconds
from voxcli.coverage import Coverage, news
from voxcli.errors import AuthenticationFailed, BackendError, BackendSilent, EveryBackendFailed, first_error
from voxcli.events import Error, Notice, NoticeCode, Results, UtteranceEnd
from voxcli.recognizers import Audio, Emit
from voxcli.recognizers.links import Chain, Link, now

SEAM_SECONDS = 0.3
"""Silence that is long enough to change recognizers in."""


class Relay:
    """``group`` holds what goes on beside the recognizer at work. ``is_warm``: get the second ready at once."""

    def __init__(
        self, chain: Chain, audio: Audio, emit: Emit, group: asyncio.TaskGroup, *, is_warm: bool = False
    ) -> None:
        self._chain = chain
        self._audio = audio
        self._emit = emit
        self._group = group
        self._is_warm = is_warm
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
        if self._is_warm:
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
        recognizer = await self._chain.ready(self._chain.current)
        self._audio.has_successor = any(link.error is None for link in self._chain.later)
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
        later = (link for link in self._chain.later if not link.is_dead)
        link = next(later, None)
        if link is not None and link.name not in self._preparing:
            self._preparing.add(link.name)
            self._beside.append(self._group.create_task(self._prepare(link)))

    async def _prepare(self, link: Link) -> None:
        """That it cannot be had is an error to be told; the one at work goes on."""
        try:
            await self._chain.warm(link)
        except BackendError as error:
            link.error = error
            self._emit(Error(code=error.code, message=f"{link.name} cannot stand by: {error.message}", hint=error.hint))

    async def _fail_over(self, error: BackendError) -> bool:
        """Whether the stream goes on, with the next of the chain; False where what is missing is all there was to come.

        Raises BackendError.
        """
        chain = self._chain
        failed, errors = chain.current, [error]
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
        while preferred := chain.preferred:
            await asyncio.sleep(chain.rest)
            for link in preferred:
                try:
                    recognizer = await chain.ready(link)
                    await recognizer.probe(self._audio)
                except BackendError as error:
                    link.error = error
                else:
                    self._proved = chain.links.index(link), now()
                    return
            chain.rest_longer()

    def _is_seam(self, final: Results) -> bool:
        """Whether the recognizer may change after this final: in silence, or after a long wait for it anywhere."""
        is_last = self._audio.ended and samples(final.end) >= self._audio.head - self._audio.settled.tolerance
        if self._proved is None or is_last:
            return False
        if now() - self._proved[1] >= self._chain.lifecycle.seam:
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
        old, new = chain.current, chain.links[self._proved[0]]
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
