"""A terminal without a window: the program in it by pexpect, what is on its screen by pyte; and tmux.

with terminal("transcribe", "talk.wav", home=home) as screen:
    screen.until(lambda: any("boats" in line for line in screen.lines()))
"""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pyte

from support import VOXCLI, environment


class Screen:
    """The program in a pseudo-terminal, and what an emulator makes of what it writes."""

    def __init__(self, child: pexpect.spawn[bytes], columns: int, rows: int) -> None:
        self.child = child
        self.screen = pyte.HistoryScreen(columns, rows, history=2_000, ratio=1)
        self.emulator = pyte.ByteStream(self.screen)
        self.raw = b""

    def lines(self) -> list[str]:
        """The scrollback and the screen, without empty lines."""
        above = [
            "".join(line[column].data for column in range(self.screen.columns)) for line in self.screen.history.top
        ]
        return [line.rstrip() for line in [*above, *self.screen.display] if line.strip()]

    def until(self, condition: Callable[[], bool]) -> None:
        """Take in what the program writes until the screen is as wanted."""
        deadline = time.monotonic() + 40
        while not condition():
            assert time.monotonic() < deadline, "\n".join(self.lines())
            try:
                self._take(self.child.read_nonblocking(4_096, 0.1))
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                assert condition(), "\n".join(self.lines())

    def to_the_end(self) -> int | None:
        """Until the program has ended; its exit code."""
        while True:
            try:
                self._take(self.child.read_nonblocking(4_096, 40))
            except pexpect.EOF:
                self.child.close()
                return self.child.exitstatus

    def resize(self, columns: int, rows: int) -> None:
        self.child.setwinsize(rows, columns)
        self.screen.resize(rows, columns)

    def _take(self, data: bytes) -> None:
        self.raw += data
        self.emulator.feed(data)


@contextmanager
def terminal(*arguments: str, home: Path, columns: int = 100, rows: int = 24, **variables: str) -> Iterator[Screen]:
    variables = {"TERM": "xterm-256color", **variables}
    child = pexpect.spawn(
        str(VOXCLI),
        list(arguments),
        dimensions=(rows, columns),
        env=environment(home, **variables),
        cwd=home,
    )
    try:
        yield Screen(child, columns, rows)
    finally:
        child.close(force=True)


class Tmux:
    """A terminal that people use, on a server of its own. Its scrollback and its screen are what a user sees."""

    def __init__(self, socket: Path, command: list[str], variables: dict[str, str], columns: int, rows: int) -> None:
        self._tmux = ["tmux", "-S", str(socket), "-f", "/dev/null"]
        size = ["-x", str(columns), "-y", str(rows)]
        exports = shlex.join(["env", "-i", *(f"{name}={value}" for name, value in variables.items())])
        shell = f"{exports} {shlex.join(command)}; echo ended with $?; exec sleep 600"
        self._run("new-session", "-d", *size, shell)

    def lines(self) -> list[str]:
        """The scrollback and the screen, without empty lines."""
        return [line for line in self._run("capture-pane", "-p", "-J", "-S", "-").splitlines() if line.strip()]

    def until(self, condition: Callable[[], object], seconds: float = 40.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "\n".join(self.lines())
            time.sleep(0.1)

    def press(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def resize(self, columns: int, rows: int) -> None:
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def end(self) -> None:
        self._run("kill-server")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([*self._tmux, *arguments], capture_output=True, text=True, timeout=10, check=True)
        return done.stdout


@contextmanager
def tmux(
    *arguments: str, folder: Path, home: Path, columns: int = 80, rows: int = 24, **variables: str
) -> Iterator[Tmux]:
    """The program in tmux."""
    given = environment(home, TERM="tmux-256color", **variables)
    terminal = Tmux(folder / "tmux", [str(VOXCLI), *arguments], given, columns, rows)
    try:
        yield terminal
    finally:
        terminal.end()
