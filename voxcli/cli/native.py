"""Native libraries write to file descriptor 2 what nobody asked for. During a run it leads nowhere; ours leads on."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Iterator
from contextlib import contextmanager

from voxcli.cli.environment import Environment


@contextmanager
def native_chatter_silenced(environment: Environment) -> Iterator[None]:
    """While entered, ``environment.stderr`` is what it was and everything else on descriptor 2 is dropped.

    A crash in native code still says where it happened. With -vv nothing is silenced.
    """
    if environment.verbosity >= 2:
        yield
        return
    environment.stderr.flush()
    ours, before = os.dup(2), environment.stderr
    null = os.open(os.devnull, os.O_WRONLY)
    environment.stderr = os.fdopen(ours, "w", encoding="utf-8", errors="replace", newline="\n")
    faulthandler.enable(environment.stderr)
    os.dup2(null, 2)
    os.close(null)
    try:
        yield
    finally:
        faulthandler.disable()
        os.dup2(ours, 2)
        environment.stderr.close()
        environment.stderr = before
