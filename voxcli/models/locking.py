"""One process or thread at a time works on a model. The system drops the lock of a process that dies."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from voxcli.models.hooks import Hooks
from voxcli.models.trouble import Fatal

if TYPE_CHECKING:
    from filelock import BaseFileLock

DEADLINE_S = 1800.0  # another's pull of the largest model over a slow line
_POLL_S = 0.25


@contextmanager
def locked(own: Path, name: str, hooks: Hooks | None = None, deadline_s: float = DEADLINE_S) -> Iterator[None]:
    """Hold the lock of a model in voxcli's folder; wait for it up to a deadline. Raises Fatal, Cancelled."""
    from filelock import FileLock

    own.mkdir(parents=True, exist_ok=True)
    lock = FileLock(own / f".{name}.lock")
    if not _taken(lock, 0):
        _wait(lock, name, hooks or Hooks(), deadline_s)
    try:
        yield
    finally:
        lock.release()


def _wait(lock: BaseFileLock, name: str, hooks: Hooks, deadline_s: float) -> None:
    if deadline_s:
        hooks.say(f"waiting for another voxcli that is pulling {name}")
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        hooks.check()
        if _taken(lock, _POLL_S):
            return
    raise Fatal(f"another voxcli is pulling {name}", "wait until it has finished, or stop it, then try again")


def _taken(lock: BaseFileLock, timeout_s: float) -> bool:
    from filelock import Timeout

    try:
        lock.acquire(timeout=timeout_s)
    except Timeout:
        return False
    return True
