"""The installed program as a child process, beside servers that live in the test's own event loop.

async with ScriptedServer("voxcli") as server, Program("--server", server.url, home=home, audio=4.0) as program:
    assert await program.end() == 0
program.assert_whole(4.0)
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from itertools import count
from types import TracebackType
from typing import Any, Self

from oracle import RATE, Loss, Script, check, clocked_audio, words_of
from support import VOXCLI, environment

RAW = ("--json", "--encoding", "linear16", "--sample-rate", "16000")
"""How clocked audio is read from a pipe, and its words are printed."""

BLOCK_SECONDS = 0.05

Audio = float | bytes | AsyncIterator[bytes] | None
"""Seconds of clocked audio at once, bytes, blocks as they come, or nothing at all."""


async def paced(seconds: float, speed: float = 1.0, start: float = 0.0) -> AsyncIterator[bytes]:
    """Clocked audio, at ``speed`` audio seconds a second."""
    clock = asyncio.get_running_loop().time
    began = clock()
    for number in range(round(seconds / BLOCK_SECONDS)):
        at = number * BLOCK_SECONDS
        await asyncio.sleep(max(0.0, began + at / speed - clock()))
        yield clocked_audio(BLOCK_SECONDS, start + at)


async def endless(seconds_at_once: float = 1.0) -> AsyncIterator[bytes]:
    """Clocked audio as fast as it is taken."""
    for number in count():
        yield clocked_audio(seconds_at_once, number * seconds_at_once)


class Program:
    """``voxcli transcribe`` with clocked audio in and JSON lines out, killed if the test leaves it behind.

    ``raw=False``: the arguments say all, the sources and the format too.
    """

    def __init__(self, *arguments: object, home: Any, audio: Audio = None, raw: bool = True, **variables: str) -> None:
        given = [str(argument) for argument in arguments]
        self.command = [str(VOXCLI), "transcribe", *([*RAW, *given, "-"] if raw else given)]
        self.home = home
        self.variables = environment(home, **variables)
        self.audio = audio
        self.output = b""
        self.complaints = ""
        self.fed = 0.0
        self.began = self.seconds = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self.began = asyncio.get_running_loop().time()
        self._process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=asyncio.subprocess.DEVNULL if self.audio is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.variables,
            cwd=self.home,
        )
        self._tasks = [asyncio.create_task(work) for work in (self._feed(), self._listen(), self._read_complaints())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The lines of JSON that have come so far."""
        return [json.loads(line) for line in self.output.split(b"\n")[:-1]]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The lines of one type."""
        return [line for line in self.lines if line["type"] == kind]

    @property
    def finals(self) -> list[dict[str, Any]]:
        return [line for line in self.of_type("Results") if line["is_final"]]

    @property
    def notices(self) -> list[str]:
        return [line["code"] for line in self.of_type("Notice")]

    @property
    def summary(self) -> dict[str, Any]:
        (summary,) = self.of_type("Summary")
        return summary

    @property
    def error(self) -> dict[str, Any]:
        """The one Error; it has a message and a hint."""
        (error,) = self.of_type("Error")
        assert error["message"]
        assert error["hint"]
        return error

    async def end(self, seconds: float = 30.0) -> int:
        """The exit code, and all of the output read. Fails after so many seconds."""
        async with asyncio.timeout(seconds):
            code = await self.process.wait()
            self.seconds = asyncio.get_running_loop().time() - self.began
            await asyncio.gather(*self._tasks[1:])
        assert "Traceback" not in self.complaints, self.complaints
        return code

    async def until(self, condition: Callable[[], object], seconds: float = 20.0) -> float:
        """Wait until something is so; how long it took. Fails after so many seconds, or when the program has ended."""
        clock = asyncio.get_running_loop().time
        began = clock()
        while not condition():
            assert clock() - began < seconds, (self.output[-2_000:], self.complaints[-2_000:])
            assert self.process.returncode is None, (self.process.returncode, self.complaints[-2_000:])
            await asyncio.sleep(0.01)
        return clock() - began

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        self.process.send_signal(number)

    def loss(self, seconds: float, script: Script | None = None) -> Loss:
        """What is wrong with the words and their times."""
        gaps = [(gap["start"], gap["end"]) for gap in self.of_type("Gap")]
        return check(words_of(self.lines), script or Script(), seconds, gaps=gaps)

    def assert_whole(self, seconds: float) -> None:
        """No word lost, none doubled, each in its place, all of the audio covered."""
        assert self.loss(seconds) == Loss(), (self.loss(seconds), self.complaints)
        summary = self.summary
        assert summary["audio_seconds"] == seconds
        assert abs(summary["covered_seconds"] - seconds) <= 0.05
        assert summary["lost_seconds"] == 0.0

    async def _feed(self) -> None:
        if self.audio is None:
            return
        pipe = self.process.stdin
        assert pipe is not None
        try:
            async for block in _blocks(self.audio):
                pipe.write(block)
                await pipe.drain()
                self.fed += len(block) / 2 / RATE
            pipe.close()
        except (BrokenPipeError, ConnectionResetError):
            return

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        while piece := await self.process.stdout.read(65_536):
            self.output += piece

    async def _read_complaints(self) -> None:
        assert self.process.stderr is not None
        while piece := await self.process.stderr.read(65_536):
            self.complaints += piece.decode()


async def ran(*arguments: object, home: Any, code: int = 0, seconds: float = 30.0, **options: Any) -> Program:
    """The program, run to its end, which is to be this exit code."""
    async with Program(*arguments, home=home, **options) as program:
        ended = await program.end(seconds)
        assert ended == code, (ended, program.complaints, program.output[-2_000:])
    return program


async def _blocks(audio: Audio) -> AsyncIterator[bytes]:
    if isinstance(audio, bytes):
        yield audio
    elif isinstance(audio, int | float):
        yield clocked_audio(audio)
    elif audio is not None:
        async for block in audio:
            yield block
