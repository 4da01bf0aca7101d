"""Makes speech of a given length from samples/, of 16 kHz: ``make_audio.py SAMPLES SECONDS-LANGUAGE.FORMAT``."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

RATE = 16_000
Sound = NDArray[np.int16]


def english(samples: Path) -> Iterator[Sound]:
    """A letter read aloud, for ever."""
    letter, _ = soundfile.read(samples / "letter.ogg", dtype="int16")
    return itertools.repeat(letter)


def korean(samples: Path) -> Iterator[Sound]:
    """A greeting, for ever, each time at another level over other noise, with pauses of up to three seconds."""
    greeting, _ = soundfile.read(samples / "greeting-ko.wav", dtype="float32")
    chance = np.random.default_rng(4)
    while True:
        silence = np.zeros(int(RATE * chance.uniform(0.5, 3)), np.float32)
        speech = np.concatenate([greeting * chance.uniform(0.1, 1), silence])
        noisy = speech + chance.normal(0, 10 ** chance.uniform(-3.5, -2), len(speech))
        yield (np.clip(noisy, -1, 1) * 32767).astype(np.int16)


def main() -> None:
    """Write the file, under another name until it is whole. FLAC becomes 44.1 kHz stereo, to be converted back."""
    samples, target = Path(sys.argv[1]), Path(sys.argv[2])
    seconds, _, kind = target.stem.partition("-")
    left = int(seconds) * RATE
    is_flac = target.suffix == ".flac"
    unfinished = target.with_name(f"unfinished-{target.name}")
    with soundfile.SoundFile(unfinished, "w", 44_100 if is_flac else RATE, 2 if is_flac else 1) as file:
        for sound in {"english": english, "korean": korean}[kind](samples):
            part = sound[:left]
            if is_flac:
                part = np.repeat(soxr.resample(part, RATE, 44_100)[:, np.newaxis], 2, axis=1)
            file.write(part)
            left -= len(sound)
            if left <= 0:
                break
    unfinished.rename(target)


if __name__ == "__main__":
    main()
