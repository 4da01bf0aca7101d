"""What the server's own connections can do beside ASGI. Under another server everything works without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from starlette.types import Scope

EXTENSION = "voxcli.direct"


class DirectWire(Protocol):
    """A connection, where a queue and a change of tasks would cost more than the message."""

    take: Callable[[bytes], bool] | None
    """Set by whoever waits for a message: is given a binary one, and says whether it has taken it."""

    @property
    def is_writable(self) -> bool:
        """Whether a text can be sent without waiting."""

    def send_at_once(self, text: str) -> None:
        """Send a text, while ``is_writable``."""

    def abort(self) -> None:
        """Drop the connection, whose client reads nothing."""


def direct_wire(scope: Scope) -> DirectWire | None:
    """That of a connection, if it has one."""
    wire: DirectWire | None = scope.get("extensions", {}).get(EXTENSION, {}).get("wire")
    return wire
