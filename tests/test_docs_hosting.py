"""The page for who hosts a server: its commands against a server, its proxy and its service as they stand there."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect

from served import Served
from support import SAMPLES, VOXCLI, environment, voxcli

pytestmark = [pytest.mark.system, pytest.mark.slow]

PAGE = (Path(__file__).parent.parent / "docs" / "hosting.md").read_text(encoding="utf-8")
TOKEN = "a-token-for-tests"  # noqa: S105
HERE = "127.0.0.1:8000"
"""Where the server is on the page."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
async def server(home: Path) -> AsyncIterator[Served]:
    async with Served(home=home, VOXCLI_SERVE_TOKENS=TOKEN) as running:
        yield running


@pytest.mark.parametrize("command", [line for block in blocks("sh") for line in block.splitlines()])
async def test_a_command_that_asks_whether_it_lives(command: str, server: Served, home: Path) -> None:
    (home / "talk.wav").symlink_to(SAMPLES / "harbour.wav")
    variables = environment(home, VOXCLI_SERVER_TOKEN=TOKEN)
    variables["PATH"] = f"{VOXCLI.parent}:{variables['PATH']}"
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-c", command.replace(HERE, f"127.0.0.1:{server.port}")],
        cwd=home, env=variables, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert ("boats" in done.stdout) == ("transcribe" in command)


@contextmanager
def nginx(folder: Path, behind: int) -> Iterator[int]:
    """nginx with the configuration of the page, its addresses and its certificate replaced by the test's own."""
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "fullchain.pem"]
    name = ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*made, *name], cwd=folder, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (settings,) = blocks("nginx")
    for written, meant in (
        (HERE, f"127.0.0.1:{behind}"), ("listen 443", f"listen 127.0.0.1:{port}"),
        ("speech.example.org;", "localhost;"), ("/etc/ssl/speech.example.org", str(folder)),
    ):  # fmt: skip
        assert written in settings
        settings = settings.replace(written, meant)
    places = "".join(
        f"{kind}_temp_path {folder / kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder / 'pid'}; error_log stderr;\nevents {{}}\n"
        f"http {{ access_log off;\n{places}{settings} }}\n"
    )
    process = subprocess.Popen(
        ["nginx", "-p", folder, "-c", folder / "nginx.conf"], env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    )
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        assert process.poll() is None, "nginx has ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx does not come up")


async def test_behind_nginx(server: Served, home: Path, tmp_path: Path) -> None:
    """The program, a browser's page and a recording that is posted come through; others, and /metrics, do not."""
    place = tmp_path / "nginx"
    place.mkdir()
    trust = ssl.create_default_context(cafile=None)
    with nginx(place, server.port) as port:
        trust.load_verify_locations(place / "fullchain.pem")
        done = await asyncio.to_thread(
            voxcli, "transcribe", "--no-failover", "--server", f"wss://localhost:{port}", SAMPLES / "harbour.wav",
            home=home, SSL_CERT_FILE=str(place / "fullchain.pem"), VOXCLI_SERVER_TOKEN=TOKEN,
        )  # fmt: skip
        assert "boats came home" in done.stdout.decode(), done.stderr
        async with connect(
            f"wss://localhost:{port}/ws/transcribe", ssl=trust, proxy=None, origin=f"https://localhost:{port}",
            subprotocols=["voxcli.v1", "token", TOKEN],
        ) as page:  # fmt: skip
            assert json.loads(await asyncio.wait_for(page.recv(), 10))["type"] == "Ready"
        async with httpx2.AsyncClient(base_url=f"https://localhost:{port}", verify=trust, trust_env=False) as client:
            sound = (SAMPLES / "kitchen.mp3").read_bytes()
            posted = await client.post(
                "/v1/listen", content=sound, headers={"Authorization": f"Token {TOKEN}"}, timeout=60
            )
            assert "milk" in posted.text
            assert (await client.post("/v1/listen", content=sound)).status_code == 401
            assert (await client.get("/metrics")).status_code == 403
            assert (await client.get("/readyz")).status_code == 200


def test_the_service_is_one(tmp_path: Path) -> None:
    """What systemd says of it: nothing, once the program is where it is."""
    (unit,) = blocks("ini")
    (tmp_path / "voxcli.service").write_text(unit.replace("/opt/voxcli/bin/voxcli", str(VOXCLI)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "voxcli.service"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "voxcli" not in done.stderr
