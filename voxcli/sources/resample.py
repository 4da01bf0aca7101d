"""The door to soxr: sound of any rate to 16 kHz, as a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soxr

from voxcli.audio import SAMPLE_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Resampler:
    """One channel of float32 from ``sample_rate`` to 16 kHz, in blocks of any size.

    The high-quality filter holds back 40 ms; ``flush`` gives them out.
    """

    def __init__(self, sample_rate: int) -> None:
        self._stream = soxr.ResampleStream(sample_rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")

    def resample(self, mono: NDArray[np.float32]) -> NDArray[np.float32]:
        block: NDArray[np.float32] = self._stream.resample_chunk(mono)
        return block

    def flush(self) -> NDArray[np.float32]:
        """The rest; nothing may be resampled after it."""
        block: NDArray[np.float32] = self._stream.resample_chunk(np.empty(0, np.float32), last=True)
        return block
