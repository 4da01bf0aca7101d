"""The header of a WAV file, read from bytes as they come.

Python's ``wave`` and most readers want a file that can be searched and sizes that are true. A pipe has neither: a
writer that does not know how long it will go on leaves a placeholder where the size belongs. Here such a size is
``None``, and sound simply lasts until the bytes end.

Facts are from Microsoft's "Multiple Channel Audio Data and WAVE Files" (WAVE_FORMAT_EXTENSIBLE) and from EBU Tech 3306
(RF64 and its ``ds64`` chunk).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum

from voxcli.audio import MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, SAMPLE_RATE

MAX_HEADER_BYTES = 1 << 20
"""Where the sound has to begin at the latest: covers and notes may stand before it, but not more than a mebibyte."""

_FORMS = (b"RIFF", b"RF64", b"BW64")
_EXTENSIBLE = 0xFFFE
_GUID_TAIL = bytes.fromhex("0000 0000 1000 8000 00aa 0038 9b71")  # after the two bytes of the format tag
_UNKNOWN_32 = range(0x7FFF_0000, 0x8000_0001)  # sox, arecord and mplayer stop just short of 2 GiB, or exactly at it
_NEVER_32 = 0xFFFF_FF00  # ffmpeg and RF64 write 0xFFFFFFFF, some writers subtract the header from it
_NEVER_64 = 1 << 62


class WavError(Exception):
    """The bytes are not a WAV header whose sound can be read; the text completes "FILE: "."""


class Coding(StrEnum):
    """How one sample of a WAV file is written; all little-endian."""

    U8 = "u8"
    S16 = "s16"
    S24 = "s24"
    S32 = "s32"
    F32 = "f32"
    F64 = "f64"
    MULAW = "mulaw"
    ALAW = "alaw"

    @property
    def sample_bytes(self) -> int:
        return _SAMPLE_BYTES[self]


_SAMPLE_BYTES = {
    Coding.U8: 1,
    Coding.S16: 2,
    Coding.S24: 3,
    Coding.S32: 4,
    Coding.F32: 4,
    Coding.F64: 8,
    Coding.MULAW: 1,
    Coding.ALAW: 1,
}

_CODINGS = {
    (1, 1): Coding.U8,
    (1, 2): Coding.S16,
    (1, 3): Coding.S24,
    (1, 4): Coding.S32,
    (3, 4): Coding.F32,
    (3, 8): Coding.F64,
    (6, 1): Coding.ALAW,
    (7, 1): Coding.MULAW,
}  # (format tag, bytes of one sample); narrower PCM is left-justified in its bytes, so that it reads the same


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What a header says, once it has been read up to the first byte of sound."""

    coding: Coding
    channels: int
    sample_rate: int

    data_bytes: int | None
    """Bytes of sound, or None where the header holds a placeholder: then the sound lasts until the stream ends."""

    data_offset: int
    """Where the sound begins, in bytes from the start of the file."""

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.coding.sample_bytes * self.channels

    @property
    def is_converted(self) -> bool:
        """Whether the sound is what recognizers are given already: linear16, 16 kHz, mono."""
        return (self.coding, self.sample_rate, self.channels) == (Coding.S16, SAMPLE_RATE, 1)


def wav_header(data_bytes: int) -> bytes:
    """The 44 bytes before so much linear16 audio, 16,000 Hz, one channel (IBM and Microsoft, RIFF, 1991)."""
    most = 0xFFFF_FFFF - 36
    size = min(data_bytes, most)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, 16_000, 32_000, 2, 16, b"data", size,
    )  # fmt: skip


