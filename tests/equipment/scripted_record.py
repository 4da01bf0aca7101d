"""What a scripted server remembers of a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from oracle import Ears
from scripted_dialects import Shape


@dataclass(eq=False)
class Record:
    """What a server remembers of a connection. Times are the event loop's."""

    number: int
    """Counted from 0."""
    connected_at: float
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)
    parameters: list[tuple[str, str]] = field(default_factory=list)
    """The query in order, with names that come more often than once."""
    headers: dict[str, str] = field(default_factory=dict)
    """Names in lower case."""
    offered: list[str] = field(default_factory=list)
    """Subprotocols."""
    subprotocol: str | None = None
    texts: list[str] = field(default_factory=list)
    texts_at: list[float] = field(default_factory=list)
    ears: Ears = field(default_factory=Ears)
    """The audio of this connection alone: ``ears.place(0)`` is where the client began to send."""
    binary_messages: int = 0
    first_audio_at: float | None = None
    last_audio_at: float | None = None
    sent: list[Shape] = field(default_factory=list)
    """Messages that were sent, as JSON."""
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    closed_at: float | None = None
    close_code: int | None = None
    """As received: 1005 for a close frame without a code, 1006 for no close frame."""
    close_reason: str | None = None

    @property
    def samples(self) -> int:
        """Samples received."""
        return self.ears.heard

    @property
    def finals(self) -> list[Shape]:
        """The final results that were sent."""
        return [message for message in self.sent if message.get("is_final") or "text" in message]

    def take_request(self, target: str, headers: Iterable[tuple[str, str]]) -> None:
        parts = urlsplit(target)
        self.path, self.parameters = parts.path, parse_qsl(parts.query, keep_blank_values=True)
        self.query = dict(self.parameters)
        self.headers = {name.lower(): value for name, value in headers}
        self.offered = [name.strip() for name in self.headers.get("sec-websocket-protocol", "").split(",") if name]

    def take_audio(self, data: bytes) -> None:
        now = asyncio.get_running_loop().time()
        self.first_audio_at = self.first_audio_at or now
        self.last_audio_at = now
        self.binary_messages += 1
        self.ears.feed(data)
