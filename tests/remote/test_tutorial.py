"""The simplest server that a tutorial would write, as it is: it knows three fields and dies of a text message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oracle import Loss, Script, check_names, names_of
from remote.programs import ran
from scripted_server import Behaviour, ScriptedServer
from server_process import ServerProcess

pytestmark = pytest.mark.slow

SECONDS = 4.3


async def test_a_tutorials_server_is_enough(home: Path) -> None:
    """Nothing tells it that no more comes, so the provider behind it says its last final when it hears no more."""
    async with (
        ScriptedServer("deepgram", [Behaviour(final_when_idle=0.5)]) as provider,
        ServerProcess("tutorial_server.py", DEEPGRAM_URL=provider.url) as server,
    ):
        arguments = ("--server", server.url(), "--no-failover", "--record-wire", "wire.jsonl")
        program = await ran(*arguments, home=home, audio=SECONDS)
        (connection,) = provider.connections
        assert connection.samples == round(SECONDS * 16_000)
        assert connection.texts == []
    spoken = [final["channel"]["alternatives"][0]["transcript"] for final in connection.finals]
    assert [final["transcript"] for final in program.finals] == [text for text in spoken if text]
    assert check_names(names_of(program.lines), Script(), SECONDS) == Loss()
    assert program.notices == ["best_effort"]
    assert program.summary["covered_seconds"] == SECONDS
    record = [json.loads(line) for line in (home / "wire.jsonl").read_text().splitlines()]
    assert [line for line in record if line["event"] == "sent"] == []


async def test_a_server_of_three_fields_is_left_with_1000(home: Path) -> None:
    async with ScriptedServer("plain") as server:
        program = await ran("--server", f"{server.address}/ws/transcribe", "--no-failover", home=home, audio=SECONDS)
        (connection,) = server.connections
        assert (connection.close_code, connection.texts) == (1000, [])
    assert check_names(names_of(program.lines), Script(), SECONDS) == Loss()
    assert program.notices == ["best_effort"]
