"""``--save-audio``: a source whose audio is kept as it passes, in a file that can be read at any moment."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from voxcli.audio import SAMPLE_BYTES, SAMPLE_RATE, Chunk, samples
from voxcli.errors import OutputError, UsageError
from voxcli.events import Gap, Notice
from voxcli.sources import Source
from voxcli.sources.passing import PassingSource
from voxcli.wav import wav_header

HEADER_SECONDS = 0.5
"""A WAV's header is true at least this often."""


class Recording(Protocol):
    """A file of audio that is being written. Raises OSError."""

    def write(self, data: bytes) -> None:
        """Add linear16, 16 kHz, one channel."""

    def close(self) -> None:
        """It is complete."""


def open_recording(path: Path) -> Recording:
    """A new recording, of the kind that the suffix says. Raises UsageError, OutputError."""
    kinds: dict[str, Callable[[Path], Recording]] = {".wav": WavRecording, ".flac": FlacRecording}
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"{path}: the suffix says no kind of audio", f"end the name in {' or '.join(kinds)}")
    try:
        return kind(path)
    except OSError as error:
        raise _failure(path, error) from error


class WavRecording:
    """Its header is written anew every half second, so that a killed program leaves a file that can be played."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb", buffering=0)
        self._bytes = self._told = 0
        try:
            self._tell()
        except OSError:
            self._file.close()
            raise

    def write(self, data: bytes) -> None:
        _write(self._file, data)
        self._bytes += len(data)
        if self._bytes - self._told >= HEADER_SECONDS * SAMPLE_RATE * SAMPLE_BYTES:
            self._tell()

    def close(self) -> None:
        try:
            self._tell()
        finally:
            self._file.close()

    def _tell(self) -> None:
        self._told = self._bytes
        self._file.seek(0)
        _write(self._file, wav_header(self._bytes))
        self._file.seek(0, os.SEEK_END)


class FlacRecording:
    """What was written can be read even if the program was killed; its header then says no length."""

    def __init__(self, path: Path) -> None:
        import soundfile

        path.open("ab").close()  # whose error says more than libsndfile's
        self._failure: type[Exception] = soundfile.SoundFileError
        with self._as_system_error():
            self._file = soundfile.SoundFile(path, "w", SAMPLE_RATE, 1, "PCM_16", format="FLAC")

    def write(self, data: bytes) -> None:
        with self._as_system_error():
            self._file.buffer_write(data, dtype="int16")

    def close(self) -> None:
        with self._as_system_error():
            self._file.close()

    @contextmanager
    def _as_system_error(self) -> Iterator[None]:
        try:
            yield
        except self._failure as error:
            raise OSError("it cannot be written: is the disk full?") from error


class SavedSource(PassingSource):
    """A file that fails is told to ``failed`` once, and the audio goes on without it."""

    def __init__(self, source: Source, path: Path, failed: Callable[[OutputError], object]) -> None:
        """Raises UsageError, OutputError."""
        super().__init__(source)
        self._path = path
        self._failed = failed
        self._recording: Recording | None = open_recording(path)

    async def chunks(self) -> AsyncGenerator[Chunk | Gap | Notice]:
        async with aclosing(self._source.chunks()) as chunks:
            async for given in chunks:
                if isinstance(given, Chunk):
                    self._keep(given.data)
                elif isinstance(given, Gap):
                    self._keep(bytes((samples(given.end) - samples(given.start)) * SAMPLE_BYTES))
                yield given

    async def close(self) -> None:
        await super().close()
        recording, self._recording = self._recording, None
        if recording is not None:
            try:
                recording.close()
            except OSError as error:
                self._failed(_failure(self._path, error))

    def _keep(self, data: bytes) -> None:
        recording = self._recording
        if recording is None:
            return
        try:
            recording.write(data)
        except OSError as error:
            self._recording = None
            with suppress(OSError):
                recording.close()
            self._failed(_failure(self._path, error))


def _failure(path: Path, error: OSError) -> OutputError:
    return OutputError(str(path), (error.strerror or str(error)).lower())


def _write(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
