"""What can go wrong between asking for a model and having it, before ``pulling`` makes one of voxcli's errors of it."""

from __future__ import annotations


class Transient(Exception):
    """It may go well next time. ``wait_s`` is how long the server asks to wait, None when it does not say."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class Fatal(Exception):
    """Another attempt would end in the same way. ``hint`` says what to do; None: the general advice."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(reason)
        self.hint = hint


class Exhausted(Fatal):
    """Attempt after attempt was Transient: now is not the time."""


class Cancelled(Exception):
    """Whoever asked does not want it any more."""
