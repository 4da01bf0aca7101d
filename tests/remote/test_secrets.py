"""Keys and passwords in places where they are easily forgotten: nothing that is printed or recorded has them."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from remote.programs import Program, ran
from scripted_faults import Close, Fault, SayError, SayRaw
from scripted_handshakes import Refuse
from scripted_server import Behaviour, ScriptedServer

pytestmark = pytest.mark.slow

KEY = "s3cretKEY0123456789abcdefghij"
PASSWORD = "pAssw0rd"  # noqa: S105


async def talkative(*arguments: object, home: Path, code: int, **options: Any) -> Program:
    """The program with everything on that prints or records something."""
    more = ("-vv", "--record-wire", "wire.jsonl", "--retries", "0")
    return await ran(*arguments, *more, home=home, audio=1.0, code=code, **options)


def everything_of(program: Program) -> str:
    """All that was printed and recorded."""
    record = Path(program.home) / "wire.jsonl"
    return program.complaints + program.output.decode() + (record.read_text() if record.exists() else "")


SAYING_IT_BACK: list[tuple[Fault, int]] = [
    (SayError(message=f"unknown token {KEY}", code=1008), 5),
    (SayError(message=f"unknown token {KEY}", code=4401), 4),
    (SayError(message=f"unknown token {KEY}", code=1011), 5),
    (Close(code=1008, reason=f"unknown token {KEY}"), 5),
    (Close(code=4401, reason=f"unknown token {KEY}"), 4),
    (SayRaw(message='{"type":"Hello","token":"' + KEY + '"}'), 0),
    (SayRaw(message="not JSON: " + KEY), 0),
]


@pytest.mark.parametrize(
    ("dialect", "name"), [("voxcli", "server"), pytest.param("deepgram", "deepgram", marks=pytest.mark.slow)]
)
async def test_a_key_that_is_said_back_on_the_connection_is_hidden(home: Path, dialect: str, name: str) -> None:
    async def said_back(number: int, fault: Fault, code: int) -> None:
        place = home / str(number)
        place.mkdir()
        async with ScriptedServer(dialect, [], then=Behaviour(fault=fault)) as server:
            arguments, keys = ("-b", f"{name}={server.address}"), {"VOXCLI_SERVER_TOKEN": KEY, "DEEPGRAM_API_KEY": KEY}
            program = await talkative(*arguments, home=place, code=code, **keys)
        assert KEY not in everything_of(program)
        assert not code or program.error["message"]

    await asyncio.gather(*(said_back(number, *case) for number, case in enumerate(SAYING_IT_BACK)))


async def test_no_piece_of_a_key_is_left_where_a_log_is_cut(home: Path) -> None:
    """The network library shortens long messages in its log, perhaps in the middle of a key."""
    message = '{"type":"Hello","k":"' + "x" * 10 + KEY + "y" * 200 + '"}'
    async with ScriptedServer("voxcli", [Behaviour(fault=SayRaw(message=message))]) as server:
        program = await talkative("-b", f"server={server.url}", home=home, code=0, VOXCLI_SERVER_TOKEN=KEY)
    assert KEY[:12] not in everything_of(program)


async def test_a_key_with_quotes_is_hidden_in_the_record(home: Path) -> None:
    key = 'ab"cd\\ef-0123456789'
    fault = SayError(message=f"unknown token {key}", code=1008)
    async with ScriptedServer("voxcli", [Behaviour(fault=fault)]) as server:
        program = await talkative("-b", f"server={server.url}", home=home, code=5, VOXCLI_SERVER_TOKEN=key)
        assert server.connections[0].headers["authorization"] == f"Bearer {key}"
    assert "ef-0123456789" not in everything_of(program)


async def test_a_password_in_an_address_is_hidden(home: Path) -> None:
    async with ScriptedServer("voxcli") as server:
        address = server.address.replace("ws://", f"ws://user:{PASSWORD}@")
        program = await talkative("-b", f"server={address}", home=home, code=0)
        credentials = b64encode(f"user:{PASSWORD}".encode()).decode()
        assert server.connections[0].headers["authorization"] == f"Basic {credentials}"
    assert PASSWORD not in everything_of(program)
    assert credentials not in everything_of(program)


@pytest.mark.parametrize("address", ["ws://user:{}@127.0.0.1:port", "ftp://user:{}@127.0.0.1", "ws://user:{}@"])
async def test_a_password_in_an_address_that_cannot_be_meant_is_hidden(home: Path, address: str) -> None:
    program = await talkative("-b", f"server={address.format(PASSWORD)}", home=home, code=2)
    assert PASSWORD not in everything_of(program)


async def test_a_name_without_a_password_in_an_address_is_told_and_no_crash(home: Path) -> None:
    async with ScriptedServer("voxcli") as server:
        address = server.address.replace("ws://", "ws://somebody@")
        async with Program("-b", f"server={address}", "--retries", "0", home=home, audio=1.0) as program:
            assert await program.end() in (0, 2, 5)


async def test_a_key_that_cannot_stand_in_a_header_is_told_without_telling_it(home: Path) -> None:
    async def given(key: str) -> None:
        async with ScriptedServer("voxcli") as server:
            more = ("--retries", "0", "-vv")
            program = Program("-b", f"server={server.url}", *more, home=home, audio=1.0, VOXCLI_SERVER_TOKEN=key)
            async with program:
                code = await program.end()
            assert all("x-evil" not in record.headers for record in server.connections)
        assert key not in program.output.decode()
        assert key not in program.complaints
        assert code == 0 or program.error["message"]

    await asyncio.gather(*map(given, ("ключ", "two words", "a\r\nX-Evil: 1", "a\x1b[31m")))


async def test_a_key_does_not_follow_to_another_server(home: Path) -> None:
    async with ScriptedServer("voxcli") as other:
        behaviour = Behaviour(fault=Refuse(302, {"Location": other.url.replace("127.0.0.1", "localhost")}))
        async with ScriptedServer("voxcli", [], then=behaviour) as server:
            more = ("--retries", "0")
            async with Program(
                "-b", f"server={server.url}", *more, home=home, audio=1.0, VOXCLI_SERVER_TOKEN=KEY
            ) as program:
                await program.end()
        assert [record.headers.get("authorization") for record in other.connections if record.headers] in ([], [None])


async def test_audio_goes_only_where_it_was_said_to_go(home: Path) -> None:
    """A server that points to another one: what that one hears was not announced, or must be before it hears it."""
    async with ScriptedServer("voxcli") as other:
        behaviour = Behaviour(fault=Refuse(302, {"Location": other.url.replace("127.0.0.1", "localhost")}))
        async with (
            ScriptedServer("voxcli", [], then=behaviour) as server,
            Program("-b", f"server={server.url}", "--retries", "0", home=home, audio=1.0) as program,
        ):
            await program.end()
        heard = sum(record.samples for record in other.connections)
        assert heard == 0 or f"localhost:{other.port}" in program.complaints


async def test_pointing_in_circles_is_not_followed_for_ever(home: Path) -> None:
    behaviour = Behaviour(fault=Refuse(302, {"Location": "/ws/transcribe"}))
    async with ScriptedServer("voxcli", [], then=behaviour) as server:
        program = await ran("-b", f"server={server.url}", home=home, audio=1.0, code=5)
        assert len(server.connections) <= 11
    assert "redirect" in program.error["message"]
