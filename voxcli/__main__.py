"""The entry point. What takes no parsing is answered before anything slow is imported."""

from __future__ import annotations

import os
import sys

from voxcli import __version__


def main() -> None:
    """Run the command line of this process and exit with its code."""
    try:
        code = _run(sys.argv[1:])
    except KeyboardInterrupt:
        os._exit(130)  # in mid-import there is nothing to be tidied up
    except OSError:
        # Standard output cannot be written, not even the help: whoever closed it knows, and a full disk shows.
        os._exit(1)
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
