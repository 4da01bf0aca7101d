"""The live view on a screen that a terminal emulator has drawn."""

from __future__ import annotations

import io
from dataclasses import dataclass, field, replace
from typing import TextIO

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from voxcli.events import Session
from voxcli.renderers import RendererOptions, Status
from voxcli.renderers.live import LiveRenderer, StatusRenderer
from voxcli.renderers.region import Region, newest
from voxcli.transcript import Utterance


@dataclass
class Terminal:
    """A stream, the screen that shows what is written to it, and a clock."""

    columns: int = 60
    rows: int = 10
    now: float = 0.0
    stream: TextIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.screen = pyte.HistoryScreen(self.columns, self.rows, history=1_000)
        self.screen.set_mode(pyte.modes.LNM)
        self.emulator = pyte.Stream(self.screen)
        self.shown = 0

    def line(self, text: str) -> None:
        self.write(text + "\n")

    def write(self, text: str) -> None:
        self.stream.write(text)

    def display(self) -> list[str]:
        written = self.stream.getvalue()  # type: ignore[attr-defined]
        self.emulator.feed(written[self.shown :])
        self.shown = len(written)
        return [line.rstrip() for line in self.screen.display]

    def scrollback(self) -> list[str]:
        display = self.display()
        above = [
            "".join(line[column].data for column in range(self.columns)).rstrip() for line in self.screen.history.top
        ]
        return [line for line in [*above, *display] if line]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr(Region, "columns", lambda region: terminal.columns)
    return terminal


def live(terminal: Terminal, **options: bool) -> LiveRenderer:
    """A live view that began at 0:00:00 with nothing said."""
    renderer = LiveRenderer(
        terminal, RendererOptions(interim=True, color=True, **options), monotonic=lambda: terminal.now
    )
    renderer.status(at(0.0))
    return renderer


def at(heard: float, text: str = "", total: float | None = 60.0) -> Status:
    return Status(heard=heard, total=total, backend="vosk", open_text=text)


def said(text: str, start: float = 0.0) -> Utterance:
    return Utterance(text=text, start=start, end=start + 1, backend="vosk")


def test_the_words_being_said_and_the_progress(terminal: Terminal) -> None:
    renderer = live(terminal)
    terminal.now = 2.0
    renderer.status(at(20.0, "good mor"))
    words, progress, *rest = terminal.display()
    assert words == "good mor"
    assert "0:00:20 / 0:01:00  10.0x  vosk" in progress  # the time left has no room beside the bar
    assert not any(rest)


def test_finals_go_to_the_scrollback_once_and_whole(terminal: Terminal) -> None:
    renderer = live(terminal)
    texts = [f"{number} " + "word " * 20 + "end" for number in range(12)]
    for number, text in enumerate(texts):
        terminal.now += 1
        renderer.status(at(number, "some of it"))
        renderer.utterance(said(text))
    renderer.close()
    flat = " ".join("".join(line.ljust(60) for line in terminal.scrollback()).split())
    assert flat == " ".join(" ".join(texts).split())


def test_the_cursor_is_given_back_and_nothing_is_left(terminal: Terminal) -> None:
    renderer = live(terminal)
    terminal.now = 1.0
    renderer.status(at(5.0, "good"))
    terminal.display()
    assert terminal.screen.cursor.hidden
    renderer.utterance(said("good morning"))
    renderer.close()
    assert [line for line in terminal.display() if line] == ["good morning"]
    assert not terminal.screen.cursor.hidden


def test_a_final_takes_the_place_of_its_interim(terminal: Terminal) -> None:
    renderer = live(terminal)
    terminal.now = 1.0
    renderer.status(at(5.0, "good mor"))
    renderer.utterance(said("good morning"))
    words, progress, *rest = terminal.display()
    assert words == "good morning"
    assert "0:00:05" in progress
    assert not any(rest)


def test_drawn_again_it_is_whole(terminal: Terminal) -> None:
    renderer = live(terminal)
    terminal.now = 1.0
    renderer.status(at(5.0, "good"))
    before = terminal.display()
    terminal.stream.write("^C")
    assert terminal.display() != before
    renderer.redraw(again=True)
    assert terminal.display() == before


def test_how_far_results_lag_and_what_the_recognizer_does_instead(terminal: Terminal) -> None:
    terminal.columns = 100
    terminal.columns = 120
    terminal.screen.resize(columns=120)
    renderer = live(terminal)
    terminal.now = 2.0
    renderer.status(replace(at(20.0), behind=0.42, backend="server", trouble="reconnecting"))
    assert "0.4 s behind  server, reconnecting" in terminal.display()[0]


def test_quiet_shows_no_progress(terminal: Terminal) -> None:
    renderer = live(terminal, status=False)
    terminal.now = 1.0
    renderer.status(at(5.0, "good"))
    assert [line for line in terminal.display() if line] == ["good"]


