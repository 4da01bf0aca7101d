"""A TCP proxy on the loopback interface that does to connections what networks do.

    async with ChaosProxy(server.port) as proxy:
        ...  # connect to proxy.url("/v1/listen")
        proxy.reset()

Commands hold for all connections that are open; ``delay``, ``throttle`` and ``black_hole`` for later ones too. A
``Plan`` is for one connection. Audio in flight is bounded: a direction holds a mebibyte, then the sender has to wait.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Self

from chaos_links import Direction, Link, Plan, send_reset_when_closed

__all__ = ["ChaosProxy", "Plan"]


class ChaosProxy:
    """The n-th connection gets the n-th plan; later ones get none."""

    def __init__(self, target_port: int, plans: Sequence[Plan | None] = ()) -> None:
        self.target_port = target_port
        self.plans = list(plans)
        self.port = 0
        self.accepted = 0
        """Connections accepted, those that were closed at once included."""
        self.links: list[Link] = []
        """Connections that are open."""
        self.delay_seconds = 0.0
        self.bytes_per_second: float | None = None
        self.is_black_hole = False
        self._corrupt: tuple[int, int] | None = None
        self._close_next = 0.0
        self._group = asyncio.TaskGroup()
        self._listener: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def url(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.port}{path}"

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self.accept_again()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()
        for task in self._tasks:
            task.cancel()
        if kind is asyncio.CancelledError:  # perhaps the group's own, because the proxy failed
            await self._group.__aexit__(kind, error, trace)
        else:
            await self._group.__aexit__(None, None, None)

    def cut(self) -> None:
        """FIN both ways."""
        for link in self.links:
            link.end("cut")

    def reset(self) -> None:
        """RST both ways."""
        for link in self.links:
            link.end("reset")

    def black_hole(self, on: bool = True) -> None:
        """Forward nothing in either direction; what was held meanwhile flows when it is off again."""
        self.is_black_hole = on
        for link in self.links:
            link.black_hole(on)

    def half_close(self, direction: Direction) -> None:
        """FIN in one direction: the server (up) or the client (down) sees the end, and the other goes on."""
        for link in self.links:
            (link.up if direction == "up" else link.down).half_close()

    def delay(self, seconds: float) -> None:
        """Bytes read from now on are forwarded so much later, each way."""
        self.delay_seconds = seconds

    def throttle(self, bytes_per_second: float | None) -> None:
        """The rate of each direction of each connection; None for no limit."""
        self.bytes_per_second = bytes_per_second

    def corrupt(self, offset: int = 0, count: int = 2) -> None:
        """Flip all bits of ``count`` bytes from ``offset`` on in what the server sends next. 0 is a frame's header."""
        self._corrupt = offset, count

    def refuse(self) -> None:
        """Stop listening; connections that are open stay."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def accept_again(self) -> None:
        """Listen, on the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=100)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    def accept_then_close(self, count: float) -> None:
        """The next ``count`` connections (``math.inf`` for all) are closed as soon as they are accepted."""
        self._close_next = count

    def corrupted(self, piece: bytes) -> bytes:
        """What becomes of a piece from the server."""
        if self._corrupt is None or len(piece) <= self._corrupt[0]:
            return piece
        offset, count = self._corrupt
        self._corrupt = None
        flipped = bytes(byte ^ 0xFF for byte in piece[offset : offset + count])
        return piece[:offset] + flipped + piece[offset + count :]

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except BlockingIOError:
            return
        number, self.accepted = self.accepted, self.accepted + 1
        if self._close_next > 0:
            self._close_next -= 1
            client.close()
        else:
            client.setblocking(False)
            task = self._start(self._link(client, self.plans[number] if number < len(self.plans) else None))
            task.add_done_callback(lambda _: client.close())

    async def _link(self, client: socket.socket, plan: Plan | None) -> None:
        server = socket.socket()
        with server:
            server.setblocking(False)
            try:
                await asyncio.get_running_loop().sock_connect(server, ("127.0.0.1", self.target_port))
            except OSError:
                send_reset_when_closed(client)
                return
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = Link(self, client, server, plan)
            self.links.append(link)
            try:
                await link.run()
            finally:
                self.links.remove(link)

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
