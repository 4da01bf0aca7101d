"""What a run shows and where: the renderer of standard output, files, and status on standard error."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from voxcli.cli.environment import Environment
from voxcli.errors import OutputError, UsageError
from voxcli.events import Error, Event, Gap, Notice, Results, Session, Summary
from voxcli.renderers import SUFFIXES, Renderer, RendererOptions, Status, open_renderer
from voxcli.renderers.fanout import Fanout
from voxcli.renderers.output import FileOutput, StatusOutput, StreamOutput
from voxcli.sources import label
from voxcli.transcript import Utterance

if TYPE_CHECKING:
    from voxcli.cli.settings import Settings
    from voxcli.renderers.live import StatusRenderer


OPEN_SECONDS = 0.5
"""So much audio without a final result is worth a word."""


class Display:
    """``renderer`` is everything that shows events. A file that fails is told, and given to ``failed``.

    Raises UsageError for a file whose suffix says no format, OutputError for one that cannot be opened.
    """

    def __init__(self, settings: Settings, environment: Environment, failed: Callable[[OutputError], None]) -> None:
        self._settings = settings
        self._environment = environment
        self._failed = failed
        self._teller = Teller(environment)
        self._drawn: StatusRenderer | None = None
        formats = [output_format(path) for path in settings.files]
        check_distinct(settings.files, settings.sources)
        files: list[tuple[Renderer, FileOutput]] = []
        self.renderer: Renderer = Fanout([self._standard_output(), *self._status(), self._teller], files, self.give_up)
        for path, format in zip(settings.files, formats, strict=True):
            self._add_file(path, format, files)

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *_: object) -> None:
        self._environment.through = None
        self.renderer.close()

    def redraw(self) -> None:
        """Draw anew: a terminal shows ^C where the cursor was."""
        if self._drawn is not None:
            self._drawn.redraw(again=True)

    def abandon_terminal(self) -> None:
        """Leave no half-drawn line and no hidden cursor behind, whatever is going on. Never blocks, never fails."""
        if self._drawn is not None:
            self._drawn.region.abandon()

    @property
    def has_spoken(self) -> bool:
        """Whether the source that came last has said anything."""
        return self._teller.spoken

    def say_if_nothing_was_said(self, source: str, summary: Summary) -> None:
        """A source without words is no error, but somebody may wonder."""
        if not self._teller.spoken and summary.stop_reason == "end_of_source":
            self._environment.say(
                f"{label(source)}: no speech was recognized in {summary.audio_seconds:.1f} s of audio"
            )

    def _standard_output(self) -> Renderer:
        settings, environment = self._settings, self._environment
        options = RendererOptions(
            interim=settings.interim,
            timestamps=settings.timestamps,
            color=environment.color_on(environment.stdout),
            several=settings.several,
            status=not environment.quiet,
        )
        renderer = open_renderer(settings.format, StreamOutput(environment.stdout), options)
        if settings.format == "live":
            self._draws(renderer)  # type: ignore[arg-type]
        return renderer

    def _status(self) -> list[Renderer]:
        """Progress on standard error where results go to a file; on a pipe it might end up between somebody's lines."""
        environment = self._environment
        if environment.quiet or not environment.is_terminal(environment.stderr) or not _is_file(environment):
            return []
        from voxcli.renderers.live import StatusRenderer

        options = RendererOptions(color=environment.color_on(environment.stderr))
        status = StatusRenderer(StatusOutput(environment.stderr), options)
        self._draws(status)
        return [status]

    def _draws(self, renderer: StatusRenderer) -> None:
        self._drawn = renderer
        if self._environment.is_terminal(self._environment.stderr):
            self._environment.through = renderer.region.print

    def _add_file(self, path: Path, format: str, files: list[tuple[Renderer, FileOutput]]) -> None:
        try:
            output = FileOutput(path)
        except OutputError:
            self.renderer.close()
            raise
        files.append((open_renderer(format, output, RendererOptions(timestamps=self._settings.timestamps)), output))

    def give_up(self, error: OutputError) -> None:
        """A file is not written any more."""
        self._failed(error)
        self.renderer.show(Error(code=error.code, message=error.message, hint=error.hint))


class Teller:
    """A renderer that says on standard error what a reader of results alone would miss."""

    shows_status = False

    def __init__(self, environment: Environment) -> None:
        self.spoken = False
        self._environment = environment
        self._say = environment.say

    def show(self, event: Event) -> None:
        match event:
            case Notice():
                self._say(event.message)
            case Gap():
                self._say(f"audio was lost from {event.start:.1f} s to {event.end:.1f} s ({event.reason})")
            case Results(promoted=True):
                self._say(f"{event.backend} did not confirm the last words: {event.transcript}")
            case Error():
                self._environment.complain_of(event)
            case Summary() if (
                event.stop_reason not in ("error", "once") and event.finals and _open_seconds(event) > OPEN_SECONDS
            ):
                self._say(f"no final result covers {_open_seconds(event):.1f} s of the audio")
            case Session():
                self.spoken = False
            case _:
                pass

    def utterance(self, utterance: Utterance) -> None:
        self.spoken = True

    def status(self, status: Status) -> None:
        """Shown by others."""

    def close(self) -> None:
        """Nothing is held back."""


def _open_seconds(summary: Summary) -> float:
    return summary.audio_seconds - summary.covered_seconds - summary.lost_seconds


def output_format(path: Path) -> str:
    """The format that a file's suffix picks. Raises UsageError."""
    format = SUFFIXES.get(path.suffix.lower())
    if format is None:
        raise UsageError(f"{path}: the suffix says no format", f"end the name in {' or '.join(SUFFIXES)}")
    return format


def check_distinct(files: Sequence[Path], sources: Sequence[str]) -> None:
    """No file is written twice, and none that is read. Raises UsageError."""
    for number, file in enumerate(files):
        if any(_is_same(file, other) for other in files[:number]):
            raise UsageError(f"{file}: would be written twice", "name each file once")
        if any(_is_same(file, Path(source)) for source in sources):
            raise UsageError(f"{file}: is read from, so it cannot be written to", "choose another name for the results")


def _is_same(file: Path, other: Path) -> bool:
    if file.exists() and other.exists():
        return file.samefile(other) and file.is_file()
    return file.absolute() == other.absolute()


def _is_file(environment: Environment) -> bool:
    try:
        return stat.S_ISREG(os.fstat(environment.stdout.fileno()).st_mode)
    except (OSError, ValueError):
        return False
