"""What turns chunks into results. A recognizer is one file here and one line in ``RECOGNIZERS``.

Nothing is imported until it is chosen, so that a machine without one native library can use the others.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from voxcli.audio import Chunk
from voxcli.coverage import Coverage
from voxcli.events import Error, Notice, Results, UtteranceEnd

if TYPE_CHECKING:
    from voxcli.protocols import Asked
    from voxcli.recognizers.endpoints import Place
    from voxcli.recognizers.remote import Remote

Emit = Callable[[Results | UtteranceEnd | Notice | Error], None]
"""Takes what a recognizer has to tell, in its order. Whatever it raises ends the recognizer."""

RECOGNIZERS = {
    "vosk": "voxcli.recognizers.vosk:open_vosk",
    "moonshine": "voxcli.recognizers.moonshine:open_moonshine",
}
"""Name on the command line -> ``module:function``; the function takes RecognizerOptions and returns a Recognizer."""

REMOTES = {
    "server": "voxcli.recognizers.endpoints:server",
    "deepgram": "voxcli.recognizers.endpoints:deepgram_api",
    "vosk-server": "voxcli.recognizers.endpoints:vosk_websocket",
}
"""Name on the command line -> ``module:function``; the function takes a Place and what is Asked, returns a Remote."""


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
    threads: int = 1
    """How many streams may be decoded at the same moment; more streams than that take turns."""
    pool: int = 0
    """How many native recognizers may wait, used and warm, for the next stream, where a backend can use one again.

    Vosk's hold 100 to 200 MB each; as many streams at once would hold as much without a pool, but give it back.
    """


class Reader(Protocol):
    """A place in the stream that moves on as it is read: an asynchronous iterator over chunks."""

    position: int
    """The sample that comes next."""

    def __aiter__(self) -> Reader: ...

    async def __anext__(self) -> Chunk:
        """The next chunk. It begins later than the last one ended where audio was lost in between.

        An empty chunk: a final over all before it is wanted, and more audio need not come for that.
        """


class Audio(Protocol):
    """The stream to be recognized: what has come of it, readable from any sample that is still kept."""

    has_successor: bool
    """Whether another recognizer could go on with what this one does not cover."""

    @property
    def head(self) -> int:
        """Samples that have come."""

    @property
    def ended(self) -> bool:
        """Whether no more comes."""

    @property
    def covered(self) -> int:
        """The first sample that is neither covered by a final nor lost: where to go on after trouble."""

    @property
    def settled(self) -> Coverage:
        """All that is covered or lost."""

    @property
    def position(self) -> int:
        """How far the foremost of the readers is, or was."""

    @property
    def capacity(self) -> int:
        """Samples that can be kept while nothing covers them."""

    @property
    def is_full(self) -> bool:
        """Whether no more can come before some is covered."""

    @property
    def is_live(self) -> bool:
        """Whether the source cannot wait: what does not fit is lost."""

    def reader(self, start: int, most: int | None = None) -> AbstractContextManager[Reader]:
        """Read from ``start`` on, or from the oldest sample kept, at most ``most`` samples at a time."""

    def cover(self, start: int, end: int) -> None:
        """A final covers these samples, or nothing is to be found in them."""

    def release(self, upto: int) -> None:
        """Forget what was read though nothing covers it, so that more can come."""

    async def beyond(self, position: int) -> bool:
        """Wait for audio from ``position`` on; False when the stream has ended before it."""


class Recognizer(Protocol):
    """A stream in, results and notices out, one stream after another."""

    @property
    def name(self) -> str:
        """The backend that its results name."""

    @property
    def model(self) -> str:
        """The name of the speech model that it uses."""

    async def load(self) -> None:
        """Get ready, once: later calls do nothing. Raises BackendError."""

    @property
    def rereads(self) -> bool:
        """Whether it may read audio again that no final has covered yet."""

    async def recognize(self, audio: Audio, start: int, emit: Emit) -> None:
        """Recognize the stream from ``start`` to its end. Each final is given to ``emit``, its span to ``cover``.

        Finals cover the stream without holes and, at its end, to the last sample.

        Raises BackendError when the stream cannot be recognized any further; what is not covered by then is another's.
        """

    async def probe(self, audio: Audio) -> None:
        """Prove with audio of the stream that ``recognize`` would work again, telling nobody. Raises BackendError."""

    async def close(self) -> None:
        """Give back what ``load`` took."""


@runtime_checkable
class CanWarm(Protocol):
    """A recognizer that can be made to answer sooner, for where one stands by."""

    async def warm(self) -> None:
        """Load, and do beforehand what the first answer would wait for; later calls do little. Raises BackendError."""


def open_remote(name: str, place: Place, asked: Asked) -> Remote:
    """The server of that name. Raises KeyError, and UsageError or AuthenticationFailed for what cannot be right."""
    module, function = REMOTES[name].split(":")
    remote: Remote = getattr(import_module(module), function)(place, asked)
    return remote


def open_recognizer(name: str, options: RecognizerOptions) -> Recognizer:
    """The recognizer of that name, not loaded yet. Raises KeyError for a name that is not in the table."""
    module, function = RECOGNIZERS[name].split(":")
    recognizer: Recognizer = getattr(import_module(module), function)(options)
    return recognizer
