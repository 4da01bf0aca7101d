"""One WebSocket under our own deadlines: the one door to the library ``websockets``.

Measured with websockets 17: while its write buffer is full its keepalive never fires, and ``send`` and ``close`` hang
far beyond ``close_timeout``; so each has a deadline here, behind which the transport is aborted. Iterating over a
connection ends silently on 1000, 1001 and no status; here every end is told, as ``Dropped``.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxy,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
    ProxyError,
)
from websockets.proxy import get_proxy, parse_proxy
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from voxcli import __version__
from voxcli.backoff import Verdict, of_close, of_status, retry_after
from voxcli.protocols import Message
from voxcli.recognizers.lifecycle import Lifecycle
from voxcli.recognizers.secrets import Secrets
from voxcli.recognizers.wire import WireLog

MOST_MESSAGE_BYTES = 2**20
"""A server has no reason to say more at once."""

MOST_LOGGED = 300
"""Characters of a message that are logged."""

LOGGER = logging.getLogger("voxcli.wire")


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


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect. ``headers`` may hold keys; ``secrets`` hides them in everything that is said."""

    name: str
    url: str
    headers: Mapping[str, str]
    secrets: Secrets


class _Connect(open_websocket):
    """Audio goes where it was said to go: no redirect is followed."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Connection:
    """An open connection. Whatever ends it, ``send`` and ``receive`` raise Dropped from then on."""

    def __init__(self, websocket: ClientConnection, target: Target, lifecycle: Lifecycle, log: WireLog | None) -> None:
        self._socket = websocket
        self.hidden = target.secrets.hidden
        """Takes the keys out of a text."""
        self._lifecycle = lifecycle
        self._log = log
        self._clock = asyncio.get_running_loop().time
        self._sending_since: float | None = None

    @property
    def subprotocol(self) -> str | None:
        """The one that the server chose."""
        return self._socket.subprotocol

    async def send(self, message: Message) -> None:
        """Hand a message to the socket, which may still only be a buffer. Raises Dropped.

        Its deadline is kept by ``check_sending``, which has to be called now and then: a timer for each message would
        cost more than the message.
        """
        self._sending_since = self._sending_since or self._clock()
        try:
            await self._socket.send(message)
        except ConnectionClosed as error:
            self._sending_since = None
            self._raise_dropped(error)
        self._sending_since = None
        self._note(">", message)
        if self._log is not None:
            self._log.sent(message)

    def check_sending(self) -> None:
        """Raises Dropped when a message has been on its way into the socket for too long."""
        patience = self._lifecycle.send
        if self._sending_since is not None and self._clock() - self._sending_since >= patience:
            self.abort()
            raise Dropped(Verdict.TRANSIENT, f"nothing could be sent for {patience:g} s")

    async def receive(self) -> Message:
        """The next message, however long it takes. Raises Dropped."""
        try:
            message = await self._socket.recv()
        except ConnectionClosed as error:
            self._raise_dropped(error)
        self._note("<", message)
        if self._log is not None:
            self._log.received(message)
        return message

    def _note(self, arrow: str, message: Message) -> None:
        if LOGGER.isEnabledFor(logging.DEBUG):
            what = f"{len(message)} bytes" if isinstance(message, bytes) else self.hidden(message)[:MOST_LOGGED]
            LOGGER.debug("%s %s", arrow, what)

    async def close(self) -> None:
        """Say goodbye, but not for long."""
        try:
            async with asyncio.timeout(self._lifecycle.close):
                await self._socket.close()
        except TimeoutError:
            LOGGER.debug("the closing handshake was not answered")
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._socket.transport.abort()

    def _raise_dropped(self, error: ConnectionClosed) -> NoReturn:
        dropped = _dropped(error, self.hidden)
        if self._log is not None:
            self._log.closed(dropped.code, dropped.reason)
        raise dropped from error


async def connect(target: Target, lifecycle: Lifecycle, subprotocols: Sequence[str], log: WireLog | None) -> Connection:
    """A connection whose handshake is done. Raises Dropped."""
    logger = LOGGER.getChild(target.name)
    logger.filters[:] = [target.secrets]
    proxy = _proxy(target)
    try:
        async with asyncio.timeout(lifecycle.connect):
            websocket = await _Connect(
                target.url,
                additional_headers=target.headers,
                subprotocols=[Subprotocol(name) for name in subprotocols] or None,
                user_agent_header=f"voxcli/{__version__}",
                compression=None,  # it costs eight times the CPU and gains nothing on PCM
                open_timeout=None,
                ping_interval=lifecycle.keepalive,
                ping_timeout=lifecycle.pong,
                close_timeout=lifecycle.close,
                max_size=MOST_MESSAGE_BYTES,
                proxy=proxy,
                logger=logger,
            )
    except Exception as error:
        raise _failed(error, target.secrets.hidden, proxy, lifecycle) from error
    if log is not None:
        log.opened(target.secrets.hidden(target.url), websocket.subprotocol)
    return Connection(websocket, target, lifecycle, log)


def _proxy(target: Target) -> str | None:
    """The proxy that the environment names for this address. Raises Dropped for a name that cannot be one."""
    try:
        proxy = get_proxy(parse_uri(target.url))
        if proxy is not None:
            parse_proxy(proxy)
    except (InvalidProxy, ValueError) as error:
        raise Dropped(Verdict.PERMANENT, "the proxy's address cannot be meant", hint=_PROXY_HINT) from error
    except InvalidURI as error:
        raise Dropped(Verdict.PERMANENT, target.secrets.hidden(str(error))) from error
    return proxy


_PROXY_HINT = "check HTTPS_PROXY and NO_PROXY"


def _failed(error: Exception, hidden: Callable[[str], str], proxy: str | None, lifecycle: Lifecycle) -> Dropped:
    """What kept a connection from being made. An error that is no network's is raised as it is."""
    if isinstance(error, InvalidStatus):
        return _refused(error, hidden)
    if isinstance(error, TimeoutError):
        by_way = f" by way of {_place_of(proxy)}" if proxy else ""
        return Dropped(Verdict.TRANSIENT, f"no answer within {lifecycle.connect:g} s{by_way}")
    if isinstance(error, (ProxyError, InvalidProxy)):
        return _proxy_failed(error, hidden, proxy)
    if isinstance(error, OSError):
        return _unreachable(error, hidden, proxy)
    if isinstance(error, (InvalidURI, ImportError)):  # the latter for a proxy that needs another library
        hint = f"pip install python-socks; {_PROXY_HINT}" if isinstance(error, ImportError) else ""
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
    by_way = f" by way of {_place_of(proxy)}" if proxy else ""
    return Dropped(Verdict.TRANSIENT, f"cannot be reached{by_way}: {_os_reason(error)}")


