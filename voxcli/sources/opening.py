"""From what the user named to what can be read: standard input, a regular file, or a path that is a stream."""

from __future__ import annotations

import os
import re
import stat
import sys
from functools import partial
from pathlib import Path

from voxcli.errors import SourceUnreadable
from voxcli.sources import STDIN, SourceOptions, label
from voxcli.sources.decoder import Decoder, Opener, StopSignal, refused


def opener(spec: str, options: SourceOptions, stdin_fd: int) -> Opener:
    """What will open the source, later and in another thread."""
    if spec == STDIN:
        return partial(_open_stdin, options, stdin_fd)
    return partial(_open_path, spec, options)


def _open_stdin(options: SourceOptions, fd: int, stop: StopSignal) -> Decoder:
    from voxcli.sources.stream import open_stream

    # A closed descriptor 0 is soon another file's: only how the process began still tells.
    if fd == 0 and sys.__stdin__ is None:
        raise SourceUnreadable(label(STDIN), "is closed", "give a file, or a pipe: COMMAND | voxcli transcribe -")
    return open_stream(STDIN, fd, options, stop, owned=False)


def _open_path(path: str, options: SourceOptions, stop: StopSignal) -> Decoder:
    from voxcli.sources.file import open_file
    from voxcli.sources.stream import open_stream

    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError
        if stat.S_ISREG(mode):
            return open_file(path, options, stop)
        inherited = _inherited(path)
        # Blocking, this would wait for a writer, and nothing could wake it; the new description is nobody else's.
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)) if inherited is None else inherited
    except OSError as error:
        raise refused(path, error) from error
    return open_stream(path, fd, options, stop, owned=inherited is None)


def _inherited(path: str) -> int | None:
    """The number of a descriptor that this process was given, as a shell's <(COMMAND) names it."""
    if path == "/dev/stdin":
        return 0
    match = re.fullmatch(r"/dev/fd/(\d+)|/proc/self/fd/(\d+)", path)
    return int(match[1] or match[2]) if match else None
