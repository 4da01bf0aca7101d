"""What stands around a relay, as cheap as can be: a Deepgram behind it and clients before it, in one process.

``serve_load.py`` prints ``PORT n`` of the Deepgram, then for each line ``RELAY-PORT CLIENTS SECONDS`` that it reads a
line of JSON: milliseconds from a chunk's being sent to the result for it, but for the first two seconds. The clients
send 100 ms of audio each 100 ms; the Deepgram answers each with an interim, each twentieth with a final. Frames are
made once: no library stands in the way of the relay's figures.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import json
import re
import sys
from typing import Any

CHUNK_BYTES = 3_200
WARM_CHUNKS = 20
RATE = 16_000
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
PATH = "/v1/listen?model=nova-3&language=en&encoding=linear16&sample_rate=16000&channels=1&interim_results=true"
AUDIO = bytes([0x82, 0xFE]) + CHUNK_BYTES.to_bytes(2, "big") + bytes(4) + bytes(range(256)) * 12 + bytes(128)
"""A masked binary frame whose mask is zero."""
END = b'{"type":"CloseStream"}'
CLOSE_STREAM = bytes([0x81, 0x80 | len(END)]) + bytes(4) + END
METADATA = {"request_id": "r", "model_info": {"name": "n", "version": "v", "arch": "a"}, "model_uuid": "m"}
WORDS = " ".join(f"word{number}" for number in range(8))


class Frames(asyncio.Protocol):
    """The frames of one side of a connection, after its handshake; ``heard`` is given each with its opcode."""

    transport: Any

    def __init__(self) -> None:
        self._data = b""
        self._is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._is_open:
            head, blank, rest = self._data.partition(b"\r\n\r\n")
            if not blank:
                return
            self._data, self._is_open = rest, True
            self.opened(head)
        while (frame := self._frame()) is not None:
            self.heard(*frame)

    def _frame(self) -> tuple[int, bytes] | None:
        data = self._data
        if len(data) < 2:
            return None
        length, at = data[1] & 0x7F, 2
        if length >= 126:
            size = 2 if length == 126 else 8
            if len(data) < at + size:
                return None
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        at += 4 if data[1] & 0x80 else 0
        if len(data) < at + length:
            return None
        mask, payload = data[at - 4 : at] if data[1] & 0x80 else b"", data[at : at + length]
        self._data = data[at + length :]
        if mask.strip(b"\0") and length < 200:  # only texts are looked into
            payload = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        return data[0] & 0x0F, payload

    def opened(self, head: bytes) -> None:
        """The handshake has come."""

    def heard(self, opcode: int, payload: bytes) -> None:
        """A frame has come."""


class Provider(Frames):
    """A Deepgram for one connection."""

    def __init__(self) -> None:
        super().__init__()
        self._heard = self._covered = 0

    def opened(self, head: bytes) -> None:
        (key,) = re.findall(rb"(?i)sec-websocket-key: (\S+)", head)
        accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())  # noqa: S324 - RFC 6455 has it so
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )

    def heard(self, opcode: int, payload: bytes) -> None:
        if opcode == 2:
            self._heard += len(payload) // 2
            is_final = self._heard - self._covered >= 2 * RATE
            self._say(self._result(is_final))
            if is_final:
                self._covered = self._heard
        elif opcode == 1 and b"CloseStream" in payload:
            self._say({"type": "Metadata", "duration": self._heard / RATE, "request_id": "r", "channels": 1})
            self.transport.write(b"\x88\x02\x03\xe8")
        elif opcode == 8:
            self.transport.close()

    def _result(self, is_final: bool) -> dict[str, Any]:
        alternative = {"transcript": WORDS, "confidence": 0.9, "words": []}
        return {
            "type": "Results", "channel_index": [0, 1], "duration": (self._heard - self._covered) / RATE,
            "start": self._covered / RATE, "is_final": is_final, "speech_final": is_final,
            "channel": {"alternatives": [alternative]},
            "metadata": METADATA,
        }  # fmt: skip

    def _say(self, message: dict[str, Any]) -> None:
        text = json.dumps(message).encode()
        length = bytes([len(text)]) if len(text) < 126 else b"\x7e" + len(text).to_bytes(2, "big")
        self.transport.write(b"\x81" + length + text)


class Client(Frames):
    """Sends audio in real time once ``start`` is called; ``lags`` are milliseconds, of each chunk answered."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.lags: list[float] = []
        self.is_open, self.is_closed = loop.create_future(), loop.create_future()
        self._clock = loop.time
        self._sent: list[float] = []
        self._answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.write(
            f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        for future in (self.is_open, self.is_closed):
            if not future.done():
                future.set_result(None)

    def opened(self, head: bytes) -> None:
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise RuntimeError(head.decode())
        self.is_open.set_result(None)

    def heard(self, opcode: int, payload: bytes) -> None:
        if opcode == 1 and b'"Results"' in payload:
            end, now = round(sum(float(number) for number in SPAN.findall(payload)) * 10), self._clock()
            while self._answered < min(end, len(self._sent)):
                if self._answered >= WARM_CHUNKS:  # opening hundreds of connections at once is not what is measured
                    self.lags.append(1_000 * (now - self._sent[self._answered]))
                self._answered += 1
        elif opcode == 8:
            self.transport.close()

    def send(self) -> None:
        """The next chunk."""
        self._sent.append(self._clock())
        self.transport.write(AUDIO)

    def finish(self) -> None:
        """No more comes."""
        self.transport.write(CLOSE_STREAM)


SPAN = re.compile(rb'"(?:start|duration)": ?([\d.]+)')


async def speak(client: Client, began: float, chunks: int) -> None:
    """One client in real time."""
    clock = asyncio.get_running_loop().time
    for number in range(chunks):
        await asyncio.sleep(max(0.0, began + number / 10 - clock()))
        client.send()
    client.finish()
    async with asyncio.timeout(30):
        await client.is_closed


async def load(port: int, count: int, seconds: float) -> list[list[float]]:
    """So many clients, spread over a tenth of a second."""
    loop = asyncio.get_running_loop()
    clients = [(await loop.create_connection(lambda: Client(loop), "127.0.0.1", port))[1] for _ in range(count)]
    for client in clients:
        async with asyncio.timeout(30):
            await client.is_open
    began = loop.time() + 0.5
    async with asyncio.TaskGroup() as group:
        for number, client in enumerate(clients):
            group.create_task(speak(client, began + number / count / 10, int(seconds * 10)))
    return [client.lags for client in clients]


async def main() -> None:
    """Serve, and load whom it is told to."""
    loop = asyncio.get_running_loop()
    gc.disable()
    server = await loop.create_server(Provider, "127.0.0.1", 0, backlog=2_000)
    print("PORT", server.sockets[0].getsockname()[1], flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        port, count, seconds = line.split()
        gc.collect()  # and not meanwhile: it would be told as the relay's delay
        print(json.dumps(await load(int(port), int(count), float(seconds))), flush=True)


asyncio.run(main())
