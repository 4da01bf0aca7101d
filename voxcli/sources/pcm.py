"""Samples without any packing, from a stream: headerless audio, and what follows the header of a WAV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from voxcli.audio import AudioFormat, Encoding
from voxcli.errors import SourceEmpty, SourceNotAudio, SourceTruncated
from voxcli.sources import label
from voxcli.sources.decoder import BLOCK_SECONDS, StopSignal
from voxcli.sources.descriptor import READ_BYTES, ByteStream
from voxcli.sources.leftover import left_out
from voxcli.wav import Coding, WavError, WavHeader, WavParser

if TYPE_CHECKING:
    from voxcli.sources.convert import Converter

_CODINGS = {
    Encoding.LINEAR16: Coding.S16,
    Encoding.LINEAR32: Coding.S32,
    Encoding.FLOAT32: Coding.F32,
    Encoding.MULAW: Coding.MULAW,
    Encoding.ALAW: Coding.ALAW,
}


class PcmDecoder:
    """Gives audio out as it arrives: a live pipe waits for no block to fill. Linear16 at 16 kHz is not touched."""

    def __init__(self, name: str, stream: ByteStream, header: WavHeader, stop: StopSignal) -> None:
        """``header`` says how to read what follows in the stream."""
        self.remarks: list[str] = []
        self._name = label(name)
        self._stream = stream
        self._header = header
        self._stop = stop
        self._read_bytes = _read_bytes(header)
        self._bytes = 0

    @property
    def seconds(self) -> float | None:
        if self._header.data_bytes is None:
            return None
        return self._header.data_bytes / self._header.frame_bytes / self._header.sample_rate

    def blocks(self) -> Iterator[bytes]:
        if self._header.is_converted:
            yield from self._frames()
        else:
            yield from self._converted()
        self._check_end()

    def close(self) -> None:
        self._stream.close()

    def _converted(self) -> Iterator[bytes]:
        from voxcli.sources.convert import Converter, decode  # numpy, which audio that is right already never needs

        converter: Converter = Converter(self._header.sample_rate)
        for data in self._frames():
            yield converter.convert(decode(data, self._header.coding, self._header.channels))
        yield converter.flush()
        self.remarks += converter.remarks()

    def _frames(self) -> Iterator[bytes]:
        """The sound as it comes, cut between frames; an incomplete last one is left out with a remark."""
        rest = b""
        while (size := self._next_bytes()) and (data := self._stream.read(size)):
            self._bytes += len(data)
            data = rest + data
            whole = len(data) - len(data) % self._header.frame_bytes
            rest = data[whole:]
            if whole:
                yield data[:whole]
        self._look_behind()
        if rest and not self._stop.is_set():
            self.remarks.append(f"the last {len(rest)} bytes are not a whole sample and were left out")

    def _look_behind(self) -> None:
        """A remark where more sound follows than the header announces; what may still come is not waited for."""
        declared = self._header.data_bytes
        if declared is not None and self._bytes == declared:
            remark = left_out(self._stream.read_at_once, declared)
            self.remarks += [remark] if remark else []

    def _next_bytes(self) -> int:
        """How much to ask for; 0 when all that was declared has come, for a pipe may stay open long after."""
        if self._header.data_bytes is None:
            return self._read_bytes
        return min(self._read_bytes, self._header.data_bytes - self._bytes)

    def _check_end(self) -> None:
        """Raises SourceEmpty or SourceTruncated if the stream ended by itself with less than there should be."""
        if self._stop.is_set():
            return
        frames = self._bytes // self._header.frame_bytes
        if not frames:
            raise SourceEmpty(self._name, "has no sound in it")
        if self._bytes < (self._header.data_bytes or 0):
            raise SourceTruncated(self._name, frames / self._header.sample_rate)


def open_raw(name: str, stream: ByteStream, raw_format: AudioFormat, stop: StopSignal) -> PcmDecoder:
    """Headerless audio, in the format that the user says."""
    coding = _CODINGS[raw_format.encoding]
    return PcmDecoder(
        name,
        stream,
        WavHeader(coding, raw_format.channels, raw_format.sample_rate, data_bytes=None, data_offset=0),
        stop,
    )


def open_wav(name: str, stream: ByteStream, stop: StopSignal) -> PcmDecoder:
    """A WAV file in a stream. Raises SourceNotAudio for a header that cannot be followed."""
    parser = WavParser()
    try:
        while (header := parser.feed(data := stream.read(READ_BYTES))) is None:
            if not data:
                raise SourceEmpty(label(name), "ends within the header of a WAV file")
    except WavError as error:
        hint = "give the file by its name, or convert it first: ffmpeg -i IN -ar 16000 -ac 1 OUT.wav"
        raise SourceNotAudio(label(name), str(error), hint) from error
    stream.push_back(parser.rest)
    return PcmDecoder(name, stream, header, stop)


def _read_bytes(header: WavHeader) -> int:
    """At most a block in one read."""
    block = int(BLOCK_SECONDS * header.sample_rate) * header.frame_bytes
    return max(header.frame_bytes, min(block, READ_BYTES))
