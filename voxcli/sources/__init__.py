"""Where audio comes from. Importing this loads no decoder; a source loads the one it needs when it is opened.

    spec -> open_source -> Source -> open() -> chunks()

A recording, a named pipe and standard input are one class (``decoded.DecodedSource``) around a decoder that is chosen
from the first bytes. Decoders block and run in a worker thread; a source is used from one event loop.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from voxcli.audio import AudioFormat, Chunk
from voxcli.events import Gap, Notice

STDIN = "-"
MICROPHONE = "the microphone"


def label(name: str) -> str:
    """What a sentence calls the source."""
    return "standard input" if name == STDIN else name


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How to read what a source alone does not tell."""

    raw_format: AudioFormat | None = None
    """The format of headerless audio; a stream that has a header after all is read by its header, with a remark."""

    audio_stream: int | None = None
    """Which audio stream of a container, counted from 0 among its audio streams; None takes the first."""

    realtime: bool = False
    """Give the audio out as fast as it was spoken, and not as fast as it can be read."""


@dataclass(frozen=True, slots=True)
class MicrophoneOptions:
    """``device``: a number or a part of a name, None for the default. ``duration``: seconds after which it ends."""

    device: str | None = None
    duration: float | None = None


class Source(Protocol):
    """Audio, whatever it comes from, as linear16, 16 kHz, mono."""

    live: bool
    """False for files and pipes, which wait; True for what goes on whether or not it is heard."""

    @property
    def name(self) -> str:
        """As the user named it, - for standard input; a device by its own name, once it is open."""

    @property
    def remarks(self) -> list[str]:
        """Sentences for the user that came up so far, such as how many samples were no numbers."""

    async def open(self) -> None:
        """Opens and probes; raises SourceError or, for options that do not fit what is there, UsageError."""

    @property
    def seconds(self) -> float | None:
        """The whole length, where it is known once the source is open."""

    @property
    def level(self) -> float | None:
        """How loud it is now, in dB relative to full scale, where that is of interest."""

    def chunks(self) -> AsyncGenerator[Chunk | Gap | Notice]:
        """The audio in runs of up to about a second, whose indices follow each other from 0. Call it once.

        Where a live source misses audio, it gives the gap instead, and the next chunk begins behind it.
        Raises SourceError, but only after all audio that there was has been given out.
        """

    def stop(self) -> None:
        """Lets the iteration end soon; what has been read is still given out. From any thread, any number of times."""

    async def close(self) -> None:
        """Stops, waits until no thread is at work, and gives everything back. Any number of times."""


def open_microphone(options: MicrophoneOptions) -> Source:
    """A microphone. It is not opened yet."""
    from voxcli.sources.microphone import Microphone

    return Microphone(options)


def open_source(spec: str, options: SourceOptions, *, stdin_fd: int = 0) -> Source:
    """The source that ``spec`` names: - for standard input (``stdin_fd``), else a path. It is not opened yet."""
    from voxcli.sources.decoded import DecodedSource
    from voxcli.sources.opening import opener
    from voxcli.sources.pacing import PacedSource

    source = DecodedSource(spec, opener(spec, options, stdin_fd))
    return PacedSource(source) if options.realtime else source
