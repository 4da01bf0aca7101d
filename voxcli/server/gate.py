"""Who may come in: origins and tokens, before anything else is looked at and before a WebSocket is accepted."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from voxcli.protocols import deepgram_server
from voxcli.server.logs import log
from voxcli.server.metrics import Metrics
from voxcli.server.tokens import Tokens

GUARDED = ("/ws/transcribe", "/v1/listen")
"""What needs a token. The page, its files, health and metrics tell nothing of anybody."""

UNAUTHORIZED = "a token is needed: Authorization: Bearer TOKEN, or the WebSocket subprotocols token, TOKEN"
FOREIGN = "this page may not connect: its origin is not allowed"


class Gate:
    """401 without a good token, 403 for a page of another origin. ``is_local``: only this machine can come at all."""

    def __init__(
        self, app: ASGIApp, *, tokens: Tokens, origins: Sequence[str], is_local: bool, metrics: Metrics
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        self._is_local = is_local
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and (refusal := self._refusal(HTTPConnection(scope))):
            status, reason, sentence = refusal
            self._metrics.rejections.labels(reason).inc()
            log("refused", status=status, reason=reason, path=scope["path"], client=(scope.get("client") or ("",))[0])
            await _refuse(scope, receive, send, status, sentence)
            return
        await self._app(scope, receive, send)

    def _refusal(self, connection: HTTPConnection) -> tuple[int, str, str] | None:
        if not connection.scope["path"].startswith(GUARDED):
            return None
        headers = connection.headers
        if not self._is_allowed(headers):
            return 403, "origin", FOREIGN
        subprotocols = connection.scope.get("subprotocols", ())
        if not self._tokens.admits(headers.get("authorization"), subprotocols):
            return 401, "token", UNAUTHORIZED
        return None

    def _is_allowed(self, headers: Headers) -> bool:
        """A program sends no Origin. A page's is the server's own, or listed."""
        origin = headers.get("origin")
        if origin is None:
            return True
        host = headers.get("host", "").lower()
        own = urlsplit(origin.lower())
        is_own = own.scheme in ("http", "https") and own.netloc == host and bool(host)
        if is_own and self._is_local and not self._tokens:
            is_own = is_loopback(own.hostname or "")  # a name that somebody has pointed at this machine is no own one
        return is_own or origin.rstrip("/").lower() in self._origins


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, sentence: str) -> None:
    request_id = str(uuid.uuid4())
    headers = {"dg-error": sentence, "dg-request-id": request_id}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    code = "INVALID_AUTH" if status == 401 else "FORBIDDEN"
    response = JSONResponse(deepgram_server.refusal(code, sentence, request_id), status, headers)
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)
