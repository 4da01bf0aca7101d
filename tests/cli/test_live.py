"""The live view in a real terminal: what is on its screen, while it runs and when it is over."""

from __future__ import annotations

import re
import signal
import sys
import time
from pathlib import Path

import pytest

from support import SAMPLES, VOXCLI, environment, transcript_of, words

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals on Windows", allow_module_level=True)
import pexpect

from screen import Screen, terminal

LETTER = str(SAMPLES / "letter.ogg")


def test_it_shows_progress_and_leaves_every_utterance_once(home: Path) -> None:
    sources = [str(SAMPLES / name) for name in ("harbour.wav", "station.wav", "kitchen.mp3")]
    with terminal("transcribe", "-o", "a.txt", *sources, home=home, columns=90, rows=5) as screen:
        screen.until(lambda: any("/ 0:00:08" in line and "moonshine" in line for line in screen.lines()))
        assert screen.screen.cursor.hidden
        assert screen.to_the_end() == 0
        assert not screen.screen.cursor.hidden
        left = screen.lines()
    written = (home / "a.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in left if not line.startswith(("/", "using"))] == written
    assert words(" ".join(written)) == [word for source in sources for word in words(transcript_of(source))]
    assert b"\x1b[2J" not in screen.raw
    assert b"\x1b[3J" not in screen.raw


def test_ctrl_c_prints_the_tail_and_cleans_up(home: Path) -> None:
    with terminal("transcribe", "--realtime", LETTER, home=home) as screen:
        screen.until(lambda: any("Dear Martha" in line for line in screen.lines()))
        screen.child.sendintr()
        assert screen.to_the_end() == 130
        assert not screen.screen.cursor.hidden
        assert not any("0:02:27" in line or "^C" in line for line in screen.lines())
        assert screen.lines()[1].startswith("Dear Martha")


def test_ctrl_c_twice_leaves_a_clean_terminal(home: Path) -> None:
    with terminal("transcribe", "-b", "vosk", "-l", "ko", LETTER, home=home) as screen:
        screen.until(lambda: any("0:02:27  " in line for line in screen.lines()))
        screen.child.sendintr()
        screen.child.sendintr()
        assert screen.to_the_end() == 130
        assert not screen.screen.cursor.hidden


@pytest.mark.slow
def test_a_resize_leaves_nothing_behind(home: Path) -> None:
    with terminal("transcribe", "--realtime", LETTER, home=home, columns=100) as screen:
        screen.until(lambda: any("/ 0:02:27" in line for line in screen.lines()))
        screen.resize(50, 15)
        screen.until(lambda: any("Dear Martha" in line for line in screen.lines()))
        screen.child.sendintr()
        screen.to_the_end()
        assert not any("0:02:27" in line or "━" in line for line in screen.lines())


@pytest.mark.slow
def test_colours_are_left_out_when_not_wanted(home: Path) -> None:
    wav = str(SAMPLES / "kitchen.mp3")
    seen = []
    for variables in ({"NO_COLOR": "1"}, {}):
        with terminal("transcribe", wav, home=home, **variables) as screen:
            screen.to_the_end()
            seen.append(re.search(rb"\x1b\[(\d+;)?[39]\d(;\d+)*m", screen.raw) is not None)
    assert seen == [False, True]


@pytest.mark.slow
def test_a_stopped_terminal_does_not_keep_it(home: Path) -> None:
    """After Ctrl-S nothing can be written to the terminal: the second Ctrl-C ends the program all the same."""
    with terminal("transcribe", "-b", "vosk", "-l", "ko", LETTER, home=home) as screen:
        screen.until(lambda: any("0:02:27  " in line for line in screen.lines()))
        screen.child.send(b"\x13")
        time.sleep(1.0)  # until a drawing is stuck
        for _ in range(2):
            screen.child.kill(signal.SIGINT)
            time.sleep(0.3)
        assert not screen.child.isalive()
        assert screen.child.exitstatus == 130


def test_a_dumb_terminal_gets_plain_lines(home: Path) -> None:
    with terminal("transcribe", str(SAMPLES / "harbour.wav"), home=home, TERM="dumb") as screen:
        assert screen.to_the_end() == 0
    assert b"\x1b" not in screen.raw
    assert b"Nobody was awake when the boats came home.\r\n" in screen.raw


@pytest.mark.slow
def test_words_being_said_are_shown(home: Path) -> None:
    with terminal("transcribe", "-q", "-b", "vosk", "-l", "ko", str(SAMPLES / "greeting-ko.wav"), home=home) as screen:
        screen.until(lambda: re.search(rb"\x1b\[2m[\xea-\xed]", screen.raw) is not None)
        assert screen.to_the_end() == 0
        assert not any("vosk" in line for line in screen.lines())


def test_quiet_shows_words_and_no_progress(home: Path) -> None:
    with terminal("transcribe", "-q", str(SAMPLES / "harbour.wav"), home=home) as screen:
        assert screen.to_the_end() == 0
        assert len(screen.lines()) == 2
    assert b"0:00:08" not in screen.raw


def test_nothing_to_read_is_a_usage_error(home: Path) -> None:
    with terminal("transcribe", home=home) as screen:
        assert screen.to_the_end() == 2
        assert any("there is nothing to transcribe" in line for line in screen.lines())


def test_a_list_of_models_is_a_table(home: Path) -> None:
    child = pexpect.spawn(str(VOXCLI), ["models", "list"], env=environment(home, TERM="xterm"), dimensions=(24, 160))
    table = Screen(child, 160, 24)
    assert table.to_the_end() == 0
    assert "language" in table.lines()[0]
    assert any("moonshine-tiny-en" in line for line in table.lines())
