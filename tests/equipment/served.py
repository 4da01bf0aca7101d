"""``voxcli serve`` as a user runs it: the installed program, a port of its own, killed if the test leaves it behind.

async with Served("-b", "vosk", "-l", "ko", home=home) as server:
    ...  # connect to server.url("/ws/transcribe")
"""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

from support import VOXCLI, environment

LISTENING = re.compile(r"^listening on (https?)://(\S+):(\d+)$", re.MULTILINE)


class Served:
    """``complaints`` is all that it said on standard error."""

    def __init__(self, *arguments: object, home: Path, port: int = 0, **variables: str) -> None:
        self.arguments = [str(argument) for argument in arguments]
        self.home = home
        self.port = port
        self.variables = environment(home, **variables)
        self.complaints = ""
        self.is_tls = False
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    def url(self, path: str = "/ws/transcribe", scheme: str = "ws") -> str:
        return f"{scheme}{'s' if self.is_tls else ''}://127.0.0.1:{self.port}{path}"

    async def start(self, seconds: float = 30.0) -> None:
        """Start it, or start it again on the same port, until it listens."""
        self.complaints = ""
        self._process = await asyncio.create_subprocess_exec(
            VOXCLI, "serve", "--port", str(self.port), *self.arguments,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, env=self.variables, cwd=self.home,
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read_complaints())
        async with asyncio.timeout(seconds):
            while not (match := LISTENING.search(self.complaints)):
                assert self.process.returncode is None, self.complaints
                await asyncio.sleep(0.02)
        self.is_tls, self.port = match[1] == "https", int(match[3])

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def end(self, seconds: float = 20.0) -> int:
        """Its exit code, once it has ended; all that it said has been read."""
        async with asyncio.timeout(seconds):
            code = await self.process.wait()
            if self._reading is not None:
                await self._reading
        assert "Traceback" not in self.complaints, self.complaints
        return code

    async def kill(self) -> None:
        """SIGKILL: no word of farewell."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        if self._reading is not None:
            await self._reading

    async def _read_complaints(self) -> None:
        assert self.process.stderr is not None
        while piece := await self.process.stderr.read(65_536):
            self.complaints += piece.decode()
