"""The installed program and servers: where audio goes, what is asked for, keys that stay secret, exit codes."""

from __future__ import annotations

import asyncio
import math
import socket
import stat
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from oracle import clocked_audio
from remote.programs import RAW, Program, ran
from scripted_handshakes import Refuse
from scripted_server import Behaviour, ScriptedServer
from support import SAMPLES, transcript_of, words

KEY = "dg-5ecret-0123456789abcdef"
TOKEN = "t0ken-fedcba9876543210"  # noqa: S105


def dead_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# Which server


async def test_a_server_named_by_its_address(home: Path) -> None:
    async with ScriptedServer("voxcli") as server:
        for address in (server.address, server.address.replace("ws:", "http:") + "/"):
            program = await ran("--server", address, "--no-failover", home=home, audio=3.3)
            program.assert_whole(3.3)
            assert program.complaints == f"sending audio to {server.url} (server)\n"
            assert program.of_type("Session")[0]["backends"] == ["server"]
            assert {final["backend"] for final in program.finals} == {"server"}
        assert {record.path for record in server.connections} == {"/ws/transcribe"}


async def test_a_server_of_deepgrams_kind(home: Path) -> None:
    async with ScriptedServer("deepgram") as server:
        for address in (server.address, server.address.replace("ws:", "http:")):
            program = await ran("-b", "deepgram", home=home, audio=1.3, DEEPGRAM_BASE_URL=address)
            program.assert_whole(1.3)
            assert program.complaints == f"sending audio to {server.address}/v1/listen (deepgram)\n"
        assert [record.path for record in server.connections] == ["/v1/listen"] * 2
        assert "authorization" not in server.connections[0].headers


async def test_vosk_server_is_spoken_to_in_its_own_words(home: Path) -> None:
    async with ScriptedServer("vosk") as server:
        program = await ran("-b", f"vosk-server={server.address}", home=home, audio=3.3)
        program.assert_whole(3.3)
        assert server.connections[0].texts == ['{"config": {"sample_rate": 16000, "words": true}}', '{"eof" : 1}']


@pytest.mark.slow
async def test_the_address_in_the_chain_wins(home: Path) -> None:
    async with ScriptedServer("voxcli") as server:
        wrong = f"ws://127.0.0.1:{dead_port()}"
        backend = f"server={server.address}"
        program = await ran("-b", backend, home=home, audio=1.0, VOXCLI_SERVER=wrong)
        program.assert_whole(1.0)


