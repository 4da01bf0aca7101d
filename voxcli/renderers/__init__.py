"""What shows events. A renderer is one file here and one line in ``RENDERERS``; nothing is imported until chosen."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, TextIO

from voxcli.events import Event
from voxcli.transcript import Utterance

RENDERERS = {
    "live": "voxcli.renderers.live:LiveRenderer",
    "text": "voxcli.renderers.text:TextRenderer",
    "jsonl": "voxcli.renderers.jsonl:JsonlRenderer",
    "srt": "voxcli.renderers.subtitles:SrtRenderer",
    "vtt": "voxcli.renderers.subtitles:VttRenderer",
    "deepgram": "voxcli.renderers.deepgram:DeepgramRenderer",
}
"""Format -> ``module:class``; the class takes an Output and RendererOptions."""

SUFFIXES = {".jsonl": "jsonl", ".txt": "text", ".srt": "srt", ".vtt": "vtt"}
"""Suffix of an output file -> format."""


@dataclass(frozen=True, slots=True)
class RendererOptions:
    """How results are to be shown."""

    interim: bool = False
    timestamps: bool = False
    color: bool = False
    """Whether colours may be written, by a renderer that uses any."""
    several: bool = False
    """Whether more than one source is to come."""
    status: bool = True
    """Whether to show how far the work has come."""


@dataclass(frozen=True, slots=True)
class Status:
    """How far the work has come, told often."""

    heard: float
    """Seconds of audio that the recognizer has been given, or that a live source has."""
    total: float | None
    """Seconds that the source has in all, where that is known."""
    backend: str
    """The recognizer at work."""
    open_text: str
    """The utterance being said, as far as it is known."""
    behind: float | None = None
    """Seconds of audio between what has come and the end of the newest result."""
    trouble: str | None = None
    """What the recognizer is doing instead of recognizing."""
    is_live: bool = False
    """Whether the source goes on by itself, so that there is no speed to speak of."""
    level: float | None = None
    """How loud the source is now, in dB relative to full scale; None for what is not heard as it comes."""


class Output(Protocol):
    """Where lines go: a stream or a file. Errors are OutputError, or ReaderGone."""

    @property
    def stream(self) -> TextIO:
        """The stream itself, for what is no line."""

    def line(self, text: str) -> None:
        """Write one line and flush it."""

    def write(self, text: str) -> None:
        """Write what is no line, and flush it."""


class Renderer(Protocol):
    """Shows what happens, in its order."""

    @property
    def shows_status(self) -> bool:
        """Whether ``status`` is of any use to it."""

    def show(self, event: Event) -> None:
        """An event: a result, a notice, a gap, an error, the beginning and the end of a source."""

    def utterance(self, utterance: Utterance) -> None:
        """An utterance that has ended, after the event that ended it."""

    def status(self, status: Status) -> None:
        """How far the work has come."""

    def close(self) -> None:
        """Nothing comes after this."""


def open_renderer(name: str, output: Output, options: RendererOptions) -> Renderer:
    """The renderer of a format. Raises KeyError for a name that is not in the table."""
    module, attribute = RENDERERS[name].split(":")
    renderer: Renderer = getattr(import_module(module), attribute)(output, options)
    return renderer
