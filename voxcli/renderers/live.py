"""The terminal: finals go to the scrollback, whole and once; below them the words being said, and the progress."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import replace

from rich.console import Console, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from voxcli.events import Event, Session, Summary
from voxcli.printable import printable
from voxcli.renderers import Output, RendererOptions, Status
from voxcli.renderers.region import Region, newest
from voxcli.renderers.text import clock, heading
from voxcli.transcript import Utterance

REDRAW_SECONDS = 0.1
"""The region is drawn at most this often."""

LEAST_BAR_COLUMNS, MOST_BAR_COLUMNS = 8, 40
METER_COLUMNS = 12
METER_DB = 60.0
"""Below full scale: where the meter begins."""


class StatusRenderer:
    """How far the work has come, in one line that is drawn again and again; no results."""

    shows_status = True

    def __init__(
        self, output: Output, options: RendererOptions, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.region = Region(output)
        self._options = options
        self._monotonic = monotonic
        self._began = self._drawn_at = monotonic()
        self._status: Status | None = None

    def show(self, event: Event) -> None:
        if isinstance(event, (Session, Summary)):
            self._status = None
            self.region.close()

    def utterance(self, utterance: Utterance) -> None:
        """Results are shown elsewhere."""

    def status(self, status: Status) -> None:
        now = self._monotonic()
        if self._status is None:
            self._began = now  # not before: loading a model is no measure of speed
        self._status = status
        if now - self._drawn_at >= REDRAW_SECONDS:
            self._drawn_at = now
            self.redraw()

    def redraw(self, *, again: bool = False) -> None:
        """Draw what is known, at the width that the terminal has now; ``again`` even if nothing has changed."""
        self.region.draw(self._frame(), again=again)

    def _frame(self) -> list[str]:
        if self._status is None:
            return []
        columns = self.region.columns() * 4 // 5
        return [self._rendered(line, columns) for line in self._lines(self._status, columns)]

    def close(self) -> None:
        self.region.close()

    def _lines(self, status: Status, columns: int) -> list[RenderableType]:
        return [progress(status, self._monotonic() - self._began, columns)] if self._options.status else []

    def _rendered(self, line: RenderableType, columns: int) -> str:
        """One line as text with escape codes."""
        paper = io.StringIO()
        console = Console(
            file=paper,
            force_terminal=True,
            color_system="standard" if self._options.color else None,
            width=max(columns, 1),
            legacy_windows=False,
            highlight=False,
        )
        console.print(line, end="", no_wrap=True, overflow="crop", crop=True)
        return paper.getvalue().rstrip("\n")


class LiveRenderer(StatusRenderer):
    """Utterances in the scrollback, the one being said dimmed below them, then the status."""

    def show(self, event: Event) -> None:
        if isinstance(event, Session) and self._options.several:
            self.region.print(self._rendered(Text(printable(event.source), style="bold"), self.region.columns() - 1))
        super().show(event)

    def utterance(self, utterance: Utterance) -> None:
        text = printable(utterance.text)
        before = heading(utterance, self._options)
        line = f"\x1b[2m{before}\x1b[0m{text}" if before and self._options.color else f"{before}{text}"
        if self._status is not None:  # what was being said has just been said
            self._status = replace(self._status, open_text="")
        self.region.print(line, self._frame())

    def _lines(self, status: Status, columns: int) -> list[RenderableType]:
        lines = super()._lines(status, columns)
        if self._options.interim and status.open_text:
            said = newest(printable(status.open_text), columns)
            said.stylize("dim")
            lines.insert(0, said)
        return lines


def progress(status: Status, elapsed: float, columns: int) -> RenderableType:
    """A bar where the length is known, or a meter of a microphone; then position, speed and time left, the backend.

    What does not fit is left out, the least important first.
    """
    cells = _bar(status, columns)
    width = sum(cell_columns + 1 for _, cell_columns in cells)
    row = Table.grid(padding=(0, 1))
    texts = [cell for cell, _ in cells] + [Text("  ".join(_facts(status, elapsed, columns - width)), style="dim")]
    for _ in texts:
        row.add_column(no_wrap=True)
    row.add_row(*texts)
    return row


def _bar(status: Status, columns: int) -> list[tuple[RenderableType, int]]:
    """How far it is, or how loud, with its width; nothing where there is no room."""
    if status.is_live:
        return [(meter(status.level), METER_COLUMNS)] if columns >= 2 * METER_COLUMNS else []
    bar_columns = min(MOST_BAR_COLUMNS, columns // 5) if status.total else 0
    if bar_columns < LEAST_BAR_COLUMNS:
        return []
    return [(ProgressBar(total=status.total, completed=status.heard, width=bar_columns), bar_columns)]


def meter(level: float | None) -> Text:
    """A level in dB as a line: from a whisper to where it clips. Without one there is no sound at all."""
    filled = 0 if level is None else round(METER_COLUMNS * min(1.0, max(0.0, 1 + level / METER_DB)))
    colour = "green" if filled <= METER_COLUMNS * 3 // 4 else "yellow" if filled < METER_COLUMNS else "red"
    return Text.assemble(("━" * filled, colour), ("─" * (METER_COLUMNS - filled), "dim"))


def _facts(status: Status, elapsed: float, columns: int) -> list[str]:
    """What there is to say, the least important left out where there is no room."""
    speed = status.heard / elapsed if elapsed >= 1 and not status.is_live else 0.0
    left = max(0.0, (status.total or 0.0) - status.heard)
    position = clock(status.heard) + (f" / {clock(status.total)}" if status.total else "")
    facts = {"position": position}
    if speed:
        facts["speed"] = f"{speed:.1f}x"
    if speed and status.total:
        facts["left"] = f"{clock(left / speed)} left"
    if status.behind is not None:
        facts["behind"] = f"{status.behind:.1f} s behind"
    facts["backend"] = f"{status.backend}, {status.trouble}" if status.trouble else status.backend
    for name in ("left", "speed", "behind", "backend"):
        if len("  ".join(facts.values())) > columns:
            facts.pop(name, None)
    return list(facts.values())
