"""A server on the loopback interface that really listens, knows what it hears, and does what it is told to.

    async with ScriptedServer("deepgram", [Behaviour(fault=Abort(after=2.0))]) as server:
        ...  # connect to server.url; the second connection is healthy
    assert server.connections[1].ears.place(0) == 16_000

As a program: ``python tests/equipment/scripted_server.py --dialect deepgram`` prints ``PORT n`` and serves.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import ssl
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, cast

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from oracle import Script
from scripted_conversation import Conversation
from scripted_dialects import DIALECTS, PATHS, Dialect, VoxcliV1
from scripted_handshakes import ScriptedConnection, answer_request, falsify_response
from scripted_record import Record
from scripted_session import Behaviour, Session, irregular

__all__ = ["Behaviour", "Record", "Script", "ScriptedServer", "irregular"]


class ScriptedServer:
    """The n-th connection gets the n-th behaviour, later ones get ``then``: the last one without its fault by default.

    Without a dialect the path decides. What goes wrong inside the server itself is raised at the end of the block.
    """

    def __init__(
        self,
        dialect: str | None = None,
        behaviours: Sequence[Behaviour] = (),
        *,
        then: Behaviour | None = None,
        script: Script | None = None,
        grace: float = 30.0,
        port: int = 0,
        receive_buffer: int | None = None,
        ping_interval: float | None = 20.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.dialect = dialect
        self.behaviours = list(behaviours)
        self.then = then or replace((self.behaviours or [Behaviour()])[-1], fault=None)
        self.script = script or Script()
        self.grace = grace
        self.port = port
        self.receive_buffer = receive_buffer
        """Bytes of a connection's receive buffer in the kernel; None for what the system gives, which is megabytes."""
        self.ping_interval = ping_interval
        self.tls = tls
        self.connections: list[Record] = []
        self.sessions: dict[str, Session] = {}
        """Sessions of ``voxcli.v1`` by name; ``clear()`` it to forget them all, as a server does that starts anew."""
        self._wires: set[ScriptedConnection] = set()
        self._servers: list[Server] = []
        self._arrival = asyncio.Event()
        self._errors: list[Exception] = []

    @property
    def url(self) -> str:
        """Where to connect, with the dialect's path."""
        path = next((path for path, dialect in PATHS.items() if dialect == self.dialect), "/ws/transcribe")
        return self.address + path

    @property
    def address(self) -> str:
        """The same without a path."""
        return f"wss://localhost:{self.port}" if self.tls else f"ws://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()
        for server in self._servers:
            await server.wait_closed()
        if self._errors and error is None:
            raise ExceptionGroup("the scripted server failed", self._errors)

    async def up(self) -> None:
        """Listen, on the same port as before."""
        listener = socket.create_server(("127.0.0.1", self.port), backlog=100)
        if self.receive_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        self.port = listener.getsockname()[1]
        options: dict[str, Any] = {
            "create_connection": self._connect,
            "select_subprotocol": self._choose_subprotocol,
            "process_request": self._answer_request,
            "process_response": falsify_response,
        }
        self._servers.append(
            await serve(
                self._handle,
                sock=listener,
                ssl=self.tls,
                compression=None,
                max_size=2**26,
                open_timeout=None,
                close_timeout=5,
                ping_interval=self.ping_interval,
                **options,
            )
        )

    def down(self, *, drop: bool = True) -> None:
        """Listen no more; with ``drop`` all connections end by RST."""
        server = self._servers[-1]
        server.server.close()
        server.close(close_connections=False)
        if drop:
            for task in [task for server in self._servers for task in server.handler_tasks]:
                task.cancel()
            for wire in self._wires:
                wire.drop()

    async def wait_for(self, connections: int, seconds: float = 10.0) -> Record:
        """Wait until so many connections have come, so many seconds at the most; the last of them."""
        async with asyncio.timeout(seconds):
            while len(self.connections) < connections:
                self._arrival.clear()
                await self._arrival.wait()
        return self.connections[connections - 1]

    def _connect(self, *arguments: Any, **options: Any) -> ScriptedConnection:
        number = len(self.connections)
        behaviour = self.behaviours[number] if number < len(self.behaviours) else self.then
        record = Record(number, asyncio.get_running_loop().time())
        self.connections.append(record)
        self._arrival.set()
        wire = ScriptedConnection(record, behaviour, *arguments, **options)
        wire.connection_lost_waiter.add_done_callback(lambda _: self._wires.discard(wire))
        self._wires.add(wire)
        return wire

    def _answer_request(self, connection: ServerConnection, request: Request) -> Response | None:
        with self._errors_kept():
            response = answer_request(cast(ScriptedConnection, connection), request)
        if response is None and self._dialect_name(request.path) not in DIALECTS:
            return connection.respond(404, "there is no such path\n")
        return response

    def _dialect_name(self, target: str) -> str | None:
        return self.dialect or PATHS.get(target.partition("?")[0])

    def _choose_subprotocol(self, connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        wire = cast(ScriptedConnection, connection)
        wanted = {"deepgram": "token", "voxcli": "voxcli.v1" if wire.behaviour.v1 else None}
        return next((name for name in offered if name == wanted.get(str(self._dialect_name(wire.record.path)))), None)

    async def _handle(self, connection: ServerConnection) -> None:
        wire = cast(ScriptedConnection, connection)
        wire.record.subprotocol = connection.subprotocol
        with self._errors_kept():
            await self._hold(wire)

    @contextmanager
    def _errors_kept(self) -> Iterator[None]:
        """Keep what goes wrong in here for the end: websockets would only log it."""
        try:
            yield
        except Exception as error:
            self._errors.append(error)
            raise

    async def _hold(self, wire: ScriptedConnection) -> None:
        dialect = self._dialect_of(wire)
        session, resumed = self._session_for(wire, dialect)
        conversation = Conversation(wire, dialect, session)
        wire.record.ears.script = self.script
        earlier, session.owner = session.owner, conversation
        if isinstance(earlier, Conversation):
            earlier.abort()
        try:
            await conversation.hold(resumed, int(wire.record.query.get("last_seq", "0")))
        finally:
            if session.owner is conversation:
                session.owner = None
                session.expires = wire.loop.time() + self.grace

    def _dialect_of(self, wire: ScriptedConnection) -> Dialect:
        if wire.subprotocol == "voxcli.v1":
            return VoxcliV1()
        return DIALECTS[str(self._dialect_name(wire.record.path))]()

    def _session_for(self, wire: ScriptedConnection, dialect: Dialect) -> tuple[Session, bool]:
        """The session that the client asks for, if there is one; else a new one."""
        behaviour = wire.behaviour
        known = self.sessions.get(wire.record.query.get("session", ""))
        is_kept = known is not None and (known.expires is None or known.expires > wire.loop.time())
        if known is not None and is_kept and behaviour.resumable and isinstance(dialect, VoxcliV1):
            known.behaviour, known.expires = behaviour, None
            return known, True
        session = Session.hearing(behaviour, self.script, dialect.longest_quiet)
        if behaviour.resumable:
            self.sessions[session.name] = session
        return session, False


async def _serve(arguments: argparse.Namespace) -> None:
    behaviour = Behaviour(
        final_every=arguments.final_every, interim_every=arguments.interim_every, speed=arguments.speed, v1=arguments.v1
    )
    async with ScriptedServer(arguments.dialect, then=behaviour, port=arguments.port) as server:
        sys.stdout.write(f"PORT {server.port}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialect", choices=sorted(DIALECTS), default=None)
    parser.add_argument("--final-every", type=float, default=2.0)
    parser.add_argument("--interim-every", type=float, default=0.5)
    parser.add_argument("--speed", type=float, default=None)
    parser.add_argument("--v1", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
