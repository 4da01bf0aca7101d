"""A server of vosk-server's wire, made as alphacep's Python one is: ``serve_vosk_wire.py MODEL``, prints ``PORT n``.

One new recognizer a connection, words on, and as many threads as the process may use processors.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import vosk
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

RATE = 16_000.0


def answer(recognizer: Any, message: str | bytes) -> tuple[str, bool]:
    """What a message is answered with, and whether it was the last."""
    if message == '{"eof" : 1}':
        return str(recognizer.FinalResult()), True
    if recognizer.AcceptWaveform(message):
        return str(recognizer.Result()), False
    return str(recognizer.PartialResult()), False


async def main(folder: str) -> None:
    """Serve until killed."""
    vosk.SetLogLevel(-1)
    model = vosk.Model(folder)
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))

    async def recognize(connection: ServerConnection) -> None:
        recognizer = None
        try:
            async for message in connection:
                if isinstance(message, str) and "config" in message:
                    json.loads(message)
                    continue
                if recognizer is None:
                    recognizer = vosk.KaldiRecognizer(model, RATE)
                    recognizer.SetWords(True)
                text, is_last = await loop.run_in_executor(pool, answer, recognizer, message)
                await connection.send(text)
                if is_last:
                    return
        except ConnectionClosed:
            return

    async with serve(recognize, "127.0.0.1", 0, compression=None) as server:
        print("PORT", next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
