"""A stream that libsndfile takes for a file.

libsndfile wants to know how long a file is and looks at its end before it decodes the start; then it reads forward and
steps back a little now and then. So this file is as long as no stream will ever be, its end reads as zeros (or as
something that a format wants to find there), and only a bounded window of what has passed is kept.

Tried with libsndfile 1.2.2: FLAC, Ogg (Vorbis, Opus), MP3, AIFF, CAF and AU open within 8 KiB of the start and decode
to the samples of the same file on disk. W64 does not: it looks for the end of its list of chunks, which never comes.
"""

from __future__ import annotations

import os
from typing import Protocol

from voxcli.errors import SourceError

PRETENDED_BYTES = 1 << 40
WINDOW_BYTES = 1 << 18
"""What is kept for steps back; FLAC goes back by up to a frame, which is the longest."""

AHEAD_BYTES = 1 << 16
"""A jump of up to this much steps over something; a longer one is a look at the end. It stays within the window."""


class Stream(Protocol):
    """Bytes that come once, in order, and can be waited for."""

    def read_fully(self, size: int, /) -> bytes: ...


class RewindableStream:
    """What soundfile needs of a file object. Errors wait in ``failure``: in a C callback they would be printed."""

    def __init__(self, stream: Stream, tail: bytes = b"") -> None:
        """``tail`` is what the last bytes of the pretended file read as."""
        self.failure: SourceError | None = None
        self._stream = stream
        self._tail = tail
        self._kept = bytearray()
        self._kept_from = 0
        self._at = 0

    @property
    def _received(self) -> int:
        return self._kept_from + len(self._kept)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: PRETENDED_BYTES}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int) -> bytes:
        """``size`` bytes from the present place, fewer only at the real end of the stream."""
        data = self._far(size) if self._at > self._received + AHEAD_BYTES else self._near(size)
        self._at += len(data)
        return data

    def _far(self, size: int) -> bytes:
        """What the pretended end reads as."""
        size = min(size, PRETENDED_BYTES - self._at)
        tail_from = PRETENDED_BYTES - len(self._tail) - self._at
        if tail_from >= size:
            return bytes(size)
        padding = bytes(max(0, tail_from))
        return padding + self._tail[max(0, -tail_from) :][: size - len(padding)]

    def _near(self, size: int) -> bytes:
        self._receive(self._at + size)
        start = self._at - self._kept_from
        if start < 0:
            self.failure = self.failure or SourceError(
                "the file steps back further than a stream can", "give it by its name instead of through a pipe"
            )
            return b""
        data = bytes(self._kept[start : start + size])
        self._forget()
        return data

    def _receive(self, until: int) -> None:
        missing = until - self._received
        if missing <= 0 or self.failure is not None:
            return
        try:
            self._kept += self._stream.read_fully(missing)
        except SourceError as error:
            self.failure = error

    def _forget(self) -> None:
        """Lets go of what lies behind the window, rarely enough that it costs nothing."""
        if len(self._kept) > 2 * WINDOW_BYTES:
            gone = len(self._kept) - WINDOW_BYTES
            del self._kept[:gone]
            self._kept_from += gone
