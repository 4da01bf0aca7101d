"""Addresses of servers: checked, completed, shown, and which parts of them are secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from voxcli.errors import UsageError

_SHORTEST_SECRET = 6
_BARE = re.compile(r"[A-Za-z0-9.-]+(:\d+)?(/[\w./-]*)?")  # a host, and perhaps a port and a path, without a scheme
_SECRET_NAMES = ("key", "token", "secret", "pass", "auth", "signature")


def websocket_url(address: str, *, path: str = "") -> str:
    """An address as ws or wss; ``path`` where it names none. Raises UsageError."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        raise _no_address(address) from None
    scheme = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}.get(parts.scheme)
    if scheme is None or not _is_host(parts.hostname) or parts.fragment:
        raise _no_address(address)
    if parts.username is not None and not parts.password:
        raise _no_address(address)
    return urlunsplit(parts._replace(scheme=scheme, path=path if parts.path in ("", "/") and path else parts.path))


def _is_host(name: str | None) -> bool:
    """Whether a name can be one of a host: other ones make the resolver fail in ways of its own."""
    try:
        return bool(name) and bool(str(name).encode("idna"))
    except UnicodeError:
        return False


def _no_address(address: str) -> UsageError:
    """Without what comes before the name of the host: it may be a password."""
    before, at, after = address.rpartition("@")
    shown = f"{before.partition('//')[0]}//***@{after}" if at else address
    is_bare = _BARE.fullmatch(address) is not None
    return UsageError(
        f"{shown or 'nothing'} is no address of a server",
        f"did you mean ws://{address}, or wss://{address}?"
        if is_bare
        else "use one such as ws://127.0.0.1:8000 or wss://example.org/ws/transcribe",
    )


def with_parameters(url: str, parameters: Mapping[str, str] | Sequence[tuple[str, str]]) -> str:
    """An address with more in its query; what it says itself stays as it is."""
    parts = urlsplit(url)
    own = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    pairs = parameters.items() if isinstance(parameters, Mapping) else parameters
    more = urlencode([(name, value) for name, value in pairs if name not in own])
    return urlunsplit(parts._replace(query=f"{parts.query}&{more}" if parts.query and more else parts.query or more))


def shown(url: str) -> str:
    """An address to be told: without its query, and without what comes before the name of the host."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def secret_values(url: str) -> list[str]:
    """The values in a query whose names say that they are secret."""
    query = parse_qsl(urlsplit(url).query)
    return [
        value
        for name, value in query
        if len(value) >= _SHORTEST_SECRET and name != "keyterm" and any(part in name.lower() for part in _SECRET_NAMES)
    ]


def credentials(url: str) -> Sequence[str]:
    """The password in an address, and name and password as they stand in a header."""
    parts = urlsplit(url)
    if parts.password is None:
        return ()
    return parts.password, unquote(parts.password), f"{unquote(parts.username or '')}:{unquote(parts.password)}"
