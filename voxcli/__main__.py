"""The entry point. What takes no parsing is answered before anything slow is imported."""

from __future__ import annotations

import errno
import os
import sys

from voxcli import __version__

_UNWRITABLE = (errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF)
"""What standard output says when it was closed or is full; it names no file."""


def main() -> None:
    """Run the command line of this process and exit with its code."""
    try:
        code = _run(sys.argv[1:])
    except KeyboardInterrupt:
        os._exit(130)  # in mid-import there is nothing to be tidied up
    except OSError as error:
        if error.errno not in _UNWRITABLE or error.filename is not None:
            raise
        os._exit(1)  # not even the help could be written
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    if arguments == ["--version"] and sys.stdout is not None:
        sys.stdout.write(f"voxcli {__version__}\n")
        sys.stdout.flush()
        return 0
    from voxcli.cli.main import main as run

    return run(arguments)


if __name__ == "__main__":
    main()
