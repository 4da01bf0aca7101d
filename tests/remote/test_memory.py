"""The program's memory, against servers that leave its ring full and a source that never ends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from remote.programs import Program, endless
from scripted_faults import Fault, StopReading
from scripted_server import Behaviour, ScriptedServer

if TYPE_CHECKING:
    from scripted_conversation import Conversation
    from scripted_session import Said

pytestmark = pytest.mark.slow

MEBIBYTE = 2**20
RING = 120.0 * 32_000 / MEBIBYTE
"""The greatest ring, in mebibytes."""

ALLOWED = 10.0
STEADY_AFTER, WATCHED = 10.0, 30.0
"""Seconds."""


@dataclass(frozen=True)
class NeverFinal(Fault):
    """Interims only, even when a final is asked for."""

    async def deliver(self, conversation: Conversation, said: Said) -> None:
        if not said.is_final:
            await conversation.say(said)


async def watched(program: Program, server: ScriptedServer) -> list[tuple[float, float]]:
    """Seconds since the first connection, and mebibytes in use, until it ends or has been watched for long."""
    clock = asyncio.get_running_loop().time
    process = psutil.Process(program.process.pid)
    await program.until(lambda: server.connections)
    began, seen = clock(), []
    while clock() - began < WATCHED and program.process.returncode is None:
        try:
            seen.append((clock() - began, process.memory_info().rss / MEBIBYTE))
        except psutil.NoSuchProcess:
            break
        await asyncio.sleep(0.1)
    return seen


async def assert_constant(server: ScriptedServer, home: Path, *more: str, full: float) -> None:
    """``full``: seconds of audio that the program took in while nothing of it came back."""
    async with server, Program("-b", f"server={server.url}", *more, home=home, audio=endless()) as program:
        seen = await watched(program, server)
        assert program.process.returncode is None or program.error["code"] == "backend_unreachable"
        assert program.fed >= full
    first, peak = seen[0][1], max(used for _, used in seen)
    steady = [used for at, used in seen if at >= STEADY_AFTER]
    assert len(steady) > 50
    assert max(steady) - steady[0] <= ALLOWED
    assert peak - first <= RING + ALLOWED


async def test_memory_is_constant_whatever_the_server_leaves_undone(home: Path) -> None:
    reads_nothing = ScriptedServer("voxcli", [], then=Behaviour(fault=StopReading(after=0.0)), ping_interval=None)
    never_final = ScriptedServer("voxcli", [], then=Behaviour(fault=NeverFinal(), interim_every=5.0))
    half_as_fast = ScriptedServer("voxcli", [], then=Behaviour(speed=0.5))
    silent = Behaviour(v1=False, interim_every=0.0, final_every=1e6, final_when_idle=1e6)
    never_anything = ScriptedServer("voxcli", [], then=silent)
    more = ("--retries", "100")
    await asyncio.gather(
        assert_constant(reads_nothing, home, *more, "--buffer-seconds", "8", full=8.0),
        assert_constant(never_final, home, *more, full=120.0),
        assert_constant(half_as_fast, home, *more, "--buffer-seconds", "8", full=8.0),
        assert_constant(never_anything, home, *more, "--buffer-seconds", "8", full=25.0),
    )