def test_the_newest_words_are_what_fits(terminal: Terminal) -> None:
    renderer = live(terminal)
    terminal.now = 1.0
    renderer.status(at(5.0, "word " * 40 + "end"))
    first = terminal.display()[0]
    assert first.startswith("…")
    assert first.endswith("word end")
    assert len(first) <= 48


def test_wide_characters_take_two_columns(terminal: Terminal) -> None:
    renderer = live(terminal)
    terminal.now = 1.0
    renderer.status(at(5.0, "안녕하세요 " * 20))
    display = terminal.display()
    assert cell_len(display[0].replace("\0", "")) <= 60
    assert "vosk" in display[1]


def test_escape_codes_and_markup_are_literal(terminal: Terminal) -> None:
    renderer = live(terminal)
    terminal.now = 1.0
    renderer.status(at(5.0, "\x1b[2J[red]x"))
    assert terminal.display()[0] == "␛[2J[red]x"
    renderer.utterance(said("[bold]y\x1b[2J\x07"))
    assert terminal.display()[0] == "[bold]y␛[2J␇"


def test_timestamps(terminal: Terminal) -> None:
    renderer = live(terminal, timestamps=True)
    renderer.utterance(said("good", start=83))
    assert terminal.display()[0] == "[0:01:23] good"


def test_it_draws_ten_times_a_second_at_most(terminal: Terminal) -> None:
    renderer = live(terminal)
    for step in range(1_000):
        terminal.now = step / 1_000
        renderer.status(at(step / 10, f"word {step}"))
    assert 8 <= terminal.stream.getvalue().count("\x1b[J") <= 11  # type: ignore[attr-defined]


def test_a_resize_leaves_nothing_behind(terminal: Terminal) -> None:
    renderer = live(terminal)
    terminal.now = 1.0
    renderer.status(at(5.0, "word " * 11))
    terminal.display()
    terminal.columns = 30
    terminal.screen.resize(10, 30)
    terminal.now = 2.0
    renderer.status(at(6.0, "word " * 11))
    words, progress, *rest = terminal.display()
    assert words.startswith("…")
    assert progress == "0:00:06 / 0:01:00  vosk"
    assert not any(rest)


def test_a_narrow_terminal_shows_no_bar(terminal: Terminal) -> None:
    terminal.columns = 34
    renderer = live(terminal)
    terminal.now = 2.0
    renderer.status(at(20.0))
    assert "━" not in terminal.display()[0]


def test_a_pipe_has_no_end_to_show(terminal: Terminal) -> None:
    renderer = live(terminal)
    terminal.now = 2.0
    renderer.status(at(20.0, total=None))
    assert terminal.display()[0] == "0:00:20  10.0x  vosk"


def test_a_microphone_has_a_meter_and_no_speed(terminal: Terminal) -> None:
    """From a whisper to where it clips; while it is away there is no level at all."""
    renderer = live(terminal)
    for level, filled in ((-70.0, 0), (-30.0, 6), (0.0, 12), (None, 0)):
        terminal.now += 2
        renderer.status(Status(heard=20.0, total=None, backend="vosk", open_text="", is_live=True, level=level))
        assert terminal.display()[0] == "━" * filled + "─" * (12 - filled) + " 0:00:20  vosk"
    terminal.columns = 20
    renderer.redraw()
    assert "─" not in terminal.display()[0]


def test_several_sources_are_headed(terminal: Terminal) -> None:
    renderer = live(terminal, several=True)
    renderer.show(Session(source="a\x1b.wav", backends=("vosk",), sample_rate=16_000, channels=1))
    assert terminal.display()[0] == "a␛.wav"


def test_status_alone_shows_no_words(terminal: Terminal) -> None:
    renderer = StatusRenderer(terminal, RendererOptions(), monotonic=lambda: terminal.now)
    renderer.status(at(0.0))
    terminal.now = 2.0
    renderer.status(at(20.0, "good"))
    renderer.utterance(said("good"))
    assert not any("good" in line for line in terminal.display())
    assert "\x1b[3" not in terminal.stream.getvalue()  # type: ignore[attr-defined]


@given(st.text(st.characters(exclude_categories=["C", "M"]), max_size=80), st.integers(4, 60))
def test_the_end_of_a_text_fits(text: str, columns: int) -> None:
    shown = newest(text, columns)
    assert shown.cell_len <= columns
    assert text.endswith(shown.plain.removeprefix("…")) or shown.plain == text


@pytest.mark.parametrize("columns", [50, 80, 120, 200])
def test_the_bar_is_where_it_was_whoever_is_at_work(terminal: Terminal, columns: int) -> None:
    """A change of recognizer, or a number that grows, moves nothing."""
    terminal.columns = columns
    renderer = live(terminal)
    bars = set()
    for number, backend in enumerate(["vosk", "deepgram", "server, reconnecting"]):
        terminal.now = 2.0 + number
        renderer.status(replace(at(20.0 + 9 * number), backend=backend))
        bars.add(terminal.display()[0].index("0:00:"))
    assert len(bars) == 1
