"""Clients that mean harm: each gets its status or its close code, and an honest one beside them does not notice.

Raw bytes go through ``raw``; whatever libraries would not send, these do.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import struct
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from oracle import Loss, Script, check, clocked_audio, words_of
from running_server import RunningServer, ServerEars, client, closed, next_message, to_the_end
from server_process import ServerProcess
from voxcli.server import wires

V1 = "voxcli.v1"
LISTEN = "/v1/listen?encoding=linear16&sample_rate=16000"
LATEST = 2.5
"""Seconds from the last sample of a final being sent to the final: it is one every two seconds of audio."""
UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
)


@asynccontextmanager
async def beside_an_honest_client(server: RunningServer | ServerProcess, **headers: str) -> AsyncIterator[None]:
    """While entered somebody streams; all of the words have come at the end, none later than they should."""
    connection = await client(server.url(), V1, headers=headers or None)
    clock, sent_at = asyncio.get_running_loop().time, [0.0]
    messages: list[dict[str, Any]] = []
    delays: list[float] = []

    async def speak() -> None:
        while True:
            sent_at.append(clock())
            await connection.send(clocked_audio(0.1, (len(sent_at) - 2) / 10))
            await asyncio.sleep(0.02)

    async def listen() -> None:
        with suppress(ConnectionClosed):
            async for message in connection:
                messages.append(json.loads(message))
                if messages[-1].get("is_final"):
                    end = messages[-1]["start"] + messages[-1]["duration"]
                    delays.append(clock() - sent_at[round(end * 10)])

    async with asyncio.TaskGroup() as group:
        speaking = group.create_task(speak())
        listening = group.create_task(listen())
        try:
            yield
            await asyncio.sleep(0.1)
        finally:
            speaking.cancel()
        await connection.send('{"type":"CloseStream"}')
        async with asyncio.timeout(3):
            await listening
    assert connection.close_code == 1000
    seconds = round((len(sent_at) - 1) / 10, 1)
    assert check(words_of(messages), Script(), seconds) == Loss()
    assert max(delays) < LATEST


async def raw(
    server: RunningServer | ServerProcess, *pieces: bytes, wait: float = 0.0, deadline: float = 15.0
) -> bytes:
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


def upgrade(
    server: RunningServer | ServerProcess, path: str = "/ws/transcribe", host: str = "", **headers: str
) -> bytes:
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


POST = b"POST /v1/listen HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


ENDLESS = {
    "an address": (b"GET /", b"x" * 60_000),
    "headers": (b"GET / HTTP/1.1\r\n", b"X-Header: " + b"x" * 60_000 + b"\r\n"),
    "one header": (b"GET / HTTP/1.1\r\nX-Header: ", b"x" * 60_000),
    "trailers": (POST + b"1\r\nx\r\n0\r\n", b"X-Trailer: " + b"x" * 60_000 + b"\r\n"),
    "the extension of a chunk": (POST + b"1;", b"x" * 60_000),
}
"""How a request begins, and what comes then again and again."""


async def test_heads_as_large_as_they_like() -> None:
    """Cut off long before their deadline: 64 kB are enough for anybody."""
    async with RunningServer() as server, beside_an_honest_client(server):
        for name, (start, block) in ENDLESS.items():
            began = time.monotonic()
            sent = await asyncio.to_thread(pushed, server.port, start, block, seconds=2.0)
            assert time.monotonic() - began < 2, name
            assert sent < 16 << 20, name  # what fits into the buffers of the system, before it is noticed


def pushed(port: int, start: bytes, block: bytes, seconds: float) -> int:
    """How many bytes can be sent, block by block, until the server ends it or so much time has passed."""
    with socket.create_connection(("127.0.0.1", port), timeout=0.2) as link:
        link.sendall(start)
        return push(link, block, seconds)


def push(link: socket.socket, block: bytes, seconds: float) -> int:
    """The same over a connection that is there; nothing is ever read from it."""
    sent, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            sent += link.send(block)
        except TimeoutError:
            continue
        except OSError:
            break
    return sent


async def test_requests_that_do_not_wait_for_an_answer() -> None:
    """A few may queue up; whoever sends thousands is sent away, with nothing kept of them."""
    request = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    async with RunningServer() as server, beside_an_honest_client(server):
        few = await raw(server, request * 8 + request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        many = await raw(server, *[request * 5_000] * 4)
    assert few.count(b"HTTP/1.1 200 OK") == 9
    assert many.count(b"HTTP/1.1 200 OK") < 50
    assert b"HTTP/1.1 400" in many


async def test_bytes_that_nobody_asked_for_keep_no_connection() -> None:
    """The rest of a body that was answered already, and empty lines between requests, are waited for once."""
    head = b"POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    get = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    async with RunningServer(handshake=0.6) as server, beside_an_honest_client(server):
        answers = await asyncio.gather(
            raw(server, head, *[b"x"] * 60, wait=0.1, deadline=4),
            raw(server, head, b"x", deadline=4),
            raw(server, get, *[b"\r\n"] * 60, wait=0.1, deadline=4),
        )
    assert [answer.split()[1] for answer in answers] == [b"405", b"405", b"200"]


TWO_LENGTHS = (
    "Content-Length: -5",
    "Content-Length: +5",
    "Content-Length: 0x5",
    "Content-Length: 5, 5",
    "Content-Length: a",
    "Content-Length:",
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: 99999999999999999999999",
    "Content-Length: 5\nX: y",
    "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding:\x0bchunked",
    "Content-Length: 5\r\n folded: x",
)


async def test_bodies_of_two_lengths() -> None:
    """400 where two programs could read different requests; the one behind is not answered."""
    async with RunningServer() as server, beside_an_honest_client(server):
        for lines in TWO_LENGTHS:
            request = f"POST /v1/listen HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n0\r\n\r\n".encode()
            answer = await raw(server, request + b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", deadline=5)
            assert answer.startswith(b"HTTP/1.1 400"), lines
            assert b"voxcli_sessions" not in answer, lines


@pytest.mark.slow
async def test_frames_that_never_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then is no message: idle, whatever pongs say."""
    monkeypatch.setattr(wires, "CLOSE_SECONDS", 0.3)
    async with RunningServer(idle=0.8) as server, beside_an_honest_client(server):
        dribble = frame(2, bytes(1_000))
        pongs = [frame(0xA, b"")] * 60
        dribbled, ponged = await asyncio.gather(
            raw(server, upgrade(server), *[bytes([byte]) for byte in dribble[:200]], wait=0.05),
            raw(server, upgrade(server), *pongs, wait=0.05),
        )
    assert (close_code(dribbled), close_code(ponged)) == (4408, 4408)


