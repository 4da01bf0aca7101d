"""The entry point. What takes no parsing is answered before anything slow is imported."""

from __future__ import annotations

import sys

from voxcli import __version__


def main() -> None:
    """Run the command line of this process and exit with its code."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"voxcli {__version__}\n")
        return
    from voxcli.cli.main import main as run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
