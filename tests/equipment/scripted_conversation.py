"""One connection of a scripted server, from its handshake to its end."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

from websockets.exceptions import ConnectionClosed

from oracle import RATE
from scripted_dialects import Command, Dialect, Shape, VoxcliV1
from scripted_faults import Fault
from scripted_handshakes import ScriptedConnection, reset
from scripted_session import Said, Session

NET_0001 = (
    "Deepgram did not receive audio data or a text message within the timeout window. See https://dpgr.am/net0001"
)


class Conversation:
    """Reads what the client sends, answers in its dialect, and lets the fault of its behaviour strike."""

    def __init__(self, connection: ScriptedConnection, dialect: Dialect, session: Session) -> None:
        self.connection = connection
        self.behaviour = behaviour = connection.behaviour
        self.record = connection.record
        self.dialect = dialect
        self.session = session
        self.fault = behaviour.fault if isinstance(behaviour.fault, Fault) else Fault(after=math.inf)
        self.held: list[Said] = []
        """Results that a fault keeps back."""
        self._struck = False
        self._silent = False
        """Aborted or half-closed: nothing is said, and what still comes is dropped."""
        self._acknowledged = 0
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._outbox: asyncio.Queue[tuple[float, Said]] = asyncio.Queue()

    async def hold(self, resumed: bool, last_number: int) -> None:
        """Talk until the connection is closed."""
        async with asyncio.TaskGroup() as group:
            delivery = group.create_task(self._deliver_late())
            with suppress(ConnectionClosed):
                await self._greet(resumed, last_number)
                await self._talk()
            delivery.cancel()

    # What faults use

    async def send_raw(self, message: str | bytes) -> None:
        """A message as it is."""
        await self._thawed.wait()
        if not self._silent:
            await self.connection.send(message)

    async def send(self, message: Shape) -> None:
        """A message as JSON, at once."""
        if not self._silent:
            self.record.sent.append(message)
        await self.send_raw(json.dumps(message))

    async def say(self, said: Said) -> None:
        """A result, when it is due."""
        if self.behaviour.result_delay:
            self._outbox.put_nowait((self._now() + self.behaviour.result_delay, said))
        else:
            await self._say_now(said)

    async def flush(self, missing: float = 0.0) -> None:
        """A final over what has none yet, all but the last ``missing`` seconds."""
        end = self.session.ears.heard - round(missing * RATE)
        finals = self.session.flush(end)
        if self.dialect.lock_step and not finals:
            finals = [Said(self.session.covered, self.session.covered, (), True)]
        await self._deliver(finals)
        await self._outbox.join()

    async def finish(self, missing: float = 0.0) -> None:
        """The last finals, the receipt, close 1000."""
        await self.flush(missing)
        receipt = self.dialect.receipt(self.session, self.session.ears.heard / RATE - missing)
        if receipt is not None:
            await self.send(receipt)
        await self.close(1000)

    async def close(self, code: int | None, reason: str = "") -> None:
        """The closing handshake."""
        async with self._dropping():
            if code is not None:
                await self.connection.close(code, reason)
                return
            with suppress(ConnectionClosed):
                async with self.connection.send_context():
                    self.connection.protocol.send_close()

    def abort(self) -> None:
        """TCP RST."""
        self._silent = True
        reset(self.connection.transport)

    def end_sending(self) -> None:
        """TCP FIN, without a close frame."""
        self._silent = True
        self._stop_pinging()
        self.connection.transport.write_eof()

    async def freeze(self, seconds: float | None) -> None:
        """Neither read nor write, for some seconds or until the server ends."""
        self._stop_pinging()
        self._thawed.clear()
        self.connection.transport.pause_reading()
        await asyncio.sleep(math.inf if seconds is None else seconds)
        if not self.connection.recv_messages.paused:
            self.connection.transport.resume_reading()
        self._thawed.set()

    async def wait_until_received(self) -> None:
        """Until the client has received all that was sent; it has when it answers a ping. A second at the most."""
        await self._outbox.join()
        with suppress(TimeoutError):
            async with asyncio.timeout(1), self._dropping():
                with suppress(ConnectionClosed):
                    await (await self.connection.ping())

    @asynccontextmanager
    async def _dropping(self) -> AsyncIterator[None]:
        """Drop what comes meanwhile: a pong or a close frame behind much audio would not be read otherwise."""
        async with asyncio.TaskGroup() as group:
            dropping = group.create_task(self._drop_messages())
            yield
            dropping.cancel()

    async def _drop_messages(self) -> None:
        with suppress(ConnectionClosed):
            while True:
                await self.connection.recv()

    # What the client sends

    async def _greet(self, resumed: bool, last_number: int) -> None:
        if isinstance(self.dialect, VoxcliV1):
            await asyncio.sleep(self.behaviour.ready_delay)
            received = self.session.ears.heard
            self._acknowledged = received
            ready = {"session": self.session.name, "resumed": resumed, "received_samples": received}
            await self.send({"type": "Ready", **ready})
            for said in self.session.finals[last_number:] if resumed else ():
                await self.say(said)
        async with self._striking():
            pass

    async def _talk(self) -> None:
        while True:
            message = await self._receive()
            if self._silent:
                continue
            if isinstance(message, bytes):
                await self._take_audio(message)
            elif message is not None:
                await self._take_text(message)
            else:
                await self._deliver(self.session.flush())

    async def _receive(self) -> str | bytes | None:
        """The next message; None when it is time for a final without one."""
        final_due = self.behaviour.final_when_idle or self.dialect.final_when_idle
        if not final_due or self.session.covered >= self.session.ears.heard:
            return await self._receive_or_close()
        with suppress(TimeoutError):
            async with asyncio.timeout(final_due):
                return await self.connection.recv()
        return None

    async def _receive_or_close(self) -> str | bytes:
        try:
            async with asyncio.timeout(self.behaviour.idle_close):
                return await self.connection.recv()
        except TimeoutError:
            await self.close(1011, NET_0001)
            return await self.connection.recv()

    async def _take_audio(self, data: bytes) -> None:
        self.record.take_audio(data)
        if self.session.owner is not self:
            return
        async with self._striking():
            lock_step = self.dialect.lock_step
            await self._deliver([self.session.reply(data)] if lock_step else self.session.hear(data))
            await self._acknowledge()
        await self._slow_down()

    async def _take_text(self, text: str) -> None:
        self.record.texts.append(text)
        self.record.texts_at.append(self._now())
        match self.dialect.command(text):
            case Command.FINISH:
                await self._current_fault.finish(self)
            case Command.FINALIZE if self.dialect.lock_step:
                await self.flush()
            case Command.FINALIZE:
                await self._deliver(self.session.flush(from_finalize=True))
            case Command.REPLY:
                await self._deliver([self.session.reply(b"")])
            case Command.DIE:
                await self.close(1011)

    async def _slow_down(self) -> None:
        if self.behaviour.speed and self.record.first_audio_at is not None:
            due = self.record.first_audio_at + self.record.samples / RATE / self.behaviour.speed
            await asyncio.sleep(max(0.0, due - self._now()))

    # What the server says

    @property
    def _current_fault(self) -> Fault:
        return self.fault if self._struck else Fault()

    @asynccontextmanager
    async def _striking(self) -> AsyncIterator[None]:
        """Let the fault hold within the block, and strike at its end, when it is due."""
        due = not self._struck and self.record.samples >= self.fault.after * RATE
        self._struck |= due
        yield
        if due:
            await self.fault.strike(self)

    async def _deliver(self, results: Iterable[Said]) -> None:
        for said in results:
            await self._current_fault.deliver(self, said)

    async def _deliver_late(self) -> None:
        while True:
            due, said = await self._outbox.get()
            await asyncio.sleep(max(0.0, due - self._now()))
            with suppress(ConnectionClosed):
                await self._say_now(said)
            self._outbox.task_done()

    async def _say_now(self, said: Said) -> None:
        message = self.dialect.result(said, self.behaviour)
        if message is not None:
            await self.send(message)

    async def _acknowledge(self) -> None:
        heard = self.session.ears.heard
        if isinstance(self.dialect, VoxcliV1) and heard - self._acknowledged >= RATE:
            self._acknowledged = heard
            await self.send({"type": "Ack", "received_samples": heard})

    def _stop_pinging(self) -> None:
        if self.connection.keepalive_task is not None:
            self.connection.keepalive_task.cancel()

    def _now(self) -> float:
        return self.connection.loop.time()
