"""``voxcli serve`` on the command line: what it says, what it refuses, and how it ends."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from served import Served
from support import SAMPLES, environment, voxcli

TOKEN = "t0p-s3cret-token"  # noqa: S105
SESSION = "5e551017" * 4
"""The name of a session that a client says it had."""


def refused(home: Path, *arguments: str | Path, code: int = 2, **variables: str) -> str:
    """What it says before it ends with that exit code: a sentence and a hint."""
    done = voxcli("serve", "--port", "0", *arguments, home=home, **variables)
    complaints = done.stderr.decode()
    assert done.returncode == code, complaints
    assert "hint: " in complaints
    assert "Traceback" not in complaints
    return complaints


Slip = tuple[str, tuple[str | Path, ...], int]
"""A part of the sentence, the arguments, the exit code."""


def check_slips(home: Path, *slips: Slip) -> None:
    """Each is refused with its sentence."""
    with ThreadPoolExecutor(3) as pool:
        said = list(pool.map(lambda slip: refused(home, *slip[1], code=slip[2]), slips))
    for (sentence, arguments, _), complaints in zip(slips, said, strict=True):
        assert sentence in complaints, arguments


@pytest.mark.slow
def test_what_cannot_be_is_refused(home: Path) -> None:
    """Before anything is loaded, each with what to do."""
    empty, text = home / "empty", SAMPLES / "harbour.txt"
    empty.write_text("# nobody\n\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        check_slips(
            home,
            ("other machines could connect without a token", ("--host", "0.0.0.0"), 2),  # noqa: S104
            ("give a certificate chain and its unencrypted key", ("--tls-cert", text, "--tls-key", text), 2),
            ("there is no token in it", ("--token-file", empty), 2),
            ("no speech model for the language fr", ("-b", "vosk", "-l", "fr", "--no-download"), 5),
            (f"cannot listen on 127.0.0.1 port {port}: address already in use", ("--port", port), 1),
        )


@pytest.mark.slow
def test_whatever_else_cannot_be_is_refused_too(home: Path) -> None:
    """From the command line and from the environment."""
    bad, certificate, text = home / "bad", home / "certificate", SAMPLES / "harbour.txt"
    bad.write_text("two words\n")
    certificate.write_text("-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n")
    check_slips(
        home,
        ("other machines could connect without a token", ("--host", "::"), 2),
        ("is no origin", ("--allow-origin", "example.org"), 2),
        ("is no origin", ("--allow-origin", "https://example.org/page"), 2),
        ("a certificate needs its key", ("--tls-cert", text), 2),
        ("a certificate needs its key", ("--tls-key", text), 2),
        ("its unencrypted key", ("--tls-cert", certificate, "--tls-key", certificate), 2),
        ("no such file", ("--tls-cert", home / "none", "--tls-key", home / "none"), 2),
        ("there is no backend whisper", ("-b", "whisper"), 2),
        ("the backend server needs an address", ("-b", "server"), 2),
        ("no such file", ("--token-file", home / "none"), 2),
        ("is a directory", ("--token-file", home), 2),
        ("token 1 is not one word", ("--token-file", bad), 2),
        ("'--max-sessions'", ("--max-sessions", "0"), 2),
        ("'--port'", ("--port", "65536"), 2),
        ("is no name or address of this machine", ("--host", "no.such.host.invalid", "--insecure"), 2),
        ("/no/model: no such folder", ("-b", "vosk", "-m", "/no/model"), 5),
        ("moonshine knows English only, not fr", ("-b", "moonshine", "-l", "fr"), 5),
        ("deepgram: there is no key to send", ("-b", "deepgram"), 4),
    )
    assert "other machines could connect" in refused(home, VOXCLI_HOST="0.0.0.0")  # noqa: S104


def test_the_help_names_every_option(home: Path) -> None:
    """Those of the contract, and nothing is loaded for it."""
    done = voxcli("serve", "--help", home=home, COLUMNS="200")
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode()
    for option in (
        "--backend", "--model", "--language", "--host", "--port", "--max-sessions", "--max-sessions-per-client",
        "--grace-s", "--idle-s", "--token-file", "--insecure", "--allow-origin", "--tls-cert", "--tls-key",
    ):  # fmt: skip
        assert f" {option} " in text, option
    for default in ("[default: 127.0.0.1]", "[default: 8000]", "[default: 30", "[default: 60"):
        assert default in text, default


def test_without_the_extra_it_says_how_to_get_it(home: Path) -> None:
    """One line, one hint; the other commands do not need it."""
    program = (
        "import sys; sys.modules['fastapi'] = None; from voxcli.__main__ import main; sys.argv[1:] = ['serve']; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment(home), timeout=60, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "voxcli serve needs fastapi, which is not installed" in done.stderr
    assert "voxcli[server]" in done.stderr


async def test_a_server_from_its_start_to_its_end(home: Path) -> None:
    """Says where it listens and asks for a token; its page, its health; tokens and words in no log; SIGTERM is 143."""
    file = home / "tokens"
    file.write_text(f"# ours\n{TOKEN}\n")
    file.chmod(0o644)
    async with Served("-v", "--token-file", file, "--allow-origin", "https://example.org/", home=home) as server:
        assert "recognizing with moonshine (moonshine-tiny-en)" in server.complaints
        assert "others on this machine can read the tokens" in server.complaints
        async with httpx2.AsyncClient(trust_env=False, base_url=server.url("", "http")) as client:
            page = await client.get("/")
            assert page.status_code == 200
            assert "default-src 'none'" in page.headers["Content-Security-Policy"]
            assert page.headers["X-Content-Type-Options"] == "nosniff"
            assert (await client.get("/readyz", headers={"Host": "evil.example"})).status_code == 200
            script = await client.get("/transcription-client.js", headers={"Origin": "https://example.org"})
            assert script.headers["Access-Control-Allow-Origin"] == "https://example.org"
            assert (await client.get("/static/transcription-client.js")).content == script.content
            assert (await client.get("/healthz")).json()["ok"]
            assert (await client.get("/readyz")).json() == {"ready": True, "backends": ["moonshine"]}
            assert "voxcli_sessions 0.0" in (await client.get("/metrics")).text
        with pytest.raises(InvalidStatus, match="401"):
            await connect(server.url(), proxy=None)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with connect(server.url(), subprotocols=["voxcli.v1"], additional_headers=headers, proxy=None) as socket:
            recording = (SAMPLES / "harbour.wav").read_bytes()[44:]
            for at in range(0, 160_000, 3_200):
                await socket.send(recording[at : at + 3_200])
            await socket.send('{"type":"Finalize"}')
            messages: list[str] = []
            while not any('"Nobody was awake' in message and '"seq":1' in message for message in messages):
                messages.append(str(await asyncio.wait_for(socket.recv(), 20)))
            for at in range(160_000, 240_000, 3_200):
                await socket.send(recording[at : at + 3_200])
            while not any('"received_samples":120000' in message for message in messages):
                messages.append(str(await asyncio.wait_for(socket.recv(), 20)))
            server.signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed):
                while True:
                    messages.append(str(await asyncio.wait_for(socket.recv(), 20)))
            assert socket.close_code == 1012
            last = [result for result in map(json.loads, messages) if result.get("is_final")][-1]
            assert last["start"] + last["duration"] == pytest.approx(7.5, abs=0.05)
        assert await server.end() == 143
    assert "client=127.0.0.1 wire=voxcli.v1" in server.complaints
    assert "refused status=401 reason=token path=/ws/transcribe" in server.complaints
    assert TOKEN not in server.complaints
    assert "Nobody" not in server.complaints
    assert "ending: clients are given their last results" in server.complaints


async def streamed(server: Served, headers: dict[str, str], *subprotocols: Any) -> str:
    """The final words of a sample; the client leaves at once when it has them."""
    query = f"?session={SESSION}&language=en"
    async with connect(
        server.url(f"/ws/transcribe{query}"), subprotocols=list(subprotocols) or None, additional_headers=headers,
        proxy=None,
    ) as socket:  # fmt: skip
        recording = (SAMPLES / "harbour.wav").read_bytes()[44:]
        for at in range(0, len(recording), 6_400):
            await socket.send(recording[at : at + 6_400])
        await socket.send('{"type":"CloseStream"}')
        messages = [json.loads(message) async for message in socket]
    return " ".join(message["transcript"] for message in messages if message.get("is_final"))


@pytest.mark.slow
async def test_the_longest_log_tells_no_secret(home: Path) -> None:
    """With -vv, too: no token, wherever a client puts it, no word of what was said, no name that opens a session."""
    file = home / "tokens"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    async with Served("-vv", "--token-file", file, home=home) as server:
        for headers, subprotocols in (
            ({"Authorization": f"Bearer {TOKEN}"}, ("voxcli.v1",)),
            ({"Authorization": f"Token {TOKEN}"}, ()),
            ({}, ("voxcli.v1", "token", TOKEN)),
        ):
            assert "boats came home" in await streamed(server, headers, *subprotocols)
        for path in (f"/ws/transcribe?token={TOKEN}", f"/v1/listen?token={TOKEN}"):
            with pytest.raises(InvalidStatus, match="401"):
                await connect(server.url(path), proxy=None)
        async with httpx2.AsyncClient(trust_env=False, base_url=server.url("", "http"), timeout=30) as client:
            recording = (SAMPLES / "harbour.wav").read_bytes()
            answer = await client.post(
                f"/v1/listen?tag={TOKEN}", content=recording, headers={"Authorization": f"Token {TOKEN}"}
            )
            assert "boats came home" in answer.text
        server.signal(signal.SIGTERM)
        assert await server.end() == 143
    log = server.complaints.lower()
    assert log.count("disconnected session=") == 3
    for secret in (TOKEN, "boats", "awake", SESSION, "session=" + SESSION[:8]):
        assert secret.lower() not in log


@pytest.mark.slow
async def test_for_other_machines(home: Path) -> None:
    """With tokens, or with --insecure; on the addresses of both families."""
    async with Served("--host", "0.0.0.0", "--insecure", home=home) as server:  # noqa: S104
        assert "listening on http://0.0.0.0:" in server.complaints
        assert "boats came home" in await streamed(server, {})
    variables = {"VOXCLI_SERVE_TOKENS": f"other {TOKEN}", "VOXCLI_HOST": "0.0.0.0"}  # noqa: S104
    async with Served("--max-sessions", "1", "--idle-s", "1", home=home, **variables) as server:
        assert "clients need a token" in server.complaints
        with pytest.raises(InvalidStatus, match="401"):
            await connect(server.url(), proxy=None)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with connect(server.url(), additional_headers=headers, proxy=None) as idle:
            with pytest.raises(InvalidStatus, match="503"):
                await connect(server.url(), additional_headers=headers, proxy=None)
            await asyncio.wait_for(idle.wait_closed(), 10)
            assert idle.close_code == 4408
    async with Served("--host", "::1", home=home) as server:
        assert "listening on http://[::1]:" in server.complaints


@pytest.mark.slow
async def test_a_recording_is_answered_though_the_server_ends(home: Path) -> None:
    """SIGTERM in the middle: the answer comes, then 143; who comes meanwhile is sent elsewhere."""
    spoken = (SAMPLES / "harbour.wav").read_bytes()
    recording = spoken[:40] + b"\xff" * 4 + spoken[44:] * 5  # of a length that its header does not say
    async with (
        Served(home=home) as server,
        httpx2.AsyncClient(trust_env=False, base_url=server.url("", "http"), timeout=60) as client,
    ):
        posting = asyncio.create_task(client.post("/v1/listen", content=recording))
        async with asyncio.timeout(20):
            while "voxcli_sessions 1.0" not in (await client.get("/metrics")).text:
                await asyncio.sleep(0.02)
        server.signal(signal.SIGTERM)
        await asyncio.sleep(0.1)
        assert (await client.post("/v1/listen", content=recording[:10])).status_code == 503
        answer = await posting
        assert answer.json()["metadata"]["duration"] == pytest.approx(5 * 8.335)
        assert await server.end(30) == 143


@pytest.mark.slow
async def test_signals(home: Path) -> None:
    """SIGINT is 130; a second signal ends it at once, whatever clients are owed; -q says nothing but where it is."""
    async with Served("-q", home=home) as server:
        assert len(server.complaints.splitlines()) == 1
        server.signal(signal.SIGINT)
        assert await server.end() == 130
        await server.start()
        async with connect(server.url(), subprotocols=["voxcli.v1"], proxy=None) as socket:
            for _ in range(40):
                await socket.send(bytes(32_000))
            server.signal(signal.SIGTERM)
            await asyncio.sleep(0.05)
            server.signal(signal.SIGTERM)
            assert await server.end(3) == 143


@pytest.mark.slow
async def test_where_the_audio_of_clients_goes_is_said(home: Path) -> None:
    """A relay names the server behind it, never the key."""
    variables = {"DEEPGRAM_BASE_URL": "http://127.0.0.1:9", "DEEPGRAM_API_KEY": "k3y-of-deepgram"}
    async with Served(home=home, **variables) as server:
        assert "audio of clients goes to ws://127.0.0.1:9/v1/listen (deepgram)" in server.complaints
        assert "recognizing with deepgram, then moonshine" in server.complaints
    assert "k3y-of-deepgram" not in server.complaints


@pytest.mark.slow
@pytest.mark.system
async def test_tls(home: Path) -> None:
    """https and wss with the files of the command line."""
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem"]
    name = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    await asyncio.to_thread(subprocess.run, [*made, *name], cwd=home, check=True, capture_output=True)
    async with Served("--tls-cert", home / "cert.pem", "--tls-key", home / "key.pem", home=home) as server:
        assert "listening on https://127.0.0.1:" in server.complaints
        trust = ssl.create_default_context(cafile=home / "cert.pem")
        async with connect(server.url(), ssl=trust, proxy=None, subprotocols=["voxcli.v1"]) as socket:
            assert "Ready" in str(await asyncio.wait_for(socket.recv(), 10))
        done = await asyncio.to_thread(
            voxcli, "transcribe", "-b", "server", "--server", server.url(), SAMPLES / "harbour.wav", home=home,
            SSL_CERT_FILE=str(home / "cert.pem"),
        )  # fmt: skip
    assert "boats came home" in done.stdout.decode()
