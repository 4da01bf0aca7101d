"""From the bytes that a client sends to the feeds of its channels: linear16, 16 kHz, one channel each.

What was taken in and waits for room stays here when a connection ends, so that a client which comes back goes on at
exactly ``received``.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import aclosing, suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol

from voxcli.audio import SAMPLE_BYTES, SAMPLE_RATE, AudioFormat, Chunk, Encoding
from voxcli.errors import SourceError, SourceTruncated, UsageError
from voxcli.server.stream import AudioStream
from voxcli.sources import Source, SourceOptions
from voxcli.sources.decoded import DecodedSource
from voxcli.sources.stream import open_stream
from voxcli.wav import Coding, WavError, WavHeader, WavParser

if TYPE_CHECKING:
    from voxcli.sources.convert import Converter

NAME = "the stream"
"""What sentences call what a client sends."""

PIECE_BYTES = SAMPLE_RATE * SAMPLE_BYTES
"""Audio goes into a feed in pieces of at most a second."""

CODINGS = {
    Encoding.LINEAR16: Coding.S16,
    Encoding.LINEAR32: Coding.S32,
    Encoding.FLOAT32: Coding.F32,
    Encoding.MULAW: Coding.MULAW,
    Encoding.ALAW: Coding.ALAW,
}


class NotAudio(Exception):
    """What a client sends cannot be decoded."""


class Intake(Protocol):
    """Takes in what a client sends, as fast as the recognizers take it."""

    @property
    def received(self) -> int:
        """Samples of each channel that were taken in, at the client's own rate."""

    async def put(self, data: bytes) -> None:
        """More of it. Raises NotAudio."""

    def put_at_once(self, data: bytes) -> bool:
        """More of it, if it need not wait; whether it was taken."""

    async def settle(self) -> None:
        """Until what was taken in before has gone into the feeds."""

    async def end(self) -> None:
        """No more comes. Raises NotAudio."""

    async def run(self) -> None:
        """What goes on beside, until all is in the feeds. Raises NotAudio."""

    def close(self) -> None:
        """Give back what it holds."""


def header_of(audio_format: AudioFormat) -> WavHeader:
    """Raw audio of that format, described as the header of a WAV would."""
    coding = CODINGS[audio_format.encoding]
    return WavHeader(coding, audio_format.channels, audio_format.sample_rate, data_bytes=None, data_offset=0)


class RawIntake:
    """Samples without any packing. One stream hears all channels mixed; as many streams as channels hear one each."""

    def __init__(self, header: WavHeader, streams: Sequence[AudioStream]) -> None:
        self.received = 0
        self._header = header
        self._streams = streams
        self._rest = b""
        self._pending = [b""] * len(streams)
        self._converters: list[Converter] = []

    async def put(self, data: bytes) -> None:
        """A second at a time: at a low rate a message holds many minutes."""
        data, self._rest = self._rest + data, b""
        whole = len(data) - len(data) % self._header.frame_bytes
        step = self._header.frame_bytes * self._header.sample_rate
        for begin in range(0, whole, step):
            taken = data[begin : min(begin + step, whole)]
            self.received += len(taken) // self._header.frame_bytes
            self._keep(self._split(taken))
            await self._fill()
        self._rest = data[whole:]

    def put_at_once(self, data: bytes) -> bool:
        """Only what nothing has to be done to."""
        is_plain = self._header.is_converted and len(self._streams) == 1 and not self._rest and not self._pending[0]
        if not is_plain or len(data) % SAMPLE_BYTES or not self._streams[0].put_at_once(data):
            return False
        self.received += len(data) // SAMPLE_BYTES
        return True

    async def settle(self) -> None:
        self._rest = b""  # a client that comes back sends a piece of a sample again
        await self._fill()

    async def _fill(self) -> None:
        for index, stream in enumerate(self._streams):
            while self._pending[index]:
                await stream.put(self._pending[index][:PIECE_BYTES])
                self._pending[index] = self._pending[index][PIECE_BYTES:]

    async def end(self) -> None:
        converters, self._converters = self._converters, []
        self._keep([converter.flush() for converter in converters])
        await self._fill()
        for stream in self._streams:
            stream.feed.end()

    async def run(self) -> None:
        """Nothing goes on beside."""

    def close(self) -> None:
        """Nothing is held."""

    def _keep(self, converted: Sequence[bytes]) -> None:
        for index, data in enumerate(converted):
            self._pending[index] += data

    def _split(self, data: bytes) -> list[bytes]:
        if self._header.is_converted and len(self._streams) == 1:
            return [data]
        from voxcli.sources.convert import Converter, decode  # numpy, which audio that is right already never needs

        if not self._converters:
            self._converters = [Converter(self._header.sample_rate) for _ in self._streams]
        block = decode(data, self._header.coding, self._header.channels)
        if len(self._streams) == 1:
            return [self._converters[0].convert(block)]
        return [
            converter.convert(block[:, channel : channel + 1]) for channel, converter in enumerate(self._converters)
        ]


