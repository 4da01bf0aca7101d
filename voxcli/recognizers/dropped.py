"""Why there is no connection, or no longer, in a few words, and whether to try again: errors of libraries read once."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxy,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
    ProxyError,
)

from voxcli.backoff import Verdict, of_close, of_status, retry_after

PROXY_HINT = "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY"

_ERRNO = re.compile(r"\[Errno (\d+)\]")


class Dropped(Exception):
    """There is no connection, or no longer, and there was still work for it.

    ``verdict`` says whether to try again, ``reason`` why in a few words, ``retry_after`` how long the server asks to
    wait, ``code`` which close code the server sent, if it did.
    """

    def __init__(
        self,
        verdict: Verdict,
        reason: str,
        *,
        hint: str = "",
        retry_after: float | None = None,
        code: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.verdict = verdict
        self.reason = reason
        self.hint = hint or "see what the server says; its own log may say more"
        self.retry_after = retry_after
        self.code = code


def not_connected(error: Exception, hidden: Callable[[str], str], proxy: str | None, waited: float) -> Dropped:
    """What kept a connection from being made within ``waited`` seconds. An error that is no network's is raised."""
    if isinstance(error, InvalidStatus):
        return _refused(error, hidden)
    if isinstance(error, TimeoutError):
        by_way = f" by way of {place_of(proxy)}" if proxy else ""
        return Dropped(Verdict.TRANSIENT, f"no answer within {waited:g} s{by_way}")
    if isinstance(error, (ProxyError, InvalidProxy)):
        return _proxy_failed(error, hidden, proxy)
    if isinstance(error, OSError):
        return _unreachable(error, hidden, proxy)
    if isinstance(error, (InvalidURI, ImportError)):  # the latter for a proxy that needs another library
        hint = f"pip install python-socks; {PROXY_HINT}" if isinstance(error, ImportError) else ""
        return Dropped(Verdict.PERMANENT, hidden(str(error)), hint=hint)
    if isinstance(error, (InvalidHandshake, EOFError, ConnectionClosed)):
        return Dropped(Verdict.TRANSIENT, f"does not answer as a WebSocket server does: {hidden(str(error))}")
    raise error


def _unreachable(error: OSError, hidden: Callable[[str], str], proxy: str | None) -> Dropped:
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = f"its TLS certificate is not accepted: {error.verify_message or error.reason}"
        return Dropped(Verdict.PERMANENT, reason, hint="check the name in the address; SSL_CERT_FILE adds authorities")
    if isinstance(error, ssl.SSLError):
        why = (error.reason or "no reason given").lower().replace("_", " ")
        return Dropped(Verdict.TRANSIENT, f"TLS cannot be agreed on: {why}", hint="ws:// is for a server without TLS")
    if proxy is not None and isinstance(error, (ConnectionRefusedError, socket.gaierror)):
        return _proxy_failed(error, hidden, proxy)
    by_way = f" by way of {place_of(proxy)}" if proxy else ""
    return Dropped(Verdict.TRANSIENT, f"cannot be reached{by_way}: {_os_reason(error)}")


def _proxy_failed(error: Exception, hidden: Callable[[str], str], proxy: str | None) -> Dropped:
    where = place_of(proxy)
    if isinstance(error, InvalidProxyStatus):
        status = error.response.status_code
        verdict = Verdict.PERMANENT if of_status(status) is Verdict.DENIED else of_status(status)
        return Dropped(verdict, f"{where} refuses with HTTP {status}", hint=PROXY_HINT)
    why = _os_reason(error) if isinstance(error, OSError) else hidden(str(error))
    return Dropped(Verdict.PERMANENT, f"{where} cannot be used: {why}", hint=PROXY_HINT)


def place_of(proxy: str | None) -> str:
    """A proxy as it is told: its host and port, without name and password."""
    place = urlsplit(proxy or "")
    return f"the proxy {place.hostname}:{place.port}" if place.hostname else "the proxy"


def _refused(error: InvalidStatus, hidden: Callable[[str], str]) -> Dropped:
    """The server's own words, as far as it has any; never the headers that were sent."""
    response = error.response
    words = response.headers.get("dg-error") or _words_of(bytes(response.body or b""))
    request = response.headers.get("dg-request-id")
    reason = f"refused with HTTP {response.status_code}"
    reason += f": {words}" if words else ""
    if location := response.headers.get("Location"):
        reason += f", a redirect to {location}"
    reason += f" (request {request})" if request else ""
    return Dropped(
        of_status(response.status_code),
        hidden(reason),
        hint="redirects are not followed: give the address that is meant" if location else "",
        retry_after=retry_after(response.headers.get("Retry-After"), time.time()),
    )


def _words_of(body: bytes) -> str:
    """What an answer's body says is wrong, in one short line."""
    text = body[:2_000].decode("utf-8", "replace").strip()
    try:
        answer = json.loads(text)
        found = next((answer[key] for key in ("err_msg", "message", "details", "detail") if key in answer), text)
    except (ValueError, TypeError, RecursionError):
        found = "" if text.startswith("<") else text
    return " ".join(str(found).split())[:200]


def ended(error: ConnectionClosed, hidden: Callable[[str], str], most_bytes: int) -> Dropped:
    """How a connection ended. What we found wrong ourselves can be the network's fault and is tried again."""
    received = error.rcvd
    if received is not None and (error.rcvd_then_sent or error.sent is None):
        words = f"closed with {received.code}" + (f": {hidden(received.reason)}" if received.reason else "")
        return Dropped(of_close(received.code), words, code=received.code)
    if error.sent is None or error.sent.code == 1006:
        return Dropped(Verdict.TRANSIENT, "the connection broke")
    if error.sent.code == 1009:
        return Dropped(Verdict.PERMANENT, f"sent a message of more than {most_bytes // 2**20} MiB")
    return Dropped(Verdict.TRANSIENT, f"the connection failed: {error.sent.reason or error.sent.code}")


def _os_reason(error: OSError) -> str:
    """The system's words: ``connection refused``. asyncio wraps them, for a name with several addresses in a list."""
    found = _ERRNO.search(str(error))
    number = error.errno if error.errno is not None or found is None else int(found[1])
    if number is None or isinstance(error, socket.gaierror):
        words = error.strerror or str(error) or "the connection was cut off"
    else:
        words = os.strerror(number)
    return words[:1].lower() + words[1:]
