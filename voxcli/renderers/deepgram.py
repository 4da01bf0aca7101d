"""Deepgram's own message shapes for every backend, so that whatever reads Deepgram reads this."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from voxcli.events import Error, Event, Results, Session, Summary, as_json
from voxcli.protocols.deepgram import metadata_message, results_message
from voxcli.renderers import Output, RendererOptions, Status
from voxcli.transcript import Utterance


class DeepgramRenderer:
    """A Results message for each result, a Metadata message at the end of each source, an Error where there is one."""

    shows_status = False

    def __init__(self, output: Output, options: RendererOptions) -> None:
        self._output = output
        self._interim = options.interim
        self._model = ""
        self._request_id = ""
        self._created = ""

    def show(self, event: Event) -> None:
        match event:
            case Session():
                self._model = event.model or ""
                self._request_id = str(uuid.uuid4())
                self._created = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            case Results() if event.is_final or self._interim:
                self._line(results_message(event, request_id=self._request_id, model=self._model))
            case Summary():
                self._line(
                    metadata_message(request_id=self._request_id, created=self._created, duration=event.audio_seconds)
                )
            case Error():
                self._line(as_json(event))
            case _:
                pass

    def utterance(self, utterance: Utterance) -> None:
        """Deepgram's messages carry results, not utterances."""

    def status(self, status: Status) -> None:
        """Deepgram's messages carry no progress."""

    def close(self) -> None:
        """Nothing is held back."""

    def _line(self, message: dict[str, Any]) -> None:
        self._output.line(json.dumps(message, ensure_ascii=False, allow_nan=False))