BAD_MESSAGES = {
    "too large": (frame(2, bytes((1 << 20) + 1)), 1009),
    "bad UTF-8": (frame(1, b"\xff\xfe{"), 1007),
    "compressed, which was not agreed on": (frame(2, bytes(10), reserved=0x40), 1002),
    "an opcode that is none": (frame(3, b""), 1002),
    "not masked": (bytes([0x82, 2, 1, 2]), 1002),
    "a ping in pieces": (frame(9, b"", final=False), 1002),
    "a long ping": (frame(9, bytes(126)), 1002),
    "a piece of nothing": (frame(0, b"x"), 1002),
    "a close of one byte": (frame(8, b"\x03"), 1002),
    "a close that says 1005": (frame(8, (1005).to_bytes(2, "big")), 1002),
    "in too many pieces": (frame(2, b"", final=False) + frame(0, b"", final=False) * 70_000, 1009),
}


async def test_messages_that_cannot_be() -> None:
    """Each has its close code, and compression, which would let a small one grow, is never agreed on."""
    async with RunningServer() as server, beside_an_honest_client(server):
        hello = upgrade(server, Sec_WebSocket_Extensions="permessage-deflate")
        answers = await asyncio.gather(*[raw(server, hello, bad, wait=0.1) for bad, _ in BAD_MESSAGES.values()])
    assert not any(b"permessage-deflate" in answer for answer in answers)
    codes = dict(zip(BAD_MESSAGES, map(close_code, answers), strict=True))
    assert codes == {name: code for name, (_, code) in BAD_MESSAGES.items()}


