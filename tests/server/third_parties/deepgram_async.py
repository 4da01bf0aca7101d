"""Deepgram's Python SDK, its asynchronous client: ``deepgram_async.py PORT KEY WAV``. Prints what came as JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from deepgram import AsyncDeepgramClient, DeepgramClientEnvironment
from deepgram.core.events import EventType


async def main(port: str, key: str, path: str) -> None:
    """Stream the recording, then post it."""
    http, ws = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    environment = DeepgramClientEnvironment(base=http, production=ws, agent=ws, agent_rest=http)
    client = AsyncDeepgramClient(api_key=key, environment=environment)
    recording = Path(path).read_bytes()
    came: list[Any] = []
    ends: list[str] = []
    was_finalized = asyncio.Event()

    def note(message: Any) -> None:
        came.append(message)
        if getattr(message, "from_finalize", None):
            was_finalized.set()

    wish = {"model": "nova-3", "encoding": "linear16", "sample_rate": 16_000, "interim_results": True}
    async with asyncio.timeout(60), client.listen.v1.connect(**wish) as socket:
        socket.on(EventType.MESSAGE, note)
        socket.on(EventType.ERROR, lambda error: ends.append(repr(error)))
        socket.on(EventType.CLOSE, lambda _: ends.append("close"))
        listening = asyncio.create_task(socket.start_listening())
        for at in range(44, len(recording), 6_400):
            await socket.send_media(recording[at : at + 6_400])
        await socket.send_keep_alive()
        await socket.send_finalize()
        await was_finalized.wait()
        await socket.send_close_stream()
        await listening
    answer = await client.listen.v1.media.transcribe_file(request=recording, model="nova-3")
    messages = [[type(message).__name__, message.model_dump(mode="json")] for message in came]
    print(json.dumps({"messages": messages, "ends": ends, "posted": answer.model_dump(mode="json")}))


asyncio.run(main(*sys.argv[1:]))
