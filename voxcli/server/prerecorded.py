"""``POST /v1/listen``: a recording in the body, one answer with all of its words, as Deepgram gives it.

The body is the recording and nothing else: an address in it is never fetched.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from voxcli.audio import seconds
from voxcli.events import Results
from voxcli.protocols import Asked, deepgram_server
from voxcli.protocols.deepgram_server import MOST_CHANNELS, ListenWish
from voxcli.protocols.requests import Query, Refused, Values
from voxcli.server.house import House
from voxcli.server.intake import Intake, NotAudio, RawIntake, SourceIntake, WavIntake, header_of
from voxcli.server.listen import channel_count, refusal
from voxcli.server.outbox import Outbox
from voxcli.server.session import Session
from voxcli.server.sessions import Full
from voxcli.server.stream import AudioStream, Told
from voxcli.sources import SourceOptions, open_source
from voxcli.wav import WavError, WavParser

BLOCK_BYTES = 1 << 16
LEAST_BYTES_A_SECOND = 1_000
"""Of a body, once ``listen_idle`` seconds have passed; a place is kept for it while it comes."""
LOOK_SECONDS = 0.5
"""How often it is looked whether the client is still there."""


async def prerecorded(request: Request, house: House) -> Response:
    """The answer to a recording."""
    request_id = str(uuid.uuid4())
    query = request.query_params.multi_items()
    try:
        wish = deepgram_server.wish(query, is_stream=False)
        has_utterances = Values(query).flag("utterances")
        _check_body(request, house.options.upload_bytes)
        with tempfile.TemporaryDirectory(prefix="voxcli-") as folder:
            with house.sessions.place(house.client_of(request)):
                recording = await _receive(request, Path(folder) / "recording", house)
            count = await asyncio.to_thread(_channel_count, wish, query, recording.path)
            finals: list[list[Results]] = [[] for _ in range(count)]
            return await _answer(request, house, wish, finals, recording, request_id, has_utterances=has_utterances)
    except ClientDisconnect:
        return Response(status_code=499)
    except (Refused, NotAudio, Full, _TooLarge, TimeoutError) as error:
        return _refusal(error, house, request_id)


def _refusal(error: Exception, house: House, request_id: str) -> Response:
    match error:
        case Full():
            status, code, message, reason = 503, "SERVICE_UNAVAILABLE", str(error), error.reason
        case _TooLarge():
            most = house.options.upload_bytes
            status, code, message = 413, "Payload Too Large", f"expected at most {most} bytes, got more"
            reason = "too_large"
        case TimeoutError():
            status, code, message, reason = 408, "SLOW_UPLOAD", "the body did not come in time", "slow"
        case NotAudio():
            status, code, reason = 400, "Bad Request", "not_audio"
            message = f"the body cannot be decoded as audio: {error}"
        case _:
            status, code, message, reason = 400, "Bad Request", str(error), "format"
    house.metrics.rejections.labels(reason).inc()
    return refusal(status, code, message, request_id)


class _TooLarge(Exception):
    """A body that is longer than it may be."""


class _Recording:
    """A body, in a file."""

    def __init__(self, path: Path, sha256: str, size: int) -> None:
        self.path = path
        self.sha256 = sha256
        self.size = size


def _check_body(request: Request, most: int) -> None:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() == "application/json":
        raise Refused("the body: expected a recording, got JSON; addresses are not fetched by this server")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most:
        raise _TooLarge


async def _receive(request: Request, path: Path, house: House) -> _Recording:
    """The body in a file. Raises TimeoutError where nothing comes for too long, or too little."""
    digest, size = hashlib.sha256(), 0
    stream, clock = request.stream(), asyncio.get_running_loop().time
    began, idle = clock(), house.options.listen_idle
    with path.open("wb") as file:
        while True:
            async with asyncio.timeout_at(min(clock(), began + size / LEAST_BYTES_A_SECOND) + idle):
                block = await anext(stream, None)
            if block is None:
                break
            size += len(block)
            if size > house.options.upload_bytes:
                raise _TooLarge
            digest.update(block)
            await asyncio.to_thread(file.write, block)
    if not size:
        raise Refused("the body: expected a recording, got nothing")
    return _Recording(path, digest.hexdigest(), size)


def _channel_count(wish: ListenWish, query: Query, path: Path) -> int:
    """How many channels are heard one by one: where the query does not say it of a WAV, its header does.

    Raises NotAudio, Refused.
    """
    if not wish.is_multichannel or wish.format is not None or Values(query).has("channels"):
        return channel_count(wish, query)
    parser, header = WavParser(), None
    try:
        with path.open("rb") as file:
            while header is None and (block := file.read(BLOCK_BYTES)):
                header = parser.feed(block)
    except WavError as error:
        raise NotAudio(f"channels are told apart in WAV and raw audio, but it {error}") from error
    if header is None:
        raise NotAudio("it ends within the header of a WAV file")
    if header.channels > MOST_CHANNELS:
        raise Refused(f"multichannel: expected at most {MOST_CHANNELS} channels, got {header.channels}")
    return header.channels


async def _answer(
    request: Request,
    house: House,
    wish: ListenWish,
    finals: Sequence[list[Results]],
    recording: _Recording,
    request_id: str,
    *,
    has_utterances: bool,
) -> Response:
    created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    client = house.client_of(request)
    session = house.sessions.open(client, partial(_new_session, house, wish, client, finals, recording))
    try:
        await _recognized(request, session, recording)
    finally:
        house.sessions.leave(session, may_return=False)
    if session.not_audio is not None:
        raise NotAudio(session.not_audio.removeprefix(f"{recording.path}: "))
    if session.error is not None:
        return refusal(500, "INTERNAL_SERVER_ERROR", session.error.message, request_id)
    recognizer = session.streams[0].recognizer
    message = deepgram_server.prerecorded(
        finals,
        request_id=request_id,
        model=recognizer.model or recognizer.name,
        backend=recognizer.name,
        sha256=recording.sha256,
        created=created,
        duration=seconds(session.samples),
        utterances=has_utterances,
    )
    return JSONResponse(message, headers={"dg-request-id": request_id})


async def _recognized(request: Request, session: Session, recording: _Recording) -> None:
    """Until all of it is recognized. Raises ClientDisconnect where nobody waits for it any more."""
    if session.work is None:
        raise AssertionError("a session that was opened is at work")
    is_gone = False
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(_read(recording, session))
        while not session.work.done() and not is_gone:
            await asyncio.wait({session.work}, timeout=LOOK_SECONDS)
            is_gone = await request.is_disconnected()
        reading.cancel()
    if is_gone and not session.is_over:
        raise ClientDisconnect


async def _read(recording: _Recording, session: Session) -> None:
    """The file into the intake, where it is not read by a source."""
    if isinstance(session.intake, SourceIntake):
        return
    with recording.path.open("rb") as file:
        while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
            try:
                await session.intake.put(block)
            except NotAudio as error:
                session.not_audio = str(error)
                break
    try:
        if session.not_audio is None:
            await session.end()
    except NotAudio as error:
        session.not_audio = str(error)
    if session.not_audio is not None and session.work is not None:
        session.work.cancel()


def _new_session(
    house: House, wish: ListenWish, client: str, finals: Sequence[list[Results]], recording: _Recording
) -> Session:
    asked = Asked(language=wish.language or house.language, model=wish.model, parameters=wish.parameters)
    streams = [
        AudioStream(house.recognizer(asked), house.options, house.metrics, partial(_keep, kept), channel=number)
        for number, kept in enumerate(finals)
    ]
    return Session(client, streams, _intake(wish, streams, recording), Outbox(0, forgets=True))


def _intake(wish: ListenWish, streams: Sequence[AudioStream], recording: _Recording) -> Intake:
    if wish.is_multichannel:
        return WavIntake(streams) if wish.format is None else RawIntake(header_of(wish.format), streams)
    return SourceIntake(open_source(str(recording.path), SourceOptions(wish.format)), streams[0])


def _keep(finals: list[Results], told: Told) -> None:
    if isinstance(told, Results) and told.is_final:
        finals.append(told)