async def test_pages_of_others() -> None:
    """403 for an origin that is neither the server's own nor listed; on this machine alone a name is no proof."""
    async with RunningServer(origins=("https://friend.example",)) as server, beside_an_honest_client(server):
        own = f"http://127.0.0.1:{server.port}"
        answers = {
            origin: (await raw_status(server, Origin=origin))
            for origin in (
                "https://evil.example", "null", own, "https://friend.example", "http://localhost:1",
                f"{own}.evil.example", "https://friend.example.evil.example", f"{own}@evil.example", "", "file://",
            )
        }  # fmt: skip
        rebound = await raw_status(
            server, host=f"evil.example:{server.port}", Origin=f"http://evil.example:{server.port}"
        )
        nameless = await raw_status(server, host=" ", Origin="http://")
        posted = await server.post("/v1/listen", b"RIFF", Origin="https://evil.example")
        listened = await raw_status(server, path=LISTEN, Origin="https://evil.example")
    assert answers == {
        "https://evil.example": 403, "null": 403, own: 101, "https://friend.example": 101, "http://localhost:1": 403,
        f"{own}.evil.example": 403, "https://friend.example.evil.example": 403, f"{own}@evil.example": 403, "": 403,
        "file://": 403,
    }  # fmt: skip
    assert (rebound, nameless, listened, posted.status_code) == (403, 403, 403, 403)


async def raw_status(
    server: RunningServer | ServerProcess, path: str = "/ws/transcribe", host: str = "", **headers: str
) -> int:
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
            await raw_status(server, Sec_WebSocket_Protocol="token"),
            await raw_status(server, Sec_WebSocket_Protocol="g00d"),
            await raw_status(server, Sec_WebSocket_Protocol="token, bad, token, g00d"),
            await raw_status(server, Authorization="Bearer bad", Sec_WebSocket_Protocol="token, g00d"),
            await raw_status(server, Authorization="Bearer "),
            await raw_status(server, Authorization="Bearer g00d g00d"),
            await raw_status(server, Authorization="Bearer \x80\xff"),
            await raw_status(server, path="/v1/%6cisten"),
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


async def test_no_other_spelling_of_an_address_needs_no_token() -> None:
    """What is not the address that is guarded is no address of a stream."""
    async with RunningServer(tokens=("g00d",)) as server:
        for path in ("//v1/listen", "/V1/listen", "/v1//listen", "/./v1/listen", "/static/../v1/listen",
                     "/x/../ws/transcribe", "/ws/transcribe/", "/ws/transcribe;a", "/%2fv1/listen"):  # fmt: skip
            assert await raw_status(server, path=path) in (400, 401, 404), path
            assert (await server.post(path, b"RIFF")).status_code in (307, 400, 401, 404, 405), path


