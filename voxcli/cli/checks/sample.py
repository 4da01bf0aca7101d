"""A few words of synthetic English that voxcli brings, how a recognizer hears them, and whether that is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from voxcli.audio import SAMPLE_RATE, Chunk
from voxcli.events import Error, Notice, Results, UtteranceEnd
from voxcli.pipeline import Feed
from voxcli.recognizers import Recognizer
from voxcli.ring import Ring
from voxcli.sources import SourceOptions, open_source

FILE = Path(__file__).with_name("sample.flac")
WORDS_FILE = FILE.with_suffix(".txt")
RIGHT = 2 / 3
"""Of the words; a number may well come as digits."""

_RING_SAMPLES = 30 * SAMPLE_RATE
_CHUNK_SAMPLES = 1_600


async def recording() -> bytes:
    """The sample as it is read for any command: linear16, 16,000 Hz, one channel."""
    source = open_source(str(FILE), SourceOptions())
    try:
        await source.open()
        return b"".join([given.data async for given in source.chunks() if isinstance(given, Chunk)])
    finally:
        await source.close()


async def heard_by(recognizer: Recognizer, told: Callable[[Error], object] = lambda error: None) -> str:
    """What a recognizer hears in it; errors that end nothing are given to ``told``. Raises BackendError."""
    feed = Feed(Ring(_RING_SAMPLES), _CHUNK_SAMPLES, _RING_SAMPLES, keeps=True)
    await feed.put(await recording())
    feed.end()
    finals: list[str] = []

    def take(event: Results | UtteranceEnd | Notice | Error) -> None:
        if isinstance(event, Results) and event.is_final:
            finals.append(event.transcript)
        elif isinstance(event, Error):
            told(event)

    await recognizer.recognize(feed, 0, take)
    return " ".join(filter(None, finals))


def is_right(heard: str) -> bool:
    """Whether most of the words of the sample are among those that were heard."""
    expected = _words(WORDS_FILE.read_text(encoding="utf-8"))
    return (Counter(expected) & Counter(_words(heard))).total() >= RIGHT * len(expected)


def _words(text: str) -> list[str]:
    return "".join(character if character.isalnum() else " " for character in text.lower()).split()
