"""The door to PyAV (extra ``media``): what phones, browsers and meetings write, from files and from pipes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol, cast

from voxcli.errors import SourceEmpty, SourceNeedsExtra, SourceNotAudio, SourceTruncated, UsageError
from voxcli.sources import label
from voxcli.sources.convert import Converter, as_float
from voxcli.sources.decoder import StopSignal, check_format

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet

    from voxcli.sources.convert import Samples

_DECODERS = {"amrnb": "libopencore_amrnb"}  # FFmpeg's own gives up where a phone has marked silence (DTX)
_TRUE_DURATIONS = ("mov", "matroska", "asf")  # formats whose header says how long they are; elsewhere it is a guess
_SLACK_SECONDS = 1.0


class Readable(Protocol):
    """A stream; with ``seek`` and ``tell`` as well, it is taken for a file that can be searched."""

    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


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
        self._broken = 0
        self._heard_seconds = 0.0
        self._reached_seconds = 0.0  # in any stream: a video may well go on after its sound
        self._damage = ""
        self._container = self._open(kind)
        try:
            self._stream = self._choose(audio_stream)
            self._codec = _decoder(self._stream)
        except BaseException:
            self._container.close()
            raise

    @property
    def seconds(self) -> float | None:
        duration = self._container.duration  # in microseconds
        return duration / 1_000_000 if duration is not None and self._has_true_duration() else None

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
                self._heard_seconds += frame.samples / frame.sample_rate
                yield frame

    def _packets(self) -> Iterator[Packet[Any]]:
        """Packets of the chosen stream; those of the others only tell how far the file goes."""
        import av

        try:
            for packet in self._container.demux():
                if packet.pts is not None and packet.time_base is not None:
                    end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                    self._reached_seconds = max(self._reached_seconds, end)
                if packet.stream_index == self._stream.index:
                    yield packet
        except av.FFmpegError as error:
            self._damage = f"the file is damaged ({_reason(error)})"

    def _decode(self, packet: Packet[Any]) -> list[AudioFrame]:
        import av

        try:
            return self._codec.decode(packet)
        except av.FFmpegError:
            self._broken += 1
            return []

    def _finish(self, converter: Converter | None) -> list[bytes]:
        """The tail of a converter that is needed no longer."""
        if converter is None:
            return []
        tail = converter.flush()
        self.remarks += converter.remarks()
        return [tail]

    def _check_end(self) -> None:
        """Raises what is missing at the end, unless the reading was stopped."""
        if self._broken:
            were = "packet was" if self._broken == 1 else "packets were"
            self.remarks.append(f"{self._broken} {were} damaged and left out")
        if self._stop.is_set():
            return
        if self._damage or self._is_short():
            raise SourceTruncated(self._name, self._heard_seconds, self._damage or "the audio breaks off")
        if not self._heard_seconds:
            raise SourceEmpty(self._name, "has no sound in it")

    def _is_short(self) -> bool:
        return self._reached_seconds < (self.seconds or 0) - _SLACK_SECONDS

    def _has_true_duration(self) -> bool:
        return self._container.format.name.startswith(_TRUE_DURATIONS)


def _decoder(stream: AudioStream) -> AudioCodecContext:
    """The stream's own decoder, or a better one."""
    import av

    better = _DECODERS.get(stream.codec_context.name)
    if better is None or better not in av.codecs_available:
        return stream.codec_context
    codec = cast("AudioCodecContext", av.CodecContext.create(better, "r"))
    codec.sample_rate, codec.layout = stream.codec_context.sample_rate, stream.codec_context.layout
    return codec


def _samples(frame: AudioFrame) -> Samples:
    """A frame as float32 of shape (samples, channels), whatever its own layout."""
    array = as_float(frame.to_ndarray())
    return array.T if frame.format.is_planar else array.reshape(-1, frame.layout.nb_channels)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()
