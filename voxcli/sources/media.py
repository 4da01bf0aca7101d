"""The door to PyAV (extra ``media``): what phones, browsers and meetings write, video too, from files and from pipes."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from voxcli.errors import SourceEmpty, SourceNeedsExtra, SourceNotAudio, SourceTruncated, UsageError
from voxcli.sources.convert import Converter, as_float
from voxcli.sources.decoder import StopSignal, check_format, label

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

    from voxcli.sources.convert import Samples

_DECODERS = {"amrnb": "libopencore_amrnb"}  # FFmpeg's own gives up where a phone has marked silence (DTX)
_SLACK_SECONDS = 1.0


class Readable(Protocol):
    """A stream; with ``seek`` and ``tell`` as well, it is taken for a file that can be searched."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


def is_installed() -> bool:
    return importlib.util.find_spec("av") is not None


class MediaDecoder:
    """One audio stream of a container. A packet that cannot be decoded is left out and counted."""

    def __init__(
        self,
        name: str,
        file: Readable,
        kind: str,
        stop: StopSignal,
        *,
        audio_stream: int | None = None,
        block_seconds: float = 1.0,
    ) -> None:
        """``kind`` names the kind of file in sentences. ``file`` is closed with the decoder.

        Raises SourceNeedsExtra, SourceNotAudio, and UsageError for a stream that is not there.
        """
        self.remarks: list[str] = []
        self._name = label(name)
        self._file = file
        self._stop = stop
        self._block_seconds = block_seconds
        self._container = self._open(kind)
        try:
            self._stream = self._choose(audio_stream)
            self._codec = _decoder(self._stream)
        except BaseException:
            self._container.close()
            raise
        self._broken = 0
        self._frames = 0
        self._heard_seconds = 0.0

    @property
    def seconds(self) -> float | None:
        duration = self._container.duration  # in microseconds
        return duration / 1_000_000 if duration is not None and duration > 0 else None

    def blocks(self) -> Iterator[bytes]:
        converter: Converter | None = None
        held: list[bytes] = []
        for frame in self._decoded():
            if converter is None or converter.sample_rate != frame.sample_rate:
                held += self._finish(converter)
                check_format(self._name, frame.sample_rate, frame.layout.nb_channels)
                converter = Converter(frame.sample_rate)
            held.append(converter.convert(_samples(frame)))
            if sum(map(len, held)) >= self._block_seconds * 32_000:
                yield b"".join(held)
                held.clear()
        yield b"".join([*held, *self._finish(converter)])
        self._check_end()

    def close(self) -> None:
        self._container.close()
        self._file.close()

    def _open(self, kind: str) -> InputContainer:
        try:
            import av
        except ImportError as error:
            raise SourceNeedsExtra(self._name, f"this kind of file ({kind})", "media") from error
        try:
            return av.open(self._file, "r", metadata_errors="replace")
        except (av.FFmpegError, ValueError) as error:
            hint = "check that it is a recording and that it is complete"
            raise SourceNotAudio(self._name, f"cannot be decoded ({_reason(error)})", hint) from error

    def _choose(self, number: int | None) -> AudioStream:
        streams = self._container.streams.audio
        if not streams:
            raise SourceNotAudio(self._name, "has no sound", "it holds no audio stream; choose another file")
        if not 0 <= (number or 0) < len(streams):
            has = "one audio stream" if len(streams) == 1 else f"{len(streams)} audio streams"
            raise UsageError(
                f"{self._name}: there is no audio stream {number}", f"it has {has}, counted from 0: --audio-stream 0"
            )
        return streams[number or 0]

    def _decoded(self) -> Iterator[AudioFrame]:
        """Frames of the chosen stream until its end, a damage of the container, or the stop signal."""
        for packet in self._packets():
            if self._stop.is_set():
                return
            for frame in self._decode(packet):
                self._frames += frame.samples
                self._heard_seconds += frame.samples / frame.sample_rate
                yield frame

    def _packets(self) -> Iterator[Packet[AudioStream]]:
        import av

        try:
            yield from self._container.demux(self._stream)
        except av.FFmpegError as error:
            if not self._stop.is_set():
                self._broken_off = _reason(error)

    def _decode(self, packet: Packet[AudioStream]) -> list[AudioFrame]:
        import av

        try:
            return self._codec.decode(packet)
        except av.FFmpegError:
            self._broken += 1
            return []
