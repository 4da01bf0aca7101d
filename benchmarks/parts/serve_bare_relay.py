"""The barest relay: ``serve_bare_relay.py UPSTREAM-URL``, prints ``PORT n``. Messages go through as they come."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


async def pump(source: ServerConnection | ClientConnection, target: ServerConnection | ClientConnection) -> None:
    """Everything from one to the other."""
    with suppress(ConnectionClosed):
        async for message in source:
            await target.send(message)
    await target.close()


async def main(url: str) -> None:
    """Serve until killed."""

    async def relay(client: ServerConnection) -> None:
        path = client.request.path if client.request else ""
        async with connect(url + path, compression=None, proxy=None) as upstream, asyncio.TaskGroup() as group:
            group.create_task(pump(client, upstream))
            group.create_task(pump(upstream, client))

    async with serve(relay, "127.0.0.1", 0, compression=None) as server:
        print("PORT", next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
