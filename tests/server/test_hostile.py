"""Clients that mean harm: each gets its status or its close code, and an honest one beside them does not notice.

Raw bytes go through ``raw``; whatever libraries would not send, these do.
"""

from __future__ import annotations

import asyncio
import resource
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from oracle import Loss, Script, check, clocked_audio, words_of
from running_server import RunningServer, client, closed, next_message, to_the_end

V1 = "voxcli.v1"
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
)


@asynccontextmanager
async def beside_an_honest_client(server: RunningServer, **headers: str) -> AsyncIterator[None]:
    """While entered somebody streams; all of the words have come at the end, none later than they should."""
    connection = await client(server.url(), V1, headers=headers or None)
    seconds = 0.0

    async def speak() -> None:
        nonlocal seconds
        while True:
            await connection.send(clocked_audio(0.1, seconds))
            seconds = round(seconds + 0.1, 1)
            await asyncio.sleep(0.02)

    async with asyncio.TaskGroup() as group:
        speaking = group.create_task(speak())
        listening = group.create_task(to_the_end(connection, 60))
        try:
            yield
            await asyncio.sleep(0.1)
        finally:
            speaking.cancel()
        await connection.send('{"type":"CloseStream"}')
        began = asyncio.get_running_loop().time()
        messages = await listening
    assert asyncio.get_running_loop().time() - began < 3
    assert connection.close_code == 1000
    assert check(words_of(messages), Script(), seconds) == Loss()


async def raw(server: RunningServer, *pieces: bytes, wait: float = 0.0, deadline: float = 15.0) -> bytes:
    """All that the server answers to some bytes, until it closes; ``wait`` seconds between two pieces."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        async with asyncio.timeout(deadline):
            answer = asyncio.create_task(everything(reader))
            try:
                for piece in pieces:
                    if reader.at_eof():
                        break
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(wait)
            except ConnectionError:
                pass  # closed in the middle: what came before is what counts
            return await answer
    finally:
        writer.transport.abort()


async def everything(reader: asyncio.StreamReader) -> bytes:
    """What comes until the end, however the end comes."""
    answer = b""
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            answer += piece
    return answer


def upgrade(server: RunningServer, path: str = "/ws/transcribe", host: str = "", **headers: str) -> bytes:
    """The bytes of a handshake."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return UPGRADE.format(path=path, host=host or f"127.0.0.1:{server.port}", more=more).encode()


def frame(opcode: int, payload: bytes, *, final: bool = True, reserved: int = 0) -> bytes:
    """A masked frame whose mask is zero."""
    head = bytes([(0x80 if final else 0) | reserved | opcode])
    if len(payload) < 126:
        return head + bytes([0x80 | len(payload)]) + bytes(4) + payload
    return head + b"\xff" + struct.pack(">Q", len(payload)) + bytes(4) + payload


def close_code(answer: bytes) -> int | None:
    """The code of the close frame at the end of an answer."""
    at = answer.rfind(b"\x88")
    return None if at < 0 or len(answer) < at + 4 else int.from_bytes(answer[at + 2 : at + 4], "big")


async def test_handshakes_that_never_end() -> None:
    """No byte at all, a head that dribbles, a head that grows: each ends at its deadline, with 408 or 4xx."""
    async with RunningServer(handshake=0.5) as server, beside_an_honest_client(server):
        silent, dribble, endless = await asyncio.gather(
            raw(server, b""),
            raw(server, *[bytes([byte]) for byte in upgrade(server)], wait=0.05),
            raw(server, b"GET / HTTP/1.1\r\n", *[b"X-Header: " + b"x" * 4_000 + b"\r\n"] * 50, wait=0.02),
        )
    assert silent.startswith(b"HTTP/1.1 408")
    assert dribble.startswith(b"HTTP/1.1 408")
    assert endless.startswith(b"HTTP/1.1 4")


