"""Streams of bytes: standard input, named pipes, process substitutions. Their first bytes tell what they carry."""

from __future__ import annotations

from collections.abc import Callable

from voxcli.errors import SourceEmpty, SourceNotAudio, UsageError
from voxcli.sniff import MAGIC_BYTES, SNIFF_BYTES, Container, by_signature, id3_bytes, index_at_end, sniff
from voxcli.sources import SourceOptions, label
from voxcli.sources.decoder import STREAM_BLOCK_SECONDS, Decoder, StopSignal
from voxcli.sources.descriptor import ByteStream
from voxcli.sources.pcm import open_raw, open_wav

LIBSNDFILE_KINDS = frozenset(
    {Container.FLAC, Container.OGG, Container.MP3, Container.AIFF, Container.CAF, Container.AU}
)

MOST_TAGS = 16
"""ID3 tags before the sound; players write one, rarely two."""


def open_stream(name: str, fd: int, options: SourceOptions, stop: StopSignal, *, owned: bool) -> Decoder:
    """The decoder of what comes from a descriptor; an ``owned`` one is closed with it, or when this fails.

    Raises SourceError, and UsageError for headerless audio whose format the options do not say.
    """
    stream = ByteStream(label(name), fd, stop, owned=owned)
    try:
        return _choose(name, stream, options, stop)
    except BaseException:
        stream.close()
        raise


def ignored_format(kind: Container | None) -> str:
    """The remark for headerless audio that has a header after all."""
    return f"it is {kind}, so --encoding, --sample-rate and --channels were not needed and have been ignored"


def _choose(name: str, stream: ByteStream, options: SourceOptions, stop: StopSignal) -> Decoder:
    raw_format = options.raw_format
    if raw_format is None:
        kind = _look(name, stream, sniff, SNIFF_BYTES)
    else:
        kind = _look(name, stream, by_signature, MAGIC_BYTES)  # a frame's pattern may occur in samples by chance
    if kind is None and raw_format is not None:
        return open_raw(name, stream, raw_format, stop)
    if kind is None:
        raise UsageError(
            f"{label(name)}: this is no known kind of audio file, and headerless audio needs its format",
            "for headerless audio say what it is, for example --encoding linear16 --sample-rate 16000 --channels 1",
        )
    decoder = _container(name, stream, kind, options.audio_stream, stop)
    if raw_format is not None:
        decoder.remarks.append(ignored_format(kind))
    return decoder


def _container(name: str, stream: ByteStream, kind: Container, audio_stream: int | None, stop: StopSignal) -> Decoder:
    if kind is Container.WAV and audio_stream is None:
        return open_wav(name, stream, stop)
    if kind in LIBSNDFILE_KINDS and audio_stream is None:
        from voxcli.sources.libsndfile import LibsndfileStream

        return LibsndfileStream(name, stream, kind, stop)
    return _media(name, stream, kind, audio_stream, stop)


def _media(name: str, stream: ByteStream, kind: Container, audio_stream: int | None, stop: StopSignal) -> Decoder:
    from voxcli.sources.media import MediaDecoder

    if kind is Container.MP4 and index_at_end(_peek(stream, SNIFF_BYTES)):
        if (file := stream.as_file()) is not None:
            return MediaDecoder(name, file, kind, stop, audio_stream=audio_stream)
        raise SourceNotAudio(
            label(name),
            "the index of this MP4 file is at its end, where a stream cannot look for it",
            "give the file by its name; or write it with the index first: ffmpeg -movflags +faststart",
        )
    return MediaDecoder(name, stream, kind, stop, audio_stream=audio_stream, block_seconds=STREAM_BLOCK_SECONDS)


def _look(name: str, stream: ByteStream, decide: Callable[[bytes], Container | None], most: int) -> Container | None:
    """The kind of what the stream carries, by as few of its bytes as tell it, which stay in the stream.

    An ID3 tag in front is dropped: it can be longer than anything that is worth keeping. Raises SourceEmpty.
    """
    for tags in range(MOST_TAGS):
        head = b""
        while (kind := decide(head)) is None and len(head) < most and (data := stream.read(most - len(head))):
            head += data
        if not head:
            raise SourceEmpty(label(name))
        stream.push_back(head)
        tag_bytes = id3_bytes(head)
        if not tag_bytes:
            return kind or (Container.MP3 if tags else None)
        _drop(stream, tag_bytes)
        decide, most = sniff, SNIFF_BYTES
    raise SourceNotAudio(label(name), "begins with tags and nothing else", "check that it is a recording")


def _drop(stream: ByteStream, size: int) -> None:
    while size and (data := stream.read(min(size, SNIFF_BYTES))):
        size -= len(data)


def _peek(stream: ByteStream, size: int) -> bytes:
    head = stream.read_fully(size)
    stream.push_back(head)
    return head
