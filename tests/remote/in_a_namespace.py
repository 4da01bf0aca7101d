"""What test_namespace.py runs in a network namespace of its own, where packets can be lost without harm to anybody.

By hand: ``unshare -n sh -c 'ip link set lo up && python -m pytest -q tests/remote/in_a_namespace.py'``, as root.
"""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from remote.programs import Program, paced
from scripted_faults import StopReading
from scripted_server import Behaviour, ScriptedServer

SECONDS = 20.3

STALL, SEND, SLACK = 10.0, 5.0, 3.0
"""Deadlines, and how much later a failure may be noticed."""

BACKENDS = {"voxcli": "server", "vosk": "vosk-server"}


@pytest.fixture(autouse=True)
def in_a_namespace() -> None:
    """Nothing below may happen to the network of the machine."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    assert len([line for line in links.splitlines() if " state UP " in line and "lo:" not in line]) == 0


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, timeout=10)


def drop(change: str, port: int) -> None:
    """Add (-A) or take away (-D) a rule that loses all packets to and from a port."""
    for side in ("--dport", "--sport"):
        rule(change, side, port, "DROP")


def reject(change: str, port: int) -> None:
    """A rule that answers all packets to a port with RST; the RST must come through."""
    rule(change, "--dport", port, "REJECT", "--reject-with", "tcp-reset")


def rule(change: str, side: str, port: int, *target: str) -> None:
    which = ("-i", "lo", "-p", "tcp", side, str(port))
    subprocess.run(["iptables", "-w", change, "INPUT", *which, "-j", *target], check=True, timeout=10)


def kill_connections(port: int) -> None:
    """As an administrator does; without ``-t`` sockets of other kinds are tried first, and that can fail."""
    command = ["ss", "-tK", "dst", "127.0.0.1", "dport", "=", str(port)]
    subprocess.run(command, check=True, timeout=10, stdout=subprocess.DEVNULL)


def streaming(dialect: str, server: ScriptedServer, home: Path, *more: str, speed: float = 6.0) -> Program:
    arguments = ("-b", f"{BACKENDS[dialect]}={server.address}", *more)
    return Program(*arguments, home=home, audio=paced(SECONDS, speed))


async def well_begun(program: Program) -> None:
    await program.until(lambda: len(program.finals) >= 2)


@pytest.mark.parametrize("dialect", BACKENDS)
async def test_packets_lost_for_a_while(home: Path, dialect: str) -> None:
    """TCP sends them again: nobody above it notices."""
    async with ScriptedServer(dialect) as server, streaming(dialect, server, home) as program:
        await well_begun(program)
        drop("-A", server.port)
        await asyncio.sleep(3)
        drop("-D", server.port)
        assert await program.end(60) == 0
    program.assert_whole(SECONDS)
    assert program.notices == []


async def test_packets_lost_for_longer_than_anybody_waits(home: Path) -> None:
    async with ScriptedServer("vosk") as server, streaming("vosk", server, home) as program:
        await well_begun(program)
        drop("-A", server.port)
        await program.until(lambda: program.notices, STALL + SLACK)
        await asyncio.sleep(2)  # a try is under way, and its first packet is lost, too
        drop("-D", server.port)
        assert await program.end(60) == 0
    program.assert_whole(SECONDS)
    assert program.notices[-1] == "reconnected"


@pytest.mark.parametrize("dialect", BACKENDS)
async def test_a_firewall_that_resets(home: Path, dialect: str) -> None:
    async with ScriptedServer(dialect) as server, streaming(dialect, server, home, "--retries", "20") as program:
        await well_begun(program)
        reject("-A", server.port)
        await program.until(lambda: len(program.notices) >= 3)
        reject("-D", server.port)
        assert await program.end(60) == 0
    program.assert_whole(SECONDS)
    assert program.notices[-1] == "reconnected"


@pytest.mark.parametrize("dialect", BACKENDS)
async def test_a_connection_that_the_system_kills(home: Path, dialect: str) -> None:
    async with ScriptedServer(dialect) as server, streaming(dialect, server, home) as program:
        await well_begun(program)
        kill_connections(server.port)
        assert await program.end(60) == 0
        assert len(server.connections) == 2
    program.assert_whole(SECONDS)


async def test_an_interface_that_goes_down_and_comes_up(home: Path) -> None:
    async with ScriptedServer("voxcli") as server, streaming("voxcli", server, home, "--retries", "20") as program:
        await well_begun(program)
        ip("link", "set", "lo", "down")
        await asyncio.sleep(2)
        ip("link", "set", "lo", "up")
        assert await program.end(60) == 0
    program.assert_whole(SECONDS)


async def test_what_cannot_be_sent_is_noticed_in_time(home: Path) -> None:
    """Small buffers of the system are full long before results are missed."""
    for name in ("wmem", "rmem"):
        Path(f"/proc/sys/net/ipv4/tcp_{name}").write_text("4096 8192 8192")
    fault = StopReading(after=4.0)
    async with (
        ScriptedServer("voxcli", [Behaviour(fault=fault)], receive_buffer=4_096, ping_interval=None) as server,
        streaming("voxcli", server, home, speed=50.0) as program,
    ):
        await program.until(lambda: server.connections and server.connections[0].samples >= 64_000)
        await program.until(lambda: program.notices, SEND + SLACK)
        assert await program.end(60) == 0
    program.assert_whole(SECONDS)
    assert "nothing could be sent for 5 s" in program.of_type("Notice")[0]["message"]
