"""What can come instead of a WebSocket handshake, and the connection that lets it happen."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from scripted_record import Record
from scripted_session import Behaviour


@dataclass(frozen=True)
class HandshakeFault:
    """Something else than a WebSocket handshake."""

    def accepted(self, transport: asyncio.Transport) -> None:
        """What is done with a new TCP connection."""

    def received(self, transport: asyncio.Transport, data: bytes) -> None:
        """What is done with the request; nothing by default."""


@dataclass(frozen=True)
class NoHttp(HandshakeFault):
    """The TCP connection is accepted, and nothing is ever answered."""


@dataclass(frozen=True)
class GarbageHttp(HandshakeFault):
    """The answer is not HTTP."""

    answer: bytes = b"SSH-2.0-OpenSSH_9.2\r\n\r\n"

    def received(self, transport: asyncio.Transport, data: bytes) -> None:
        transport.write(self.answer)
        transport.close()


@dataclass(frozen=True)
class AcceptThenClose(HandshakeFault):
    """The TCP connection is accepted and closed."""

    def accepted(self, transport: asyncio.Transport) -> None:
        transport.close()


@dataclass(frozen=True)
class Refuse(HandshakeFault):
    """An HTTP status."""

    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True)
class WrongAcceptKey(HandshakeFault):
    """101, but not for this request."""


class ScriptedConnection(ServerConnection):
    """A connection that knows from its first byte on how the server behaves on it."""

    def __init__(self, record: Record, behaviour: Behaviour, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.record = record
        self.behaviour = behaviour

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if not self.server.is_serving():
            self.transport.abort()
        elif isinstance(self.behaviour.fault, HandshakeFault):
            self.behaviour.fault.accepted(self.transport)

    def data_received(self, data: bytes) -> None:
        if isinstance(self.behaviour.fault, NoHttp | GarbageHttp):
            self.behaviour.fault.received(self.transport, data)
        else:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.record.closed_at = self.loop.time()
        self.record.close_code, self.record.close_reason = self.close_code, self.close_reason
        self.record.closed.set()

    def drop(self) -> None:
        """End it by RST, if it has begun."""
        if hasattr(self, "transport"):
            reset(self.transport)


def reset(transport: asyncio.Transport) -> None:
    """End a TCP connection by RST."""
    if not transport.is_closing():
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def answer_request(connection: ScriptedConnection, request: Request) -> Response | None:
    """Refuse what is to be refused."""
    connection.record.take_request(request.path, request.headers.raw_items())
    fault = connection.behaviour.fault
    if not isinstance(fault, Refuse):
        return None
    response = connection.respond(fault.status, fault.body)
    for name, value in fault.headers.items():
        if name in response.headers:
            del response.headers[name]
        response.headers[name] = value
    return response


def falsify_response(connection: ScriptedConnection, request: Request, response: Response) -> None:
    """Answer another request than the one that came, where that is what goes wrong."""
    if isinstance(connection.behaviour.fault, WrongAcceptKey):
        del response.headers["Sec-WebSocket-Accept"]
        response.headers["Sec-WebSocket-Accept"] = "c29tZWJvZHkgZWxzZSdzIGtleQ=="
