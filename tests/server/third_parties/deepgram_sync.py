"""Deepgram's Python SDK, its synchronous client: ``deepgram_sync.py PORT KEY WAV``. Prints what came as JSON."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

from deepgram import DeepgramClient, DeepgramClientEnvironment
from deepgram.core.events import EventType

port, key, path = sys.argv[1:]
http, ws = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
client = DeepgramClient(
    api_key=key, environment=DeepgramClientEnvironment(base=http, production=ws, agent=ws, agent_rest=http)
)
with open(path, "rb") as file:  # noqa: PTH123
    recording = file.read()
came: list[Any] = []
ends: list[str] = []
was_finalized = threading.Event()


def note(message: Any) -> None:
    """Keep what came; the answer to Finalize is waited for."""
    came.append(message)
    if getattr(message, "from_finalize", None):
        was_finalized.set()


with client.listen.v1.connect(model="nova-3", encoding="linear16", sample_rate=16000, interim_results=True) as socket:
    socket.on(EventType.MESSAGE, note)
    socket.on(EventType.ERROR, lambda error: ends.append(repr(error)))
    socket.on(EventType.CLOSE, lambda _: ends.append("close"))
    listening = threading.Thread(target=socket.start_listening)
    listening.start()
    for at in range(44, len(recording), 6_400):
        socket.send_media(recording[at : at + 6_400])
    socket.send_keep_alive()
    socket.send_finalize()
    assert was_finalized.wait(20)
    socket.send_close_stream()
    listening.join(20)
    assert not listening.is_alive()

answer = client.listen.v1.media.transcribe_file(request=recording, model="nova-3")
print(
    json.dumps(
        {
            "messages": [[type(message).__name__, message.model_dump(mode="json")] for message in came],
            "ends": ends,
            "posted": answer.model_dump(mode="json"),
        }
    )
)
