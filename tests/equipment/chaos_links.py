"""The connections of a chaos proxy: two directions each, and what can be done to them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol

PIECE_BYTES = 16_384
PIECES_HELD = 64
SLICES_PER_SECOND = 20  # a throttled direction sends so many pieces a second

Direction = Literal["up", "down"]
"""From the client to the server, or back."""

Action = Literal["cut", "reset", "black_hole", "half_close_up", "half_close_down"]


@dataclass(frozen=True)
class Plan:
    """What happens to one connection after so many bytes from the client, its handshake included."""

    action: Action
    after_bytes: int


class Conditions(Protocol):
    """What holds for all connections of a proxy."""

    delay_seconds: float
    bytes_per_second: float | None
    is_black_hole: bool

    def corrupted(self, piece: bytes) -> bytes:
        """What becomes of a piece from the server."""


class Pump:
    """One direction of a connection: reads, holds the bytes as long as it is told to, writes."""

    def __init__(self, proxy: Conditions, direction: Direction, source: socket.socket, sink: socket.socket) -> None:
        self.proxy = proxy
        self.direction = direction
        self.source = source
        self.sink = sink
        self.flowing = asyncio.Event()
        if not proxy.is_black_hole:
            self.flowing.set()
        self.forwarded = 0
        self.on_forwarded: Callable[[int], None] = lambda total: None
        self.is_dropping = False
        self._held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(PIECES_HELD)

    async def run(self) -> None:
        """Until the source ends and all of it is forwarded."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read())
            await self._write()

    def half_close(self) -> None:
        """Send FIN on this direction and drop whatever still comes."""
        if not self.is_dropping:
            self.is_dropping = True
            with suppress(OSError):
                self.sink.shutdown(socket.SHUT_WR)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        piece = b"begin"
        while piece:
            piece = await loop.sock_recv(self.source, PIECE_BYTES)
            await self._held.put((loop.time() + self.proxy.delay_seconds, piece))

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, piece = await self._held.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            await self.flowing.wait()
            if not piece:
                self.half_close()
                return
            await self._forward(self.proxy.corrupted(piece) if self.direction == "down" else piece)

    async def _forward(self, piece: bytes) -> None:
        loop = asyncio.get_running_loop()
        while piece and not self.is_dropping:
            rate = self.proxy.bytes_per_second
            size = max(1, round(rate / SLICES_PER_SECOND)) if rate else len(piece)
            part, piece = piece[:size], piece[size:]
            try:
                await loop.sock_sendall(self.sink, part)
            except OSError:
                if self.is_dropping:
                    return
                raise
            self.forwarded += len(part)
            self.on_forwarded(self.forwarded)
            if rate:
                await asyncio.sleep(len(part) / rate)


class Link:
    """One proxied connection."""

    def __init__(self, proxy: Conditions, client: socket.socket, server: socket.socket, plan: Plan | None) -> None:
        self.sockets = client, server
        self.up = Pump(proxy, "up", client, server)
        self.down = Pump(proxy, "down", server, client)
        self.plan = plan
        self.up.on_forwarded = self._follow_plan
        self._task: asyncio.Task[None] | None = None
        self._ended: Literal["cut", "reset"] = "cut"

    async def run(self) -> None:
        """Forward both directions until both have ended or the link is cut."""
        self._task = asyncio.current_task()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.up.run())
                group.create_task(self.down.run())
        except* OSError:
            self._ended = "reset"  # one side was reset or went away: so does the other
        finally:
            self._close()

    def end(self, how: Literal["cut", "reset"]) -> None:
        """FIN or RST on both sides; what is held is dropped."""
        self._ended = how
        self.up.is_dropping = self.down.is_dropping = True
        if self._task is not None:
            self._task.cancel()

    def black_hole(self, on: bool) -> None:
        """Hold everything, both ways, or let it flow again."""
        for pump in (self.up, self.down):
            if on:
                pump.flowing.clear()
            else:
                pump.flowing.set()

    def _follow_plan(self, forwarded: int) -> None:
        if self.plan is None or forwarded < self.plan.after_bytes:
            return
        action, self.plan = self.plan.action, None
        match action:
            case "cut" | "reset":
                self.end(action)
            case "black_hole":
                self.black_hole(True)
            case "half_close_up":
                self.up.half_close()
            case "half_close_down":
                self.down.half_close()

    def _close(self) -> None:
        for sock in self.sockets:
            if self._ended == "cut":
                _send_fin(sock)
            else:
                send_reset_when_closed(sock)
            sock.close()


def send_reset_when_closed(sock: socket.socket) -> None:
    """Closing it will be RST and not FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _send_fin(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(PIECE_BYTES):
            pass  # closing a socket with bytes in it that were not read would be RST
