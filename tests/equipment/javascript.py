"""Node.js for tests: the program, the package ``ws`` for want of a WebSocket of its own, and a stream driven by it."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from oracle import Loss, Script, check, check_names, names_of, words_of

SCRIPTS = Path(__file__).parent.parent / "server" / "js"
DEBIAN_WS = Path("/usr/share/nodejs/ws")
FIRST_WITH_WEBSOCKET = 20
"""Behind a flag; from 22 on without one."""

QUICK = {
    "backoff": 10, "mostBackoff": 100, "limited": 50, "connect": 1_000, "rejoin": 300, "stall": 1_000, "send": 600,
    "drain": 1_500, "quiet": 400, "trouble": 200, "finalize": 500, "probe": 300,
}  # fmt: skip
"""The real deadlines in milliseconds, shortened: what they do is the same."""

Event = dict[str, Any]


@functools.cache
def node_version() -> int:
    """The major version. Fails where there is no Node.js: ``apt-get install nodejs`` gives one."""
    node = shutil.which("node")
    assert node is not None, "these tests need Node.js 18 or later: apt-get install nodejs node-ws"
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=20).stdout
    return int(said.removeprefix("v").partition(".")[0])


def find_ws(folder: Path) -> Path:
    """The package ``ws``: Debian's, or one that npm installs into ``folder``, once for all processes of a run."""
    if DEBIAN_WS.exists():
        return DEBIAN_WS
    found = folder / "node_modules" / "ws"
    with FileLock(folder / "npm.lock", timeout=100):
        if not found.exists():
            npm = shutil.which("npm")
            assert npm is not None, "these tests need the package ws for Node.js: apt-get install node-ws"
            command = [npm, "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(folder), "ws@8"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=100)
    return found


@dataclass
class Heard:
    """What a driven client told, in order, each with ``at``, the seconds since Node began."""

    events: list[Event]
    errors: str
    script: Script = field(default_factory=Script)

    def of(self, kind: str) -> list[Event]:
        """The events of a type."""
        return [event for event in self.events if event["type"] == kind]

    @property
    def finals(self) -> list[Event]:
        return [event for event in self.of("Results") if event["is_final"]]

    @property
    def gaps(self) -> list[tuple[float, float]]:
        return [(gap["start"], gap["end"]) for gap in self.of("Gap")]

    @property
    def states(self) -> list[str]:
        return [event["state"] for event in self.of("State")]

    @property
    def summary(self) -> Event:
        return self.events[-1]

    @property
    def metadata(self) -> Event:
        """What ``finish`` has given; it must have."""
        (finished,) = self.of("Finished")
        return dict(finished["value"])

    @property
    def rejected(self) -> dict[str, Event]:
        """What was rejected, by what it was."""
        return {event["what"]: event for event in self.of("Rejected")}

    def loss(self, seconds: float) -> Loss:
        """What is wrong with the words and their times."""
        return check(words_of(self.finals), self.script, seconds, gaps=self.gaps)

    def loss_of_names(self, seconds: float) -> Loss:
        return check_names(names_of(self.finals), self.script, seconds, gaps=self.gaps)

    def assert_whole(self, seconds: float) -> None:
        """No word lost, none doubled, every time right, every sample covered, and all of it in order."""
        assert not self.rejected, (self.rejected, self.errors)
        assert self.loss(seconds) == Loss(), (self.loss(seconds), self.states)
        starts = [final["start"] for final in self.finals if final["transcript"]]
        assert starts == sorted(starts)
        assert self.metadata["duration"] == seconds
        assert self.summary["coveredSeconds"] == seconds
        assert self.summary["lostSeconds"] == 0


class Driver:
    """``ws``: where the package is; None for Node's own WebSocket."""

    def __init__(self, ws: Path | None, folder: Path) -> None:
        self.ws = ws
        self.folder = folder

    async def stream(
        self, url: str, audio: bytes = b"", *, timing: dict[str, float] | None = None, **plan: Any
    ) -> Heard:
        """Stream audio as drive.mjs does; ``plan`` is what it reads. A minute at the most."""
        options = {"timing": QUICK | (timing or {}), "probe": False} | plan.pop("options", {})
        if audio:
            path = self.folder / f"{len(list(self.folder.glob('*.pcm')))}.pcm"
            path.write_bytes(audio)
            plan["audio"] = str(path)
        output, errors = await self.run("drive.mjs", json.dumps({"url": url, "options": options, **plan}))
        events = [json.loads(line) for line in output.splitlines()]
        assert events, errors
        assert events[-1]["type"] == "Summary", (events[-1], errors)
        return Heard(events, errors)

    async def run(self, script: str, *arguments: str, options: Sequence[str] = ()) -> tuple[str, str]:
        """Run a script of the folder js to its end; what it wrote on both streams."""
        flags = ["--experimental-websocket", "--no-warnings"] if self.ws is None and node_version() < 22 else []
        process = await asyncio.create_subprocess_exec(
            "node", *flags, *options, str(SCRIPTS / script), *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **({"WS": str(self.ws)} if self.ws else {})},
        )  # fmt: skip
        try:
            async with asyncio.timeout(60):
                output, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode == 0, (process.returncode, output.decode()[-3_000:], errors.decode()[-3_000:])
        return output.decode(), errors.decode()
