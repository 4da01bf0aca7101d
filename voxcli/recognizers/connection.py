"""One WebSocket under our own deadlines: the door to the library ``websockets``; dropped.py reads its errors.

Measured with websockets 17: while its write buffer is full its keepalive never fires, and ``send`` and ``close`` hang
far beyond ``close_timeout``; so each has a deadline here, behind which the transport is aborted. Iterating over a
connection ends silently on 1000, 1001 and no status; here every end is told, as ``Dropped``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed, InvalidProxy, InvalidURI
from websockets.proxy import get_proxy, parse_proxy
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from voxcli import __version__
from voxcli.backoff import Verdict
from voxcli.protocols import Message
from voxcli.recognizers.dropped import PROXY_HINT, Dropped, ended, not_connected
from voxcli.recognizers.lifecycle import Lifecycle
from voxcli.recognizers.secrets import Secrets
from voxcli.recognizers.wire import Handshake, Wire

MOST_MESSAGE_BYTES = 2**20
"""A server has no reason to say more at once."""

MOST_LOGGED = 300
"""Characters of a message that are logged."""

LOGGER = logging.getLogger("voxcli.wire")


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

    def __init__(self, websocket: ClientConnection, target: Target, lifecycle: Lifecycle, log: Wire | None) -> None:
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
        dropped = ended(error, self.hidden, MOST_MESSAGE_BYTES)
        if self._log is not None:
            self._log.closed(dropped.code, dropped.reason)
        raise dropped from error


async def connect(target: Target, lifecycle: Lifecycle, subprotocols: Sequence[str], log: Wire | None) -> Connection:
    """A connection whose handshake is done. Raises Dropped."""
    logger = LOGGER.getChild(target.name)
    logger.filters[:] = [target.secrets]
    proxy = proxy_of(target)
    try:
        async with asyncio.timeout(lifecycle.connect):
            websocket = await _Connect(
                target.url,
                additional_headers=target.headers,
                subprotocols=[Subprotocol(name) for name in subprotocols] or None,
                user_agent_header=f"voxcli/{__version__}",
                compression=None,  # it costs CPU and gains nothing on PCM
                open_timeout=None,
                ping_interval=lifecycle.keepalive,
                ping_timeout=lifecycle.pong,
                close_timeout=lifecycle.close,
                max_size=MOST_MESSAGE_BYTES,
                proxy=proxy,
                logger=logger,
            )
    except Exception as error:
        raise not_connected(error, target.secrets.hidden, proxy, lifecycle.connect) from error
    if log is not None:
        log.opened(_handshake(websocket, target))
    return Connection(websocket, target, lifecycle, log)


def _handshake(websocket: ClientConnection, target: Target) -> Handshake:
    secured = websocket.transport.get_extra_info("ssl_object")
    certificate = {} if secured is None else secured.getpeercert() or {}
    return Handshake(
        url=target.secrets.hidden(target.url),
        subprotocol=websocket.subprotocol,
        date=None if websocket.response is None else websocket.response.headers.get("Date"),
        certificate_end=certificate.get("notAfter"),
    )


def proxy_of(target: Target) -> str | None:
    """The proxy that the environment names for this address. Raises Dropped for a name that cannot be one."""
    try:
        proxy = get_proxy(parse_uri(target.url))
        if proxy is not None:
            parse_proxy(proxy)
    except (InvalidProxy, ValueError) as error:
        raise Dropped(
            Verdict.PERMANENT, "the proxy in the environment has no valid address", hint=PROXY_HINT
        ) from error
    except InvalidURI as error:
        raise Dropped(Verdict.PERMANENT, target.secrets.hidden(str(error))) from error
    return proxy
