"""The installed program over connections that break, with its real deadlines, and not a word lost or doubled."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import pytest

from chaos import ChaosProxy, Plan
from chaos_links import Action
from oracle import Script as Speech
from oracle import clocked_audio, expected, names_of
from remote.programs import Program, paced, ran
from scripted_faults import SayError
from scripted_server import Behaviour, ScriptedServer
from server_process import ServerProcess

SECONDS = 12.7
"""Not a multiple of what the servers make finals of: at the end something is open."""

HALFWAY = 200_000
"""Bytes of audio and handshake."""

SLACK = 3.0
"""How much later than its deadline a failure may be noticed."""

STALL, PONG = 10.0, 10.0

BACKENDS = {"voxcli": "server", "vosk": "vosk-server", "deepgram": "deepgram"}


def backend(dialect: str, port: int) -> list[str]:
    """The chain of one server, which is on this port."""
    return ["-b", f"{BACKENDS[dialect]}=ws://127.0.0.1:{port}"]


async def through(proxy: ChaosProxy, dialect: str, home: Path, seconds: float = SECONDS, *more: str) -> Program:
    """A run through a proxy that comes to a good end."""
    program = await ran(*backend(dialect, proxy.port), *more, home=home, audio=seconds, seconds=60)
    program.assert_whole(seconds)
    return program


# What is noticed at once


ENDS: list[Action] = ["cut", "reset", "half_close_up", "half_close_down"]


async def assert_ends_cost_nothing(dialect: str, home: Path) -> None:
    async def ended(action: Action) -> None:
        async with ScriptedServer(dialect) as server, ChaosProxy(server.port, [Plan(action, HALFWAY)]) as proxy:
            program = await through(proxy, dialect, home)
            assert program.notices == ["reconnecting", "reconnected"]
            assert len(server.connections) == 2

    await asyncio.gather(*map(ended, ENDS))


@pytest.mark.parametrize("dialect", ["voxcli", "vosk"])
async def test_a_connection_that_ends_in_mid_stream(home: Path, dialect: str) -> None:
    await assert_ends_cost_nothing(dialect, home)


@pytest.mark.slow
async def test_a_connection_to_deepgram_that_ends_in_mid_stream(home: Path) -> None:
    await assert_ends_cost_nothing("deepgram", home)


async def test_five_ends_in_a_row(home: Path) -> None:
    plans = [Plan("reset", 40_000 + 37_003 * number) for number in range(5)]
    async with ScriptedServer("voxcli") as server, ChaosProxy(server.port, plans) as proxy:
        program = await through(proxy, "voxcli", home, 40.3)
        assert program.summary["reconnects"] == 5


async def test_bytes_from_the_server_that_are_not_what_it_sent(home: Path) -> None:
    async def corrupted(offset: int, count: int) -> None:
        async with ScriptedServer("voxcli") as server, ChaosProxy(server.port) as proxy:
            async with Program(*backend("voxcli", proxy.port), home=home, audio=paced(SECONDS, 12)) as program:
                await program.until(lambda: len(program.finals) >= 2)
                proxy.corrupt(offset, count)
                assert await program.end(60) == 0
            program.assert_whole(SECONDS)
            assert program.notices == ["reconnecting", "reconnected"]

    await asyncio.gather(corrupted(0, 1), corrupted(1, 1), corrupted(20, 2))


async def test_a_proxy_that_accepts_and_closes_three_times(home: Path) -> None:
    async with ScriptedServer("voxcli") as server, ChaosProxy(server.port) as proxy:
        proxy.accept_then_close(3)
        program = await through(proxy, "voxcli", home)
        assert program.notices == ["reconnecting"] * 3 + ["reconnected"]


async def test_a_proxy_that_accepts_and_closes_for_ever(home: Path) -> None:
    async with ScriptedServer("voxcli") as server, ChaosProxy(server.port) as proxy:
        proxy.accept_then_close(float("inf"))
        program = await ran(*backend("voxcli", proxy.port), home=home, audio=SECONDS, code=5)
        assert proxy.accepted == 4
    assert program.error["code"] == "backend_unreachable"
    assert program.seconds < 3


@pytest.mark.slow
async def test_what_a_server_says_before_it_closes_is_told_every_time(home: Path) -> None:
    """Whichever of the two, sending or receiving, is the first to find the connection closed."""

    async def told() -> str:
        fault = SayError(message="the provider is gone", code=1011)
        async with ScriptedServer("voxcli", [], then=Behaviour(fault=fault)) as server:
            program = await ran(*backend("voxcli", server.port), "--retries", "0", home=home, audio=1.0, code=5)
        return str(program.error["message"])

    for _ in range(4):
        messages = await asyncio.gather(*(told() for _ in range(5)))
        assert all("the provider is gone" in message for message in messages), messages


# Slow lines


@pytest.mark.slow
async def test_a_long_line_breaks_nothing(home: Path) -> None:
    async with ScriptedServer("voxcli") as server, ChaosProxy(server.port) as proxy:
        proxy.delay(0.3)
        assert (await through(proxy, "voxcli", home)).notices == []


@pytest.mark.slow
async def test_a_line_slower_than_speech_holds_a_pipe_back(home: Path) -> None:
    """Nothing is dropped, and no more is taken from the pipe than the ring, the pipe and this test's own pipe hold."""

    async def held_back(dialect: str) -> None:
        async with ScriptedServer(dialect) as server, ChaosProxy(server.port) as proxy:
            proxy.throttle(24_000)
            more = ("--buffer-seconds", "5")
            async with Program(*backend(dialect, proxy.port), *more, home=home, audio=paced(SECONDS, 100)) as program:
                while program.process.returncode is None:
                    covered = program.finals[-1]["start"] + program.finals[-1]["duration"] if program.finals else 0.0
                    assert program.fed - covered <= 5 + 2 + 2 + 2.1
                    await asyncio.sleep(0.1)
                assert await program.end() == 0
            program.assert_whole(SECONDS)
            assert program.notices == []
            assert program.seconds > SECONDS

    await asyncio.gather(held_back("voxcli"), held_back("vosk"))


