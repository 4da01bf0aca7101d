"""One connection of a client, and the session that it owns: messages in, results out, a watch over both."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from voxcli.errors import first_error
from voxcli.server.direct import direct_wire
from voxcli.server.intake import NotAudio
from voxcli.server.logs import log
from voxcli.server.options import ServerOptions
from voxcli.server.outbox import TooSlow
from voxcli.server.session import Session
from voxcli.server.sessions import Sessions

GOODBYE = (1012, "the server is about to end: connect again")
TURN_SECONDS = 0.01
"""How long messages are read that are here already, before it is the turn of others."""
TAKEN_OVER_SECONDS = 2.0
"""For an older connection to let go of a session."""


@dataclass
class Over(Exception):
    """The end. ``code`` is None where nobody is there to be told; ``may_return``: the client may come back."""

    code: int | None
    reason: str = ""
    may_return: bool = False


class Conversation:
    """What is common to all clients; a subclass says what messages mean and how a session ends."""

    idle: float
    idle_close: tuple[int, str]
    can_return = False
    acknowledges: int | None = None
    """After how many samples of the client's an acknowledgement is due."""

    def __init__(self, websocket: WebSocket, session: Session, sessions: Sessions, options: ServerOptions) -> None:
        self.websocket = websocket
        self.session = session
        self.options = options
        self.gone = asyncio.Event()
        self._sessions = sessions
        self._clock = asyncio.get_running_loop().time
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting_since: float | None = None
        self._sending_since: float | None = None
        self._acknowledged = 0
        self._is_last = False
        self._is_to_end = asyncio.Event()
        self._wire = direct_wire(websocket.scope)
        self._place = 0

    # What a subclass says

    def greeting(self) -> Sequence[str]:
        """What is sent first."""
        return ()

    def place(self) -> int:
        """From where on in the outbox the client is told what the greeting has not told."""
        return 0

    def acknowledgement(self, received: int) -> str:
        """That so many samples were received."""
        raise NotImplementedError

    async def hear(self, text: str) -> None:
        """A text message."""
        raise NotImplementedError

    def farewell(self) -> tuple[Sequence[str], Over]:
        """What is sent last when the session is over, and how the connection ends."""
        raise NotImplementedError

    async def hear_nothing(self) -> None:
        """An empty binary message."""

    # The conversation

    async def run(self) -> None:
        """Until the connection ends. The session is then left, and may be joined again."""
        end = Over(None, may_return=self.can_return)
        try:
            await self._take_over()
            await self._converse()
        except Over as over:
            end = over
        finally:
            self.gone.set()
            if self.session.owner is self:
                self._sessions.leave(self.session, may_return=end.may_return)
        await self._close(end)

    async def _converse(self) -> None:
        """Raises Over."""
        greeting, place = self.greeting(), self.place()  # before anything is read that has an answer
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read())
                group.create_task(self._write(greeting, place))
                group.create_task(self._watch())
                group.create_task(self._drain(reading))
                await self._end
        except ExceptionGroup as failures:
            error = first_error(failures)
            raise error from error.__cause__

    def evict(self, code: int, reason: str) -> None:
        """Let go of the session: a newer connection owns it."""
        if not self._end.done():
            self._end.set_exception(Over(code, reason))

    def drain(self) -> None:
        """The server is about to end: give out the last finals, then say so."""
        self._is_to_end.set()

    async def _take_over(self) -> None:
        older, self.session.owner = self.session.owner, self
        if older is not None:
            older.evict(*self.taken_over)
            async with asyncio.timeout(TAKEN_OVER_SECONDS):
                await older.gone.wait()

    taken_over = (4409, "the session went on over a newer connection")

    # Up

    async def _read(self) -> None:
        try:
            await self.session.intake.settle()
            turn = self._clock()
            while True:
                await self._read_one()
                if self._clock() - turn > TURN_SECONDS:
                    await asyncio.sleep(0)
                    turn = self._clock()
        except NotAudio as error:
            self.session.not_audio = self.session.not_audio or str(error)
            self.session.is_over = True
            self.session.outbox.wake()

    async def _read_one(self) -> None:
        self._waiting_since = None if self.session.has_ended else self._clock()
        message = await self._receive()
        self._waiting_since = None
        if message["type"] == "websocket.disconnect":
            raise Over(None, may_return=self.can_return and message.get("code") != 1000)
        text, data = message.get("text"), message.get("bytes")
        if text is not None:
            await self.hear(text)
        elif not data:
            await self.hear_nothing()
        elif not self.session.has_ended and not self.session.is_over:
            await self.session.intake.put(data)
            if self._is_acknowledgement_due():
                self.session.outbox.wake()
                await asyncio.sleep(0)  # messages that are here already would all be read first

    async def _receive(self) -> Message:
        """The next message that could not be taken as it came."""
        if self._wire is None:
            return await self.websocket.receive()
        self._wire.take = self._take
        try:
            return await self.websocket.receive()
        finally:
            self._wire.take = None

    def _take(self, data: bytes) -> bool:
        """Audio that can go on its way at once."""
        session = self.session
        if not data or session.has_ended or session.is_over or not session.intake.put_at_once(data):
            return False
        self._waiting_since = self._clock()
        if self._is_acknowledgement_due():
            session.outbox.wake()
        return True

    def _is_acknowledgement_due(self) -> bool:
        least = self.acknowledges
        return least is not None and self.session.intake.received - self._acknowledged >= least

    # Down

    async def _write(self, greeting: Sequence[str], place: int) -> None:
        session, outbox = self.session, self.session.outbox
        for text in greeting:
            await self._send(text)
        self._place = place
        while True:
            is_over, is_last = session.is_over, self._is_last
            try:
                texts = self._news()
            except TooSlow:
                raise Over(1013, "you read too slowly", may_return=False) from None
            for text in texts:
                await self._send(text)
            if self._is_acknowledgement_due():
                self._acknowledged = session.intake.received
                await self._send(self.acknowledgement(self._acknowledged))
            if is_over:
                await self._say_farewell()
            if is_last and self._place == outbox.end:
                raise Over(*GOODBYE, may_return=self.can_return)
            await outbox.wait(self._tell_at_once)

    def _news(self) -> list[str]:
        """What was not told yet. Raises TooSlow."""
        texts = self.session.outbox.take(self._place)
        self._place = self.session.outbox.end
        return texts

    def _tell_at_once(self) -> bool:
        """What has just been said, if the socket takes it; whether it has."""
        if self._wire is None or not self._wire.is_writable:
            return False
        for text in self._news():
            self._wire.send_at_once(text)
        return True

    async def _say_farewell(self) -> None:
        texts, over = self.farewell()
        for text in texts:
            await self._send(text)
        raise over

    async def _send(self, text: str) -> None:
        self._sending_since = self._clock()
        try:
            await self.websocket.send_text(text)
        except WebSocketDisconnect:
            await asyncio.Event().wait()  # whoever reads tells how it ended; if not, the watch does
        self._sending_since = None

    async def _drain(self, reading: asyncio.Task[None]) -> None:
        await self._is_to_end.wait()
        reading.cancel()
        if self._wire is not None:
            self._wire.take = None  # at once: what is settled now has to be all that was taken
        try:
            async with asyncio.timeout(self.options.drain):
                await self.session.settled()
        except TimeoutError:
            log("drain_timeout", level=logging.WARNING, session=self.session.short_name)
        self._is_last = True
        self.session.outbox.wake()

    # The watch

    async def _watch(self) -> None:
        tick = min(1.0, self.idle / 4, self.options.send / 4)
        while True:
            await asyncio.sleep(tick)
            now = self._clock()
            if self._sending_since is not None and now - self._sending_since > self.options.send:
                self._abort()
                raise Over(None, may_return=self.can_return)
            if self._waiting_since is not None and now - self._waiting_since > self.idle:
                raise Over(*self.idle_close, may_return=self.can_return)

    def _abort(self) -> None:
        if self._wire is not None:
            self._wire.abort()

    async def _close(self, end: Over) -> None:
        if end.code is None:
            return
        try:
            async with asyncio.timeout(self.options.send):
                await self.websocket.close(end.code, end.reason)
        except (TimeoutError, RuntimeError, OSError) as error:
            log("closed_untold", level=logging.DEBUG, session=self.session.short_name, error=repr(error))
            self._abort()
