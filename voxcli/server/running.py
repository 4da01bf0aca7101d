"""The server as a process: its socket, its signals, and an end at which no last word is lost."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from types import FrameType

import uvicorn

from voxcli.errors import UsageError, VoxcliError
from voxcli.server.app import create_app
from voxcli.server.house import House
from voxcli.server.options import ServerOptions
from voxcli.server.wires import HttpWire, WebSocketWire

BACKLOG = 2_048
THREADS = 512
"""Decoders of containers that may run at once, each in a thread that mostly waits for its client; the others wait."""

GARBAGE_THRESHOLDS = (2_000, 20, 50)
"""Objects until the youngest are searched, and how many searches of the younger come before one of the older."""

SHUTDOWN_SECONDS = 2
"""For connections to close, when all has been said."""


def bind(options: ServerOptions) -> socket.socket:
    """The listening socket. Raises VoxcliError, UsageError for a host that is none."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise UsageError(f"--host {options.host}: is no name or address of this machine", "--host 127.0.0.1") from error
    try:
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise VoxcliError(
            f"cannot listen on {options.host} port {options.port}: {reason}",
            "--port takes another one; --port 0 takes one that is free",
        ) from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # what a connection that was closed has left is not kept for ever
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(options.unread * 1000))
    return listener


def address_of(listener: socket.socket, *, is_tls: bool) -> str:
    """``http://HOST:PORT`` as a client would write it."""
    host, port = listener.getsockname()[:2]
    return f"{'https' if is_tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


class Server(uvicorn.Server):
    """The first signal lets every client have its last finals; the second ends the process at once."""

    def __init__(self, house: House, say: Callable[[str], None], *, handles_signals: bool = True) -> None:
        options = house.options
        wire = type("PatientWire", (HttpWire,), {"handshake": options.handshake})
        super().__init__(
            uvicorn.Config(
                create_app(house),
                http=wire,
                ws=WebSocketWire,
                ws_max_size=options.message_bytes,
                ws_ping_interval=None,  # a pong may lie behind minutes of audio; idle clients are seen by their silence
                ws_per_message_deflate=False,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                ssl_certfile=options.tls_cert,
                ssl_keyfile=options.tls_key,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
            )
        )
        self.signal: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._house = house
        self._say = say
        self._handles_signals = handles_signals

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or []:
            self._say(f"listening on {address_of(listener, is_tls=self._house.options.tls_cert is not None)}")

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        with super().capture_signals() if self._handles_signals else nullcontext():
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            os._exit(128 + sig)
        self.signal = sig
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.begin_to_end)

    def begin_to_end(self) -> None:
        """Give every client its last results, then stop serving."""
        if not self.started:
            self.should_exit = True
            return
        self._say("ending: clients are given their last results")
        self._house.sessions.begin_drain(self._has_drained)

    def _has_drained(self) -> None:
        self.should_exit = True


def run(house: House, say: Callable[[str], None]) -> int:
    """Serve until a signal comes, and return the exit code. Raises VoxcliError for what keeps it from serving."""
    with bind(house.options) as listener, asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(house, listener, say))


async def _serve(house: House, listener: socket.socket, say: Callable[[str], None]) -> int:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="voxcli-io"))
    await house.load()
    server = Server(house, say)
    _spare_garbage_collection()
    await server.serve(sockets=[listener])
    return 0 if server.signal is None else 128 + server.signal


def _spare_garbage_collection() -> None:
    """Leave what is loaded by now out of every later search for garbage, and search less often.

    A search through everything stops all sessions: with 300 of them for 110 to 170 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it is installed: it takes a fifth less CPU a message."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
