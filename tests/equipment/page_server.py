"""The page and its files, and a scripted server behind ``/ws/transcribe``, on one port."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

import voxcli
from oracle import Ears, Run, Script
from scripted_dialects import Dialect
from scripted_handshakes import ScriptedConnection
from scripted_record import Record
from scripted_server import Behaviour, ScriptedServer
from scripted_session import Session

STATIC = Path(voxcli.__file__).parent / "server" / "static"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""As strict as can be: what the page needs beyond it shows in the tests."""

PREFIX = "/somewhere"
"""The page is served under this path, too, as behind a proxy."""


class ClockEars(Ears):
    """Ears for audio that has no places in it, as a microphone's: the n-th sample heard is at place n."""

    def runs(self, start: int = 0, end: int | None = None) -> list[Run]:
        end = self.heard if end is None else min(end, self.heard)
        return [Run(start, start, end - start)] if end > start else []


@dataclass(frozen=True)
class Words(Script):
    """A script whose words come from a text, again and again."""

    text: str = ""

    def words_at(self, first: int, behind: int) -> list[Any]:
        said = self.text.split()
        words = super().words_at(first, behind)
        return [word._replace(name=said[int(word.name[1:]) % len(said)]) for word in words] if said else words


class PageServer(ScriptedServer):
    """The n-th WebSocket gets the n-th behaviour; files and health do not count. ``has_places``: the audio has them."""

    def __init__(
        self, behaviours: list[Behaviour] | None = None, *, has_places: bool = False, token: str = "", **options: Any
    ) -> None:
        super().__init__("voxcli", **options)
        self.has_places = has_places
        self.token = token
        self.is_ready = True
        self.requests: list[Request] = []
        self._waiting = list(behaviours or [])

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def streams(self) -> list[Record]:
        """The connections that were WebSockets."""
        return [record for record in self.connections if record.headers.get("upgrade") == "websocket"]

    def _answer_request(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        wire = cast(ScriptedConnection, connection)
        path = request.path.partition("?")[0].removeprefix(PREFIX)
        if path == "/ws/transcribe":
            return self._upgrade(wire, request)
        wire.record.take_request(request.path, request.headers.raw_items())
        if path == "/readyz":
            return self._respond(200 if self.is_ready else 503, b"{}", "application/json")
        return self._file(path)

    def _upgrade(self, wire: ScriptedConnection, request: Request) -> Response | None:
        is_upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        if is_upgrade and self._waiting:
            wire.behaviour = self._waiting.pop(0)
        wire.record.take_request(request.path, request.headers.raw_items())
        given = {request.headers.get("Authorization", ""), *wire.record.offered}
        if self.token and not given & {f"Bearer {self.token}", self.token}:
            return self._respond(401, b"a token is needed", "text/plain")
        if not is_upgrade:
            return self._respond(404, b"not found", "text/plain")
        return super()._answer_request(wire, request)

    def _file(self, path: str) -> Response:
        file = STATIC / (path.strip("/") or "index.html")
        if not file.is_file():
            return self._respond(404, b"not found", "text/plain")
        return self._respond(200, file.read_bytes(), mimetypes.guess_type(file)[0] or "application/octet-stream")

    def _respond(self, status: int, body: bytes, kind: str) -> Response:
        headers = Headers({
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Connection": "close",
        })  # fmt: skip
        return Response(status, "", headers, body)

    def _dialect_name(self, target: str) -> str | None:
        return super()._dialect_name(target.removeprefix(PREFIX))

    def _session_for(self, wire: ScriptedConnection, dialect: Dialect) -> tuple[Session, bool]:
        session, resumed = super()._session_for(wire, dialect)
        if not resumed and not self.has_places:
            session.ears = ClockEars(self.script)
        return session, resumed