@pytest.mark.slow
async def test_frames_that_never_end() -> None:
    """A byte now and then is no message: idle, whatever pongs say."""
    async with RunningServer(idle=0.8) as server, beside_an_honest_client(server):
        dribble = frame(2, bytes(1_000))
        pongs = [frame(0xA, b"")] * 60
        dribbled, ponged = await asyncio.gather(
            raw(server, upgrade(server), *[bytes([byte]) for byte in dribble[:200]], wait=0.05),
            raw(server, upgrade(server), *pongs, wait=0.05),
        )
    assert (close_code(dribbled), close_code(ponged)) == (4408, 4408)


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (frame(2, bytes((1 << 20) + 1)), 1009),
        (frame(1, b"\xff\xfe{"), 1007),
        (frame(2, bytes(10), reserved=0x40), 1002),
        (frame(3, b""), 1002),
        (bytes([0x82, 2, 1, 2]), 1002),
    ],
    ids=["too large", "bad UTF-8", "compressed, which was not agreed on", "an opcode that is none", "not masked"],
)
async def test_messages_that_cannot_be(bad: bytes, code: int) -> None:
    """Each has its close code."""
    async with RunningServer() as server, beside_an_honest_client(server):
        answer = await raw(server, upgrade(server, Sec_WebSocket_Extensions="permessage-deflate"), bad, wait=0.1)
    assert b"permessage-deflate" not in answer, "a deflate bomb needs an agreement"
    assert close_code(answer) == code


async def test_pages_of_others() -> None:
    """403 for an origin that is neither the server's own nor listed; on this machine alone a name is no proof."""
    async with RunningServer(origins=("https://friend.example",)) as server, beside_an_honest_client(server):
        own = f"http://127.0.0.1:{server.port}"
        answers = {
            origin: (await raw_status(server, Origin=origin))
            for origin in ("https://evil.example", "null", own, "https://friend.example", "http://localhost:1")
        }
        rebound = await raw_status(
            server, host=f"evil.example:{server.port}", Origin=f"http://evil.example:{server.port}"
        )
        posted = await server.post("/v1/listen", b"RIFF", Origin="https://evil.example")
    assert answers == {
        "https://evil.example": 403, "null": 403, own: 101, "https://friend.example": 101, "http://localhost:1": 403,
    }  # fmt: skip
    assert rebound == 403
    assert posted.status_code == 403


async def raw_status(server: RunningServer, path: str = "/ws/transcribe", host: str = "", **headers: str) -> int:
    """The status with which a handshake is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(upgrade(server, path, host, **headers))
    async with asyncio.timeout(10):
        line = await reader.readline()
    writer.transport.abort()
    return int(line.split()[1])


async def test_tokens() -> None:
    """401 without a good one; a good one goes in a header or among the subprotocols, never in the address."""
    async with (
        RunningServer(tokens=("g00d", "other")) as server,
        beside_an_honest_client(server, Authorization="Bearer other"),
    ):
        refused = [
            await raw_status(server),
            await raw_status(server, path="/ws/transcribe?token=g00d"),
            await raw_status(server, path="/v1/listen?access_token=g00d"),
            await raw_status(server, Authorization="Bearer bad"),
            await raw_status(server, Authorization="Basic g00d"),
            await raw_status(server, Authorization="g00d"),
            await raw_status(server, Sec_WebSocket_Protocol="token, bad"),
            (await server.post("/v1/listen", b"x")).status_code,
        ]
        taken = [
            await raw_status(server, Authorization="Bearer g00d"),
            await raw_status(server, Authorization="token g00d"),
            await raw_status(server, Sec_WebSocket_Protocol="token, g00d"),
            await raw_status(server, path="/v1/listen", Sec_WebSocket_Protocol="bearer, g00d"),
        ]
        assert (await client(server.url(), "token", "g00d")).subprotocol == "token"
        both = await client(server.url(), V1, "token", "g00d")
        assert both.subprotocol == V1
        assert [(await server.get(path)).status_code for path in ("/", "/healthz", "/metrics")] == [200, 200, 200]
    assert refused == [401] * len(refused)
    assert taken == [101] * len(taken)


async def test_addresses_that_are_none() -> None:
    """404 or another refusal, no file from elsewhere, and no trace of what is inside."""
    async with RunningServer() as server, beside_an_honest_client(server):
        assert await raw_status(server, path="/ws/other") == 404
        for path in (
            "/../voxcli/server/app.py",
            "/%2e%2e/app.py",
            "/..%2f..%2fetc/passwd",
            "/static//etc/passwd",
            "/%00",
        ):
            answer = await raw(server, f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            assert answer.split()[1] in (b"400", b"404"), (path, answer[:200])
        assert (await server.get("/v1/listen")).status_code in (404, 405)
        assert (await server.post("/ws/transcribe", b"x")).status_code in (404, 405)
        smuggled = await raw(
            server,
            b"POST /v1/listen HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
            deadline=5,
        )
        assert smuggled.startswith(b"HTTP/1.1 400")
        assert b"voxcli_sessions" not in smuggled


async def test_whoever_vanishes_in_the_middle_of_a_word() -> None:
    """A plain client's session is freed at once, that of voxcli.v1 after its grace."""
    async with RunningServer(grace=0.3) as server, beside_an_honest_client(server):
        connections = [await client(server.url(), *protocols) for protocols in ((), (V1,)) for _ in range(10)]
        for connection in connections:
            await connection.send(clocked_audio(0.75))
            connection.transport.abort()
        await server.metric_becomes("voxcli_sessions", 1.0)


