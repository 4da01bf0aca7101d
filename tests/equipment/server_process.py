"""A server in a process of its own, which can be stopped (SIGSTOP), continued and killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

TESTS = Path(__file__).parent


class ServerProcess:
    """Runs a file of this folder that prints ``PORT n`` on its first line, until the block ends.

    ``async with ServerProcess("scripted_server.py", "--dialect", "deepgram") as server: ... server.url("/v1/listen")``
    """

    def __init__(self, file: str, *arguments: str, **variables: str) -> None:
        self.command = [sys.executable, "-u", str(TESTS / file), *arguments]
        self.variables = variables
        self.port = 0
        self.process: asyncio.subprocess.Process | None = None

    def url(self, path: str = "/ws/transcribe") -> str:
        return f"ws://127.0.0.1:{self.port}{path}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start it, or start it again on the same port."""
        again = ["--port", str(self.port)] if self.port else []
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **self.variables}
        self.process = await asyncio.create_subprocess_exec(
            *self.command, *again, stdout=asyncio.subprocess.PIPE, env=environment
        )
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(20):
                line = await self.process.stdout.readline()
            self.port = int(line.removeprefix(b"PORT "))
        except BaseException:
            await self.kill()
            raise

    def stop(self) -> None:
        """SIGSTOP: it stays connected and does nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    async def kill(self) -> None:
        """SIGKILL: the kernel closes its connections."""
        if self.process is not None and self.process.returncode is None:
            self._signal(signal.SIGKILL)
            await self.process.communicate()

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)
