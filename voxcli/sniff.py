"""Which kind of file the first bytes belong to.

Most kinds begin with a signature. MP3, AAC, AC-3 and MPEG transport streams have none, only a short pattern at the
start of each frame, which headerless samples can show by chance: they count only when a second frame follows exactly
where the first one says that it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

SNIFF_BYTES = 4096
"""As many bytes as a decision can need: the longest AC-3 frame (3,840 bytes) and the start of the next."""

MAGIC_BYTES = 16
"""As many bytes as the longest signature needs."""


class Container(StrEnum):
    """A kind of file; the value completes "this kind of file (...)"."""

    WAV = "WAV"
    FLAC = "FLAC"
    OGG = "Ogg"
    MP3 = "MP3"
    AIFF = "AIFF"
    CAF = "CAF"
    AU = "AU"
    W64 = "W64"
    MP4 = "m4a, mp4, mov or 3gp"
    MATROSKA = "webm or mkv"
    ASF = "wma or wmv"
    AMR = "AMR"
    AAC = "AAC"
    AC3 = "AC-3"
    MPEG_TS = "MPEG transport stream"
    MPEG_PS = "MPEG program stream"
    FLV = "Flash video"
    AVI = "AVI"
    WAVPACK = "WavPack"
    APE = "Monkey's Audio"
    TTA = "True Audio"


_SIGNATURES = (
    (0, b"fLaC", Container.FLAC),
    (0, b"OggS", Container.OGG),
    (0, b"caff", Container.CAF),
    (0, b".snd", Container.AU),
    (0, b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb", Container.W64),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", Container.ASF),
    (0, b"\x1a\x45\xdf\xa3", Container.MATROSKA),
    (0, b"#!AMR", Container.AMR),
    (0, b"FLV\x01", Container.FLV),
    (0, b"\x00\x00\x01\xba", Container.MPEG_PS),
    (0, b"wvpk", Container.WAVPACK),
    (0, b"MAC ", Container.APE),
    (0, b"TTA1", Container.TTA),
    (4, b"ftyp", Container.MP4),
    (4, b"moov", Container.MP4),  # QuickTime before 2001 wrote no ftyp
    (4, b"mdat", Container.MP4),
    (4, b"wide", Container.MP4),
)

_FORMS = {
    (b"RIFF", b"WAVE"): Container.WAV,
    (b"RF64", b"WAVE"): Container.WAV,
    (b"BW64", b"WAVE"): Container.WAV,
    (b"RIFX", b"WAVE"): Container.WAV,
    (b"RIFF", b"AVI "): Container.AVI,
    (b"FORM", b"AIFF"): Container.AIFF,
    (b"FORM", b"AIFC"): Container.AIFF,
}


def sniff(head: bytes) -> Container | None:
    """The kind of file that begins with these bytes, None when it cannot be told. SNIFF_BYTES of them are enough."""
    return by_signature(head) or by_frames(head)


def by_signature(head: bytes) -> Container | None:
    """The kind of file by its signature alone, which no headerless audio shows by chance. MAGIC_BYTES are enough."""
    tag_bytes = id3_bytes(head)
    if tag_bytes:
        inner = head[tag_bytes:]
        return _FORMS.get((inner[:4], inner[8:12])) or _by_table(inner) or by_frames(inner) or Container.MP3
    return _FORMS.get((head[:4], head[8:12])) or _by_table(head)


def _by_table(head: bytes) -> Container | None:
    return next((kind for at, magic, kind in _SIGNATURES if head[at : at + len(magic)] == magic), None)


def by_frames(head: bytes) -> Container | None:
    """The kind of file by two frames of it, one after the other."""
    if any(_is_transport(head, at, step) for at, step in ((0, 188), (4, 192))):
        return Container.MPEG_TS
    for frame_bytes, kind in ((_aac_bytes, Container.AAC), (_mpeg_bytes, Container.MP3), (_ac3_bytes, Container.AC3)):
        if _two_frames(head, frame_bytes):
            return kind
    return None


def id3_bytes(head: bytes) -> int:
    """Length of the ID3v2 tag that these bytes begin with, 0 if they do not begin with one (id3.org, ID3v2.4, 3.1)."""
    if len(head) < 10 or head[:3] != b"ID3" or 0xFF in head[3:5] or max(head[6:10]) >= 0x80:
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    footer = 10 if head[5] & 0x10 else 0
    return 10 + size + footer


def index_at_end(head: bytes) -> bool:
    """Whether an MP4 file has its sound before its index (``moov``): no stream of it can be decoded as it comes."""
    at = 0
    while len(head) >= at + 8:
        size, kind = int.from_bytes(head[at : at + 4], "big"), head[at + 4 : at + 8]
        if kind in (b"mdat", b"moov"):
            return kind == b"mdat"
        if size < 8:
            return False
        at += size
    return False


def _two_frames(head: bytes, frame_bytes: Callable[[bytes], int]) -> bool:
    size = frame_bytes(head)
    return bool(size) and frame_bytes(head[size:]) > 0


def _is_transport(head: bytes, at: int, step: int) -> bool:
    return head[at : at + 2 * step + 1 : step] == b"GGG"  # 0x47 begins each packet (ISO 13818-1, 2.4.3.2)


_LAYER_1 = (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448)
_LAYER_2 = (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
_LAYER_3 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_LOW_LAYER_1 = (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256)
_LOW_LAYER_23 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MPEG_RATES = (44_100, 48_000, 32_000)


def _mpeg_bytes(head: bytes) -> int:
    """Length of the MPEG audio frame (layers 1 to 3) at the start, 0 if there is none (ISO 11172-3, 2.4.1.3)."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate, rate, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return 0
    hertz = _MPEG_RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]  # MPEG 1, 2 and 2.5
    bits = 1000 * _bitrates(version, layer)[bitrate]
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding


def _bitrates(version: int, layer: int) -> tuple[int, ...]:
    if version == 3:
        return (_LAYER_1, _LAYER_2, _LAYER_3)[layer - 1]
    return _LOW_LAYER_1 if layer == 1 else _LOW_LAYER_23


def _aac_bytes(head: bytes) -> int:
    """Length of the ADTS frame at the start, 0 if there is none (ISO 13818-7, 6.2)."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return 0
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return size if size > 7 else 0


_AC3_KILOBITS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)


def _ac3_bytes(head: bytes) -> int:
    """Length of the AC-3 or E-AC-3 frame at the start, 0 if there is none (ATSC A/52, 5.4.1, table 5.18, annex E)."""
    if len(head) < 6 or head[:2] != b"\x0b\x77":
        return 0
    if 10 < head[5] >> 3 <= 16:
        return 2 * (((head[2] & 7) << 8 | head[3]) + 1)
    rate, code = head[4] >> 6, head[4] & 63
    if rate == 3 or code >= 2 * len(_AC3_KILOBITS):
        return 0
    kilobits = _AC3_KILOBITS[code // 2]
    return 2 * (2 * kilobits, 320 * kilobits // 147 + code % 2, 3 * kilobits)[rate]
