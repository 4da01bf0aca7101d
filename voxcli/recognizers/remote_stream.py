"""One stream over connections that break: reconnects, goes on in the same session or replays.

Coverage decides where to go on, never what was sent. A new session hears again from a second before the first sample
that no final has covered, and words that lie in covered audio are not told again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from voxcli.audio import samples, seconds
from voxcli.backoff import Retries, Retry, Verdict
from voxcli.epoch import REPLAY_SECONDS, Epoch, Ledger
from voxcli.errors import AuthenticationFailed, BackendRefused, BackendUnreachable
from voxcli.events import Error, Notice, NoticeCode, Results, UtteranceEnd
from voxcli.protocols import Codec, Malformed, Message, Ready
from voxcli.recognizers import Audio, Emit
from voxcli.recognizers.addresses import with_parameters
from voxcli.recognizers.connection import Connection, Target, connect
from voxcli.recognizers.dropped import Dropped
from voxcli.recognizers.exchange import TOLERANCE, Exchange
from voxcli.recognizers.lifecycle import Lifecycle, most_uncovered
from voxcli.recognizers.wire import Wire


@dataclass(frozen=True, slots=True)
class Remote:
    """A server and its language. ``target.url`` has the query already; ``login_hint`` says how to give it a key."""

    name: str
    model: str
    target: Target
    new_codec: Callable[[], Codec]
    login_hint: str


class RemoteStream:
    """One stream through as many connections as it takes. ``start`` is where this recognizer's part of it begins."""

    def __init__(
        self,
        remote: Remote,
        lifecycle: Lifecycle,
        retries: Retries,
        audio: Audio,
        start: int,
        emit: Emit,
        log: Wire | None,
        *,
        was_connected: bool = False,
        was_told_best_effort: bool = False,
        proving: bool = False,
    ) -> None:
        self._remote = remote
        self._lifecycle = lifecycle
        self._retries = retries
        self._audio = audio
        self._start = start
        self._emit = emit
        self._log = log
        self._proving = proving
        self._ledger = Ledger(audio.settled)
        self._session: _Session | None = None
        self._has_word_times = False
        self.was_told_best_effort = was_told_best_effort
        self._is_reconnecting = False
        self.was_connected = was_connected
        self._has_progressed = False

    async def run(self) -> None:
        """Until all is covered. Raises BackendError, and what ``emit`` raises."""
        while await self._has_work():
            begun, self._has_progressed = asyncio.get_running_loop().time(), False
            dropped, was_connected = await self._one_life()
            if dropped is None:
                return
            lived = asyncio.get_running_loop().time() - begun
            self.was_connected = self.was_connected or (was_connected and dropped.verdict is not Verdict.DENIED)
            await self._wait_after(dropped, lived if was_connected and not self._has_progressed else None)

    async def _one_life(self) -> tuple[Dropped | None, bool]:
        """One connection from its beginning to its end: how it was dropped, if it was, and whether it had stood."""
        connection: Connection | None = None
        try:
            connection, begin = await self._connect()
            if self._is_reconnecting:
                self._is_reconnecting = False
                self._tell("reconnected", f"{self._remote.name}: connected again")
            await self._exchange(connection, begin)
        except Dropped as dropped:
            return dropped, connection is not None
        finally:
            if connection is not None:
                await connection.close()
        return None, True

    async def _has_work(self) -> bool:
        """Wait for audio that is not covered; False when there will be none."""
        await self._audio.beyond(self._audio.covered + TOLERANCE)
        return self._audio.head > self._audio.covered + TOLERANCE

    # Connections

    async def _connect(self) -> tuple[Connection, int]:
        """A connection and the sample to send first: in the old session if the server has kept it. Raises Dropped."""
        session = self._session
        if session is not None and (parameters := session.codec.rejoining()):
            joined = await self._join(session, parameters)
            if joined is not None:
                return joined
            self._session = None
        connection = await self._open({})
        return connection, self._new_session(connection)

    async def _join(self, session: _Session, parameters: Mapping[str, str]) -> tuple[Connection, int] | None:
        """A connection in the old session, or in the new one that the server gives; None where it does neither."""
        try:
            connection = await self._open(parameters)
        except Dropped as dropped:
            if dropped.verdict is Verdict.PERMANENT:
                return None
            raise
        begin = await self._rejoined(connection, session)
        if begin is None:
            await connection.close()
        return None if begin is None else (connection, begin)

    async def _open(self, parameters: Mapping[str, str]) -> Connection:
        target = self._remote.target
        codec = self._remote.new_codec() if self._session is None else self._session.codec
        there = replace(target, url=with_parameters(target.url, parameters)) if parameters else target
        return await connect(there, self._lifecycle, codec.subprotocols, self._log)

    async def _rejoined(self, connection: Connection, session: _Session) -> int | None:
        """The sample to go on from, in the old session or in the new one that the server gives; None without an answer.

        Raises Dropped.
        """
        if connection.subprotocol not in session.codec.subprotocols:
            return self._new_session(connection)
        session.greeting = session.codec.start(connection.subprotocol)
        try:
            async with asyncio.timeout(self._lifecycle.rejoin):
                message = await connection.receive()
        except TimeoutError:
            return None
        except BaseException:
            await connection.close()
            raise
        ready = _ready(session.codec, message)
        if ready is None:
            return None
        if not ready.resumed:
            return self._new_session(connection, message)
        session.epoch.map.truncate(ready.received_samples)
        return session.epoch.map.place(session.epoch.map.length)

    def _new_session(self, connection: Connection, *heard: Message) -> int:
        codec, begin = self._remote.new_codec(), self._replay_from()
        greeting = codec.start(connection.subprotocol)
        for message in heard:
            codec.receive(message)
        self._session = _Session(codec, Epoch(self._ledger, begin), greeting)
        return begin

    def _replay_from(self) -> int:
        """Where a new session begins: with a look back only over audio that this recognizer has given words for."""
        covered = self._audio.covered
        return max(self._start, covered - samples(REPLAY_SECONDS)) if self._has_word_times else covered

    # Work

    async def _exchange(self, connection: Connection, begin: int) -> None:
        session = self._session
        if session is None:
            raise AssertionError("a connection has a session")
        exchange = Exchange(
            connection,
            session.codec,
            session.epoch,
            self._audio,
            self._heard,
            self._lifecycle,
            backend=self._remote.name,
            progressed=self._note_progress,
            proving=self._proving,
        )
        try:
            await exchange.run(begin, session.take_greeting())
        finally:
            if exchange.has_word_times is not None:
                self._has_word_times = exchange.has_word_times

    def _heard(self, event: Results | UtteranceEnd | Notice | Error) -> None:
        self.was_connected = True
        session = self._session
        if session is not None and not session.codec.has_spans and not self.was_told_best_effort:
            self.was_told_best_effort = True
            self._tell(
                "best_effort",
                f"the results of {self._remote.name} carry no times: each is taken to cover all audio sent before it",
            )
        self._emit(event)

    def _note_progress(self) -> None:
        self._has_progressed = True
        self._retries.progressed()

    # After a drop

    async def _wait_after(self, dropped: Dropped, lived: float | None) -> None:
        """Wait for the next try. Raises BackendError where there is none."""
        if dropped.verdict is Verdict.DENIED and not self.was_connected:
            raise AuthenticationFailed(self._remote.name, dropped.reason, self._remote.login_hint) from dropped
        if dropped.verdict in (Verdict.PERMANENT, Verdict.DENIED):
            raise BackendRefused(self._remote.name, dropped.reason, dropped.hint) from dropped
        if self._audio.head <= self._audio.covered + TOLERANCE and not self._audio.ended:
            self._is_reconnecting = True
            return  # nothing is lost, and there is nothing to connect for
        retry = self._next_try(dropped, lived)
        if retry is None:
            raise BackendUnreachable(self._remote.name, dropped.reason, self._retries.attempts) from dropped
        self._is_reconnecting = True
        code: NoticeCode = "rate_limited" if dropped.verdict is Verdict.LIMITED else "reconnecting"
        self._tell(
            code,
            f"{self._remote.name}: {dropped.reason}; trying again in {retry.delay:.1f} s "
            f"({retry.attempt} of {self._lifecycle.retries})",
            retry,
        )
        await asyncio.sleep(retry.delay)

    def _next_try(self, dropped: Dropped, lived: float | None) -> Retry | None:
        if dropped.verdict is not Verdict.LIMITED:
            return self._retries.after_failure(lived)
        retry = self._retries.after_limit(dropped.retry_after)
        if retry is None or not self._audio.is_live:
            return retry
        waiting = self._audio.head - self._audio.covered + samples(retry.delay)
        return retry if waiting <= most_uncovered(self._audio.capacity) else None

    def _tell(self, code: NoticeCode, message: str, retry: Retry | None = None) -> None:
        self._emit(
            Notice(
                code=code,
                at=seconds(self._audio.covered),
                message=message,
                backend=self._remote.name,
                attempt=None if retry is None else retry.attempt,
                delay=None if retry is None else round(retry.delay, 3),
            )
        )


@dataclass(slots=True)
class _Session:
    """A session of the server's, over one connection or several. ``greeting`` is sent once."""

    codec: Codec
    epoch: Epoch
    greeting: list[Message]

    def take_greeting(self) -> list[Message]:
        greeting, self.greeting = self.greeting, []
        return greeting


def _ready(codec: Codec, message: Message) -> Ready | None:
    try:
        return next((heard for heard in codec.receive(message) if isinstance(heard, Ready)), None)
    except Malformed:
        return None
