"""All sessions of a server: how many there may be, how long one waits for its client, and who owns it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from voxcli.audio import seconds
from voxcli.server.logs import log
from voxcli.server.metrics import Metrics
from voxcli.server.options import ServerOptions
from voxcli.server.session import Session

FINISHED_KEPT = 1_000
"""Sessions that are done and that their clients may ask for once more, for the length of the grace."""

SPARE_SECONDS = 2.0
"""For a connection to end that has its own deadlines for its last results, and for sending them."""


class Full(Exception):
    """No more sessions now. ``reason``: a word for the metrics."""

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Sessions:
    """``group`` holds the work of every session."""

    def __init__(self, options: ServerOptions, metrics: Metrics, group: asyncio.TaskGroup) -> None:
        self.draining = asyncio.Event()
        self._options = options
        self._metrics = metrics
        self._group = group
        self._by_name: dict[str, Session] = {}
        self._finished: dict[str, Session] = {}
        self._of_client: Counter[str] = Counter()
        self._arriving = 0
        self._graces: dict[str, asyncio.TimerHandle] = {}
        metrics.counting(self.__len__, lambda: seconds(sum(session.waiting for session in self._by_name.values())))

    def __len__(self) -> int:
        """Sessions connected or in grace."""
        return len(self._by_name)

    @property
    def has_room(self) -> bool:
        """Whether a client that is new would be taken."""
        most = self._options.max_sessions
        return not self.draining.is_set() and (most is None or len(self) + self._arriving < most)

    def check(self, client: str) -> None:
        """Whether one more may be opened for that client. Raises Full."""
        options = self._options
        if self.draining.is_set():
            raise Full("the server is about to end", "draining")
        if options.max_sessions is not None and len(self) + self._arriving >= options.max_sessions:
            raise Full(f"all {options.max_sessions} sessions are taken", "full")
        most = options.max_sessions_per_client
        if most is not None and self._of_client[client] >= most:
            raise Full(f"all {most} sessions of one client are taken", "client_full")

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """A place of that client's while a recording comes, before there is a session. Raises Full."""
        self.check(client)
        self._arriving += 1
        self._of_client[client] += 1
        try:
            yield
        finally:
            self._arriving -= 1
            self._uncount(client)

    def open(self, client: str, build: Callable[[], Session]) -> Session:
        """A new session, at work. Raises Full."""
        self.check(client)
        session = build()
        self._by_name[session.name] = session
        self._of_client[client] += 1
        session.work = self._group.create_task(session.run())
        return session

    def find(self, name: str | None, last_seq: int) -> Session | None:
        """The session of that name, if its client can go on with it."""
        session = self._by_name.get(name or "") or self._finished.get(name or "")
        if session is None or session.error is not None or not session.outbox.can_resume(last_seq):
            return None
        return session

    def came_back(self, session: Session) -> None:
        """Its client is there again."""
        self._forget_grace(session)
        self._metrics.resumed.inc()

    def leave(self, session: Session, *, may_return: bool) -> None:
        """Its client has gone: for good, or to come back within the grace."""
        session.owner = None
        if not may_return or session.error is not None or self.draining.is_set():
            self._close(session)
            return
        if session.is_over:
            self._close(session)
            self._keep_finished(session)
            return
        self._graces[session.name] = asyncio.get_running_loop().call_later(self._options.grace, self._expire, session)

    def begin_drain(self, done: Callable[[], None]) -> None:
        """Give every client the last finals and tell it to connect elsewhere; ``done`` is called when all is said."""
        self.draining.set()
        self._group.create_task(self._drain(done))

    async def _drain(self, done: Callable[[], None]) -> None:
        owners = [session.owner for session in self._by_name.values() if session.owner is not None]
        for owner in owners:
            owner.drain()
        try:
            async with asyncio.timeout(self._options.drain + self._options.send + SPARE_SECONDS):
                await self._recordings_done()
                for owner in owners:
                    await owner.gone.wait()
        except TimeoutError:
            log("drain_timeout", level=logging.WARNING, sessions=len(self))
        finally:
            done()

    async def _recordings_done(self) -> None:
        """Until sessions are over that no connection owns and that wait for nobody: recordings that were posted."""
        works = [
            session.work
            for name, session in self._by_name.items()
            if session.owner is None and name not in self._graces and session.work is not None
        ]
        if works:
            await asyncio.wait(works, timeout=self._options.drain)

    def end_all(self) -> None:
        """Stop the work of every session."""
        for session in list(self._by_name.values()):
            self._close(session)

    def _expire(self, session: Session) -> None:
        log("expired", session=session.short_name)
        self._close(session)

    def _close(self, session: Session) -> None:
        self._forget_grace(session)
        if self._by_name.pop(session.name, None) is None:
            self._finished.pop(session.name, None)
            return
        self._uncount(session.client)
        if session.work is not None:
            session.work.cancel()

    def _uncount(self, client: str) -> None:
        self._of_client[client] -= 1
        if not self._of_client[client]:
            del self._of_client[client]

    def _keep_finished(self, session: Session) -> None:
        self._finished[session.name] = session
        while len(self._finished) > FINISHED_KEPT:
            self._close(next(iter(self._finished.values())))
        self._graces[session.name] = asyncio.get_running_loop().call_later(self._options.grace, self._close, session)

    def _forget_grace(self, session: Session) -> None:
        timer = self._graces.pop(session.name, None)
        if timer is not None:
            timer.cancel()
