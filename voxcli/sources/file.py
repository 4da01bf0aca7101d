"""Recordings on disk: libsndfile reads what it can, PyAV the rest."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from voxcli.errors import SourceEmpty, SourceNotAudio
from voxcli.sniff import SNIFF_BYTES, Container, by_signature, sniff
from voxcli.sources import SourceOptions
from voxcli.sources.decoder import Decoder, StopSignal, refused
from voxcli.sources.descriptor import READ_BYTES
from voxcli.sources.leftover import left_out
from voxcli.sources.stream import ignored_format, open_stream
from voxcli.wav import WavError, WavHeader, WavParser

LIBSNDFILE_KINDS = frozenset(
    {
        None,  # libsndfile knows many old kinds that are not sniffed
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


def open_file(path: str, options: SourceOptions, stop: StopSignal) -> Decoder:
    """The decoder of a regular file. Raises SourceError or UsageError."""
    head = _head(path)
    if options.raw_format is not None and by_signature(head) is None:
        return open_stream(path, _descriptor(path), options, stop, owned=True)
    kind = sniff(head)
    decoder = _decoder(path, kind, options.audio_stream, stop)
    if options.raw_format is not None:
        decoder.remarks.append(ignored_format(kind))
    return decoder


def _decoder(path: str, kind: Container | None, audio_stream: int | None, stop: StopSignal) -> Decoder:
    if audio_stream is None and kind in LIBSNDFILE_KINDS:
        try:
            return _wav(path, stop) if kind is Container.WAV else _libsndfile(path, None, stop)
        except SourceNotAudio as error:
            if kind is None:
                raise _unknown(path) from error
            if find_spec("av") is None:
                raise
    from voxcli.sources import media

    name = str(kind or "unknown")
    file = _open_binary(path)
    try:
        return media.MediaDecoder(path, file, name, stop, audio_stream=audio_stream)
    except BaseException:
        file.close()
        raise


def _wav(path: str, stop: StopSignal) -> Decoder:
    """The decoder of a WAV file.

    One whose writer never came back to fill in the size is read as the stream that it was written as; one that needs no
    conversion is read so, too, without libsndfile and numpy, and one with more behind its sound, which can say so.
    """
    header = _wav_header(path)
    if header is None:
        return _libsndfile(path, None, stop)
    if header.data_bytes is None or header.is_converted or _goes_on(path, header.data_offset, header.data_bytes):
        return open_stream(path, _descriptor(path), SourceOptions(), stop, owned=True)
    return _libsndfile(path, header.data_bytes // header.frame_bytes, stop)


def _goes_on(path: str, data_offset: int, data_bytes: int) -> bool:
    """Whether there is something to be said of what lies behind the sound of a WAV file."""
    end = data_offset + data_bytes
    with _open_binary(path) as file:
        if file.seek(0, os.SEEK_END) <= end:  # a declared end may be where no file system can go
            return False
        file.seek(end)
        return left_out(file.read, data_bytes) is not None


def _unknown(path: str) -> SourceNotAudio:
    hint = "if it is headerless audio, say of which format: --encoding linear16 --sample-rate 16000 --channels 1"
    return SourceNotAudio(path, "is no sound file of a known kind", hint)


def _libsndfile(path: str, declared_frames: int | None, stop: StopSignal) -> Decoder:
    from voxcli.sources.libsndfile import LibsndfileDecoder

    fd = _descriptor(path)
    try:
        return LibsndfileDecoder(path, fd, stop, declared_frames=declared_frames)
    except BaseException:
        os.close(fd)
        raise


def _wav_header(path: str) -> WavHeader | None:
    """What the header of a WAV file promises, which libsndfile does not tell; None for codings that it alone knows."""
    parser = WavParser()
    header = None
    with _open_binary(path) as file:
        try:
            while header is None and (data := file.read(READ_BYTES)):
                header = parser.feed(data)
        except WavError:
            return None
    return header


def _head(path: str) -> bytes:
    with _open_binary(path) as file:
        head = file.read(SNIFF_BYTES)
    if not head:
        raise SourceEmpty(path)
    return head


def _open_binary(path: str) -> BinaryIO:
    """The file, open for reading; raises SourceError for what the system refuses."""
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise refused(path, error) from error


def _descriptor(path: str) -> int:
    """A bare descriptor: from a name soundfile would guess a format, and take x.raw for headerless audio."""
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise refused(path, error) from error
