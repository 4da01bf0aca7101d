"""What every endpoint of one server shares: its options, recognizers, sessions and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from voxcli.audio import seconds
from voxcli.protocols import Asked
from voxcli.protocols.voxcli import SUBPROTOCOL
from voxcli.recognizers import Recognizer
from voxcli.server.logs import log
from voxcli.server.metrics import Metrics
from voxcli.server.options import ServerOptions
from voxcli.server.session import Session
from voxcli.server.sessions import Full, Sessions
from voxcli.server.supply import Supply

RETRY_AFTER_SECONDS = 5
"""What a client is told that finds the server full."""


class House:
    """``sessions`` is there while the app runs."""

    sessions: Sessions

    def __init__(self, options: ServerOptions, supply: Supply, language: str) -> None:
        self.options = options
        self.language = language
        self.metrics = Metrics()
        self._supply = supply

    @property
    def backends(self) -> list[str]:
        """Their names, in order of preference."""
        return self._supply.names

    def recognizer(self, asked: Asked) -> Recognizer:
        """The recognizer of one stream; its ``close`` gives back what is its own."""
        return self._supply.recognizer(asked)

    async def load(self) -> None:
        """Get the recognizers ready. Raises BackendError."""
        await self._supply.load()

    async def close(self) -> None:
        """Give back what ``load`` took."""
        await self._supply.close()

    def client_of(self, connection: HTTPConnection) -> str:
        """Whose sessions are counted together: an address."""
        return connection.client.host if connection.client is not None else ""

    def chosen_subprotocol(self, websocket: WebSocket) -> str | None:
        """Of those that a client offers: ours, else the one beside which it sends a token."""
        offered = websocket.scope["subprotocols"]
        return next((name for name in (SUBPROTOCOL, "token", "bearer") if name in offered), None)

    async def deny_full(self, websocket: WebSocket, full: Full) -> None:
        """503, before the upgrade."""
        self.metrics.rejections.labels(full.reason).inc()
        await websocket.send_denial_response(
            JSONResponse({"error": str(full)}, 503, {"Retry-After": str(RETRY_AFTER_SECONDS)})
        )

    @contextmanager
    def connected(self, session: Session, protocol: str) -> Iterator[None]:
        """While a client is connected."""
        self.metrics.connections.inc()
        log("connected", session=session.short_name, client=session.client, wire=protocol)
        try:
            yield
        finally:
            self.metrics.connections.dec()
            log("disconnected", session=session.short_name, audio_seconds=seconds(session.samples))
