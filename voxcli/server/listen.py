"""``/v1/listen``, streaming: Deepgram's contract, so that its clients need another address and nothing else."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from json import dumps

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from voxcli.audio import seconds
from voxcli.events import Results, UtteranceEnd
from voxcli.protocols import Asked, Malformed, deepgram_server
from voxcli.protocols.deepgram import metadata_message
from voxcli.protocols.deepgram_server import FAILED, NOT_AUDIO, TIMED_OUT, ListenWish
from voxcli.protocols.deepgram_voice import Naming, Voice
from voxcli.protocols.requests import Refused
from voxcli.server.conversation import Conversation, Over
from voxcli.server.house import RETRY_AFTER_SECONDS, House
from voxcli.server.intake import ContainerIntake, Intake, RawIntake, WavIntake, header_of
from voxcli.server.outbox import Outbox
from voxcli.server.session import Session
from voxcli.server.sessions import Full
from voxcli.server.stream import AudioStream, Told

DEFAULT_WAV_CHANNELS = 2
"""Of a container whose channels are to be told apart, where the query does not say how many it has."""


async def listen(websocket: WebSocket, house: House) -> None:
    """A client, from its handshake to the end of its connection."""
    request_id = str(uuid.uuid4())
    client = house.client_of(websocket)
    channels: list[Channel] = []
    try:
        query = websocket.query_params.multi_items()
        wish = deepgram_server.wish(query)
        count = channel_count(wish, query)
        build = partial(_new_session, house, wish, client, channels, count)
        session = house.sessions.open(client, build)
    except Refused as error:
        house.metrics.rejections.labels("format").inc()
        await deny(websocket, 400, "Bad Request", str(error), request_id)
        return
    except Full as full:
        house.metrics.rejections.labels(full.reason).inc()
        await deny(websocket, 503, "SERVICE_UNAVAILABLE", str(full), request_id)
        return
    conversation = Listening(websocket, session, house, channels, request_id)
    try:
        await websocket.accept(house.chosen_subprotocol(websocket), headers=[(b"dg-request-id", request_id.encode())])
        with house.connected(session, "/v1/listen"):
            await conversation.run()
    except WebSocketDisconnect:
        pass  # gone before it was accepted
    finally:
        if not conversation.gone.is_set():
            house.sessions.leave(session, may_return=False)


async def deny(websocket: WebSocket, status: int, code: str, message: str, request_id: str) -> None:
    """Refuse the upgrade as Deepgram does: in headers and in a body of JSON."""
    await websocket.send_denial_response(refusal(status, code, message, request_id))


def refusal(status: int, code: str, message: str, request_id: str) -> JSONResponse:
    """A response that refuses a request."""
    headers = {"dg-error": message.encode("ascii", "replace").decode(), "dg-request-id": request_id}
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if status in (408, 413):
        headers["Connection"] = "close"  # the rest of the body is not wanted
    return JSONResponse(deepgram_server.refusal(code, message, request_id), status, headers)


def channel_count(wish: ListenWish, query: Sequence[tuple[str, str]]) -> int:
    """How many channels are heard one by one."""
    if not wish.is_multichannel:
        return 1
    if wish.format is not None:
        return wish.format.channels
    return int(dict(query).get("channels") or DEFAULT_WAV_CHANNELS)


class Channel:
    """One channel of a stream: what is heard in it goes into the outbox as Deepgram's messages."""

    def __init__(self, house: House, wish: ListenWish, outbox: Outbox, number: int, count: int) -> None:
        self._asked = Asked(language=wish.language or house.language, model=wish.model, parameters=wish.parameters)
        self._outbox = outbox
        self._count = count
        self.voice = Voice(wish, number)
        self.request_id = ""
        self.stream = AudioStream(
            house.recognizer(self._asked),
            house.options,
            house.metrics,
            self._tell,
            channel=number,
            progress=self._progress,
        )
        self._chunk = seconds(house.options.chunk_samples)

    @property
    def naming(self) -> Naming:
        """Who is at work now."""
        recognizer = self.stream.recognizer
        return Naming(self.request_id, recognizer.model or recognizer.name, self._count)

    def finalize(self) -> None:
        """A final over what has come, which says that it was asked for."""
        feed = self.stream.feed
        if self.voice.finalize(feed.head, feed.covered + feed.settled.tolerance):
            feed.ask_for_final()
        else:
            text = self.voice.nothing_to_finalize(feed.head, self.naming, self.stream.recognizer.name)
            self._outbox.tell(text)

    def _tell(self, told: Told) -> None:
        if isinstance(told, Results):
            for text, is_interim in self.voice.hear(told, self.naming):
                if is_interim:
                    self._outbox.interim(text, self.voice.channel)
                elif told.is_final:
                    self._outbox.final(lambda seq, text=text: text, self.voice.channel)  # type: ignore[misc]
                else:
                    self._outbox.tell(text)
        elif isinstance(told, UtteranceEnd):
            self._outbox.tell(deepgram_server.utterance_end(told.at, self.voice.channel, self._count))

    def _progress(self, position: int) -> None:
        for text in self.voice.progress(seconds(position) - self._chunk, self.naming):
            self._outbox.tell(text)


