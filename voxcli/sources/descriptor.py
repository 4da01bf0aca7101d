"""Bytes from a descriptor as they arrive, by a read that can always be woken.

The descriptor is shared with other processes, so it is never made non-blocking: a read waits until there is something
to read, or until the stop signal is set.
"""

from __future__ import annotations

import os
import queue
import stat
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

from voxcli.sources.decoder import StopSignal, refused

if sys.platform != "win32":
    import select

READ_BYTES = 1 << 16
_QUEUED_READS = 4


class ByteStream:
    """A descriptor as a stream of bytes in which the first ones can be looked at and put back.

    ``read`` raises SourceUnreadable when the system refuses.
    """

    def __init__(self, name: str, fd: int, stop: StopSignal, *, owned: bool) -> None:
        """``owned`` descriptors are closed with the stream; others, such as standard input, stay as they were."""
        try:
            os.fstat(fd)  # before the stop signal takes the number of a descriptor that is closed
        except OSError as error:
            raise refused(name, error) from error
        self._name = name
        self._fd = fd
        self._owned = owned
        self._wait_and_read = _reader(fd, stop)
        self._held = b""

    def read(self, size: int = READ_BYTES) -> bytes:
        """From 1 to ``size`` bytes, as soon as there are any; none at the end of the stream or once stopped."""
        if self._held:
            data, self._held = self._held[:size], self._held[size:]
            return data
        try:
            return self._wait_and_read(size)
        except OSError as error:
            raise refused(self._name, error) from error

    def read_fully(self, size: int) -> bytes:
        """``size`` bytes; fewer only at the end of the stream or once stopped."""
        parts: list[bytes] = []
        while size and (data := self.read(size)):
            parts.append(data)
            size -= len(data)
        return b"".join(parts)

    def read_at_once(self, size: int) -> bytes:
        """Up to ``size`` bytes of those that are there already; nothing is waited for. On Windows few are found."""
        parts: list[bytes] = []
        while size and (self._held or _is_ready(self._fd)) and (data := self.read(size)):
            parts.append(data)
            size -= len(data)
        return b"".join(parts)

    def push_back(self, data: bytes) -> None:
        """Puts bytes in front of what comes next."""
        self._held = data + self._held

    def as_file(self) -> BinaryIO | None:
        """The same from its present place as a file that can be searched, where it is one (``< recording.mp4``)."""
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            return None
        os.lseek(self._fd, -len(self._held), os.SEEK_CUR)
        self._held = b""
        return os.fdopen(os.dup(self._fd), "rb")

    def close(self) -> None:
        if self._owned:
            self._owned = False
            os.close(self._fd)


def _is_ready(fd: int) -> bool:
    """Whether a read would return at once; not known on Windows."""
    if sys.platform == "win32":
        return False
    waiting = select.poll()
    waiting.register(fd, select.POLLIN)
    return bool(waiting.poll(0))


def _reader(fd: int, stop: StopSignal) -> Callable[[int], bytes]:
    return _QueueReader(fd, stop) if sys.platform == "win32" else _PollReader(fd, stop)


class _PollReader:
    """Waits for the descriptor and the stop signal together.

    ``poll`` and not ``epoll``, which refuses regular files, nor ``select``, which ends at descriptor 1023.
    """

    def __init__(self, fd: int, stop: StopSignal) -> None:
        self._fd = fd
        self._stop = stop
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)
        self._poll.register(stop.fileno(), select.POLLIN)

    def __call__(self, size: int) -> bytes:
        while not self._stop.is_set():
            ready = [fd for fd, _ in self._poll.poll()]
            if self._fd not in ready or self._stop.is_set():
                continue
            try:
                return os.read(self._fd, size)
            except BlockingIOError:  # another reader was quicker, and somebody made the descriptor non-blocking
                continue
        return b""


class _QueueReader:
    """For Windows, where a pipe cannot be waited for: a daemon thread reads ahead, a bounded queue holds it back."""

    def __init__(self, fd: int, stop: StopSignal) -> None:
        self._fd = fd
        self._stop = stop
        self._queue: queue.Queue[bytes | OSError] = queue.Queue(_QUEUED_READS)
        self._rest = b""
        threading.Thread(target=self._pump, name="voxcli-stdin", daemon=True).start()

    def __call__(self, size: int) -> bytes:
        if not self._rest:
            self._rest = self._next()
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _next(self) -> bytes:
        while not self._stop.is_set():
            try:
                item = self._queue.get(timeout=0.1)
            except queue.Empty:
                continue
            if isinstance(item, OSError):
                raise item
            if not item:
                self._queue.put(item)  # the end stays the end
            return item
        return b""

    def _pump(self) -> None:
        while not self._stop.is_set():
            try:
                data = os.read(self._fd, READ_BYTES)
            except OSError as error:
                self._queue.put(error)
                return
            self._queue.put(data)
            if not data:
                return