async def test_addresses_that_are_none() -> None:
    """404 or another refusal, no file from elsewhere, and no trace of what is inside."""
    async with RunningServer() as server, beside_an_honest_client(server):
        assert await raw_status(server, path="/ws/other") == 404
        for path in (
            "/../voxcli/server/app.py",
            "/%2e%2e/app.py",
            "/..%2f..%2fetc/passwd",
            "/static//etc/passwd",
            "/static/..%2f..%2fserver/app.py",
            "/..%5c..%5capp.py",
            "/%00",
            "/%ff%fe",
        ):
            answer = await raw(server, f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
            assert answer.split()[1] in (b"400", b"404"), (path, answer[:200])
            assert b"Traceback" not in answer
        elsewhere = await raw(server, b"GET //evil.example/%2e%2e HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert b"location: //" not in elsewhere.lower()
        assert (await server.get("/v1/listen")).status_code in (404, 405)
        assert (await server.post("/ws/transcribe", b"x")).status_code in (404, 405)


async def test_whoever_vanishes_in_the_middle_of_a_word() -> None:
    """A plain client's session is freed at once, that of voxcli.v1 after its grace."""
    async with RunningServer(grace=0.3) as server, beside_an_honest_client(server):
        connections = [await client(server.url(), *protocols) for protocols in ((), (V1,)) for _ in range(10)]
        for connection in connections:
            await connection.send(clocked_audio(0.75))
            connection.transport.abort()
        await server.metric_becomes("voxcli_sessions", 1.0)


@contextmanager
def deaf(port: int, path: str) -> Iterator[socket.socket]:
    """A WebSocket whose client never reads again once it is open; as little as possible fits on the way."""
    link = socket.socket()
    try:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        link.settimeout(5)
        link.connect(("127.0.0.1", port))
        link.sendall(UPGRADE.format(path=path, host="a", more="").encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += link.recv(1)
        assert answer.startswith(b"HTTP/1.1 101")
        link.settimeout(0.2)
        yield link
    finally:
        link.close()


def memory(server: ServerProcess) -> float:
    """What the process holds, in MB."""
    assert server.process is not None
    return float(psutil.Process(server.process.pid).memory_info().rss / 1e6)


def connections(server: ServerProcess) -> int:
    """How many clients the system says are connected to it."""
    assert server.process is not None
    found = psutil.Process(server.process.pid).net_connections()
    return sum(each.status != psutil.CONN_LISTEN for each in found)


async def becomes(value: int, count: Any, seconds: float = 10.0) -> None:
    """Wait until it counts so many."""
    async with asyncio.timeout(seconds):
        while count() != value:
            await asyncio.sleep(0.05)


FLOODS = {
    "pings": ("/ws/transcribe", frame(9, bytes(125)), 40),
    "empty messages": ("/ws/transcribe", frame(2, b""), 40),
    "single samples": ("/ws/transcribe", frame(2, b"\1\0"), 40),
    "noise": ("/ws/transcribe", frame(1, b"{}"), 40),
    "wishes for finals": ("/ws/transcribe", frame(1, b'{"type":"Finalize"}'), 40),
    "wishes that are answered": (LISTEN, frame(1, b'{"type":"Finalize"}'), 40),
    "noise that is answered": (LISTEN, frame(1, b"{}"), 40),
    "minutes in each message": ("/ws/transcribe?encoding=mulaw&sample_rate=1000", frame(2, bytes(1 << 20)), 100),
}
"""Where to, what, and how many MB more the server may hold; the ears of these tests keep all that they hear."""


@pytest.mark.slow
@pytest.mark.parametrize("flood", FLOODS)
async def test_floods_of_whoever_never_reads(flood: str) -> None:
    """Others have their turn, memory does not grow, and in the end nothing is left of it."""
    path, message, most = FLOODS[flood]
    block = message * max(1, 65_536 // len(message))
    options = '{"send": 0.5, "idle": 1.0, "listen_idle": 1.0, "unread": 2.0}'
    async with ServerProcess("ears_server.py", options) as server:
        async with beside_an_honest_client(server):
            await asyncio.sleep(0.3)
            before = memory(server)
            with deaf(server.port, path) as link:
                await asyncio.to_thread(push, link, block, 3.0)
                assert memory(server) - before < most
                await asyncio.to_thread(push, link, block, 1.0)
        await becomes(0, lambda: connections(server))
        assert memory(server) - before < most


def asking(port: int, request: bytes) -> socket.socket:
    """A client that asks for as much as it may at once, and reads no answer."""
    link = socket.socket()
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    link.connect(("127.0.0.1", port))
    link.sendall(request * (wires.MOST_PIPELINED - 1))
    return link


@pytest.mark.slow
async def test_whoever_asks_and_never_reads() -> None:
    """The system gives up a connection whose answers nobody takes in, and the server what it held for it."""
    page = b"GET /transcription-client.js HTTP/1.1\r\nHost: a\r\n\r\n"
    async with ServerProcess("ears_server.py", '{"unread": 8.0}') as server, beside_an_honest_client(server):
        links = [asking(server.port, page) for _ in range(4)]
        try:
            await asyncio.sleep(1.0)
            assert connections(server) == 5
            await becomes(1, lambda: connections(server), 25)
        finally:
            for link in links:
                link.close()


@pytest.mark.slow
async def test_recordings_that_never_go_on() -> None:
    """A hundred clients keep decoders waiting for bytes; the next one's recording is decoded all the same."""
    recording = (Path(__file__).parents[2] / "samples" / "harbour.wav").read_bytes()
    async with ServerProcess("ears_server.py", "{}") as server, beside_an_honest_client(server):
        with ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(deaf(server.port, "/v1/listen")).sendall(frame(2, b"RIFF"))
            began = time.monotonic()
            connection = await client(server.url("/v1/listen"))
            await connection.send(recording)
            await connection.send('{"type":"CloseStream"}')
            messages = await to_the_end(connection)
            assert messages[-1]["duration"] == pytest.approx(8.335)
            assert time.monotonic() - began < 3


async def test_a_recording_that_dribbles_or_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """408 for a body that does not come, or too slowly, 413 for one that is too long, whatever its header says."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    head = "POST /v1/listen HTTP/1.1\r\nHost: a\r\nContent-Type: audio/wav\r\n{}\r\n\r\n"
    began = time.monotonic()
    async with RunningServer(listen_idle=0.5, upload_bytes=100_000) as server, beside_an_honest_client(server):
        silent, slow, large, lying = await asyncio.gather(
            raw(server, head.format("Content-Length: 5000").encode() + b"RIFF", b"", wait=1.0),
            raw(server, head.format("Content-Length: 5000").encode(), *[b"x"] * 100, wait=0.05),
            raw(server, head.format("Content-Length: 200000").encode()),
            raw(
                server,
                head.format("Transfer-Encoding: chunked").encode(),
                *[b"8000\r\n" + bytes(0x8000) + b"\r\n"] * 8,
                wait=0.01,
            ),
        )
    assert [answer.split()[1] for answer in (silent, slow, large, lying)] == [b"408", b"408", b"413", b"413"]
    assert time.monotonic() - began < 3
    assert not list(tmp_path.iterdir())


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


@pytest.mark.parametrize("turns", [0, 2, 3, 5])
async def test_whoever_leaves_while_the_server_ends(turns: int) -> None:
    """At whatever moment: the others get their last finals, and the server does end."""
    async with RunningServer() as server:
        leaving = [await client(server.url(), *protocols) for protocols in ((), (V1,)) for _ in range(3)]
        staying = await client(server.url(), V1)
        await staying.send(clocked_audio(1.0))
        await next_message(staying, "Ack")
        for connection in leaving:
            connection.transport.abort()
        for _ in range(turns):
            await asyncio.sleep(0)
        server.server.begin_to_end()
        messages = await to_the_end(staying)
        await server.ended()
    assert staying.close_code == 1012
    assert [word.name for word in words_of(messages)] == ["w0000", "w0001"]


@pytest.mark.slow
async def test_the_honest_client_of_these_tests_would_notice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were it cut off, its words would be missing; were the server stuck, they would come too late."""
    async with RunningServer() as server:
        with pytest.raises((AssertionError, ExceptionGroup)):
            async with beside_an_honest_client(server):
                await next_message(await client(server.url(), V1), "Ready")
                server.server.begin_to_end()
                await asyncio.sleep(0.5)
    monkeypatch.setitem(globals(), "LATEST", 0.3)
    async with RunningServer(ServerEars(pause=0.05)) as server:
        with pytest.raises((AssertionError, ExceptionGroup)):
            async with beside_an_honest_client(server):
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