def _proxy_failed(error: Exception, hidden: Callable[[str], str], proxy: str | None) -> Dropped:
    where = _place_of(proxy)
    if isinstance(error, InvalidProxyStatus):
        status = error.response.status_code
        verdict = Verdict.PERMANENT if of_status(status) is Verdict.DENIED else of_status(status)
        return Dropped(verdict, f"{where} refuses with HTTP {status}", hint=_PROXY_HINT)
    why = _os_reason(error) if isinstance(error, OSError) else hidden(str(error))
    return Dropped(Verdict.PERMANENT, f"{where} cannot be used: {why}", hint=_PROXY_HINT)


def _place_of(proxy: str | None) -> str:
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


def _dropped(error: ConnectionClosed, hidden: Callable[[str], str]) -> Dropped:
    """How a connection ended. What we found wrong ourselves can be the network's fault and is tried again."""
    received = error.rcvd
    if received is not None and (error.rcvd_then_sent or error.sent is None):
        words = f"closed with {received.code}" + (f": {hidden(received.reason)}" if received.reason else "")
        return Dropped(of_close(received.code), words, code=received.code)
    if error.sent is None or error.sent.code == 1006:
        return Dropped(Verdict.TRANSIENT, "the connection broke")
    if error.sent.code == 1009:
        return Dropped(Verdict.PERMANENT, f"sent a message of more than {MOST_MESSAGE_BYTES // 2**20} MiB")
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


_ERRNO = re.compile(r"\[Errno (\d+)\]")
