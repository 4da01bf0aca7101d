"""A publisher of models on the loopback interface, as real as the one on the internet and as bad as one likes.

A list of ``Fault`` is worked off, one a request for a zip (or for the list); then everything is served as it should be.
"""

from __future__ import annotations

import hashlib
import io
import json
import ssl
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

KOREAN, ENGLISH = "vosk-model-small-ko-0.22", "vosk-model-small-en-us-0.15"
NEW_LAYOUT = (
    "am/final.mdl",
    "conf/model.conf",
    "conf/mfcc.conf",
    "graph/HCLr.fst",
    "graph/Gr.fst",
    "graph/disambig_tid.int",
)


@dataclass(frozen=True)
class Fault:
    """What is done wrong with one request."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None  # bytes of the body; then the connection is closed
    ignore_range: bool = False
    body: bytes | None = None  # instead of the file
    chunked: bool = False  # no Content-Length: the connection's end is the body's


@dataclass
class Hub:
    """The publisher: what it has, what goes wrong next, what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    list_faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    etags: bool = True
    url: str = ""

    def offer(self, name: str, body: bytes, language: str, kind: str = "small", **changed: object) -> None:
        """Put a zip on the list and on the shelf; ``changed`` are lies in the list."""
        self.files[f"{name}.zip"] = body
        md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
        honest = {"name": name, "lang": language, "type": kind, "md5": md5, "size": len(body), "obsolete": "false"}
        self.entries.append({**honest, "url": "http://elsewhere.invalid/x.zip", "version": "0.1", **changed})

    def ranges(self) -> list[str | None]:
        """The Range header of each request for a zip."""
        return [headers.get("range") for path, headers in self.requests if path.endswith(".zip")]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        self.hub.requests.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
        if name == "model-list.json":
            self._send(json.dumps(self.hub.entries).encode(), _next(self.hub.list_faults), '"list"')
        elif name in self.hub.files:
            body = self.hub.files[name]
            self._send(body, _next(self.hub.faults), f'"{hashlib.sha256(body).hexdigest()[:8]}"')
        else:
            self.send_error(404)

    def _send(self, body: bytes, fault: Fault, etag: str) -> None:
        body = body if fault.body is None else fault.body
        start = 0 if fault.ignore_range else self._start(etag)
        status = 206 if start and fault.status == 200 else fault.status
        self.send_response(status)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if self.hub.etags:
            self.send_header("ETag", etag)
        for key, value in fault.headers.items():
            self.send_header(key, value)
        rest = body[start:]
        if not fault.chunked:
            self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest if fault.cut_after is None else rest[: fault.cut_after])
        self.close_connection = True

    def _start(self, etag: str) -> int:
        asked = self.headers.get("Range", "")
        if not asked or self.headers.get("If-Range") != etag:
            return 0
        return int(asked.removeprefix("bytes=").removesuffix("-"))

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on stderr."""


def _next(faults: list[Fault]) -> Fault:
    return faults.pop(0) if faults else Fault()


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Hub]:
    """A hub that answers on a free port until the block ends, over TLS when there is a context."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    port = server.server_address[1]
    hub.url = f"https://localhost:{port}/models" if context else f"http://127.0.0.1:{port}/models"
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def tiny_zip(name: str, size_bytes: int = 100_000) -> bytes:
    """A zip of a folder with the files of a model and nothing sensible in them."""
    return zip_of({f"{name}/{path}": bytes([index]) * (size_bytes // 6) for index, path in enumerate(NEW_LAYOUT, 65)})


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """A zip with these entries, stored as they are."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as zipped:
        for path, content in files.items():
            zipped.writestr(zipfile.ZipInfo(path), content)
    return body.getvalue()


def make_model(folder: Path) -> Path:
    """A folder with the files of a model and nothing sensible in them."""
    for path in NEW_LAYOUT:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x")
    return folder
