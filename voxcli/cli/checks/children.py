"""Native libraries are tried in processes of their own: one that hangs is killed, and one that crashes is told."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from typing import Any


class Crashed(Exception):
    """A process ended without an answer; its text says how."""


async def answer_of(module: str, *arguments: str, patience: float) -> dict[str, Any]:
    """The JSON object that a module of voxcli's prints. Raises TimeoutError after ``patience`` seconds, Crashed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", module, *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(patience):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise Crashed(_ending(process.returncode))
    answer: dict[str, Any] = json.loads(output)
    return answer


def _ending(status: int) -> str:
    if status > 0:
        return f"it ended with status {status}"
    try:
        return f"it crashed ({signal.Signals(-status).name})"
    except ValueError:
        return f"it crashed (signal {-status})"
