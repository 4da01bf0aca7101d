"""uvicorn's protocols with what an open network needs beside: a deadline for the handshake, a way to drop a connection.

uvicorn waits for ever for a request that does not come to its end, and closes politely what reads nothing.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from voxcli.server.conversation import ABORT

CLOSE_SECONDS = 3.0
"""For a client to answer a close."""


class HttpWire(HttpToolsProtocol):
    """A request's head must be complete within ``handshake`` seconds of its connection, or of its first byte."""

    handshake = 10.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._patience: asyncio.TimerHandle | None = None
        self._wait_for_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        self._forget_patience()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_patience()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(self.handshake, self._give_up)

    def _forget_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self.transport.write(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        self.transport.close()


class WebSocketWire(WebSocketsSansIOProtocol):
    """Gives an endpoint the means to drop a connection whose client reads nothing.

    A handshake that was refused is complete, too; uvicorn would complain of it.
    """

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        self.close_timeout = CLOSE_SECONDS
        scope = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][ABORT] = {"call": self.transport.abort}
