"""Clients that speak in real time, session after session: ``serve_sessions.py URL WIRE CLIENTS SECONDS CLIP WAV``.

WIRE is voxcli or vosk. Each client streams CLIP seconds of the recording, ends its session, and begins the next one,
for SECONDS; they begin spread over one clip. Prints JSON: for each final how many seconds after the audio that it
covers had been spoken it came, and how many sessions were whole.
"""

from __future__ import annotations

import asyncio
import json
import sys
import wave
from collections.abc import AsyncIterator

from websockets.asyncio.client import ClientConnection, connect

RATE = 16_000
CHUNK_BYTES = 3_200
CHUNK_SECONDS = 0.1


class Load:
    """``lags`` are those of finals."""

    def __init__(self, url: str, wire: str, seconds: float, clip: float, audio: bytes) -> None:
        self.lags: list[float] = []
        self.sessions = self.failures = 0
        self._url = url
        self._wire = wire
        self._seconds = seconds
        self._clip_bytes = int(clip / CHUNK_SECONDS) * CHUNK_BYTES
        self._audio = audio
        self._clock = asyncio.get_running_loop().time
        self._next_clip = 0

    async def client(self, delay: float) -> None:
        """Sessions until the time is over."""
        await asyncio.sleep(delay)
        until = self._clock() + self._seconds
        while self._clock() < until:
            try:
                async with connect(self._url, compression=None, proxy=None, subprotocols=["voxcli.v1"]) as connection:
                    await self._session(connection)
                self.sessions += 1
            except (OSError, TimeoutError, EOFError) as error:
                self.failures += 1
                print(repr(error), file=sys.stderr)

    async def _session(self, connection: ClientConnection) -> None:
        began = self._clock()
        if self._wire == "vosk":
            await connection.send('{"config": {"sample_rate": 16000, "words": true}}')
        async with asyncio.timeout(10 * self._clip_bytes / 32_000), asyncio.TaskGroup() as group:
            group.create_task(self._send(connection, began))
            group.create_task(self._listen(connection, began))

    async def _send(self, connection: ClientConnection, began: float) -> None:
        count = self._clip_bytes // CHUNK_BYTES
        first = self._next_clip * self._clip_bytes % (len(self._audio) - self._clip_bytes)
        self._next_clip += 1
        for number in range(count):
            await asyncio.sleep(max(0.0, began + (number + 1) * CHUNK_SECONDS - self._clock()))
            at = first + number * CHUNK_BYTES
            await connection.send(self._audio[at : at + CHUNK_BYTES])
        await connection.send('{"eof" : 1}' if self._wire == "vosk" else '{"type":"CloseStream"}')

    async def _listen(self, connection: ClientConnection, began: float) -> None:
        async for end in self._finals(connection):
            self.lags.append(self._clock() - began - end)

    async def _finals(self, connection: ClientConnection) -> AsyncIterator[float]:
        """For each final the seconds of audio that it covers the last of."""
        replies = 0
        async for message in connection:
            fields = json.loads(message)
            if self._wire == "vosk":
                replies += 1
                if "text" in fields:
                    yield min(replies * CHUNK_SECONDS, self._clip_bytes / 32_000)
            elif fields.get("is_final"):
                yield fields["start"] + fields["duration"]


async def main(url: str, wire: str, clients: str, seconds: str, clip: str, wav: str) -> None:
    """Run all clients to their end."""
    with wave.open(wav) as recording:
        audio = recording.readframes(recording.getnframes())
    load = Load(url, wire, float(seconds), float(clip), audio)
    async with asyncio.TaskGroup() as group:
        for number in range(int(clients)):
            group.create_task(load.client(float(clip) * number / int(clients)))
    print(json.dumps({"lags": load.lags, "sessions": load.sessions, "failures": load.failures}))


asyncio.run(main(*sys.argv[1:]))
