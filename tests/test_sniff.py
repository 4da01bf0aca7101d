import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support import SAMPLES
from voxcli.sniff import MAGIC_BYTES, SNIFF_BYTES, Container, by_signature, id3_bytes, index_at_end, sniff


def mpeg(header: str, size: int) -> bytes:
    frame = bytes.fromhex(header)
    return frame + bytes(size - len(frame))


def id3(size: int, flags: int = 0, footer: int = 0) -> bytes:
    digits = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00" + bytes([flags]) + digits + bytes(size + footer)


def box(kind: bytes, size: int) -> bytes:
    return size.to_bytes(4, "big") + kind + bytes(size - 8)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("harbour.wav", Container.WAV),
        ("garden.flac", Container.FLAC),
        ("letter.ogg", Container.OGG),
        ("kitchen.mp3", Container.MP3),
        ("meeting.m4a", Container.MP4),
        ("silent.mp4", Container.MP4),
        ("lecture.webm", Container.MATROSKA),
        ("dictation.wma", Container.ASF),
        ("voicemail.amr", Container.AMR),
        ("harbour.txt", None),
        ("greeting-ko.txt", None),
    ],
)
def test_real_files(name: str, kind: Container | None) -> None:
    assert sniff((SAMPLES / name).read_bytes()[:SNIFF_BYTES]) == kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"RF64\xff\xff\xff\xffWAVEds64", Container.WAV),
        (b"BW64\xff\xff\xff\xffWAVEds64", Container.WAV),
        (b"RIFX\0\0\0\0WAVEfmt ", Container.WAV),
        (b"RIFF\0\0\0\0AVI LIST", Container.AVI),
        (b"RIFF\0\0\0\0WEBPVP8 ", None),
        (b"FORM\0\0\0\0AIFFCOMM", Container.AIFF),
        (b"FORM\0\0\0\0AIFCFVER", Container.AIFF),
        (b"caff\0\1\0\0desc", Container.CAF),
        (b".snd\0\0\0\x18", Container.AU),
        (b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0", Container.W64),
        (b"#!AMR-WB\n", Container.AMR),
        (b"FLV\x01\x05", Container.FLV),
        (b"\0\0\x01\xba\x44", Container.MPEG_PS),
        (b"wvpk\0\0\0\0", Container.WAVPACK),
        (b"MAC \x96\x0f", Container.APE),
        (b"TTA1\x01\0", Container.TTA),
        (b"\0\0\0\x08wide\0\0\0\0mdat", Container.MP4),
        (b"\0\0\0\x08moov", Container.MP4),
        (b"\0\0\0\x08mdat", Container.MP4),
    ],
)
def test_signatures(head: bytes, kind: Container | None) -> None:
    assert sniff(head) == by_signature(head[:MAGIC_BYTES]) == kind


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (mpeg("fffb9064", 417), Container.MP3),  # MPEG 1 layer 3, 128 kbit/s, 44.1 kHz
        (mpeg("fffb9264", 418), Container.MP3),  # the same, padded
        (mpeg("fff364c4", 144), Container.MP3),  # MPEG 2 layer 3, 48 kbit/s, 24 kHz
        (mpeg("ffe368c4", 432), Container.MP3),  # MPEG 2.5 layer 3, 48 kbit/s, 8 kHz
        (mpeg("fffda404", 576), Container.MP3),  # MPEG 1 layer 2, 192 kbit/s, 48 kHz
        (mpeg("fff58404", 384), Container.MP3),  # MPEG 2 layer 2, 64 kbit/s, 24 kHz
        (mpeg("ffff4404", 128), Container.MP3),  # MPEG 1 layer 1, 128 kbit/s, 48 kHz
        (mpeg("fff74404", 128), Container.MP3),  # MPEG 2 layer 1, 64 kbit/s, 24 kHz
        (mpeg("fff15080 0c9ffc", 100), Container.AAC),
        (mpeg("0b770000 0040", 128), Container.AC3),  # 32 kbit/s, 48 kHz
        (mpeg("0b770000 4140", 140), Container.AC3),  # 32 kbit/s, 44.1 kHz, the longer of two
        (mpeg("0b770000 8040", 192), Container.AC3),  # 32 kbit/s, 32 kHz
        (mpeg("0b770031 0080", 100), Container.AC3),  # E-AC-3
        (b"G" + bytes(187), Container.MPEG_TS),
        (bytes(4) + b"G" + bytes(187), Container.MPEG_TS),
    ],
)
def test_frames_count_when_one_follows_the_other(first: bytes, kind: Container) -> None:
    assert sniff(first * 3) == kind
    assert sniff(first) is None
    assert sniff(first + bytes(1) + first) is None


@pytest.mark.parametrize(
    "header",
    [
        "ffeb9064",  # the reserved version
        "fff99064",  # the reserved layer, which is AAC's, at a rate that AAC does not have
        "fffbf064",  # a bad bit rate
        "fffb0064",  # a free bit rate
        "fffb9c64",  # the reserved sample rate
        "fff174800c9ffc",  # AAC: a reserved sample rate
        "fff150800000fc",  # AAC: shorter than its header
        "0b770000c040",  # AC-3: a reserved rate
        "0b7700003f40",  # AC-3: a reserved size
    ],
)
def test_impossible_frames_count_for_nothing(header: str) -> None:
    assert sniff(mpeg(header, 417) * 3) is None


@pytest.mark.parametrize(
    ("head", "size"),
    [
        (id3(300), 310),
        (id3(300, flags=0x10, footer=10), 320),
        (b"ID3\x04\0\0\0\0\x02", 0),
        (b"ID3\xff\0\0\0\0\0\0", 0),
        (b"ID3\x04\0\0\0\0\x80\0", 0),
        (b"TAG\x04\0\0\0\0\0\0", 0),
    ],
)
def test_the_length_of_a_tag(head: bytes, size: int) -> None:
    assert id3_bytes(head) == size


def test_what_follows_a_tag_decides_and_mp3_is_what_is_left() -> None:
    aac = mpeg("fff15080 0c9ffc", 100) * 2
    assert sniff(id3(20)) == sniff(id3(5000)) == Container.MP3
    assert sniff(id3(20) + b"fLaC") == Container.FLAC
    assert sniff(id3(20) + b"FORM\0\0\0\0AIFF") == Container.AIFF
    assert sniff(id3(20) + aac) == Container.AAC


@pytest.mark.parametrize(
    ("head", "late"),
    [
        (box(b"ftyp", 24) + box(b"moov", 100), False),
        (box(b"ftyp", 24) + box(b"free", 8) + box(b"mdat", 100), True),
        (box(b"mdat", 100), True),
        (box(b"ftyp", 24) + (1).to_bytes(4, "big") + b"mdat" + bytes(8), True),
        (box(b"ftyp", 24) + bytes(8), False),
        (box(b"ftyp", 24) + (9000).to_bytes(4, "big") + b"free", False),
        (box(b"ftyp", 24), False),
        (b"", False),
    ],
)
def test_where_the_index_of_an_mp4_is(head: bytes, late: bool) -> None:
    assert index_at_end(head) is late


@given(st.binary(max_size=SNIFF_BYTES))
@example(b"")
@example(id3(0) * 400)
def test_any_bytes_can_be_looked_at(head: bytes) -> None:
    assert sniff(head) is None or isinstance(sniff(head), Container)
    assert isinstance(index_at_end(head), bool)


@given(st.lists(st.integers(-3000, 3000), min_size=700, max_size=700))
def test_quiet_samples_are_no_container(values: list[int]) -> None:
    assert sniff(b"".join(value.to_bytes(2, "little", signed=True) for value in values)) is None
