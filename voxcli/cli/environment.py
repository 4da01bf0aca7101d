"""The world as one object: streams and variables. Tests hand in another; only Typer reads the real variables itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from voxcli.errors import UsageError, VoxcliError
from voxcli.events import Error
from voxcli.printable import printable

if TYPE_CHECKING:
    from voxcli.config import Value


@dataclass
class Environment:
    """Where a command reads and writes. ``quiet`` to ``profile`` come from the global options."""

    stdout: TextIO
    stderr: TextIO
    stdin_fd: int = 0
    variables: Mapping[str, str] = field(default_factory=lambda: os.environ)
    quiet: bool = False
    verbosity: int = 0
    color: str = "auto"
    profile: str | None = None
    settings: dict[str, Value] | None = None
    """What files of settings say; None while they have not been read."""
    refused: UsageError | None = None
    """What is wrong with files of settings, for the one command that goes on without them."""
    distrusted: set[str] = field(default_factory=set)
    """Addresses that only the file of settings in this folder names: no key goes there."""
    through: Callable[[str], None] | None = None
    """What writes status lines instead of ``stderr`` while something is being drawn there."""

    @classmethod
    def of_process(cls) -> Environment:
        """The real streams, as UTF-8 whatever the locale says. The null device stands in for a closed one."""
        _fill_closed_descriptors()
        return cls(stdout=_utf8(sys.stdout), stderr=_utf8(sys.stderr))

    def print(self, line: str) -> None:
        """A result: one line on standard output, flushed. Raises OutputError, or ReaderGone for a closed pipe."""
        from voxcli.renderers.output import StreamOutput

        StreamOutput(self.stdout).line(line)

    def say(self, sentence: str) -> None:
        """A status line on standard error, unless quiet."""
        if not self.quiet:
            self.complain(sentence)

    def complain(self, sentence: str) -> None:
        """A line on standard error, quiet or not."""
        if self.through is not None:
            self.through(printable(sentence))
            return
        try:
            self.stderr.write(printable(sentence) + "\n")
            self.stderr.flush()
        except OSError:
            self._silence_stderr()

    def _silence_stderr(self) -> None:
        """Nobody can be told anything any more, and the results are what counts."""
        self.quiet = True
        _lead_nowhere(self.stderr)

    def complain_of(self, error: VoxcliError | Error) -> None:
        """An error on standard error: its sentence and its hint."""
        self.complain(f"voxcli: {error.message}")
        self.complain(f"  hint: {error.hint}")

    def settle(self) -> None:
        """Before the process ends: flush, and where that cannot be, let nothing fail once more at the very end."""
        for stream in (self.stdout, self.stderr):
            try:
                stream.flush()
            except OSError:
                _lead_nowhere(stream)

    def color_on(self, stream: TextIO) -> bool:
        """Whether escape codes may go to a stream (https://no-color.org; FORCE_COLOR)."""
        if self.color != "auto":
            return self.color == "always"
        if self.variables.get("NO_COLOR"):
            return False
        if self.variables.get("FORCE_COLOR"):
            return True
        return self.is_terminal(stream)

    def is_terminal(self, stream: TextIO) -> bool:
        """Whether a stream is a terminal that understands cursor movement."""
        return stream.isatty() and self.variables.get("TERM", "") != "dumb"

    def stdin_is_terminal(self) -> bool:
        """Whether somebody would have to type the audio."""
        try:
            return os.isatty(self.stdin_fd)
        except OSError:
            return False


def _lead_nowhere(stream: TextIO) -> None:
    """Drop what is left in a stream that cannot be written."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
    stream.flush()


def _fill_closed_descriptors() -> None:
    """Give the numbers 0 to 2 to the null device where they are free, before another file gets them."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _utf8(stream: TextIO | None) -> TextIO:
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8", errors="replace", newline="\n")
    return stream
