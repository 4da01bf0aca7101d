"""A capture process from the outside: start it, read its records under deadlines, end it whatever it does."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from voxcli.devices import Device
from voxcli.errors import DeviceError, VoxcliError
from voxcli.sources.portaudio import HEADER

START_SECONDS = 10.0
"""For the process to start and to open the device; a machine that is busy is slow at it."""
END_SECONDS = 1.5
"""For it to hand over the rest and to end by itself."""

RECORDS_AT_ONCE_BYTES = 1 << 17


@dataclass(frozen=True, slots=True)
class Record:
    """A block of audio, as the device gave it."""

    at: float
    """When it was complete, in seconds on the monotonic clock."""
    lost: int
    """Frames before it that were dropped because nobody took them."""
    has_overrun: bool
    """Whether the system says that it lost audio before this block."""
    data: bytes
    """linear16, all channels."""


class Capture:
    """A device that is being captured from."""

    def __init__(self, process: asyncio.subprocess.Process, opened: dict[str, Any]) -> None:
        self.device = Device(**opened["device"])
        self.sample_rate: int = opened["sample_rate"]
        self.channels: int = opened["channels"]
        self._process = process

    @classmethod
    async def open(cls, wish: str | None) -> Capture:
        """Capture from the device that is wished for. Raises DeviceError."""
        return await cls._opened(START_SECONDS, "capture", *([] if wish is None else [wish]))

    @classmethod
    async def open_again(cls, name: str | None, patience: float) -> Capture:
        """Capture from the device of exactly this name, or from the default. Raises DeviceError."""
        return await cls._opened(patience, *(["capture"] if name is None else ["recapture", name]))

    @classmethod
    async def _opened(cls, patience: float, *arguments: str) -> Capture:
        process = await _start(*arguments)
        try:
            return cls(process, await _first_line(process, patience))
        except BaseException:
            await _end(process)
            raise

    async def read(self) -> Record | None:
        """The next block; None when the device has gone, or when all has been given after ``finish``."""
        reader = self._process.stdout
        assert reader is not None  # noqa: S101 - it was asked for
        try:
            header = await reader.readexactly(HEADER.size)
            at, lost, has_overrun, length = HEADER.unpack(header)
            return Record(at, lost, has_overrun, await reader.readexactly(length))
        except asyncio.IncompleteReadError:
            return None

    def finish(self) -> None:
        """Ask for the end; what has been captured is still given."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def close(self) -> None:
        """End it, whatever it does."""
        await _end(self._process)


async def list_devices() -> list[Device]:
    """The microphones of this machine. Raises DeviceError."""
    process = await _start("list")
    try:
        return [Device(**entry) for entry in (await _first_line(process))["devices"]]
    finally:
        await _end(process)


async def _start(*arguments: str) -> asyncio.subprocess.Process:
    # Descriptor 2 is led away by whoever runs the command, unless its user wants to see what native libraries say.
    # -P: nothing that lies in the folder where voxcli is run is taken for one of its modules.
    return await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "voxcli.sources.portaudio", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=RECORDS_AT_ONCE_BYTES,
    )  # fmt: skip


async def _first_line(process: asyncio.subprocess.Process, patience: float = START_SECONDS) -> dict[str, Any]:
    """What it says once it is ready. Raises DeviceError."""
    assert process.stdout is not None  # noqa: S101 - it was asked for
    try:
        async with asyncio.timeout(patience):
            line = await process.stdout.readline()
    except TimeoutError as error:
        raise DeviceError(
            f"the sound system did not answer within {patience:g} s", "is its server running? voxcli -vv says more"
        ) from error
    if not line:
        raise DeviceError("the sound system failed while it was being opened", "voxcli -vv devices says more")
    message: dict[str, Any] = json.loads(line)
    if "error" in message:
        raise _error(message["error"], message["message"], message["hint"])
    return message


def _error(code: str, message: str, hint: str) -> DeviceError:
    """The error that the process had."""
    kinds: list[type[DeviceError]] = [DeviceError, *DeviceError.__subclasses__()]
    kind = next(kind for kind in kinds if kind.code == code)
    error = kind.__new__(kind)
    VoxcliError.__init__(error, message, hint)
    return error


async def _end(process: asyncio.subprocess.Process) -> None:
    """Let it end by itself, or kill it: a device that hangs keeps nobody waiting."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(END_SECONDS):
            while process.stdout is not None and await process.stdout.read(1 << 16):
                pass
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
