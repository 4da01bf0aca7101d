"""Tokens: where they are kept, where a client puts one, and comparing them so that the time taken tells nothing."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from voxcli.errors import UsageError

_SCHEMES = ("bearer", "token")


def tokens_in(text: str, origin: str) -> tuple[str, ...]:
    """A token a line; what follows ``#`` at the start of a line is a comment. Raises UsageError."""
    lines = [line.strip() for line in text.splitlines()]
    tokens = [line for line in lines if line and not line.startswith("#")]
    for number, token in enumerate(tokens, 1):
        if not token.isascii() or not token.isprintable() or any(mark in token for mark in ' ,"'):
            raise UsageError(
                f"{origin}: token {number} is not one word of ASCII characters", "a token a line, for example from "
                "python3 -c 'import secrets; print(secrets.token_urlsafe())'",
            )  # fmt: skip
    return tuple(dict.fromkeys(tokens))


def read_tokens(path: Path) -> tuple[str, ...]:
    """The tokens of a file. Raises UsageError, also where there is none in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"{path}: {reason.lower()}", "name a file with a token a line") from error
    tokens = tokens_in(text, str(path))
    if not tokens:
        raise UsageError(f"{path}: there is no token in it", "write a token a line; # begins a comment")
    return tokens


class Tokens:
    """The tokens that are good."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._digests = [_digest(token) for token in tokens]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def admits(self, authorization: str | None, subprotocols: Sequence[str]) -> bool:
        """Whether a good token stands in the header or follows ``token`` among the subprotocols.

        Every token is compared, whichever is the right one.
        """
        if not self._digests:
            return True
        given = _of_header(authorization) or _of_subprotocols(subprotocols)
        if given is None:
            return False
        digest = _digest(given)
        found = [hmac.compare_digest(digest, known) for known in self._digests]
        return any(found)


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogateescape")).digest()


def _of_header(authorization: str | None) -> str | None:
    scheme, _, token = (authorization or "").strip().partition(" ")
    return token.strip() or None if scheme.lower() in _SCHEMES else None


def _of_subprotocols(subprotocols: Sequence[str]) -> str | None:
    for scheme, token in pairwise(subprotocols):
        if scheme.lower() in _SCHEMES:
            return token
    return None
