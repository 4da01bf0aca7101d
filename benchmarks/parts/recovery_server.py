"""A server that hears clocked audio, in a process of its own: ``recovery_server.py CASE``; prints ``PORT n``.

A speaker of ten words a second and an interim for each chunk, so that neither hides how soon the client is back.
"""

from __future__ import annotations

import asyncio
import os
import sys

import scripted

from oracle import Script
from scripted_server import Behaviour, ScriptedServer

FAST = Script(word_every=0.1, word_length=0.08)


async def main(case: str) -> None:
    """Serve until killed, or until whoever started it has gone."""
    parent = os.getppid()
    dialect, _, resumable = scripted.CASES[case]
    behaviour = Behaviour(final_every=1.0, interim_every=0.1, resumable=resumable)
    async with ScriptedServer(dialect, then=behaviour, script=FAST) as server:
        print("PORT", server.port, flush=True)
        while os.getppid() == parent:  # noqa: ASYNC110
            await asyncio.sleep(1.0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
