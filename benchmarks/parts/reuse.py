"""Vosk with a fresh native recognizer for each clip, with one that is used again, and with one that stood by warm.

``reuse.py MODEL WAV SECONDS CLIPS`` cuts the recording into clips and hears each of them three times, in turning order,
in one thread. Prints JSON: for each clip CPU seconds, those of its first second, and the words.
"""

from __future__ import annotations

import json
import sys
import time
import wave
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from voxcli.audio import SAMPLE_RATE, Chunk
from voxcli.recognizers import RecognizerOptions
from voxcli.recognizers.vosk import VoskDecoder, VoskModel

CHUNK = 1_600


def heard(make: Callable[[], VoskDecoder], clip: bytes) -> tuple[VoskDecoder, dict[str, Any]]:
    """The decoder, not closed, and what hearing the clip cost and gave."""
    begun = time.thread_time()
    decoder, results, early = make(), [], 0.0
    for chunk in Chunk(0, clip).split(CHUNK):
        results += decoder.accept(chunk)
        if chunk.end == SAMPLE_RATE:
            early = time.thread_time() - begun
    results += decoder.finish()
    cpu = time.thread_time() - begun
    words = [word.word for result in results if result.is_final for word in result.words or ()]
    return decoder, {"cpu": cpu, "early": early, "words": words}


class Ways:
    """The three ways. ``used`` has heard a clip that is not counted."""

    def __init__(self, model: Path, before: bytes) -> None:
        self._new = VoskModel(RecognizerOptions(model, model.name))
        self._used = VoskModel(RecognizerOptions(model, model.name, pool=1))
        self.used(before)

    def fresh(self, clip: bytes) -> dict[str, Any]:
        """By one that has heard nothing."""
        return heard(self._new, clip)[1]

    def warm(self, clip: bytes) -> dict[str, Any]:
        """By one that has heard a second of silence. It is not given back, so that the next one is new."""
        self._new.warm()
        return heard(self._new, clip)[1]

    def used(self, clip: bytes) -> dict[str, Any]:
        """By the one that has heard all clips before."""
        decoder, told = heard(self._used, clip)
        decoder.close()
        return told


def main(model: str, wav: str, seconds: str, clips: str) -> None:
    """Hear the clips; the last of the recording comes first, uncounted."""
    with wave.open(wav) as recording:
        data = recording.readframes(recording.getnframes())
    edges = [2 * SAMPLE_RATE * int(seconds) * number for number in range(int(clips) + 1)]
    ways = Ways(Path(model), data[edges[-2] : edges[-1]])
    names = ("fresh", "warm", "used")
    told = []
    for number, (begin, end) in enumerate(pairwise(edges)):
        order = [names[(number + place) % len(names)] for place in range(len(names))]
        told.append({name: getattr(ways, name)(data[begin:end]) for name in order})
    print(json.dumps(told, ensure_ascii=False))


main(*sys.argv[1:])