class WavParser:
    """Takes the start of a WAV file in pieces of any size and finds the sound in it.

    ``feed`` raises WavError for what is not WAV, for a coding other than those of ``Coding``, for a channel count or a
    rate that cannot be, and for a header longer than MAX_HEADER_BYTES.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._at = 0  # offset of the next chunk
        self._format: tuple[Coding, int, int] | None = None
        self._data_bytes_64: int | None = None
        self._header: WavHeader | None = None

    def feed(self, data: bytes) -> WavHeader | None:
        """The header, or None while more bytes are needed."""
        self._held += data
        if self._at == 0 and not self._begin():
            return None
        while self._header is None and self._next_chunk():
            pass
        return self._header

    @property
    def rest(self) -> bytes:
        """The bytes of sound that came together with the end of the header."""
        return bytes(self._held[self._header.data_offset :]) if self._header else b""

    def _begin(self) -> bool:
        if len(self._held) < 12:
            return False
        form, kind = bytes(self._held[:4]), bytes(self._held[8:12])
        if form == b"RIFX" and kind == b"WAVE":
            raise WavError("is a big-endian WAV (RIFX), which cannot be read from a stream")
        if form not in _FORMS or kind != b"WAVE":
            raise WavError("is not a WAV file")
        self._at = 12
        return True

    def _next_chunk(self) -> bool:
        """Steps over one chunk, or to the sound; False while its bytes are not all there."""
        if self._at > MAX_HEADER_BYTES:
            raise WavError(f"has no sound within its first {MAX_HEADER_BYTES} bytes")
        if len(self._held) < self._at + 8:
            return False
        name, size = struct.unpack_from("<4sI", self._held, self._at)
        body = self._at + 8
        if name == b"data":
            self._header = self._finish(size, body)
            return True
        return self._step_over(name, size, body)

    def _step_over(self, name: bytes, size: int, body: int) -> bool:
        if name in (b"fmt ", b"ds64"):
            if size > MAX_HEADER_BYTES:
                raise WavError(f"has a format chunk of {size} bytes")
            if len(self._held) < body + size:
                return False
            self._keep(name, bytes(self._held[body : body + size]))
        self._at = body + size + size % 2  # chunks begin at even offsets
        return True

    def _keep(self, name: bytes, body: bytes) -> None:
        if name == b"fmt ":
            self._format = _parse_format(body)
        elif len(body) >= 16:
            self._data_bytes_64 = struct.unpack_from("<Q", body, 8)[0]  # after the 64-bit size of the file

    def _finish(self, size: int, offset: int) -> WavHeader:
        if self._format is None:
            raise WavError("has sound before it says of which format")
        return WavHeader(*self._format, _known_size(size, self._data_bytes_64), offset)


def _known_size(size: int, size_64: int | None) -> int | None:
    """The size of the sound; None for a placeholder. The 64-bit size counts where the other is all ones."""
    if size == 0xFFFF_FFFF and size_64 is not None:
        return size_64 if 0 < size_64 < _NEVER_64 else None
    return None if size == 0 or size in _UNKNOWN_32 or size >= _NEVER_32 else size


def _parse_format(body: bytes) -> tuple[Coding, int, int]:
    """Coding, channels and rate from the body of a ``fmt `` chunk."""
    if len(body) < 16:
        raise WavError(f"has a format chunk of only {len(body)} bytes")
    tag, channels, rate, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE:
        tag = _sub_format(body)
    if not 1 <= channels <= MAX_CHANNELS:
        raise WavError(f"says that it has {channels} channels (1 to {MAX_CHANNELS} are possible)")
    if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        raise WavError(f"says that it has {rate} Hz ({MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} are possible)")
    return _coding(tag, bits, frame_bytes, channels), channels, rate


def _sub_format(body: bytes) -> int:
    """The format tag inside WAVE_FORMAT_EXTENSIBLE: the first two bytes of a GUID whose tail never changes."""
    if len(body) < 40 or body[26:40] != _GUID_TAIL:
        raise WavError("is compressed in a way that is unknown")
    return int.from_bytes(body[24:26], "little")


def _coding(tag: int, bits: int, frame_bytes: int, channels: int) -> Coding:
    sample_bytes, odd = divmod(frame_bytes, channels)
    coding = _CODINGS.get((tag, sample_bytes))
    if coding is not None and not odd and 8 * (sample_bytes - 1) < bits <= 8 * sample_bytes:
        return coding
    if coding is Coding.S32 and not odd and bits == 24:  # three bytes of sound in four, the lowest one empty
        return coding
    raise WavError(f"is compressed or of an unknown kind (WAV format {tag:#06x} with {bits} bits)")
