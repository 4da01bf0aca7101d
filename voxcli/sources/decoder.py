"""What a decoder is, and what all of them share: the signal to stop, and the sentences for what a system refuses."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from voxcli.audio import AudioFormat, Encoding
from voxcli.errors import SourceError, SourceNotAudio, SourceNotFound, SourceUnreadable, UsageError

BLOCK_SECONDS = 1.0
"""The most audio that a decoder gives out at once."""

STREAM_BLOCK_SECONDS = 0.1
"""The same for compressed streams, where somebody may be speaking at the other end."""


class Decoder(Protocol):
    """An opened container or stream. Everything here may block and is called from one thread at a time."""

    remarks: list[str]

    @property
    def seconds(self) -> float | None:
        """The whole length, where it is known."""

    def blocks(self) -> Iterator[bytes]:
        """Linear16, 16 kHz, mono, in runs of up to BLOCK_SECONDS, some of them empty.

        Ends early, without an error, once the stop signal is set. Raises SourceError after the last run.
        """

    def close(self) -> None: ...


class StopSignal:
    """Set once, from any thread; a thread that waits for a descriptor waits for ``fileno()`` beside it."""

    def __init__(self) -> None:
        self._set = threading.Event()
        self._first = True
        self._lock = threading.Lock()
        self._pipe: tuple[int, int] | None = None  # made when somebody wants to wait: most sources never do

    def set(self) -> None:
        with self._lock:
            first, self._first = self._first, False
            self._set.set()  # before the byte: whoever it wakes looks here
            if first and self._pipe is not None:
                os.write(self._pipe[1], b"\0")

    def is_set(self) -> bool:
        return self._set.is_set()

    def fileno(self) -> int:
        """A descriptor that becomes readable when the signal is set, and stays so."""
        with self._lock:
            if self._pipe is None:
                self._pipe = os.pipe()
                if self._set.is_set():
                    os.write(self._pipe[1], b"\0")
            return self._pipe[0]

    def close(self) -> None:
        """Gives the descriptors back; the signal stays as it is. No thread may be waiting any more."""
        with self._lock:
            pipe, self._pipe = self._pipe, None
        for fd in pipe or ():
            os.close(fd)


Opener = Callable[[StopSignal], Decoder]
"""Opens and probes a source; may block until the signal is set; raises SourceError or UsageError."""


def refused(name: str, error: OSError) -> SourceError:
    """The error for something that the operating system does not let us open or read."""
    if isinstance(error, FileNotFoundError):
        return SourceNotFound(name)
    if isinstance(error, IsADirectoryError):
        return SourceUnreadable(name, "is a directory", "name the files in it, for example FOLDER/*.wav")
    if isinstance(error, PermissionError):
        return SourceUnreadable(name, "may not be read by you", "check its permissions with ls -l")
    return SourceUnreadable(name, f"cannot be read: {error.strerror or error}")


def check_format(name: str, sample_rate: int, channels: int) -> None:
    """Raises SourceNotAudio where a container's own rate or channel count cannot be."""
    try:
        AudioFormat(Encoding.FLOAT32, sample_rate, channels)
    except UsageError as error:
        raise SourceNotAudio(name, f"cannot be read: {error.message}", "its header is damaged; make it anew") from error
