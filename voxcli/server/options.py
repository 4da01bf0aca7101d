"""What a server may be told: options of ``voxcli serve``, and deadlines chosen with clients' own limits in mind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Times are seconds. A limit that is None is none."""

    host: str = "127.0.0.1"
    port: int = 8_000
    max_sessions: int | None = None
    max_sessions_per_client: int | None = None
    grace: float = 30.0
    """How long the session of a client that has vanished is kept."""
    idle: float = 60.0
    """Without a message from a client of ``/ws/transcribe``."""
    origins: tuple[str, ...] = ()
    """Pages that may connect beside the server's own."""
    tokens: tuple[str, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    listen_idle: float = 10.0
    """Without a message from a client of ``/v1/listen`` (Deepgram's own limit)."""
    handshake: float = 10.0
    """For a client to say what it wants, once it is connected."""
    send: float = 10.0
    """For a message to go out to a client that does not read."""
    unread: float = 60.0
    """For a client to take in what was sent, after which the system drops its connection, one that was closed too."""
    drain: float = 10.0
    """For the last finals, when the server is to end."""
    message_bytes: int = 1 << 20
    """Greatest message."""
    upload_bytes: int = 2 << 30
    """Greatest recording that can be posted."""
    chunk_samples: int = 1_600
    buffer: float = 120.0
    """Audio seconds kept until a final covers them, where a relay may have to send them again."""
    read_ahead: float = 2.0
    """Audio seconds taken from a client before a recognizer has asked for them."""
    finals_kept: int = 1_000
    """Finals that a client may have missed when it comes back."""
