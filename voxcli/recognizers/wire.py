"""A record of what went over the wire: one JSON object a line, with its time and without keys.

What the server said is kept word for word; of the audio only its length, since it may be anybody's voice. ``t`` is in
seconds since the record began, ``connection`` counts from 1, ``bytes`` are all those of audio on that connection.
"""

from __future__ import annotations

import base64
import json
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from voxcli.errors import OutputError
from voxcli.protocols import Message
from voxcli.recognizers.secrets import Secrets


@dataclass(frozen=True, slots=True)
class Handshake:
    """What was agreed on. ``url`` is without keys; ``date`` and ``certificate_end`` are as the server wrote them."""

    url: str
    subprotocol: str | None
    date: str | None = None
    """The server's clock, in the form that HTTP has for it."""
    certificate_end: str | None = None
    """Until when its certificate is good, as the library ``ssl`` tells it."""


class Wire(Protocol):
    """Who is told what goes over the wire, in order."""

    def opened(self, handshake: Handshake) -> None:
        """A handshake is done."""

    def sent(self, message: Message) -> None:
        """A message of ours."""

    def received(self, message: Message) -> None:
        """A message of the server's."""

    def closed(self, code: int | None, reason: str) -> None:
        """The connection has ended; ``code`` is what the server sent."""


class WireLog:
    """Written as it goes, readable by its owner only. Raises OutputError where it cannot be begun.

    Where it cannot go on, that is given to ``failed``, once: a record is not worth a word of what is recorded.
    """

    def __init__(
        self,
        path: Path,
        secrets: Secrets,
        failed: Callable[[OutputError], object] = lambda error: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failed = failed
        self._path = path
        self._hidden = secrets.hidden
        self._clock = clock
        self._began = clock()
        self._connection = 0
        self._audio_bytes = 0
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            if hasattr(os, "fchmod") and stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.fchmod(descriptor, 0o600)
            self._file: IO[str] | None = os.fdopen(descriptor, "w", 1, "utf-8")
        except OSError as error:
            raise OutputError(str(path), error.strerror or str(error)) from error

    def opened(self, handshake: Handshake) -> None:
        """A handshake is done."""
        self._connection += 1
        self._audio_bytes = 0
        self._line(event="open", url=handshake.url, subprotocol=handshake.subprotocol)

    def sent(self, message: Message) -> None:
        """A message of ours."""
        if isinstance(message, bytes):
            self._audio_bytes += len(message)
            self._line(event="audio", bytes=self._audio_bytes)
        else:
            self._line(event="sent", text=message)

    def received(self, message: Message) -> None:
        """A message of the server's; a binary one in base64."""
        if isinstance(message, bytes):
            self._line(event="received", base64=base64.b64encode(message).decode())
        else:
            self._line(event="received", text=message)

    def closed(self, code: int | None, reason: str) -> None:
        """The connection has ended; ``code`` is what the server sent."""
        self._line(event="closed", code=code, reason=reason)

    def close(self) -> None:
        """Nothing more comes."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                self._failed(OutputError(str(self._path), error.strerror or str(error)))

    def _line(self, **what: Any) -> None:
        hidden = {name: self._hidden(value) if isinstance(value, str) else value for name, value in what.items()}
        line = {"t": round(self._clock() - self._began, 4), "connection": self._connection, **hidden}
        if self._file is None:
            return
        try:
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            with suppress(OSError):
                self._file.close()
            self._file = None
            self._failed(OutputError(str(self._path), error.strerror or str(error)))
