"""Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends the process at once."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

SIGNALS = [signal.SIGINT, signal.SIGTERM]


class Interrupts:
    """While entered, the first signal calls ``first``; the second, or the end of the grace, calls ``last`` and exits.

    A Python handler rather than the loop's own: it runs even while a write to a full pipe blocks the loop. For the same
    reason the grace is kept by a thread, and ``last`` may neither block nor fail.
    """

    def __init__(self, first: Callable[[], object], last: Callable[[], object], grace_seconds: float) -> None:
        self.signal: int | None = None
        self._first = first
        self._last = last
        self._grace = threading.Timer(grace_seconds, self._end)
        self._grace.daemon = True

    def __enter__(self) -> Interrupts:
        self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        self._grace.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @property
    def exit_code(self) -> int | None:
        """128 + the number of the signal that came, if one did."""
        return None if self.signal is None else 128 + self.signal

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            self._end()
        self.signal = number
        self._grace.start()
        self._first()

    def _end(self) -> None:
        try:
            self._last()
        finally:
            os._exit(self.exit_code or 1)
