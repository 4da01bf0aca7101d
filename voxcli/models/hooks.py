"""What a pull tells and asks while it works."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from voxcli.models.trouble import Cancelled

_SLICE_S = 0.5  # how long a wait may go on after a cancel


def _silent(*_: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """``progress`` gets bytes done and bytes in all, ``say`` a sentence; ``cancelled`` is asked between blocks."""

    progress: Callable[[int, int], object] = _silent
    say: Callable[[str], object] = _silent
    cancelled: Callable[[], bool] = lambda: False
    sleep: Callable[[float], object] = time.sleep

    def check(self) -> None:
        """Raise Cancelled once the answer is yes."""
        if self.cancelled():
            raise Cancelled

    def wait(self, seconds: float) -> None:
        """Sleep, but not on after a cancel."""
        while seconds > 0:
            self.check()
            self.sleep(min(seconds, _SLICE_S))
            seconds -= _SLICE_S
        self.check()
