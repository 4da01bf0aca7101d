"""``voxcli serve`` from its socket on, in a process of its own, with a recognizer that knows which words it hears.

``async with ServerProcess("ears_server.py", '{"idle": 2.0}') as server: ...``; the JSON says options of the server.
"""

from __future__ import annotations

import argparse
import json
import sys

from running_server import ServerEars
from streaming import QUICK
from voxcli.server.house import House
from voxcli.server.options import ServerOptions
from voxcli.server.running import run
from voxcli.server.supply import Shared, Supply


def say(line: str) -> None:
    """Where it listens goes to whoever has started it."""
    if line.startswith("listening on "):
        print(f"PORT {line.rpartition(':')[2]}", flush=True)  # noqa: T201 - this is how it is told


def main() -> int:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("options", type=json.loads)
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    options = ServerOptions(**{"port": given.port, "drain": 3.0, "send": 3.0, **given.options})
    return run(House(options, Supply([Shared(ServerEars())], QUICK), "en"), say)


if __name__ == "__main__":
    sys.exit(main())
