"""The plainest client of a streaming server that sends and receives at once: ``stream_bare.py URL SECONDS PACE WORK``.

PACE is ``paced`` or ``flood``: then it is never more than ten seconds ahead of what is acknowledged, as voxcli is. WORK
is ``none`` or ``json``: each message is parsed, and finals are printed as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from stream_stamps import Stamps
from websockets.asyncio.client import ClientConnection, connect

WINDOW = 100
SINK = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
ACK = '{"type": "Ack"'


async def main(url: str, seconds: str, pace: str, work: str) -> None:
    """Connect, stream, wait for the end."""
    stamps = Stamps(float(seconds), paced=pace == "paced")
    moved = asyncio.Event()
    sent = acknowledged = 0
    ack_chunks = 1 if "answer=ack" in url else 10

    async def send(websocket: ClientConnection) -> None:
        nonlocal sent
        async for data in stamps.chunks():
            while sent - acknowledged > WINDOW:
                moved.clear()
                await moved.wait()
            await websocket.send(data)
            sent += 1
        await websocket.send('{"type":"CloseStream"}')

    async with connect(url, compression=None, subprotocols=["voxcli.v1"]) as websocket, asyncio.TaskGroup() as group:
        group.create_task(send(websocket))
        async for message in websocket:
            if str(message).startswith(ACK):
                acknowledged += ack_chunks
                moved.set()
            else:
                stamps.answer()
            if work == "json":
                result = json.loads(message)
                if result.get("is_final"):
                    print(json.dumps(result, ensure_ascii=False), file=SINK, flush=True)
    del stamps.answered[:1]  # Ready
    stamps.tell()


asyncio.run(main(*sys.argv[1:]))
