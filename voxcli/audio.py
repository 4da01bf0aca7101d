"""Audio as voxcli sees it: encodings, formats, and runs of samples with their place on the stream's clock.

Inside the program audio is linear16 (signed 16-bit little-endian PCM), one channel, 16,000 samples a second. A time is
always a count of samples since the start of the stream, divided by the rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from voxcli.errors import UsageError

SAMPLE_RATE = 16_000
"""Samples a second, of one channel, after conversion: what every recognizer is given."""

SAMPLE_BYTES = 2
"""Bytes of one converted sample."""

MIN_SAMPLE_RATE = 1_000
MAX_SAMPLE_RATE = 768_000
MAX_CHANNELS = 64


class Encoding(StrEnum):
    """How a raw sample is written: Deepgram's names where it has one (docs, "Encoding"), all little-endian."""

    LINEAR16 = "linear16"
    LINEAR32 = "linear32"
    FLOAT32 = "float32"
    MULAW = "mulaw"
    ALAW = "alaw"

    @property
    def sample_bytes(self) -> int:
        return {"linear16": 2, "linear32": 4, "float32": 4, "mulaw": 1, "alaw": 1}[self.value]


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """The format of raw audio: checked here, so that no impossible rate ever reaches a recognizer.

    Raises UsageError: a rate outside 1,000 to 768,000 Hz or a channel count outside 1 to 64.
    """

    encoding: Encoding
    sample_rate: int
    channels: int

    def __post_init__(self) -> None:
        if not MIN_SAMPLE_RATE <= self.sample_rate <= MAX_SAMPLE_RATE:
            raise UsageError(
                f"a sample rate of {self.sample_rate} Hz is not possible",
                f"sample rates run from {MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz, for example --sample-rate 16000",
            )
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise UsageError(
                f"{self.channels} channels are not possible", f"channels run from 1 to {MAX_CHANNELS}, for example 1"
            )

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.encoding.sample_bytes * self.channels


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of converted audio and its place in the stream."""

    start: int
    """Absolute index of the first sample, counted from the start of the stream."""

    data: bytes
    """linear16, one channel, 16,000 Hz."""

    @property
    def samples(self) -> int:
        return len(self.data) // SAMPLE_BYTES

    @property
    def end(self) -> int:
        """Absolute index of the sample after the last."""
        return self.start + self.samples

    def split(self, length: int) -> Iterator[Chunk]:
        """The same audio in chunks of ``length`` samples, the last one shorter where it does not come out even."""
        for at in range(0, len(self.data), length * SAMPLE_BYTES):
            yield Chunk(self.start + at // SAMPLE_BYTES, self.data[at : at + length * SAMPLE_BYTES])


def seconds(samples: int) -> float:
    """A count of samples at 16,000 Hz as seconds (exact: 1/16,000 has seven decimals)."""
    return samples / SAMPLE_RATE


def samples(duration: float) -> int:
    """Seconds as the nearest count of samples at 16,000 Hz."""
    return round(duration * SAMPLE_RATE)
