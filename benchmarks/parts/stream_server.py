"""A server of /ws/transcribe that answers every chunk at once: ``stream_server.py``.

Prints ``PORT n``, then for each session a line of JSON: when each message of audio came, on the monotonic clock, which
is one clock for all processes of a Linux machine. ``?answer=interim``: an interim of what was said since the last
final, and an Ack every second; ``?answer=ack``: an Ack each time. Both: every two seconds a final, every other of which
ends an utterance.
"""

from __future__ import annotations

import asyncio
import json
import time

from websockets.asyncio.server import ServerConnection, serve

RATE = 16_000
FINAL_EVERY = 20
ACK_EVERY = 10
WORDS_A_SECOND = 2


def result(start: int, end: int, seq: int | None) -> str:
    """Two words a second, with times."""
    first, count = start / RATE, (end - start) * WORDS_A_SECOND // RATE
    words = [
        {"word": f"word{number}", "start": first + number / 2, "end": first + number / 2 + 0.4, "confidence": 0.9}
        for number in range(count)
    ]
    message = {
        "type": "Results",
        "transcript": " ".join(str(word["word"]) for word in words),
        "is_final": seq is not None,
        "speech_final": seq is not None and seq % 2 == 0,
        "start": first,
        "duration": (end - start) / RATE,
        "confidence": 0.9,
        "words": words,
    }
    return json.dumps(message if seq is None else message | {"seq": seq})


async def hold(connection: ServerConnection) -> None:
    """One session."""
    acks_each = "answer=ack" in (connection.request.path if connection.request else "")
    came: list[float] = []
    heard = covered = seq = 0
    await connection.send(json.dumps({"type": "Ready", "session": "s", "resumed": False, "received_samples": 0}))
    async for message in connection:
        if isinstance(message, str):
            if "CloseStream" not in message:
                continue
            if heard > covered:
                await connection.send(result(covered, heard, seq + 1))
            await connection.send(json.dumps({"type": "Metadata", "duration": heard / RATE, "finals": seq}))
            await connection.close()
            break
        came.append(time.monotonic())
        heard += len(message) // 2
        if len(came) % FINAL_EVERY == 0:
            seq += 1
            await connection.send(result(covered, heard, seq))
            covered = heard
        elif not acks_each:
            await connection.send(result(covered, heard, None))
        if acks_each or len(came) % ACK_EVERY == 0:
            await connection.send(json.dumps({"type": "Ack", "received_samples": heard}))
    print(json.dumps(came), flush=True)


async def main() -> None:
    """Serve until killed."""
    async with serve(hold, "127.0.0.1", 0, compression=None, subprotocols=["voxcli.v1"]) as server:
        print("PORT", next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.Event().wait()


asyncio.run(main())
