"""Plain text: one utterance a line, as soon as it ends."""

from __future__ import annotations

from voxcli.events import Event, Results
from voxcli.printable import printable
from voxcli.renderers import Output, RendererOptions, Status
from voxcli.transcript import Utterance


class TextRenderer:
    """Utterances, with ``[h:mm:ss]`` and the speaker before them where those are wanted and known.

    Interim results, where wanted, are lines of their own, marked with an ellipsis, since nothing is ever redrawn.
    """

    shows_status = False

    def __init__(self, output: Output, options: RendererOptions) -> None:
        self._output = output
        self._options = options

    def show(self, event: Event) -> None:
        if self._options.interim and isinstance(event, Results) and not event.is_final and event.transcript:
            self._output.line(printable(f"{event.transcript} …"))

    def utterance(self, utterance: Utterance) -> None:
        self._output.line(printable(f"{heading(utterance, self._options)}{utterance.text}"))

    def status(self, status: Status) -> None:
        """Text shows results only."""

    def close(self) -> None:
        """Nothing is held back."""


def heading(utterance: Utterance, options: RendererOptions) -> str:
    """``[0:01:23] `` where timestamps are wanted, ``Speaker 1: `` where speakers are told apart."""
    time = f"[{clock(utterance.start)}] " if options.timestamps else ""
    return time if utterance.speaker is None else f"{time}Speaker {utterance.speaker}: "


def clock(at: float) -> str:
    """Seconds as ``h:mm:ss``."""
    minutes, second = divmod(int(at), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{second:02}"
