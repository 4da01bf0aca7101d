"""The FastAPI app: routes, and what lives as long as it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, WebSocket
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from voxcli import __version__
from voxcli.server.gate import Gate, is_loopback
from voxcli.server.house import House
from voxcli.server.listen import listen
from voxcli.server.metrics import CONTENT_TYPE_LATEST
from voxcli.server.page import Guarded
from voxcli.server.prerecorded import prerecorded
from voxcli.server.sessions import Sessions
from voxcli.server.tokens import Tokens
from voxcli.server.transcribe import transcribe

STATIC = Path(__file__).parent / "static"


def create_app(house: House) -> FastAPI:
    """The app of one server; its recognizers are loaded when it starts."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncGenerator[None]:
        await house.load()
        async with asyncio.TaskGroup() as group:
            house.sessions = Sessions(house.options, house.metrics, group)
            yield
            house.sessions.end_all()
        await house.close()

    app = FastAPI(title="voxcli", version=__version__, lifespan=life, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(
        Gate,
        tokens=Tokens(house.options.tokens),
        origins=house.options.origins,
        is_local=is_loopback(house.options.host),
        metrics=house.metrics,
    )
    if house.options.origins:
        app.add_middleware(CORSMiddleware, allow_origins=house.options.origins, allow_headers=["*"])
    _add_streams(app, house)
    _add_operations(app, house)
    app.mount("/static", Guarded(StaticFiles(directory=STATIC)))  # where many look for a script
    app.mount("/", Guarded(StaticFiles(directory=STATIC, html=True)))
    return app


def _add_streams(app: FastAPI, house: House) -> None:
    @app.websocket("/ws/transcribe")
    async def ws_transcribe(websocket: WebSocket) -> None:
        await transcribe(websocket, house)

    @app.websocket("/v1/listen")
    async def ws_listen(websocket: WebSocket) -> None:
        await listen(websocket, house)

    @app.post("/v1/listen")
    async def post_listen(request: Request) -> Response:
        return await prerecorded(request, house)


def _add_operations(app: FastAPI, house: House) -> None:
    @app.get("/healthz")
    async def healthz() -> Response:
        return JSONResponse({"ok": True, "version": __version__})

    @app.get("/readyz")
    async def readyz() -> Response:
        is_ready = house.sessions.has_room
        return JSONResponse({"ready": is_ready, "backends": house.backends}, 200 if is_ready else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(house.metrics.text(), media_type=CONTENT_TYPE_LATEST)
