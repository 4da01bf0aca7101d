"""uvicorn's protocols with what an open network needs beside: deadlines, bounds, a way to drop a connection.

uvicorn waits for ever for a request that does not come to its end, keeps a head and trailers of any length and any
number of requests that wait for their turn, and answers pings that nobody reads the answers to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode
from websockets.protocol import OPEN

from voxcli.server.direct import EXTENSION

CLOSE_SECONDS = 3.0
"""For a client to answer a close."""

MOST_HEAD_BYTES = 1 << 16
"""Of a request's head, of its trailers, and of what else is no body."""
MOST_PIPELINED = 16
"""Requests of one connection that wait for the answer to the one before them."""
TURN_BYTES = 1 << 14
"""Of one client, before it is the turn of others: more than anybody sends at once who speaks."""
MOST_FRAGMENTS = 1 << 16
"""Of one message; empty ones would never make it too large."""


class TooManyRequests(Exception):
    """More requests at once than anybody needs."""


class HttpWire(HttpToolsProtocol):
    """A request's head must be there ``handshake`` seconds after its first byte, the connection or the last response.

    So must the rest of a body that was answered before it had come.
    """

    handshake = 10.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._patience: asyncio.TimerHandle | None = None
        self._answered: Any = None
        self._unframed = 0
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        self._unframed += len(data)
        super().data_received(data)
        if self._unframed > MOST_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        self._unframed = 0
        self._forget_patience()
        if len(self.pipeline) >= MOST_PIPELINED:
            raise TooManyRequests  # what parses answers 400 to any exception
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unframed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unframed = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_patience()
        self._abandon()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        super().send_400_response(msg)
        self._abandon()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _abandon(self) -> None:
        """Nobody is there for the request that is answered just now, which others may have followed."""
        if self._answered is not None and not self._answered.response_complete:
            self._answered.disconnected = True
            self._answered.message_event.set()

    def _wait_for_head(self) -> None:
        if self._patience is None and not self.transport.is_closing():
            self._patience = self.loop.call_later(self.handshake, self._give_up)

    def _forget_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._refuse(b"408 Request Timeout")

    def _refuse(self, status: bytes) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        self.transport.close()
        self._abandon()


class WebSocketWire(WebSocketsSansIOProtocol):
    """Gives an endpoint itself, a ``DirectWire``.

    A handshake that was refused is complete, too; uvicorn would complain of it.
    """

    take: Callable[[bytes], bool] | None = None

    _rest = b""
    """What has been read and waits to be parsed."""

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        self.close_timeout = CLOSE_SECONDS
        scope = getattr(self, "scope", None)
        if scope is not None:
            scope["extensions"][EXTENSION] = {"wire": self}

    def data_received(self, data: bytes) -> None:
        """In turns, since one read may bring more messages than can be parsed before others wait too long."""
        if self._rest:
            self._rest += data
        else:
            self._parse(data)

    async def receive(self) -> Any:
        message = await super().receive()
        if self._rest:
            self.transport.pause_reading()  # which has just been resumed, but there is enough
        return message

    def _parse(self, data: bytes) -> None:
        self._rest = data[TURN_BYTES:]
        super().data_received(data[:TURN_BYTES])
        if self.transport.is_closing():
            self._rest = b""
        elif len(data) >= TURN_BYTES:
            self.transport.pause_reading()
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if self._rest:
            self._parse(self._rest)
        if not self._rest and not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def send_receive_event_to_app(self) -> None:
        """A message has come whole."""
        is_audio = self.curr_msg_data_type == "bytes" and not self.close_sent
        if self.take is not None and is_audio and self.queue.empty() and self.take(b"".join(self.frames)):
            self.frames = []
        else:
            super().send_receive_event_to_app()

    @property
    def is_writable(self) -> bool:
        return self.conn.state is OPEN and self.writable.is_set() and not self.transport.is_closing()

    def send_at_once(self, text: str) -> None:
        self.conn.send_text(text.encode())
        self.transport.write(b"".join(self.conn.data_to_send()))

    def abort(self) -> None:
        self.transport.abort()

    def handle_ping(self) -> None:
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # whoever does not read needs no answer

    def handle_cont(self, event: Any) -> None:
        super().handle_cont(event)
        if len(self.frames) > MOST_FRAGMENTS:
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, "a message in too many pieces")
            self.handle_parser_exception()
