"""Where rendered lines go. Each line is flushed as it is written, so it is there when it is heard."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from voxcli.errors import STANDARD_OUTPUT, OutputError, ReaderGone


class StreamOutput:
    """Lines to a stream that somebody else opened. Raises OutputError, or ReaderGone for a closed pipe."""

    def __init__(self, stream: TextIO, name: str = STANDARD_OUTPUT) -> None:
        self.stream = stream
        self._name = name

    def line(self, text: str) -> None:
        self.write(text + "\n")

    def write(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except BrokenPipeError as error:
            raise ReaderGone from error
        except OSError as error:
            raise OutputError(self._name, reason(error)) from error


class StatusOutput(StreamOutput):
    """A stream for what nobody depends on: when it fails, nothing more is written."""

    failed = False

    def write(self, text: str) -> None:
        if self.failed:
            return
        try:
            super().write(text)
        except (OutputError, ReaderGone):
            self.failed = True


class FileOutput:
    """Lines to a file. After a failure the file ends with its last whole line.

    What stood in it before is kept until ``begin``: a run that never gets to any audio destroys nothing, and leaves no
    new file. Lines before that wait, unless the file is new.
    """

    def __init__(self, path: Path) -> None:
        """Raises OutputError where the file cannot be opened. A named pipe is waited for until somebody reads it."""
        self._path = path
        self._waiting: list[str] = []
        self._begun = self._created = False
        try:
            self.stream: TextIO = os.fdopen(self._open(), "w", encoding="utf-8", errors="replace", newline="\n")
        except OSError as error:
            raise OutputError(str(path), reason(error)) from error

    def _open(self) -> int:
        """A descriptor of what is there, untouched, or of a new file."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            return os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o666)
        self._created = True
        return descriptor

    def begin(self) -> None:
        """Empty the file for what comes now; a second call does nothing. Raises OutputError."""
        if self._begun:
            return
        self._begun = True
        if not self._created and stat.S_ISREG(os.fstat(self.stream.fileno()).st_mode):
            os.ftruncate(self.stream.fileno(), 0)
        waiting, self._waiting = self._waiting, []
        for text in waiting:
            self.line(text)

    def line(self, text: str) -> None:
        if not (self._begun or self._created):
            self._waiting.append(text)
            return
        whole_bytes = os.fstat(self.stream.fileno()).st_size
        try:
            self.stream.write(text + "\n")
            self.stream.flush()
        except OSError as error:
            self._give_up(whole_bytes)
            raise OutputError(str(self._path), reason(error)) from error

    def write(self, text: str) -> None:
        """Files take lines only."""
        raise NotImplementedError

    def close(self) -> None:
        """Close it. Raises OutputError where the system tells only now that it could not write."""
        try:
            self.stream.close()
        except OSError as error:
            raise OutputError(str(self._path), reason(error)) from error
        if self._created and not self._begun:
            self._path.unlink(missing_ok=True)

    def _give_up(self, whole_bytes: int) -> None:
        """Close without flushing what failed, and cut the torn line off where the file can be cut (a device cannot)."""
        descriptor = os.dup(self.stream.fileno())
        try:
            _close_unflushed(self.stream)
            if self._path.is_file():
                os.ftruncate(descriptor, whole_bytes)
        finally:
            os.close(descriptor)


def _close_unflushed(stream: TextIO) -> None:
    """Close a stream whose buffer cannot be written: closing flushes once more, fails again, and is done."""
    with suppress(OSError):
        stream.close()


def reason(error: OSError) -> str:
    """What the system says of a failure, in lower case and without the path."""
    return (error.strerror or str(error)).lower()
