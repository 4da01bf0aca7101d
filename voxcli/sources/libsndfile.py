"""The door to soundfile: WAV, FLAC, Ogg, MP3, AIFF and what else libsndfile reads, from files and from streams."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import soundfile

from voxcli import ogg
from voxcli.audio import SAMPLE_RATE
from voxcli.errors import SourceEmpty, SourceNotAudio, SourceTruncated
from voxcli.sources.convert import Converter
from voxcli.sources.decoder import BLOCK_SECONDS, StopSignal, check_format, label, refused
from voxcli.sources.descriptor import ByteStream
from voxcli.sources.rewindable import RewindableStream
from voxcli.sniff import Container

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE_KINDS = frozenset(
    {
        Container.WAV,
        Container.FLAC,
        Container.OGG,
        Container.MP3,
        Container.AIFF,
        Container.CAF,
        Container.AU,
        Container.W64,
    }
)
STREAM_KINDS = FILE_KINDS - {Container.WAV, Container.W64}

_TRUE_LENGTHS = ("FLAC", "AIFF", "AU", "CAF")  # their headers count the samples; others are estimated or found at the end
_ENDLESS_FRAMES = 1 << 36
_OGG_END = 1 << 45  # a granule position that no stream reaches


class _Sequential(soundfile.SoundFile):  # type: ignore[misc, unused-ignore]
    """A SoundFile that is only read forward: else soundfile seeks after each read, which spoils MP3."""

    def seekable(self) -> bool:
        return False


class LibsndfileDecoder:
    def __init__(
        self, name: str, file: int | RewindableStream, stop: StopSignal, *, declared_frames: int | None = None
    ) -> None:
        """``file`` is a descriptor, or a stream in a file's clothes; closed with the decoder.

        ``declared_frames``: how many there ought to be, where the caller knows. Raises SourceNotAudio.
        """
        self.remarks: list[str] = []
        self._name = label(name)
        self._file = file
        self._stop = stop
        self._sound = self._open(file)
        check_format(self._name, self._sound.samplerate, self._sound.channels)
        self._converter = Converter(self._sound.samplerate)
        self._ready = (self._sound.subtype, self._sound.samplerate, self._sound.channels) == ("PCM_16", SAMPLE_RATE, 1)
        self._declared = self._known_frames() if declared_frames is None else declared_frames
        self._frames = 0

    @property
    def seconds(self) -> float | None:
        frames = self._sound.frames
        return frames / self._sound.samplerate if 0 < frames < _ENDLESS_FRAMES else None

    def blocks(self) -> Iterator[bytes]:
        reason = ""
        while not self._stop.is_set():
            try:
                block = self._read()
            except soundfile.LibsndfileError as error:
                reason = f"the audio is damaged ({_reason(error)})"
                break
            if not len(block):
                break
            self._frames += len(block)
            yield block.astype("<i2", copy=False).tobytes() if self._ready else self._converter.convert(block)
        yield self._converter.flush()
        self.remarks += self._converter.remarks()
        self._check_end(reason)

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

    def _read(self) -> NDArray[np.float32] | NDArray[np.int16]:
        """The next block, of shape (samples, channels)."""
        frames = int(BLOCK_SECONDS * self._sound.samplerate)
        block: NDArray[Any] = self._sound.read(frames, "int16" if self._ready else "float32", always_2d=True)
        return block

    def _check_end(self, reason: str) -> None:
        """Raises what kept the file from being read to its end, unless it was stopped."""
        if self._stop.is_set():
            return
        if isinstance(self._file, RewindableStream) and self._file.failure is not None:
            raise self._file.failure
        if reason or self._frames < self._declared:
            raise SourceTruncated(self._name, self._frames / self._sound.samplerate, reason or "the audio breaks off")
        if not self._frames:
            raise SourceEmpty(self._name, "has no sound in it")


class LibsndfileStream(LibsndfileDecoder):
    """The same from a pipe, for STREAM_KINDS; nothing is kept but a window."""

    def __init__(self, name: str, stream: ByteStream, kind: Container, stop: StopSignal) -> None:
        self._stream = stream
        tail = ogg.last_page(_serial(stream), _OGG_END) if kind is Container.OGG else b""
        super().__init__(name, RewindableStream(stream, tail), stop)

    @property
    def seconds(self) -> float | None:
        return super().seconds if self._declared else None

    def close(self) -> None:
        super().close()
        self._stream.close()


def open_descriptor(path: str) -> int:
    """A descriptor of a file, because soundfile takes a name for more than a name: x.raw would need a format.

    Raises what ``refused`` makes of the system's error.
    """
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise refused(path, error) from error


def _serial(stream: ByteStream) -> bytes:
    head = stream.read_fully(18)
    stream.push_back(head)
    return ogg.serial_of(head)


def _reason(error: soundfile.LibsndfileError) -> str:
    return str(error.error_string).strip().rstrip(".").lower() or "unknown to libsndfile"
