"""Ctrl-C, SIGTERM and a reader that leaves, while servers are well, gone, replaced or frozen."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oracle import RATE, Loss, clocked_audio, expected, names_of
from oracle import Script as Speech
from remote.programs import RAW, Program, paced, ran
from scripted_faults import AtEnd, Mute, StopReading
from scripted_handshakes import Refuse
from scripted_server import Behaviour, ScriptedServer
from support import SAMPLES, VOXCLI, environment

GRACE = 3.0
"""After the drain timeout."""

EXITS = {signal.SIGINT: 130, signal.SIGTERM: 143}

BACKENDS = {"voxcli": "server", "deepgram": "deepgram", "vosk": "vosk-server"}

FINISH = {"voxcli": '{"type":"CloseStream"}', "deepgram": '{"type":"CloseStream"}', "vosk": '{"eof" : 1}'}


def backend(server: ScriptedServer) -> list[str]:
    return ["-b", f"{BACKENDS[str(server.dialect)]}={server.address}"]


async def end_after(program: Program, number: signal.Signals, seconds: float) -> float:
    """Send a signal; how long the program took to end by it, at most so many seconds."""
    clock = asyncio.get_running_loop().time
    began = clock()
    program.interrupt(number)
    assert await program.end(seconds) == EXITS[number]
    return clock() - began


async def assert_a_signal_brings_the_tail(home: Path, dialect: str, number: signal.Signals) -> None:
    async with ScriptedServer(dialect) as server:
        async with Program(*backend(server), home=home, audio=paced(60.0, speed=4.0)) as program:
            await program.until(lambda: program.finals)
            assert await end_after(program, number, 10) < GRACE
        assert server.connections[0].texts[-1] == FINISH[dialect]
        assert len(server.connections) == 1
    heard = program.summary["audio_seconds"]
    assert heard < 30
    assert program.loss(heard) == Loss()
    assert program.summary["covered_seconds"] == pytest.approx(heard, abs=0.05)
    assert program.summary["stop_reason"] == "interrupted"
    assert program.of_type("Error") == []


async def test_a_signal_brings_the_tail_and_says_goodbye(home: Path) -> None:
    cases = [(dialect, number) for dialect in BACKENDS for number in EXITS]
    await asyncio.gather(*(assert_a_signal_brings_the_tail(home, *case) for case in cases))


async def test_a_signal_before_any_audio_connects_to_nobody(home: Path) -> None:
    waiting = asyncio.Event()

    async def silent_pipe() -> AsyncIterator[bytes]:
        await waiting.wait()
        yield b""

    async with ScriptedServer("voxcli") as server:
        async with Program(*backend(server), home=home, audio=silent_pipe()) as program:
            await program.until(lambda: program.complaints)
            await asyncio.sleep(0.3)
            assert await end_after(program, signal.SIGINT, 5) < GRACE
        assert server.connections == []


async def test_a_signal_while_reconnecting_to_a_dead_port(home: Path) -> None:
    async with ScriptedServer("voxcli") as server:
        more = ("--retries", "100", "--drain-timeout", "1")
        async with Program(*backend(server), *more, home=home, audio=paced(60.0, 4.0)) as program:
            await program.until(lambda: len(program.finals) >= 2)
            server.down()
            await program.until(lambda: len(program.notices) >= 3)
            assert await end_after(program, signal.SIGINT, 10) <= 1 + GRACE
        await server.up()
    heard = names_of(program.lines)
    assert heard == expected(Speech(), 60.0)[: len(heard)]
    assert len(heard) >= 8
    assert program.summary["stop_reason"] in ("interrupted", "error")


@pytest.mark.slow
async def test_a_signal_while_waiting_for_a_server_that_was_never_there(home: Path) -> None:
    async with ScriptedServer("voxcli") as server:
        arguments = (*backend(server), "--retries", "100", "--drain-timeout", "1")
        server.down()
        async with Program(*arguments, home=home, audio=paced(60.0)) as program:
            await program.until(lambda: program.notices)
            assert await end_after(program, signal.SIGTERM, 10) <= 1 + GRACE
        await server.up()
    assert program.finals == []


@pytest.mark.slow
async def test_a_server_that_comes_back_in_time_gives_the_tail_after_a_signal(home: Path) -> None:
    async with ScriptedServer("voxcli") as server:
        more = ("--retries", "100", "--drain-timeout", "8")
        async with Program(*backend(server), *more, home=home, audio=paced(60.0, 4.0)) as program:
            await program.until(lambda: len(program.finals) >= 2)
            server.down()
            await program.until(lambda: len(program.notices) >= 2)
            program.interrupt()
            await server.up()
            assert await program.end(8 + GRACE) == 130
    heard = program.summary["audio_seconds"]
    assert program.loss(heard) == Loss()
    assert program.summary["covered_seconds"] == pytest.approx(heard, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("number", EXITS, ids=lambda number: number.name)
async def test_a_signal_after_a_failover_brings_the_tail_too(home: Path, number: signal.Signals) -> None:
    async with ScriptedServer("voxcli", [], then=Behaviour(fault=Refuse(404))) as server:
        arguments = ("--json", "-b", f"server={server.url},moonshine", "--realtime", SAMPLES / "harbour.wav")
        async with Program(*arguments, home=home, raw=False) as program:
            await program.until(lambda: program.finals)
            assert await end_after(program, number, 13) <= 10 + GRACE
    assert program.notices == ["failover"]
    assert {final["backend"] for final in program.finals} == {"moonshine"}
    assert program.summary["covered_seconds"] == program.summary["audio_seconds"] < 8.3
    assert program.summary["stop_reason"] == "interrupted"


@pytest.mark.slow
async def test_a_frozen_server_does_not_keep_the_program(home: Path) -> None:
    async def frozen(dialect: str) -> None:
        async with ScriptedServer(dialect, [Behaviour(fault=StopReading(after=3.0))], ping_interval=None) as server:
            more = ("--drain-timeout", "1")
            async with Program(*backend(server), *more, home=home, audio=paced(60.0, 4.0)) as program:
                await program.until(lambda: server.connections and server.connections[0].samples >= 3 * RATE)
                await program.until(lambda: program.finals)
                assert await end_after(program, signal.SIGINT, 10) <= 1 + GRACE
        heard = names_of(program.lines)
        assert heard == expected(Speech(), 60.0)[: len(heard)]
        assert len(heard) >= 4

    await asyncio.gather(*map(frozen, BACKENDS))


async def test_the_second_signal_ends_it_at_once(home: Path) -> None:
    async with ScriptedServer("voxcli", [Behaviour(fault=StopReading(after=3.0))], ping_interval=None) as server:
        more = ("--drain-timeout", "60")
        async with Program(*backend(server), *more, home=home, audio=paced(60.0, 4.0)) as program:
            await program.until(lambda: server.connections and server.connections[0].samples >= 3 * RATE)
            program.interrupt()
            with pytest.raises(TimeoutError):
                await program.end(1.0)
            assert await end_after(program, signal.SIGINT, 5) < 1


# A reader that leaves


async def test_a_reader_that_leaves_ends_it_quietly(home: Path) -> None:
    """``| head -1``, long before the end."""
    (home / "clock.raw").write_bytes(clocked_audio(120.0))

    async def left(format: str, first: bytes) -> None:
        async with ScriptedServer("voxcli", [Behaviour(speed=8.0)]) as server:
            program = f"'{VOXCLI}' transcribe {' '.join(RAW[1:])} -f {format} -q -b server={server.url} - < clock.raw"
            process = await asyncio.create_subprocess_exec(
                *("bash", "-c", program + " | head -1; exit ${PIPESTATUS[0]}"),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environment(home),
                cwd=home,
            )
            async with asyncio.timeout(10):
                output, complaints = await process.communicate()
            assert server.connections[0].samples < 60 * RATE
        assert (process.returncode, complaints) == (0, b"")
        assert output.startswith(first)
        assert output.count(b"\n") == 1

    await asyncio.gather(left("text", b"w0000 w0001 "), left("jsonl", b'{"type":"Session"'))


# The last words that nobody confirms


def unconfirmed() -> Behaviour:
    """A server that gives interims and no answer at the end."""
    return Behaviour(fault=AtEnd(fault=Mute(), finals=False), final_every=4.0)


async def test_the_last_words_that_nobody_confirms_are_printed_and_marked(home: Path) -> None:
    async with ScriptedServer("voxcli", [], then=unconfirmed()) as server:
        more = ("--retries", "0", "--drain-timeout", "1")
        program = await ran(*backend(server), *more, home=home, audio=7.3, code=5)
    assert program.error["code"] == "backend_unreachable"
    assert_promoted(program)


@pytest.mark.slow
async def test_the_last_words_before_a_signal_that_nobody_confirms_are_printed_and_marked(home: Path) -> None:
    async with ScriptedServer("voxcli", [], then=unconfirmed()) as server:
        more = ("--retries", "0", "--drain-timeout", "1")
        async with Program(*backend(server), *more, home=home, audio=paced(60.0, 4.0)) as program:
            await program.until(lambda: server.connections and server.connections[0].samples > 7 * RATE)
            assert await end_after(program, signal.SIGINT, 10) <= 1 + GRACE
    assert_promoted(program)


def assert_promoted(program: Program) -> None:
    """One result, the last one, is nobody's final; standard error says so in one line."""
    *confirmed, last = program.finals
    assert [final.get("promoted") for final in confirmed] == [None] * len(confirmed)
    assert last["promoted"] is True
    heard = names_of(program.lines)
    assert heard == expected(Speech(), 60.0)[: len(heard)]
    assert len(heard) >= 12
    told = [line for line in program.complaints.splitlines() if "did not confirm the last words" in line]
    assert told == [f"server did not confirm the last words: {last['transcript']}"]


@pytest.mark.slow
async def test_unconfirmed_words_are_text_like_any_other(home: Path) -> None:
    async with ScriptedServer("voxcli", [], then=unconfirmed()) as server:
        more = ("--retries", "0", "--drain-timeout", "1", *RAW[1:], "-")
        program = await ran(*backend(server), *more, home=home, audio=7.3, raw=False, code=5)
    assert program.output.decode().split() == expected(Speech(), 7.0)
    assert program.complaints.count("did not confirm the last words") == 1