@pytest.mark.slow
async def test_a_file_over_a_line_slower_than_speech(home: Path) -> None:
    with wave.open(str(home / "clock.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(clocked_audio(SECONDS))
    async with ScriptedServer("voxcli") as server, ChaosProxy(server.port) as proxy:
        proxy.throttle(28_000)
        arguments = ("--json", *backend("voxcli", proxy.port), "clock.wav")
        program = await ran(*arguments, home=home, raw=False, seconds=60)
        program.assert_whole(SECONDS)
        assert program.notices == []


# What only a deadline shows


async def assert_a_black_hole_is_noticed(dialect: str, speed: float, home: Path, seconds: float = 24.3) -> None:
    plan = Plan("black_hole", 185_000)  # in 5.8 s: the newest result is then newer than the newest acknowledgement
    async with ScriptedServer(dialect) as server, ChaosProxy(server.port, [plan]) as proxy:
        audio = paced(seconds, speed)
        async with Program(*backend(dialect, proxy.port), home=home, audio=audio) as program:
            await program.until(lambda: proxy.links and not proxy.links[0].up.flowing.is_set())
            await program.until(lambda: program.notices, STALL + SLACK)
            assert await program.end(60) == 0
        program.assert_whole(seconds)
        assert program.notices == ["reconnecting", "reconnected"]


@pytest.mark.slow
async def test_a_black_hole_is_noticed_in_time(home: Path) -> None:
    """Both directions, and no end of the audio in sight."""
    await asyncio.gather(
        assert_a_black_hole_is_noticed("vosk", 1.0, home),
        assert_a_black_hole_is_noticed("vosk", 8.0, home),
        assert_a_black_hole_is_noticed("deepgram", 8.0, home),
    )


@pytest.mark.slow
async def test_a_black_hole_before_a_server_of_ours_is_noticed_in_time(home: Path) -> None:
    """What it acknowledged last is older than its last result."""
    await asyncio.gather(
        assert_a_black_hole_is_noticed("voxcli", 1.0, home), assert_a_black_hole_is_noticed("voxcli", 8.0, home)
    )


async def assert_a_stopped_server_is_noticed(dialect: str, home: Path) -> None:
    async with ServerProcess("scripted_server.py", "--dialect", dialect) as server:
        more = ("--retries", "5")
        async with Program(*backend(dialect, server.port), *more, home=home, audio=paced(20.3, 8.0)) as program:
            await program.until(lambda: len(program.finals) >= 2)
            server.stop()
            await program.until(lambda: program.notices, STALL + SLACK)
            server.go_on()
            assert await program.end(60) == 0
        program.assert_whole(20.3)
        assert "reconnected" in program.notices


@pytest.mark.slow
async def test_a_server_that_is_stopped_is_noticed_in_time(home: Path) -> None:
    """SIGSTOP: it stays connected, the kernel takes what is sent to it, and nothing comes back."""
    await asyncio.gather(*(assert_a_stopped_server_is_noticed(dialect, home) for dialect in ("vosk", "deepgram")))


@pytest.mark.slow
async def test_a_server_of_ours_that_is_stopped_is_noticed_in_time(home: Path) -> None:
    await assert_a_stopped_server_is_noticed("voxcli", home)


@pytest.mark.slow
async def test_a_pause_shorter_than_the_deadlines_is_no_trouble(home: Path) -> None:
    async with ServerProcess("scripted_server.py", "--dialect", "voxcli") as server:
        async with Program(*backend("voxcli", server.port), home=home, audio=paced(20.0, 8.0)) as program:
            await program.until(lambda: len(program.finals) >= 2)
            server.stop()
            await asyncio.sleep(4)
            server.go_on()
            assert await program.end(60) == 0
        program.assert_whole(20.0)
        assert program.notices == []


@pytest.mark.slow
async def test_a_plain_server_that_is_stopped_is_noticed_by_its_pongs(home: Path) -> None:
    """It may have nothing to say about silence, so only the socket's own signs count."""
    async with ServerProcess("scripted_server.py", "--dialect", "voxcli", "--no-v1") as server:
        more = ("--keepalive-s", "1", "--retries", "5")
        async with Program(*backend("voxcli", server.port), *more, home=home, audio=paced(20.0)) as program:
            await program.until(lambda: len(program.finals) >= 2)
            server.stop()
            await program.until(lambda: program.notices, 1 + PONG + SLACK)
            server.go_on()
            assert await program.end(60) == 0
        program.assert_whole(20.0)


# Killed


async def test_a_server_that_is_killed_and_comes_back(home: Path) -> None:
    async def killed(dialect: str) -> None:
        async with ServerProcess("scripted_server.py", "--dialect", dialect) as server:
            more = ("--retries", "20")
            async with Program(*backend(dialect, server.port), *more, home=home, audio=paced(SECONDS, 8.0)) as program:
                await program.until(lambda: len(program.finals) >= 2)
                await server.kill()
                await program.until(lambda: program.notices)
                await server.start()
                assert await program.end(60) == 0
            program.assert_whole(SECONDS)
            assert program.notices[-1] == "reconnected"
            assert program.summary["reconnects"] == 1

    await asyncio.gather(killed("voxcli"), killed("vosk"))


@pytest.mark.slow
async def test_a_server_that_is_killed_for_good_costs_nothing_that_was_heard(home: Path) -> None:
    audio = paced(SECONDS, 4.0)
    async with ServerProcess("scripted_server.py", "--dialect", "voxcli") as server:
        program = Program(*backend("voxcli", server.port), home=home, audio=audio)
        async with program:
            await program.until(lambda: len(program.finals) >= 3)
            await server.kill()
            assert await program.end() == 5
    assert program.error["code"] == "backend_unreachable"
    heard = names_of(program.lines)
    assert heard == expected(Speech(), SECONDS)[: len(heard)]
    assert len(heard) >= 12
    assert program.summary["finals"] == len(program.finals)
    assert program.summary["stop_reason"] == "error"
