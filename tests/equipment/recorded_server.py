"""Plays a record of ``--record-wire`` back as a server, so that a report of a fault becomes a test.

A connection gets the messages of the connection of the same number: each when as much audio has come as had been sent
when it came. So the play does not depend on how fast it is. A text that was sent before it (Finalize, CloseStream) is
waited for, too. The end is the recorded one: the server's code, or RST where the connection broke.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from scripted_handshakes import reset

Line = dict[str, Any]


class RecordedServer:
    """``async with RecordedServer(path) as server: ... server.url``; ``problems`` says where the client differed."""

    def __init__(self, path: Path) -> None:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        self.connections = list(_by_connection(lines))
        self.opened = 0
        self._server: Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{port}"

    async def __aenter__(self) -> Self:
        subprotocols = {line["subprotocol"] for lines in self.connections for line in lines if line["event"] == "open"}
        self._server = await serve(
            self._hold,
            "127.0.0.1",
            0,
            compression=None,
            subprotocols=[name for name in subprotocols if name] or None,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _hold(self, connection: ServerConnection) -> None:
        lines, self.opened = self.connections[self.opened], self.opened + 1
        try:
            await _Play(connection).run(lines)
        except ConnectionClosed:
            return  # the client had enough


class _Play:
    """One connection: what came from the client so far, and what is due."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._audio_bytes = 0
        self._texts = 0

    async def run(self, lines: list[Line]) -> None:
        audio_bytes = texts = 0
        for line in lines:
            match line["event"]:
                case "audio":
                    audio_bytes = line["bytes"]
                case "sent":
                    texts += 1
                case "received":
                    await self._wait_for(audio_bytes, texts)
                    await self._connection.send(line.get("text") or base64.b64decode(line["base64"]))
                case "closed":
                    await self._wait_for(audio_bytes, texts)
                    await self._end(line["code"])

    async def _wait_for(self, audio_bytes: int, texts: int) -> None:
        while self._audio_bytes < audio_bytes or self._texts < texts:
            async with asyncio.timeout(20):
                message = await self._connection.recv()
            if isinstance(message, bytes):
                self._audio_bytes += len(message)
            else:
                self._texts += 1

    async def _end(self, code: int | None) -> None:
        if code is None:
            reset(self._connection.transport)
        elif code == 1005:
            await self._connection.close()
        else:
            await self._connection.close(code)


def _by_connection(lines: list[Line]) -> Iterator[list[Line]]:
    last = max((line["connection"] for line in lines), default=0)
    for number in range(1, last + 1):
        yield [line for line in lines if line["connection"] == number]
