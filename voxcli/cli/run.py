"""A run of transcription: opens what the settings name and hands it to the pipeline, source after source."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial

from voxcli.audio import SAMPLE_RATE, seconds
from voxcli.cli.backends import Backends, Opened
from voxcli.cli.display import Display
from voxcli.cli.environment import Environment
from voxcli.cli.interrupts import Interrupts
from voxcli.cli.logs import LIBRARIES, show_libraries
from voxcli.cli.native import native_chatter_silenced
from voxcli.cli.settings import Settings
from voxcli.errors import BackendError, NothingSaid, OutputError, ReaderGone, VoxcliError
from voxcli.events import Error, Session, Summary
from voxcli.pipeline import Outcome, Pipeline, Stop, Stopped
from voxcli.sources import STDIN, Source, label, open_microphone, open_source
from voxcli.sources.saving import SavedSource

INTERRUPTED = 128 + signal.SIGINT
AUDIO_LOST = 6
"""Exit code under --strict."""

LOST_TOLERANCE_SECONDS = 0.05

GRACE_SECONDS = 3.0
"""After a signal the process ends this long after the drain timeout, even if something blocks it."""


def run(settings: Settings, environment: Environment) -> int:
    """Transcribe everything and return the exit code."""
    with native_chatter_silenced(environment):
        if environment.verbosity >= LIBRARIES:
            show_libraries(environment)
        return asyncio.run(Run(settings, environment).transcribe())


class Run:
    """One run. ``_errors`` went wrong so far and have been told; ``_over``: the next source would fail, too."""

    def __init__(self, settings: Settings, environment: Environment) -> None:
        self._settings = settings
        self._environment = environment
        self._stop = Stop()
        self._errors: list[VoxcliError] = []
        self._opened: Opened | None = None
        self._display: Display | None = None
        wanted = settings.wanted
        self._record = wanted.servers.open_record(wanted.remotes().values(), environment.complain_of)
        self._over = self._is_done = False
        self._lost = False

    async def transcribe(self) -> int:
        """Every source, one after the other. Raises VoxcliError for what ends the run before it has begun."""
        wish = partial(asyncio.get_running_loop().call_soon_threadsafe, self._wish_to_stop)
        grace = self._settings.pipeline.drain_timeout + GRACE_SECONDS
        with Interrupts(first=wish, last=self._abandon_terminal, grace_seconds=grace) as interrupts:
            try:
                with Display(self._settings, self._environment, self._errors.append) as self._display:
                    await self._sources(self._display)
            except ReaderGone:
                if interrupts.exit_code is None:
                    raise
            except VoxcliError as error:
                if interrupts.exit_code is None:
                    raise
                self._environment.complain_of(error)
            code = self._exit_code(interrupts.exit_code)
            if interrupts.exit_code is not None:
                self._leave_at_once(code)
        return code

    def _wish_to_stop(self) -> None:
        is_drawing = self._environment.through is not None  # what is drawn shows itself that it goes on
        if self._stop.reason is None and not is_drawing and self._environment.is_terminal(self._environment.stderr):
            self._environment.say("stopping: waiting for the last words (Ctrl-C again ends at once)")
        self._stop.request("interrupted")
        if self._display is not None:
            self._display.redraw()

    def _abandon_terminal(self) -> None:
        if self._display is not None:
            self._display.abandon_terminal()

    async def _sources(self, display: Display) -> None:
        try:
            for name in self._settings.sources:
                if self._stop.reason is None and not self._over:
                    await self._one(name, display)
        finally:
            self._is_done = True
            if self._opened is not None:
                await self._opened.recognizer.close()
            if self._record is not None:
                self._record.close()

    async def _one(self, name: str, display: Display) -> None:
        """One source; whatever is wrong with it is told and remembered."""
        source = self._source(name, display)
        try:
            with self._stop.calling(source.stop):
                opened = await self._ready(source)
            if self._stop.reason is None:
                await self._opened_one(source, opened, display)
        except Stopped:
            return
        except VoxcliError as error:
            source_label = name if self._settings.several else None
            display.renderer.show(Error(code=error.code, message=error.message, hint=error.hint, source=source_label))
            self._remember(error)
        finally:
            await source.close()
            for remark in source.remarks:
                self._environment.say(f"{label(name)}: {remark}")

    def _source(self, name: str, display: Display) -> Source:
        """What is named, or the microphone. Raises UsageError, OutputError for a file that cannot keep its audio."""
        settings = self._settings
        if settings.microphone is None:
            return open_source(name, settings.source_options, stdin_fd=self._environment.stdin_fd)
        source = open_microphone(settings.microphone)
        return source if settings.saved is None else SavedSource(source, settings.saved, display.give_up)

    async def _ready(self, source: Source) -> Opened:
        """The source opened, then the recognizer; both at once for standard input.

        There the first sound may be long in coming, and whoever sends it should not have to wait for a model then.
        """
        if source.live:
            await source.open()  # what is said from now on is kept until the recognizer is there
            self._environment.say(f"listening to {source.name}; Ctrl-C ends")
            return await self._recognizer()
        if source.name != STDIN:
            await source.open()
            return await self._recognizer()
        found = await asyncio.gather(source.open(), self._loaded_recognizer(), return_exceptions=True)
        for result in found:
            if isinstance(result, BaseException):
                raise result
        return await self._recognizer()

    async def _recognizer(self) -> Opened:
        """The recognizer, opened when it is needed first."""
        if self._opened is None:
            backends = Backends(self._settings.wanted, self._environment, self._is_in_vain, self._record)
            self._opened = await self._stop.unless(asyncio.to_thread(backends.open))
            if self._opened.reason:
                self._environment.say(
                    f"using {self._opened.names[0]} ({self._opened.recognizer.model}): {self._opened.reason}"
                )
        return self._opened

    def _is_in_vain(self) -> bool:
        """Whether nobody needs a model any more that is still being fetched."""
        return self._stop.reason is not None or self._is_done

    async def _loaded_recognizer(self) -> None:
        opened = await self._recognizer()
        await self._stop.unless(opened.recognizer.load())

    async def _opened_one(self, source: Source, opened: Opened, display: Display) -> None:
        several, options = self._settings.several, self._settings.pipeline
        pipeline = Pipeline(source, opened.recognizer, display.renderer, options, several=several)
        outcome = await pipeline.run(self._session(source.name, opened), self._stop)
        display.say_if_nothing_was_said(source.name, outcome.summary)
        self._note(source.name, outcome)
        if options.limits.once and not display.has_spoken and outcome.error is None:
            raise NothingSaid

    def _session(self, name: str, opened: Opened) -> Session:
        return Session(
            source=name,
            backends=opened.names,
            sample_rate=SAMPLE_RATE,
            channels=1,
            model=opened.recognizer.model or None,
            backend_reason=opened.reason,
        )

    def _note(self, name: str, outcome: Outcome) -> None:
        self._lost = self._lost or _lost(outcome.summary)
        if outcome.error is not None:
            self._remember(outcome.error)
        if self._environment.verbosity:
            self._environment.say(f"{label(name)}: {_account(outcome)}")

    def _remember(self, error: VoxcliError) -> None:
        self._errors.append(error)
        self._over = isinstance(error, (BackendError, OutputError))

    def _exit_code(self, interrupted: int | None) -> int:
        if self._settings.strict and self._lost:
            return AUDIO_LOST
        if interrupted is not None and not (interrupted == INTERRUPTED and self._settings.microphone is not None):
            return interrupted  # but Ctrl-C is how listening ends
        return self._errors[0].exit_code if self._errors else 0

    def _leave_at_once(self, code: int) -> None:
        """End the process without waiting for a thread that is still reading or decoding."""
        self._environment.settle()
        os._exit(code)


def _account(outcome: Outcome) -> str:
    """What went through, for those who asked for more words."""
    summary, ring = outcome.summary, outcome.ring
    return (
        f"{summary.audio_seconds:.1f} s of audio, {summary.covered_seconds:.1f} s covered by {summary.finals} finals; "
        f"the ring held {seconds(ring.most_kept):.1f} s at most, of {seconds(ring.capacity):g} s, and dropped "
        f"{seconds(ring.dropped):.1f} s"
    )


def _lost(summary: Summary) -> bool:
    uncovered = 0.0 if summary.stop_reason == "once" else summary.audio_seconds - summary.covered_seconds
    return summary.lost_seconds > 0 or uncovered > LOST_TOLERANCE_SECONDS