class WavIntake:
    """A WAV stream whose channels are to be told apart; ``streams`` are made when its header has said how many."""

    def __init__(self, streams: Sequence[AudioStream]) -> None:
        self._streams = streams
        self._parser = WavParser()
        self._raw: RawIntake | None = None
        self._left: int | None = None
        self._has_begun = False

    @property
    def received(self) -> int:
        return 0 if self._raw is None else self._raw.received

    async def put(self, data: bytes) -> None:
        self._has_begun = True
        if self._raw is None:
            data = self._begin(data)
        if self._raw is None or self._left == 0:
            return
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        await self._raw.put(data)

    def put_at_once(self, data: bytes) -> bool:
        """What is within a file has to be looked at."""
        return False

    async def settle(self) -> None:
        if self._raw is not None:
            await self._raw.settle()

    async def end(self) -> None:
        if self._raw is not None:
            await self._raw.end()
        elif self._has_begun:
            raise NotAudio("the stream ends within the header of a WAV file")
        else:
            for stream in self._streams:
                stream.feed.end()

    async def run(self) -> None:
        """Nothing goes on beside."""

    def close(self) -> None:
        """Nothing is held."""

    def _begin(self, data: bytes) -> bytes:
        """What follows the header, once it has come whole."""
        try:
            header = self._parser.feed(data)
        except WavError as error:
            raise NotAudio(f"channels are told apart in WAV and raw audio, but it {error}") from error
        if header is None:
            return b""
        if header.channels != len(self._streams):
            raise NotAudio(f"expected a WAV of {len(self._streams)} channels, got one of {header.channels}")
        self._left = header.data_bytes
        self._raw = RawIntake(header, self._streams)
        return self._parser.rest


class ContainerIntake:
    """A container, decoded as it comes by what decodes pipes of the command line, all channels mixed."""

    received = 0

    def __init__(self, stream: AudioStream) -> None:
        self._stream = stream
        self._ours, self._theirs = socket.socketpair()
        self._writer: asyncio.StreamWriter | None = None
        self._has_begun = False

    async def run(self) -> None:
        opener = partial(open_stream, NAME, self._theirs.fileno(), SourceOptions(), owned=False)
        try:
            await pump(DecodedSource(NAME, opener), self._stream)
        except NotAudio:
            if self._has_begun:
                raise
            self._stream.feed.end()  # nothing at all is no noise
        finally:
            self._theirs.close()

    async def put(self, data: bytes) -> None:
        self._has_begun = self._has_begun or bool(data)
        if self._writer is None:
            self._writer = (await asyncio.open_connection(sock=self._ours))[1]
        with suppress(ConnectionError):  # the decoder has ended before, and says why where it is run
            self._writer.write(data)
            await self._writer.drain()

    def put_at_once(self, data: bytes) -> bool:
        """The decoder may be busy."""
        return False

    async def settle(self) -> None:
        """What was taken in is in the decoder's hands."""

    async def end(self) -> None:
        await self.put(b"")
        if self._writer is not None and self._writer.can_write_eof():
            with suppress(OSError):
                self._writer.write_eof()

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._ours.close()


class SourceIntake:
    """A source of audio that is there already: nothing is put."""

    received = 0

    def __init__(self, source: Source, stream: AudioStream) -> None:
        self._source = source
        self._stream = stream

    async def run(self) -> None:
        await pump(self._source, self._stream)

    async def put(self, data: bytes) -> None:
        """It comes from the source alone."""
        raise NotImplementedError

    def put_at_once(self, data: bytes) -> bool:
        """It comes from the source alone."""
        return False

    async def settle(self) -> None:
        """It comes from the source alone."""

    async def end(self) -> None:
        """It ends with the source."""

    def close(self) -> None:
        """The source was closed where it was read."""


async def pump(source: Source, stream: AudioStream) -> None:
    """All of a source into a stream. Raises NotAudio where nothing can be decoded."""
    try:
        await source.open()
        async with aclosing(source.chunks()) as chunks:
            async for given in chunks:
                if isinstance(given, Chunk):  # nothing else comes from a recording
                    await stream.put(given.data)
    except SourceTruncated:
        pass  # what was there has been given out
    except (SourceError, UsageError) as error:
        raise NotAudio(error.message) from error
    finally:
        await source.close()
    stream.feed.end()
