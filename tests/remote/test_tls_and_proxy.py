"""TLS and proxies as a user meets them: what is wrong is said once, at once, and nothing is tried again in vain."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from chaos import ChaosProxy
from remote.programs import ran
from scripted_server import ScriptedServer

pytestmark = pytest.mark.slow

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with self-signed certificates and their keys: good, another (for another host), expired."""
    folder = tmp_path_factory.mktemp("certificates")
    _make(folder, "good", "localhost")
    _make(folder, "another", "example.org")
    _make_expired(folder, "expired", "localhost")
    return folder


def _make(folder: Path, name: str, host: str) -> None:
    _openssl(
        folder, "req", "-x509", *EC, "-days", "2", "-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
        *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
    )  # fmt: skip


def _make_expired(folder: Path, name: str, host: str) -> None:
    """As an authority would sign it; only ``openssl ca`` of older versions takes dates."""
    (folder / "index.txt").touch()
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=here\n[here]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\n"
        f"policy=any\nx509_extensions=names\n[any]\ncommonName=supplied\n[names]\nsubjectAltName=DNS:{host}\n"
    )
    _openssl(folder, "req", *EC, "-new", "-subj", f"/CN={host}", "-keyout", f"{name}.key", "-out", "request.pem")
    dates = ("-startdate", "20200101000000Z", "-enddate", "20200102000000Z")
    signing = ("-config", "ca.cnf", "-selfsign", "-keyfile", f"{name}.key", "-in", "request.pem", "-out", f"{name}.pem")
    _openssl(folder, "ca", "-batch", "-notext", *signing, *dates)


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=30)