def _new_session(house: House, wish: ListenWish, client: str, channels: list[Channel], count: int) -> Session:
    outbox = Outbox(house.options.finals_kept, forgets=True)
    channels += [Channel(house, wish, outbox, number, count) for number in range(count)]
    streams = [channel.stream for channel in channels]
    return Session(client, streams, _intake(wish, streams), outbox)


def _intake(wish: ListenWish, streams: Sequence[AudioStream]) -> Intake:
    if wish.format is not None:
        return RawIntake(header_of(wish.format), streams)
    return WavIntake(streams) if wish.is_multichannel else ContainerIntake(streams[0])


class Listening(Conversation):
    """A stream ends with its connection: Deepgram's clients come back to a new one."""

    idle_close = TIMED_OUT

    def __init__(
        self, websocket: WebSocket, session: Session, house: House, channels: Sequence[Channel], request_id: str
    ) -> None:
        super().__init__(websocket, session, house.sessions, house.options)
        self.idle = house.options.listen_idle
        self._channels = channels
        self._request_id = request_id
        self._created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for channel in channels:
            channel.request_id = request_id

    async def hear(self, text: str) -> None:
        try:
            said = deepgram_server.said(text)
        except Malformed as error:
            self.session.outbox.tell(deepgram_server.error_message(f"a text message: {error}"))
            return
        if said is None:
            self.session.outbox.tell(deepgram_server.error_message("a text message of an unknown type"))
        elif said.command == "Finalize":
            for channel in self._channels:
                if said.channel in (None, channel.voice.channel):
                    channel.finalize()
        elif said.command == "CloseStream":
            await self._end_audio()
        elif said.command == "Configure":
            self.session.outbox.tell(deepgram_server.configure_failure(self._request_id))

    async def hear_nothing(self) -> None:
        """Deepgram's clients of old ended their streams by an empty message."""
        await self._end_audio()

    def farewell(self) -> tuple[Sequence[str], Over]:
        session = self.session
        if session.not_audio is not None:
            return [deepgram_server.error_message(session.not_audio, variant="DataError", code="DATA-0000")], Over(
                *NOT_AUDIO
            )
        if session.error is not None:
            return [deepgram_server.error_message(session.error.message, variant="BackendError")], Over(*FAILED)
        message = metadata_message(
            request_id=self._request_id,
            created=self._created,
            duration=seconds(session.samples),
            channels=len(self._channels),
        )
        return [dumps(message)], Over(1000)

    async def _end_audio(self) -> None:
        if not self.session.has_ended:
            await self.session.end()