@pytest.mark.slow
async def test_a_client_that_never_reads() -> None:
    """It is dropped within the deadline for sending; the server keeps no more for it than it may."""
    async with RunningServer(send=0.5, grace=0.2) as server:
        connection = await client(server.url(), V1, max_queue=1)
        connection.transport.pause_reading()
        audio = clocked_audio(1.0)
        with pytest.raises((ConnectionClosed, OSError, TimeoutError)):
            async with asyncio.timeout(30):
                while True:
                    await connection.send(audio)
                    await connection.send('{"type":"Finalize"}')
                    await connection.send("x" * 50_000)
        await server.metric_becomes("voxcli_connections", 0.0)
        await server.metric_becomes("voxcli_sessions", 0.0)


async def test_a_recording_that_dribbles_or_never_ends() -> None:
    """408 for a body that does not come, 413 for one that is too long, whatever its header says."""
    head = "POST /v1/listen HTTP/1.1\r\nHost: a\r\nContent-Type: audio/wav\r\n{}\r\n\r\n"
    async with RunningServer(listen_idle=0.5, upload_bytes=100_000) as server, beside_an_honest_client(server):
        slow, large, lying = await asyncio.gather(
            raw(server, head.format("Content-Length: 5000").encode() + b"RIFF", b"", wait=1.0),
            raw(server, head.format("Content-Length: 200000").encode()),
            raw(
                server,
                head.format("Transfer-Encoding: chunked").encode(),
                *[b"8000\r\n" + bytes(0x8000) + b"\r\n"] * 8,
                wait=0.01,
            ),
        )
    assert [answer.split()[1] for answer in (slow, large, lying)] == [b"408", b"413", b"413"]
    assert not list(Path("/tmp").glob("voxcli-*/recording"))  # noqa: S108


@pytest.mark.slow
async def test_a_thousand_connections() -> None:
    """Twenty are served, the others told to come back later, and nothing is left of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8_192), hard))
    try:
        async with RunningServer(max_sessions=20, grace=0.2) as server, beside_an_honest_client(server):
            outcomes = await asyncio.gather(*[attempt(server) for _ in range(1_000)])
            assert outcomes.count(101) == 19
            assert outcomes.count(503) == 981
            await server.metric_becomes("voxcli_sessions", 1.0)
            assert len(list(Path("/proc/self/fd").iterdir())) < 500
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def attempt(server: RunningServer) -> int:
    """Connect, stay a while, and leave; the status of the answer."""
    try:
        connection = await client(server.url(), open_timeout=60)
    except InvalidStatus as error:
        return error.response.status_code
    await asyncio.sleep(8)
    await connection.close()
    return 101


async def test_the_honest_client_of_these_tests_would_notice() -> None:
    """Were it cut off, its words would be missing."""
    async with RunningServer() as server:
        with pytest.raises((AssertionError, ExceptionGroup)):
            async with beside_an_honest_client(server):
                await next_message(await client(server.url(), V1), "Ready")
                server.server.begin_to_end()
                await asyncio.sleep(0.5)


async def test_closing_twice_is_no_trouble() -> None:
    """CloseStream again, audio after it, text after it: the receipt comes once."""
    async with RunningServer() as server:
        connection = await client(server.url(), V1)
        await connection.send(clocked_audio(1.0))
        for _ in range(3):
            await connection.send('{"type":"CloseStream"}')
            await connection.send(clocked_audio(1.0, 1.0))
        messages = await to_the_end(connection)
        assert (await closed(connection))[0] == 1000
    assert [message["type"] for message in messages].count("Metadata") == 1
    assert messages[-1]["duration"] == 1.0
