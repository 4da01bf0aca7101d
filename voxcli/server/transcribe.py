"""``/ws/transcribe``: the plain three fields for any client, ``voxcli.v1`` for those that want to lose nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

from starlette.websockets import WebSocket, WebSocketDisconnect

from voxcli.events import Error, Notice, Results
from voxcli.protocols import Asked, Malformed, voxcli_server
from voxcli.protocols.requests import Refused
from voxcli.protocols.voxcli import SUBPROTOCOL
from voxcli.protocols.voxcli_server import CLOSE_BAD_FORMAT, CLOSE_IDLE, Wish
from voxcli.server.conversation import Conversation, Over
from voxcli.server.house import House
from voxcli.server.intake import RawIntake, header_of
from voxcli.server.logs import log
from voxcli.server.outbox import Outbox
from voxcli.server.session import Session
from voxcli.server.sessions import Full
from voxcli.server.stream import AudioStream, Told

FORMAT_HINT = "send linear16 at 16000 Hz, one channel, or say in the query what else it is"


async def transcribe(websocket: WebSocket, house: House) -> None:
    """A client, from its handshake to the end of its connection."""
    is_v1 = SUBPROTOCOL in websocket.scope["subprotocols"]
    client = house.client_of(websocket)
    try:
        wish = voxcli_server.wish(websocket.query_params.multi_items())
        joined = house.sessions.find(wish.session, wish.last_seq) if is_v1 else None
        session = joined or house.sessions.open(client, partial(_new_session, house, wish, client, is_v1=is_v1))
    except Refused as error:
        house.metrics.rejections.labels("format").inc()
        await _refuse(websocket, str(error))
        return
    except Full as full:
        await house.deny_full(websocket, full)
        return
    conversation = Transcription(websocket, session, house, wish, is_v1=is_v1, has_joined=joined is not None)
    try:
        await websocket.accept(house.chosen_subprotocol(websocket))
        with house.connected(session, "voxcli.v1" if is_v1 else "plain"):
            await conversation.run()
    except WebSocketDisconnect as gone:
        log("gone_early", level=logging.DEBUG, session=session.short_name, code=gone.code)
    finally:
        if joined is None and not conversation.gone.is_set():
            house.sessions.leave(session, may_return=False)


async def _refuse(websocket: WebSocket, sentence: str) -> None:
    """A bad format is told in the connection, where every client can read it."""
    await websocket.accept(SUBPROTOCOL if SUBPROTOCOL in websocket.scope["subprotocols"] else None)
    await websocket.send_text(voxcli_server.error("format", sentence, FORMAT_HINT))
    await websocket.close(CLOSE_BAD_FORMAT, sentence[:120])


def _new_session(house: House, wish: Wish, client: str, *, is_v1: bool) -> Session:
    outbox = Outbox(house.options.finals_kept, forgets=not is_v1)
    asked = Asked(language=wish.language or house.language, model=wish.model, parameters=wish.parameters)
    teller = Teller(outbox, interim=wish.interim, is_v1=is_v1)
    stream = AudioStream(house.recognizer(asked), house.options, house.metrics, teller.tell)
    return Session(client, [stream], RawIntake(header_of(wish.format), [stream]), outbox)


class Teller:
    """What recognizers say, as messages. Only a client of ``voxcli.v1`` is told anything but results."""

    def __init__(self, outbox: Outbox, *, interim: bool, is_v1: bool) -> None:
        self._outbox = outbox
        self._interim = interim
        self._is_v1 = is_v1

    def tell(self, told: Told) -> None:
        if isinstance(told, Results):
            self._tell_result(told)
        elif isinstance(told, (Notice, Error)) and self._is_v1:
            self._outbox.tell(voxcli_server.event(told))

    def _tell_result(self, result: Results) -> None:
        if result.is_final:
            self._outbox.final(partial(self._final, result), result.channel)
        elif self._interim:
            text = voxcli_server.result(result, None) if self._is_v1 else voxcli_server.plain_result(result)
            self._outbox.interim(text, result.channel)

    def _final(self, result: Results, seq: int) -> str:
        return voxcli_server.result(result, seq) if self._is_v1 else voxcli_server.plain_result(result)


class Transcription(Conversation):
    """``has_joined``: the session is an earlier one, and the client has its finals up to ``wish.last_seq``."""

    idle_close = (CLOSE_IDLE, "nothing came for too long")

    def __init__(
        self, websocket: WebSocket, session: Session, house: House, wish: Wish, *, is_v1: bool, has_joined: bool
    ) -> None:
        super().__init__(websocket, session, house.sessions, house.options)
        self.idle = house.options.idle
        self.can_return = self._is_v1 = is_v1
        self.acknowledges = wish.format.sample_rate // 2 if is_v1 else None
        self._wish = wish
        self._has_joined = has_joined

    def greeting(self) -> Sequence[str]:
        if not self._is_v1:
            return ()
        session, recognizer = self.session, self.session.streams[0].recognizer
        received = session.intake.received
        if self._has_joined:
            self._sessions.came_back(session)
        ready = voxcli_server.ready(
            session.name,
            resumed=self._has_joined,
            received=received,
            backend=recognizer.name,
            model=recognizer.model,
        )
        return [ready, *(session.outbox.missed(self._wish.last_seq) if self._has_joined else ())]

    def place(self) -> int:
        return self.session.outbox.end if self._has_joined else 0

    def acknowledgement(self, received: int) -> str:
        return voxcli_server.ack(received)

    async def hear(self, text: str) -> None:
        try:
            command = voxcli_server.command(text)
        except Malformed as error:
            if self._is_v1:
                self.session.outbox.tell(voxcli_server.error("malformed", f"a text message: {error}", "send JSON"))
            return
        if command == "Finalize":
            self.session.ask_for_final()
        elif command == "CloseStream" and not self.session.has_ended:
            await self.session.end()

    def farewell(self) -> tuple[Sequence[str], Over]:
        session = self.session
        if session.error is not None:
            error = session.error
            texts = [voxcli_server.error(error.code, error.message, error.hint)] if self._is_v1 else []
            return texts, Over(1011, "no recognizer could go on")
        texts = [voxcli_server.metadata(session.samples, session.outbox.finals)] if self._is_v1 else []
        return texts, Over(1000, may_return=self.can_return)
