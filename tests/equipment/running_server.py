"""The real server in the test's own event loop, with a recognizer that knows exactly which words it hears.

async with RunningServer() as server:
    ...  # connect to server.url("/ws/transcribe")
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from oracle import Ears
from streaming import QUICK, LocalEars
from voxcli.audio import samples, seconds
from voxcli.events import Results, Word
from voxcli.recognizers import Audio, Emit, Recognizer
from voxcli.server.house import House
from voxcli.server.options import ServerOptions
from voxcli.server.running import Server, bind
from voxcli.server.supply import Relayed, Shared, Supply


@dataclass
class ServerEars(LocalEars):
    """Hears each stream by the clock that its audio carries, whatever was replayed, skipped or sent twice.

    ``interims``: after each chunk it says what it has heard since the last final.
    """

    name: str = "vosk"
    interims: bool = False

    async def recognize(self, audio: Audio, start: int, emit: Emit) -> None:
        ears, covered = Ears(self.script), 0
        with audio.reader(start, 1_600) as reader:
            async for chunk in reader:
                await asyncio.sleep(self.pause)
                ears.feed(chunk.data)
                is_wanted = not chunk.data and ears.heard > covered
                if is_wanted or ears.heard - covered >= samples(self.final_every):
                    covered = self._give(ears, covered, start, audio, emit)
                elif self.interims and chunk.data:
                    emit(self._heard(ears, covered, start, is_final=False))
            if ears.heard > covered:
                self._give(ears, covered, start, audio, emit)

    def _give(self, ears: Ears, covered: int, start: int, audio: Audio, emit: Emit) -> int:
        emit(self._heard(ears, covered, start, is_final=True))
        audio.cover(start + covered, start + ears.heard)
        return ears.heard

    def _heard(self, ears: Ears, covered: int, start: int, *, is_final: bool) -> Results:
        heard, shift = ears.heard, seconds(start)
        words = tuple(
            Word(word=word.name, start=shift + word.start, end=shift + word.end, confidence=1.0)
            for word in ears.words_between(covered, heard)
        )
        return Results(
            transcript=" ".join(word.word for word in words),
            is_final=is_final,
            speech_final=is_final and self.silent_ends,
            start=shift + seconds(covered),
            duration=seconds(heard - covered),
            words=words,
            backend=self.name,
        )


PATIENT = ServerOptions(port=0, drain=3.0, send=3.0, handshake=3.0)


class RunningServer:
    """``recognizer`` is shared by all sessions; ``kinds`` instead is a chain. ``options`` change the defaults.

    ``wire`` is another of uvicorn's WebSockets instead of ours.
    """

    def __init__(
        self,
        recognizer: Recognizer | None = None,
        *,
        kinds: Sequence[Shared | Relayed] = (),
        port: int = 0,
        wire: str = "voxcli",
        **options: Any,
    ) -> None:
        self.house = House(
            replace(PATIENT, **options), Supply(kinds or [Shared(recognizer or ServerEars())], QUICK), "en"
        )
        self.said: list[str] = []
        self.server = Server(self.house, self.said.append, handles_signals=False)
        if wire != "voxcli":
            self.server.config.ws = wire  # type: ignore[assignment]
        self.port = port
        self._stack = AsyncExitStack()
        self._work: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        listener = bind(replace(self.house.options, port=self.port))
        self.port = listener.getsockname()[1]
        self._work = asyncio.create_task(self.server.serve(sockets=[listener]))
        async with asyncio.timeout(20):
            while not self.said:
                if self._work.done():
                    self._work.result()
                await asyncio.sleep(0.01)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.should_exit = True
        await self.ended()
        await self._stack.aclose()

    async def ended(self) -> None:
        """Until it serves no more."""
        assert self._work is not None
        async with asyncio.timeout(20):
            await self._work

    def url(self, path: str = "/ws/transcribe") -> str:
        return f"ws://127.0.0.1:{self.port}{path}"

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        async with httpx2.AsyncClient(trust_env=False) as client:
            return await client.get(f"http://127.0.0.1:{self.port}{path}", headers=headers)

    async def post(self, path: str, content: bytes, **headers: str) -> httpx2.Response:
        async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
            return await client.post(f"http://127.0.0.1:{self.port}{path}", content=content, headers=headers)

    async def metric(self, name: str) -> float:
        """The value of a metric without labels."""
        text = (await self.get("/metrics")).text
        return float(next(line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")))

    async def metric_becomes(self, name: str, value: float) -> None:
        """Wait until it has that value."""
        async with asyncio.timeout(10):
            while await self.metric(name) != value:
                await asyncio.sleep(0.02)


async def client(url: str, *subprotocols: str, headers: dict[str, str] | None = None, **more: Any) -> ClientConnection:
    """A connection made without a proxy; its handshake is over within seconds."""
    return await connect(
        url,
        subprotocols=list(subprotocols) or None,  # type: ignore[arg-type]
        additional_headers=headers,
        compression=None,
        proxy=None,
        **{"open_timeout": 5, "close_timeout": 2, **more},
    )


async def to_the_end(connection: ClientConnection, deadline: float = 20.0) -> list[dict[str, Any]]:
    """Every message until the server closes."""
    messages: list[dict[str, Any]] = []
    async with asyncio.timeout(deadline):
        with suppress(ConnectionClosed):
            async for message in connection:
                messages.append(json.loads(message))  # noqa: PERF401 - what came before the end counts
    return messages


async def next_message(connection: ClientConnection, kind: str | None = None, deadline: float = 10.0) -> dict[str, Any]:
    """The next message, of that type."""
    async with asyncio.timeout(deadline):
        while True:
            message: dict[str, Any] = json.loads(await connection.recv())
            if kind is None or message.get("type") == kind:
                return message


async def closed(connection: ClientConnection, deadline: float = 10.0) -> tuple[int | None, str | None]:
    """The code and the reason with which the server closes, whatever comes before."""
    async with asyncio.timeout(deadline):
        await connection.wait_closed()
    return connection.close_code, connection.close_reason
