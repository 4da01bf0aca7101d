"""JSON lines: one event a line, as docs/jsonl.md and ``voxcli schema`` describe them."""

from __future__ import annotations

import json

from voxcli.events import Event, Results, as_json
from voxcli.renderers import Output, RendererOptions, Status
from voxcli.transcript import Utterance


class JsonlRenderer:
    """Every event; interim results only where they are wanted. Results are numbered as they are printed."""

    shows_status = False

    def __init__(self, output: Output, options: RendererOptions) -> None:
        self._output = output
        self._interim = options.interim
        self._seq = 0

    def show(self, event: Event) -> None:
        if isinstance(event, Results):
            if not event.is_final and not self._interim:
                return
            self._seq += 1
            self._output.line(encode(event, seq=self._seq))
            return
        self._output.line(encode(event))

    def utterance(self, utterance: Utterance) -> None:
        """Utterances are for people; lines of JSON carry the results that they are made of."""

    def status(self, status: Status) -> None:
        """Lines of JSON carry events only."""

    def close(self) -> None:
        """Nothing is held back."""


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=as_json)


def encode(event: Event, **changed: object) -> str:
    """An event as one line of JSON, not ASCII-escaped; ``changed`` are values other than its own."""
    return _ENCODER.encode(as_json(event) | changed)
