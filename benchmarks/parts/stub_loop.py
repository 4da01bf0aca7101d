"""The least that keeps a decoder off the event loop: each 100 ms to a thread and back. ``stub_loop.py WAV``."""

from __future__ import annotations

import asyncio
import json
import sys
import wave
from concurrent.futures import ThreadPoolExecutor

EVERY = 5 * 16_000


def accept(data: bytes) -> int:
    """Count."""
    return len(data) // 2


async def main() -> None:
    """Read, hand over, print a word every five seconds."""
    loop = asyncio.get_running_loop()
    heard = covered = 0
    with wave.open(sys.argv[1]) as audio, ThreadPoolExecutor(1) as thread:
        while data := audio.readframes(1_600):
            heard += await loop.run_in_executor(thread, accept, data)
            if heard - covered >= EVERY:
                print(json.dumps({"text": "word", "start": covered / 16_000, "end": heard / 16_000}), flush=True)
                covered = heard


asyncio.run(main())
