"""What can go wrong on an open connection of a scripted server; what goes wrong before is in scripted_handshakes.py.

A fault comes once ``after`` seconds of audio were received on its connection; 0 is right after the handshake. What it
says about results holds from that audio on; results that are due by then are sent before anything is closed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from oracle import RATE
from scripted_session import Said

if TYPE_CHECKING:
    from scripted_conversation import Conversation


@dataclass(frozen=True)
class Fault:
    """Nothing goes wrong; the faults below say what does."""

    after: float = 0.0

    async def strike(self, conversation: Conversation) -> None:
        """What happens once."""

    async def deliver(self, conversation: Conversation, said: Said) -> None:
        """What becomes of a result from then on."""
        await conversation.say(said)

    async def finish(self, conversation: Conversation) -> None:
        """How the end of the stream is answered from then on."""
        await conversation.finish()


@dataclass(frozen=True)
class Close(Fault):
    """A close frame, with no status for ``code=None``."""

    code: int | None = 1011
    reason: str = ""

    async def strike(self, conversation: Conversation) -> None:
        await conversation.close(self.code, self.reason)


@dataclass(frozen=True)
class Abort(Fault):
    """TCP RST."""

    async def strike(self, conversation: Conversation) -> None:
        conversation.abort()


@dataclass(frozen=True)
class Fin(Fault):
    """TCP FIN without a close frame. What the client still sends is read and dropped."""

    async def strike(self, conversation: Conversation) -> None:
        conversation.end_sending()


@dataclass(frozen=True)
class AbortBeforeFinal(Fault):
    """The next final is computed, and RST comes instead of it."""

    async def deliver(self, conversation: Conversation, said: Said) -> None:
        if said.is_final:
            conversation.abort()
        else:
            await conversation.say(said)


@dataclass(frozen=True)
class AbortAfterFinal(Fault):
    """RST as soon as the client has received the next final."""

    async def deliver(self, conversation: Conversation, said: Said) -> None:
        await conversation.say(said)
        if said.is_final:
            await conversation.wait_until_received()
            conversation.abort()


@dataclass(frozen=True)
class StopReading(Fault):
    """Frozen: no reads, no pongs, no results; for ever, or for some seconds."""

    seconds: float | None = None

    async def strike(self, conversation: Conversation) -> None:
        await conversation.freeze(self.seconds)


@dataclass(frozen=True)
class Mute(Fault):
    """Reads, pongs and Acks go on; results stop, and the end of the stream is not answered."""

    async def deliver(self, conversation: Conversation, said: Said) -> None:
        """Say nothing."""

    async def finish(self, conversation: Conversation) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class SayError(Fault):
    """An error message of the dialect, then a close unless ``code`` is None."""

    message: str = "something is wrong"
    code: int | None = None

    async def strike(self, conversation: Conversation) -> None:
        await conversation.send(conversation.dialect.trouble(self.message))
        if self.code is not None:
            await conversation.close(self.code)


@dataclass(frozen=True)
class SayRaw(Fault):
    """A message as it is given, between healthy ones."""

    message: str | bytes = ""

    async def strike(self, conversation: Conversation) -> None:
        await conversation.send_raw(self.message)


def malformed_json(after: float = 0.0) -> SayRaw:
    """Half a result."""
    return SayRaw(after, '{"type":"Results","start":')


def unknown_type(after: float = 0.0) -> SayRaw:
    """A message of a type that nobody knows."""
    return SayRaw(after, '{"type":"Weather","transcript":"rain","is_final":true,"start":0.0,"duration":1000.0}')


def huge_message(after: float = 0.0, mebibytes: float = 4.0) -> SayRaw:
    """A message of an unknown type and of this size."""
    return SayRaw(after, json.dumps({"type": "Weather", "padding": "x" * round(mebibytes * 2**20)}))


@dataclass(frozen=True)
class NotANumber(Fault):
    """Each final comes with times that are no numbers: before the true one, or ``instead`` of it."""

    instead: bool = False

    async def deliver(self, conversation: Conversation, said: Said) -> None:
        message = conversation.dialect.result(said, conversation.behaviour)
        if said.is_final and message is not None:
            await conversation.send(message | {"start": float("nan"), "duration": float("nan")})
        if not (said.is_final and self.instead):
            await conversation.say(said)


@dataclass(frozen=True)
class Duplicate(Fault):
    """Each final is sent twice."""

    async def deliver(self, conversation: Conversation, said: Said) -> None:
        for _ in range(2 if said.is_final else 1):
            await conversation.say(said)


@dataclass(frozen=True)
class Overlap(Fault):
    """Each final begins ``seconds`` before the end of the one before it, and repeats the words there."""

    seconds: float = 1.0

    async def deliver(self, conversation: Conversation, said: Said) -> None:
        start = max(0, said.start - round(self.seconds * RATE)) if said.is_final else said.start
        await conversation.say(conversation.session.between(start, said))


@dataclass(frozen=True)
class Backwards(Fault):
    """Finals come in pairs, the later one first; at the end of the stream the last one may be left over."""

    async def deliver(self, conversation: Conversation, said: Said) -> None:
        if said.is_final and not conversation.held:
            conversation.held.append(said)
            return
        await conversation.say(said)
        if said.is_final:
            await conversation.say(conversation.held.pop())

    async def finish(self, conversation: Conversation) -> None:
        await conversation.flush()
        while conversation.held:
            await conversation.say(conversation.held.pop())
        await conversation.finish()


@dataclass(frozen=True)
class AtEnd(Fault):
    """Another fault when the client ends its stream, after the last finals (or without them) and before the receipt.

    ``AtEnd(fault=Close(1000))``, ``AtEnd(fault=Abort())``; ``AtEnd(fault=Mute())`` never answers.
    """

    fault: Fault = field(default_factory=lambda: Close(code=1000))
    finals: bool = True

    async def finish(self, conversation: Conversation) -> None:
        if self.finals:
            await conversation.flush()
            await conversation.wait_until_received()
        conversation.fault = replace(self.fault, after=0.0)
        await self.fault.strike(conversation)


@dataclass(frozen=True)
class ShortReceipt(Fault):
    """The last ``seconds`` that are not covered yet get no final, and the receipt does not count them."""

    seconds: float = 1.0

    async def finish(self, conversation: Conversation) -> None:
        await conversation.finish(missing=self.seconds)