async def test_a_file_is_streamed_as_a_pipe_is(home: Path) -> None:
    with wave.open(str(home / "clock.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(clocked_audio(7.7))
    async with ScriptedServer("voxcli") as server:
        program = await ran("--json", "--server", server.url, "clock.wav", home=home, raw=False)
        program.assert_whole(7.7)


# Where the audio goes is said before it goes


async def said_first(server: ScriptedServer, *arguments: str, home: Path, **variables: str) -> Program:
    """A run whose audio comes only once the run has said where it will go."""
    said = asyncio.Event()

    async def audio() -> AsyncIterator[bytes]:
        await said.wait()
        yield clocked_audio(1.0)

    async with Program(*arguments, home=home, audio=audio(), **variables) as program:
        await program.until(lambda: "\n" in program.complaints)
        assert program.complaints.startswith(f"sending audio to {server.address}")
        assert server.connections == []
        said.set()
        assert await program.end() == 0
    program.assert_whole(1.0)
    return program


async def test_with_a_server_auto_is_the_server_and_then_local(home: Path) -> None:
    async with ScriptedServer("voxcli") as server:
        program = await said_first(server, "--server", server.url, home=home, DEEPGRAM_API_KEY=KEY)
    assert program.of_type("Session")[0]["backends"] == ["server", "moonshine"]


async def test_with_a_key_auto_is_deepgram_and_then_local(home: Path) -> None:
    async with ScriptedServer("deepgram") as server:
        program = await said_first(server, home=home, DEEPGRAM_API_KEY=KEY, DEEPGRAM_BASE_URL=server.address)
    assert program.of_type("Session")[0]["backends"] == ["deepgram", "moonshine"]


async def test_without_both_auto_sends_nothing_anywhere(home: Path) -> None:
    async with ScriptedServer("deepgram") as server:
        program = await ran(home=home, audio=1.0, DEEPGRAM_BASE_URL=server.address)
        assert program.of_type("Session")[0]["backends"] == ["moonshine"]
        assert server.connections == []


async def test_no_failover_means_the_first_alone(home: Path) -> None:
    async with ScriptedServer("voxcli", [], then=Behaviour(fault=Refuse(404))) as server:
        program = await ran("--server", server.url, "--no-failover", home=home, audio=1.0, code=5)
        assert (program.error["code"], program.finals) == ("backend_refused", [])
        assert len(server.connections) == 1


async def test_a_server_that_refuses_leaves_the_words_to_local_recognition(home: Path) -> None:
    async with ScriptedServer("voxcli", [], then=Behaviour(fault=Refuse(404))) as server:
        program = await ran("--json", "--server", server.url, SAMPLES / "harbour.wav", home=home, raw=False)
        heard = " ".join(final["transcript"] for final in program.finals)
        assert words(heard) == words(transcript_of("harbour.wav"))
        assert program.notices == ["failover"]
        assert {final["backend"] for final in program.finals} == {"moonshine"}
        assert program.summary["covered_seconds"] == program.summary["audio_seconds"]


# What a server is asked


ASKED = [
    *("--param", "filler_words=true", "--param", "tag=a b&c=d", "--diarize", "--punctuate", "--smart-format"),
    *("--numerals", "--redact", "pci", "--redact", "ssn", "--keyterm", "Vosk", "--keyterm", "zwölf Boxkämpfer"),
    *("--endpointing", "300", "--utterance-end-ms", "1200", "--model", "nova-3-medical", "--language", "de"),
]

ARRIVES = [
    *[("diarize", "true"), ("punctuate", "true"), ("smart_format", "true"), ("numerals", "true")],
    *[("redact", "pci"), ("redact", "ssn"), ("keyterm", "Vosk"), ("keyterm", "zwölf Boxkämpfer")],
    *[("endpointing", "300"), ("utterance_end_ms", "1200"), ("filler_words", "true"), ("tag", "a b&c=d")],
    *[("model", "nova-3-medical"), ("language", "de"), ("encoding", "linear16"), ("sample_rate", "16000")],
    *[("channels", "1"), ("interim_results", "true")],
]


@pytest.mark.parametrize("name", ["server", "deepgram"])
async def test_options_reach_the_query(home: Path, name: str) -> None:
    async with ScriptedServer({"server": "voxcli"}.get(name, name)) as server:
        await ran("-b", f"{name}={server.address}", *ASKED, home=home, audio=1.0)
        assert sorted(server.connections[0].parameters) == sorted(ARRIVES)


@pytest.mark.slow
async def test_options_reach_the_query_from_the_environment_too(home: Path) -> None:
    async with ScriptedServer("deepgram") as server:
        variables = {"VOXCLI_DIARIZE": "1", "VOXCLI_ENDPOINTING": "false", "VOXCLI_BACKEND": "deepgram"}
        await ran(home=home, audio=1.0, DEEPGRAM_BASE_URL=f"{server.address}?mip_opt_out=true", **variables)
        assert {("diarize", "true"), ("endpointing", "false"), ("mip_opt_out", "true")} <= set(
            server.connections[0].parameters
        )


@pytest.mark.slow
async def test_what_is_asked_by_name_is_not_asked_twice(home: Path) -> None:
    async with ScriptedServer("deepgram") as server:
        await ran("-b", f"deepgram={server.address}", "--param", "model=whisper", home=home, audio=1.0)
        assert [value for name, value in server.connections[0].parameters if name == "model"] == ["whisper"]


# Keys


def key_file(home: Path, text: str, mode: int = 0o600) -> Path:
    path = home / "key.txt"
    path.write_text(text + "\n")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("from_file", [True, False])
@pytest.mark.parametrize(
    ("name", "option", "variable", "secret", "header"),
    [
        ("deepgram", "--api-key-file", "DEEPGRAM_API_KEY", KEY, f"Token {KEY}"),
        ("server", "--server-token-file", "VOXCLI_SERVER_TOKEN", TOKEN, f"Bearer {TOKEN}"),
    ],
)
async def test_a_key_arrives(
    home: Path, name: str, option: str, variable: str, secret: str, header: str, from_file: bool
) -> None:
    given = [option, key_file(home, secret)] if from_file else []
    variables = {variable: "another" if from_file else secret}
    async with ScriptedServer({"server": "voxcli"}.get(name, name)) as server:
        program = await ran(
            "-b", f"{name}={server.address}", *given, "-vv", "--record-wire", "wire.jsonl",
            home=home, audio=1.0, **variables,
        )  # fmt: skip
        program.assert_whole(1.0)
        assert server.connections[0].headers["authorization"] == header
    assert "Authorization" in program.complaints  # so there was something to hide
    assert_secret(secret, program)
    assert stat.S_IMODE((home / "wire.jsonl").stat().st_mode) == 0o600


async def test_each_server_is_given_its_own_key_only(home: Path) -> None:
    variables = {"DEEPGRAM_API_KEY": KEY, "VOXCLI_SERVER_TOKEN": TOKEN}
    async with ScriptedServer("voxcli") as ours, ScriptedServer("deepgram") as theirs, ScriptedServer("vosk") as third:
        for element, server in (("server", ours), ("deepgram", theirs), ("vosk-server", third)):
            await ran("-b", f"{element}={server.address}", home=home, audio=1.0, **variables)
    given = [server.connections[0].headers.get("authorization") for server in (ours, theirs, third)]
    assert given == [f"Bearer {TOKEN}", f"Token {KEY}", None]


@pytest.mark.parametrize("option", ["--api-key-file", "--server-token-file"])
async def test_a_key_that_others_can_read_is_refused(home: Path, option: str) -> None:
    async def refused(mode: int) -> None:
        place = home / oct(mode)
        place.mkdir()
        path = key_file(place, KEY, mode)
        program = await ran("--server", server.url, option, path, home=place, audio=1.0, code=2)
        assert program.error["code"] == "usage"
        assert program.error["hint"] == f"chmod 600 {path}"
        assert_secret(KEY, program)

    async with ScriptedServer("voxcli") as server:
        await asyncio.gather(refused(0o640), refused(0o604))
        assert server.connections == []


def assert_secret(secret: str, program: Program) -> None:
    """It is in no output and in no file that was written, only in the one it was read from."""
    assert secret not in program.complaints
    assert secret.encode() not in program.output
    for path in Path(program.home).iterdir():
        assert path.name == "key.txt" or secret.encode() not in path.read_bytes()


def echoing(status: int, secret: str) -> Behaviour:
    """A server that answers with this status and with the key, wherever it can."""
    headers = {
        "dg-error": f"the key {secret} is not known",
        "dg-request-id": f"id-of-{secret}",
        "WWW-Authenticate": f'Token realm="{secret}"',
        "Set-Cookie": f"key={secret}",
        f"X-{secret}": "1",
    }
    return Behaviour(fault=Refuse(status, headers, f'{{"err_msg":"Invalid credentials: {secret}","key":"{secret}"}}'))


EXITS = {200: 5, 400: 5, 401: 4, 402: 4, 403: 4, 404: 5, 500: 5}


@pytest.mark.parametrize("name", ["deepgram", pytest.param("server", marks=pytest.mark.slow)])
async def test_a_key_that_a_server_says_back_is_hidden(home: Path, name: str) -> None:
    async def answered(status: int) -> None:
        place = home / str(status)
        place.mkdir()
        async with ScriptedServer({"server": "voxcli"}.get(name, name), [], then=echoing(status, KEY)) as server:
            program = await ran(
                "-b", f"{name}={server.address}", "-vv", "--record-wire", "wire.jsonl", "--retries", "1",
                home=place, audio=1.0, code=EXITS[status], DEEPGRAM_API_KEY=KEY, VOXCLI_SERVER_TOKEN=KEY,
            )  # fmt: skip
            assert len(server.connections) == (2 if status == 500 else 1)
        assert KEY in server.connections[0].headers["authorization"]
        assert "***" in program.error["message"]
        assert f"HTTP {status}" in program.error["message"]
        assert_secret(KEY, program)

    await asyncio.gather(*map(answered, EXITS))


async def test_a_key_that_a_body_says_back_is_hidden(home: Path) -> None:
    """Without a header that would be told instead."""
    body = f'{{"err_msg":"Invalid credentials: {KEY}"}}'
    async with ScriptedServer("deepgram", [], then=Behaviour(fault=Refuse(401, body=body))) as server:
        program = await ran("-b", f"deepgram={server.url}", home=home, audio=1.0, code=4, DEEPGRAM_API_KEY=KEY)
    assert program.error["message"] == "deepgram: refused with HTTP 401: Invalid credentials: ***"
    assert_secret(KEY, program)


# Exit codes


async def test_a_key_that_is_refused_is_exit_code_4_even_with_a_chain(home: Path) -> None:
    async with ScriptedServer("deepgram", [], then=Behaviour(fault=Refuse(401))) as server:
        chain = f"deepgram={server.url},local"
        program = await ran("-b", chain, home=home, audio=1.0, code=4, DEEPGRAM_API_KEY=KEY)
        assert len(server.connections) == 1
    assert program.error["code"] == "authentication"
    assert program.error["hint"] == "check the key in DEEPGRAM_API_KEY, --api-key-file or the keyring"
    assert program.complaints.splitlines()[-2:] == [
        f"voxcli: {program.error['message']}",
        f"  hint: {program.error['hint']}",
    ]


async def test_nobody_there_is_exit_code_5(home: Path) -> None:
    program = await ran("-b", f"server=ws://127.0.0.1:{dead_port()}", home=home, audio=1.0, code=5)
    assert program.error["code"] == "backend_unreachable"
    assert program.error["message"] == "server: cannot be reached: connection refused (tried 4 times)"
    assert program.notices == ["reconnecting"] * 3
    assert program.summary["stop_reason"] == "error"
    assert program.seconds < 3


MEANINGLESS = [
    ["-b", "server"],
    ["-b", "server="],
    ["-b", "vosk=ws://127.0.0.1:1"],
    ["-b", "sever=ws://127.0.0.1:1"],
    ["--server", "ftp://127.0.0.1:1"],
    ["--server", "127.0.0.1:8000"],
    ["--server", "ws://"],
    ["--server", "ws://127.0.0.1:notaport"],
    ["--server", "ws://127.0.0.1:1", "--param", "novalue"],
    ["--server", "ws://127.0.0.1:1", "--param", "=value"],
    ["--server", "ws://127.0.0.1:1", "--endpointing", "soon"],
]


async def test_what_cannot_be_meant_is_exit_code_2(home: Path) -> None:
    programs = await asyncio.gather(*(ran(*arguments, home=home, audio=1.0, code=2) for arguments in MEANINGLESS))
    assert {program.error["code"] for program in programs} == {"usage"}


async def test_deepgram_itself_is_not_asked_without_a_key(home: Path) -> None:
    """A proxy would see the connection; there is none to see."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        program = await ran(
            "-b",
            "deepgram,local",
            home=home,
            audio=1.0,
            code=4,
            HTTPS_PROXY=f"http://127.0.0.1:{proxy.getsockname()[1]}",
        )
        with pytest.raises(BlockingIOError):
            proxy.accept()
    assert program.error["code"] == "authentication"
    assert "sending audio" not in program.complaints


@pytest.mark.slow
async def test_errors_are_plain_lines_without_json(home: Path) -> None:
    arguments: list[Any] = ["--server", f"ws://127.0.0.1:{dead_port()}", "--no-failover", *RAW[1:], "-"]
    program = await ran(*arguments, home=home, audio=1.0, raw=False, code=5)
    assert program.output == b""
    assert program.complaints.splitlines()[-2].startswith("voxcli: server: cannot be reached: connection refused")
    assert program.complaints.splitlines()[-1].startswith("  hint: ")


async def test_what_a_plain_server_left_without_a_final_is_told(home: Path) -> None:
    plain = Behaviour(v1=False, final_every=2.0, interim_every=0.0, final_when_idle=math.inf)
    async with ScriptedServer("voxcli", then=plain) as server:
        more = ("--no-failover", "--drain-timeout", "0.5")
        program = await ran("--server", server.address, *more, home=home, audio=5.0)
    assert program.complaints.splitlines()[-1] == "no final result covers 1.0 s of the audio"
    assert program.summary["covered_seconds"] == 4.0
