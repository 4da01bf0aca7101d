"""``voxcli listen`` in real terminals: what is on the screen while somebody speaks, and when it is over."""

from __future__ import annotations

import re
import socket
import sys
import time
from pathlib import Path

import pytest

from sound_card import SoundCard
from support import SAMPLES

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals on Windows", allow_module_level=True)
from screen import terminal, tmux

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(120)]

RECORDING = bytes(9_600) + (SAMPLES / "harbour.wav").read_bytes()[44:]
FIRST, SECOND = "boats came home", "fish"
"""A part of each sentence of the recording."""
STATUS = re.compile(r"moonshine.* \d:\d\d:\d\d|\d:\d\d:\d\d .*moonshine")


@pytest.fixture
def card(library: Path, tmp_path: Path) -> SoundCard:
    return SoundCard(library, tmp_path, RECORDING)


def count(lines: list[str], part: str) -> int:
    return sum(part in line for line in lines)


def test_what_is_said_stands_on_the_screen_once(card: SoundCard, home: Path) -> None:
    """Each sentence whole, in its order; below them who listens, how loud it is, and since when; and then no more."""
    with terminal("listen", home=home, columns=90, rows=12, **card.variables) as screen:
        screen.until(lambda: any(STATUS.search(line) for line in screen.lines()))
        assert screen.screen.cursor.hidden
        screen.until(lambda: count(screen.lines(), FIRST) == 1 and count(screen.lines(), SECOND) == 1)
        time.sleep(2)
        screen.child.sendintr()
        assert screen.to_the_end() == 0
        assert not screen.screen.cursor.hidden
        left = screen.lines()
    assert not any(STATUS.search(line) or "^C" in line for line in left)
    assert (count(left, FIRST), count(left, SECOND)) == (1, 1)
    assert [FIRST in line for line in left].index(True) < [SECOND in line for line in left].index(True)
    assert b"\x1b[2J" not in screen.raw
    assert b"\x1b[3J" not in screen.raw


def test_ctrl_c_in_the_middle_of_a_sentence(card: SoundCard, home: Path) -> None:
    """What was said of it is printed, and the exit code is 0. (On a machine that is busy its words may be others.)"""
    with terminal("listen", home=home, **card.variables) as screen:
        screen.until(lambda: count(screen.lines(), FIRST) == 1)
        time.sleep(1.5)
        screen.child.sendintr()
        assert screen.to_the_end() == 0
        left = screen.lines()
    said = left[[FIRST in line for line in left].index(True) + 1 :]
    assert said, left
    assert not any(STATUS.search(line) for line in said), left


def test_ctrl_c_twice(card: SoundCard, home: Path) -> None:
    """While a server is waited for: the first waits for its last words, the second ends it and leaves all as it was."""
    with (
        socket.create_server(("127.0.0.1", 0)) as hole,
        terminal(
            "listen", "-b", f"vosk-server=ws://127.0.0.1:{hole.getsockname()[1]}", home=home, **card.variables
        ) as screen,
    ):
        screen.until(lambda: any(line.endswith("vosk-server") for line in screen.lines()))
        screen.child.sendintr()
        screen.until(lambda: any(line.endswith("vosk-server, stopping") for line in screen.lines()))
        time.sleep(1)
        assert screen.child.isalive()
        began = time.monotonic()
        screen.child.sendintr()
        assert screen.to_the_end() == 130
        assert time.monotonic() - began < 3
        assert not screen.screen.cursor.hidden
        assert not any(line.endswith("vosk-server") for line in screen.lines())


def test_in_tmux(card: SoundCard, tmp_path: Path, home: Path) -> None:
    """Made narrower and wider while somebody speaks: whatever tmux does to its lines, none is lost and none doubled."""
    with tmux("listen", folder=tmp_path, home=home, columns=100, rows=20, **card.variables) as window:
        window.until(lambda: any(STATUS.search(line) for line in window.lines()))
        window.resize(60, 20)
        window.until(lambda: count(window.lines(), FIRST))
        window.resize(44, 16)
        time.sleep(1)
        window.resize(110, 24)
        window.until(lambda: count(window.lines(), SECOND))
        time.sleep(1)
        window.press("C-c")
        window.until(lambda: "ended with 0" in window.lines()[-1])
        left = window.lines()
    assert not any(STATUS.search(line) for line in left), left
    text = " ".join(left)
    assert (text.count(FIRST), text.count(SECOND)) == (1, 1), left
    assert left[0].startswith("listening to default; Ctrl-C ends")
