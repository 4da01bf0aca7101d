"""The simplest server, as a tutorial would have it: FastAPI, a provider behind it, three fields.

``DEEPGRAM_URL=ws://127.0.0.1:PORT/v1/listen python tests/equipment/tutorial_server.py`` prints ``PORT n`` and serves
``/ws/transcribe`` until it is killed. It knows no CloseStream and no text message at all, as tutorials do not.
"""

# No "from __future__ import annotations" here: FastAPI evaluates the annotations of a function in its module, and
# FastAPI is imported where it is used.

import argparse
import asyncio
import json
import os
import socket
import sys
from typing import Any

QUERY = "?model=nova-3&encoding=linear16&sample_rate=16000&interim_results=true"


def make_app(provider_url: str) -> Any:
    """The whole server."""
    import websockets
    from fastapi import FastAPI, WebSocket

    app = FastAPI()

    @app.websocket("/ws/transcribe")
    async def transcribe(client: WebSocket) -> None:
        await client.accept()
        async with websockets.connect(provider_url + QUERY, proxy=None) as provider:
            tasks = [
                asyncio.create_task(_forward_audio(client, provider)),
                asyncio.create_task(_forward_results(provider, client)),
            ]
            _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
        for task in tasks:
            if task not in pending:
                task.result()

    return app


async def _forward_audio(client: Any, provider: Any) -> None:
    from fastapi import WebSocketDisconnect

    try:
        while True:
            await provider.send(await client.receive_bytes())
    except WebSocketDisconnect:
        await provider.close()


async def _forward_results(provider: Any, client: Any) -> None:
    async for message in provider:
        result = _three_fields(json.loads(message))
        if result is not None:
            await client.send_json(result)
    await client.close()


def _three_fields(message: dict[str, Any]) -> dict[str, Any] | None:
    if message.get("type") != "Results":
        return None
    transcript = message["channel"]["alternatives"][0]["transcript"]
    if not transcript:
        return None
    return {
        "transcript": transcript,
        "is_final": message["is_final"],
        "speech_final": message["speech_final"],
    }


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--provider", default=os.environ.get("DEEPGRAM_URL", "wss://api.deepgram.com/v1/listen"))
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()

    import uvicorn

    listener = socket.create_server(("127.0.0.1", arguments.port))
    config = uvicorn.Config(make_app(arguments.provider), log_level="critical", lifespan="off")
    sys.stdout.write(f"PORT {listener.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
