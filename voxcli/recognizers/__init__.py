"""What turns chunks into results. A recognizer is one file here and one line in ``RECOGNIZERS``.

Nothing is imported until it is chosen, so that a machine without one native library can use the others.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from voxcli.audio import Chunk
from voxcli.events import Notice, Results

RECOGNIZERS = {
    "vosk": "voxcli.recognizers.vosk:open_vosk",
    "moonshine": "voxcli.recognizers.moonshine:open_moonshine",
}
"""Name on the command line -> ``module:function``; the function takes RecognizerOptions and returns a Recognizer."""


@dataclass(frozen=True, slots=True)
class RecognizerOptions:
    """What every recognizer may be told."""

    model: Path
    """The folder of the speech model."""
    model_name: str
    chunk_samples: int = 1_600
    """How much audio a decoder is given at a time; Vosk's words depend on it."""
    interim: bool = False
    """Whether interim results are wanted; without them a recognizer may do less work."""


class Recognizer(Protocol):
    """Chunks in, results and notices out, one stream after another."""

    @property
    def name(self) -> str:
        """The backend that its results name."""

    @property
    def model(self) -> str:
        """The name of the speech model that it uses."""

    async def load(self) -> None:
        """Get ready, once: later calls do nothing. Raises BackendError."""

    def recognize(self, chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Results | Notice]:
        """Results for a stream, in order. Its chunks may be of any length.

        Finals cover it without holes and, at its end, to the last sample.

        Raises BackendError when the stream cannot be recognized any further.
        """

    async def close(self) -> None:
        """Give back what ``load`` took."""


def open_recognizer(name: str, options: RecognizerOptions) -> Recognizer:
    """The recognizer of that name, not loaded yet. Raises KeyError for a name that is not in the table."""
    module, function = RECOGNIZERS[name].split(":")
    recognizer: Recognizer = getattr(import_module(module), function)(options)
    return recognizer
