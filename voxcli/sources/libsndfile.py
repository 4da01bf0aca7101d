"""The door to soundfile: WAV, FLAC, Ogg, MP3, AIFF and what else libsndfile reads, from files and from streams."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from voxcli import ogg
from voxcli.errors import SourceEmpty, SourceNotAudio, SourceTruncated
from voxcli.sniff import Container
from voxcli.sources import label
from voxcli.sources.convert import Converter
from voxcli.sources.decoder import BLOCK_SECONDS, STREAM_BLOCK_SECONDS, StopSignal, check_format
from voxcli.sources.descriptor import ByteStream
from voxcli.sources.rewindable import RewindableStream

if TYPE_CHECKING:
    from voxcli.sources.convert import Samples

_TRUE_LENGTHS = (
    "FLAC",
    "AIFF",
    "AU",
    "CAF",
)  # their headers count the samples; others are estimated or found at the end
_ENDLESS_FRAMES = 1 << 36
_OGG_END = 1 << 45  # a granule position that no stream reaches


class _Sequential(soundfile.SoundFile):  # type: ignore[misc, unused-ignore]
    """A SoundFile that is only read forward: else soundfile seeks after each read, which spoils MP3."""

    def seekable(self) -> bool:
        return False


class LibsndfileDecoder:
    """A sound file. What is linear16, 16 kHz and mono already comes out bit by bit: float32 holds it exactly."""

    def __init__(
        self,
        name: str,
        file: int | RewindableStream,
        stop: StopSignal,
        *,
        declared_frames: int | None = None,
        block_seconds: float = BLOCK_SECONDS,
    ) -> None:
        """``file`` is a descriptor, which is closed with the decoder, or a stream in a file's clothes.

        ``declared_frames``: how many there ought to be, where the caller knows. Raises SourceNotAudio, and then the
        descriptor is still open.
        """
        self.remarks: list[str] = []
        self._name = label(name)
        self._file = file
        self._stop = stop
        self._sound = self._open(file)
        check_format(self._name, self._sound.samplerate, self._sound.channels)
        frames = max(1, int(block_seconds * self._sound.samplerate))
        self._block: Samples = np.empty((frames, self._sound.channels), np.float32)
        self._converter = Converter(self._sound.samplerate)
        self._declared = self._known_frames() if declared_frames is None else declared_frames
        self._frames = 0
        self._damage = ""

    @property
    def seconds(self) -> float | None:
        frames = self._sound.frames
        return frames / self._sound.samplerate if 0 < frames < _ENDLESS_FRAMES else None

    def blocks(self) -> Iterator[bytes]:
        while not self._stop.is_set() and not self._damage:
            block = self._read()
            if not len(block):
                break
            self._frames += len(block)
            yield self._converter.convert(block)
        yield self._converter.flush()
        self.remarks += self._converter.remarks()
        self._check_end()

    def close(self) -> None:
        self._sound.close()
        if isinstance(self._file, int):
            os.close(self._file)

    def _open(self, file: int | RewindableStream) -> _Sequential:
        try:
            return _Sequential(file, closefd=False) if isinstance(file, int) else _Sequential(file)
        except soundfile.LibsndfileError as error:
            if isinstance(file, RewindableStream) and file.failure is not None:
                raise file.failure from error
            hint = "check that it is a recording and that it is complete"
            raise SourceNotAudio(self._name, f"cannot be decoded ({_reason(error)})", hint) from error

    def _known_frames(self) -> int:
        frames: int = self._sound.frames
        return frames if self._sound.format in _TRUE_LENGTHS and frames < _ENDLESS_FRAMES else 0

    def _read(self) -> Samples:
        """The next block, of shape (samples, channels); where decoding fails, as far as it came."""
        self._block.fill(np.nan)
        try:
            block: Samples = self._sound.read(out=self._block)
        except soundfile.LibsndfileError as error:
            self._damage = f"the audio is damaged ({_reason(error)})"
            return self._block[: _filled(self._block)]
        return block

    def _check_end(self) -> None:
        """Raises what kept the file from being read to its end, unless it was stopped."""
        if self._stop.is_set():
            return
        if isinstance(self._file, RewindableStream) and self._file.failure is not None:
            raise self._file.failure
        if not self._frames:
            raise SourceEmpty(self._name, "has no sound in it")
        if self._damage or self._frames < self._declared:
            seconds = self._frames / self._sound.samplerate
            raise SourceTruncated(self._name, seconds, self._damage or "the audio breaks off")


class LibsndfileStream(LibsndfileDecoder):
    """The same from a pipe, for ``stream.LIBSNDFILE_KINDS``; nothing is kept but a window."""

    def __init__(self, name: str, stream: ByteStream, kind: Container, stop: StopSignal) -> None:
        self._stream = stream
        tail = ogg.last_page(_serial(stream), _OGG_END) if kind is Container.OGG else b""
        super().__init__(name, RewindableStream(stream, tail), stop, block_seconds=STREAM_BLOCK_SECONDS)

    @property
    def seconds(self) -> float | None:
        return super().seconds if self._declared else None

    def close(self) -> None:
        super().close()
        self._stream.close()


def _filled(block: Samples) -> int:
    """How many samples were decoded into a block that was full of NaN before."""
    decoded = np.flatnonzero(~np.isnan(block[:, 0]))
    return int(decoded[-1]) + 1 if len(decoded) else 0


def _serial(stream: ByteStream) -> bytes:
    head = stream.read_fully(18)
    stream.push_back(head)
    return ogg.serial_of(head)


def _reason(error: soundfile.LibsndfileError) -> str:
    return str(error.error_string).strip().rstrip(".").lower() or "unknown to libsndfile"