def offering(certificates: Path, name: str) -> ScriptedServer:
    """A server with one of the certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
    return ScriptedServer("voxcli", tls=context)


@pytest.mark.parametrize("scheme", ["wss", pytest.param("https", marks=pytest.mark.slow)])
async def test_a_certificate_of_ones_own_is_accepted_when_it_is_named(
    home: Path, certificates: Path, scheme: str
) -> None:
    async with offering(certificates, "good") as server:
        address = f"{scheme}://localhost:{server.port}"
        trusted = str(certificates / "good.pem")
        program = await ran("-b", f"server={address}", home=home, audio=1.3, SSL_CERT_FILE=trusted)
        program.assert_whole(1.3)
        assert program.complaints == f"sending audio to wss://localhost:{server.port}/ws/transcribe (server)\n"


@pytest.mark.parametrize(
    ("name", "trusted", "reason"),
    [
        ("good", "", "self-signed certificate"),
        ("another", "another", "Hostname mismatch, certificate is not valid for 'localhost'."),
        ("expired", "expired", "certificate has expired"),
    ],
)
async def test_a_certificate_that_is_not_accepted_is_told_once(
    home: Path, certificates: Path, name: str, trusted: str, reason: str
) -> None:
    variables = {"SSL_CERT_FILE": str(certificates / f"{trusted}.pem")} if trusted else {}
    async with offering(certificates, name) as server, ChaosProxy(server.port) as counter:
        address = f"wss://localhost:{counter.port}"
        program = await ran("-b", f"server={address}", home=home, audio=1.0, code=5, **variables)
        assert counter.accepted == 1
        assert [record.samples for record in server.connections] in ([], [0])
    assert program.error["code"] == "backend_refused"
    assert program.error["message"] == f"server: its TLS certificate is not accepted: {reason}"
    assert "SSL_CERT_FILE" in program.error["hint"]
    assert program.notices == []


@pytest.mark.slow
async def test_a_certificate_that_is_not_accepted_leaves_the_words_to_the_next(home: Path, certificates: Path) -> None:
    async with offering(certificates, "good") as server, ScriptedServer("vosk") as following:
        chain = f"server={server.address},vosk-server={following.address}"
        program = await ran("-b", chain, home=home, audio=3.3)
        program.assert_whole(3.3)
    assert program.notices == ["failover"]


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "has_tls"), [("wss", False), ("ws", True)])
async def test_tls_at_one_end_only_is_told_in_words(home: Path, certificates: Path, scheme: str, has_tls: bool) -> None:
    async with offering(certificates, "good") if has_tls else ScriptedServer("voxcli") as server:
        address = f"{scheme}://localhost:{server.port}"
        program = await ran("-b", f"server={address}", "--retries", "1", home=home, audio=1.0, code=5)
    assert program.error["code"] == "backend_unreachable"
    assert "Error" not in program.error["message"]


# Proxies


@dataclass
class HttpProxy:
    """A proxy that knows CONNECT and nothing else. ``status``: what it answers instead, if it is to refuse."""

    port: int = 0
    status: int | None = None
    closes: bool = False
    asked: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    accepted: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            if not self.closes:
                await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # one of the two went away
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request, *headers = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.asked.append(request)
        self.headers.extend(headers)
        if self.status is not None:
            writer.write(f"HTTP/1.1 {self.status} No\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
            return
        host, _, port = request.split()[1].rpartition(":")
        there_reader, there_writer = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pump(reader, there_writer), _pump(there_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def proxying(**options: object) -> AsyncIterator[HttpProxy]:
    proxy = HttpProxy(**options)  # type: ignore[arg-type]
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()


def dead_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def test_a_proxy_is_gone_through(home: Path, certificates: Path) -> None:
    trusted = str(certificates / "good.pem")
    async with offering(certificates, "good") as server, proxying() as proxy:
        variables = {"SSL_CERT_FILE": trusted, "HTTPS_PROXY": proxy.url}
        program = await ran("-b", f"server={server.address}", home=home, audio=3.3, **variables)
        program.assert_whole(3.3)
        assert proxy.asked == [f"CONNECT localhost:{server.port} HTTP/1.1"]


@pytest.mark.slow
async def test_a_password_for_a_proxy_is_given_to_it_and_told_to_nobody(home: Path, certificates: Path) -> None:
    trusted = str(certificates / "good.pem")
    async with offering(certificates, "good") as server, proxying() as proxy:
        address = proxy.url.replace("http://", "http://user:pAssw0rd@")
        variables = {"SSL_CERT_FILE": trusted, "HTTPS_PROXY": address}
        more = ("-vv", "--record-wire", "wire.jsonl")
        program = await ran("-b", f"server={server.address}", *more, home=home, audio=1.0, **variables)
        assert "Proxy-Authorization: Basic dXNlcjpwQXNzdzByZA==" in proxy.headers
    told = program.complaints + program.output.decode() + (home / "wire.jsonl").read_text()
    assert "pAssw0rd" not in told
    assert "dXNlcjpwQXNzdzByZA" not in told


async def test_no_proxy_is_honoured(home: Path, certificates: Path) -> None:
    async with offering(certificates, "good") as server, proxying() as proxy:
        variables = {"HTTPS_PROXY": proxy.url, "SSL_CERT_FILE": str(certificates / "good.pem")}
        program = await ran("-b", f"server={server.address}", home=home, audio=1.0, NO_PROXY="localhost", **variables)
        program.assert_whole(1.0)
        assert proxy.accepted == 0


async def test_a_proxy_that_is_dead_is_told_once(home: Path) -> None:
    port = dead_port()
    variables = {"HTTPS_PROXY": f"http://127.0.0.1:{port}"}
    program = await ran("-b", "server=wss://voxcli.invalid", home=home, audio=1.0, code=5, **variables)
    assert program.error["message"] == f"server: the proxy 127.0.0.1:{port} cannot be used: connection refused"
    assert program.error["hint"] == "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
    assert program.notices == []
    assert program.seconds < 3


@pytest.mark.parametrize("options", [{"closes": True}, {"status": 403}, {"status": 407}], ids=str)
async def test_a_proxy_that_refuses_is_asked_once(home: Path, options: dict[str, object]) -> None:
    async with proxying(**options) as proxy:
        variables = {"HTTPS_PROXY": proxy.url}
        program = await ran("-b", "server=wss://voxcli.invalid", home=home, audio=1.0, code=5, **variables)
        assert proxy.accepted == 1
    assert f"the proxy 127.0.0.1:{proxy.port}" in program.error["message"]
    assert program.error["hint"] == "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
    assert program.notices == []


@pytest.mark.slow
@pytest.mark.parametrize("address", ["http://", "127.0.0.1:3128x", "ftp://127.0.0.1:1", "http://127.0.0.1:port"])
async def test_what_is_no_proxy_is_told_once(home: Path, address: str) -> None:
    variables = {"HTTPS_PROXY": address}
    program = await ran("-b", "server=wss://voxcli.invalid", home=home, audio=1.0, code=5, **variables)
    assert program.notices == []
    assert program.error["hint"] == "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
