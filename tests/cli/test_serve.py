"""``voxcli serve`` on the command line: what it says, what it refuses, and how it ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from served import Served
from support import SAMPLES, environment, voxcli

TOKEN = "t0p-s3cret-token"  # noqa: S105


def refused(home: Path, *arguments: str | Path, code: int = 2, **variables: str) -> str:
    """What it says before it ends with that exit code: a sentence and a hint."""
    done = voxcli("serve", "--port", "0", *arguments, home=home, **variables)
    complaints = done.stderr.decode()
    assert done.returncode == code, complaints
    assert "hint: " in complaints
    assert "Traceback" not in complaints
    return complaints


@pytest.mark.slow
def test_what_cannot_be_is_refused(home: Path) -> None:
    """Before anything is loaded, each with what to do."""
    assert "other machines could connect without a token" in refused(home, "--host", "0.0.0.0")  # noqa: S104
    assert "is no origin" in refused(home, "--allow-origin", "example.org")
    assert "a certificate needs its key" in refused(home, "--tls-cert", SAMPLES / "harbour.wav")
    both = ("--tls-cert", SAMPLES / "harbour.txt", "--tls-key", SAMPLES / "harbour.txt")
    assert "give a certificate chain and its unencrypted key" in refused(home, *both)
    assert "there is no backend whisper" in refused(home, "-b", "whisper")
    assert "no such file" in refused(home, "--token-file", home / "none")
    empty = home / "empty"
    empty.write_text("# nobody\n\n")
    assert "there is no token in it" in refused(home, "--token-file", empty)
    bad = home / "bad"
    bad.write_text("two words\n")
    assert "token 1 is not one word" in refused(home, "--token-file", bad)
    assert "the backend server needs an address" in refused(home, "-b", "server")


def test_what_is_missing_is_named(home: Path) -> None:
    """A model, a free port, a host of this machine, the extra."""
    assert "no speech model for the language fr" in refused(home, "-b", "vosk", "-l", "fr", "--no-download", code=5)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = voxcli("serve", "--port", port, home=home)
        assert done.returncode == 1
        assert f"cannot listen on 127.0.0.1 port {port}: address already in use" in done.stderr.decode()
    assert "is no name or address of this machine" in refused(home, "--host", "no.such.host.invalid", "--insecure")


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
            await socket.send(recording[160_000:192_000])
            server.signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed):
                while True:
                    messages.append(str(await asyncio.wait_for(socket.recv(), 20)))
            assert socket.close_code == 1012
        assert await server.end() == 143
    assert "client=127.0.0.1 wire=voxcli.v1" in server.complaints
    assert "refused status=401 reason=token path=/ws/transcribe" in server.complaints
    assert TOKEN not in server.complaints
    assert "Nobody" not in server.complaints
    assert "ending: clients are given their last results" in server.complaints


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
