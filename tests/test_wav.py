import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.wav import MAX_HEADER_BYTES, Coding, WavError, WavHeader, WavParser, wav_header

GUID_TAIL = bytes.fromhex("0000 0000 1000 8000 00aa 0038 9b71")
TAGS = {
    Coding.U8: (1, 8),
    Coding.S16: (1, 16),
    Coding.S24: (1, 24),
    Coding.S32: (1, 32),
    Coding.F32: (3, 32),
    Coding.F64: (3, 64),
    Coding.MULAW: (7, 8),
    Coding.ALAW: (6, 8),
}


def chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def fmt(tag: int = 1, bits: int = 16, channels: int = 1, rate: int = 16_000, frame_bytes: int | None = None) -> bytes:
    size = channels * ((bits + 7) // 8) if frame_bytes is None else frame_bytes
    return struct.pack("<HHIIHH", tag, channels, rate, rate * size, size, bits)


def extensible(tag: int, bits: int, channels: int, rate: int, tail: bytes = GUID_TAIL) -> bytes:
    return fmt(0xFFFE, bits, channels, rate) + struct.pack("<HHIH", 22, bits, 0, tag) + tail


def wav(*chunks: bytes, data_size: int = 8, form: bytes = b"RIFF", kind: bytes = b"WAVE") -> bytes:
    return form + b"\0\0\0\0" + kind + b"".join(chunks) + b"data" + struct.pack("<I", data_size)


def parse(header: bytes) -> WavHeader | None:
    return WavParser().feed(header)


def parsed(header: bytes) -> WavHeader:
    result = parse(header)
    assert result is not None
    return result


@given(
    coding=st.sampled_from(list(Coding)),
    channels=st.integers(1, 64),
    rate=st.integers(1_000, 768_000),
    long_form=st.booleans(),
    before=st.lists(
        st.tuples(st.sampled_from([b"LIST", b"JUNK", b"bext", b"fact"]), st.binary(max_size=40)), max_size=4
    ),
    between=st.lists(st.tuples(st.sampled_from([b"LIST", b"id3 "]), st.binary(max_size=41)), max_size=3),
    sound=st.binary(max_size=20),
    data=st.data(),
)
def test_the_header_is_the_same_in_pieces_of_any_size(
    coding: Coding,
    channels: int,
    rate: int,
    long_form: bool,
    before: list[tuple[bytes, bytes]],
    between: list[tuple[bytes, bytes]],
    sound: bytes,
    data: st.DataObject,
) -> None:
    tag, bits = TAGS[coding]
    body = extensible(tag, bits, channels, rate) if long_form else fmt(tag, bits, channels, rate)
    header = wav(*(chunk(*c) for c in before), chunk(b"fmt ", body), *(chunk(*c) for c in between), data_size=4000)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(header)), max_size=6)))
    parser, result = WavParser(), None
    for start, end in zip([0, *cuts], [*cuts, len(header)], strict=True):
        assert result is None or start == len(header)
        result = parser.feed(header[start:end])
    assert parser.feed(sound) == result == WavHeader(coding, channels, rate, 4000, len(header))
    assert parser.rest == sound
    assert result.frame_bytes == channels * bits // 8


@given(st.binary(max_size=200))
def test_any_bytes_are_a_header_or_an_error_or_too_few(noise: bytes) -> None:
    for data in (noise, b"RIFF\0\0\0\0WAVE" + noise, b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + noise):
        with suppress(WavError):
            header = parse(data)
            assert header is None or header.frame_bytes > 0


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0xFFFFFFDB, 0x7FFFFFFF, 0x7FFFF000, 0x7FFFFFD8, 0x80000000])
def test_a_placeholder_means_until_the_end(size: int) -> None:
    assert parsed(wav(chunk(b"fmt ", fmt()), data_size=size)).data_bytes is None


@pytest.mark.parametrize("size", [1, 2, 0x7FFE0000, 0x80000001, 0xE0000000])
def test_other_sizes_are_believed(size: int) -> None:
    assert parsed(wav(chunk(b"fmt ", fmt()), data_size=size)).data_bytes == size


@pytest.mark.parametrize(
    ("size", "size_64", "expected"),
    [(0xFFFFFFFF, 1 << 33, 1 << 33), (0xFFFFFFFF, 0, None), (0xFFFFFFFF, (1 << 64) - 1, None), (16, 1 << 33, 16)],
)
@pytest.mark.parametrize("form", [b"RF64", b"BW64"])
def test_rf64_has_its_size_in_ds64(form: bytes, size: int, size_64: int, expected: int | None) -> None:
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 0, size_64, 0, 0))
    assert parsed(wav(ds64, chunk(b"fmt ", fmt()), data_size=size, form=form)).data_bytes == expected


def test_a_ds64_that_is_too_short_is_passed_over() -> None:
    assert parsed(wav(chunk(b"ds64", b"short"), chunk(b"fmt ", fmt()), data_size=0xFFFFFFFF)).data_bytes is None


def test_the_sound_is_what_came_with_the_header() -> None:
    parser = WavParser()
    assert parser.rest == b""
    header = wav(chunk(b"fmt ", fmt()))
    assert parser.feed(header + b"ab") == WavHeader(Coding.S16, 1, 16_000, 8, len(header))
    assert parser.rest == b"ab"


def test_narrow_samples_are_read_like_the_bytes_that_they_fill() -> None:
    assert parsed(wav(chunk(b"fmt ", fmt(bits=20, channels=2)))).coding is Coding.S24
    assert parsed(wav(chunk(b"fmt ", fmt(bits=24, frame_bytes=4)))).coding is Coding.S32
    assert parsed(wav(chunk(b"fmt ", fmt(bits=12)))).coding is Coding.S16


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        (wav(chunk(b"fmt ", fmt()), form=b"RIFX"), "big-endian"),
        (wav(chunk(b"fmt ", fmt()), form=b"FORM"), "not a WAV"),
        (wav(chunk(b"fmt ", fmt()), kind=b"AVI "), "not a WAV"),
        (wav(), "before it says"),
        (wav(chunk(b"fmt ", fmt()[:14])), "only 14 bytes"),
        (wav(chunk(b"fmt ", fmt(tag=0x11, bits=4))), "0x0011 with 4 bits"),
        (wav(chunk(b"fmt ", fmt(tag=0x55, bits=0, frame_bytes=1))), "0x0055"),
        (wav(chunk(b"fmt ", fmt(channels=2, frame_bytes=3))), "unknown kind"),
        (wav(chunk(b"fmt ", fmt(frame_bytes=8))), "unknown kind"),
        (wav(chunk(b"fmt ", fmt(channels=0, frame_bytes=2))), "0 channels"),
        (wav(chunk(b"fmt ", fmt(channels=65))), "65 channels"),
        (wav(chunk(b"fmt ", fmt(rate=0))), "0 Hz"),
        (wav(chunk(b"fmt ", fmt(rate=4_000_000_000 // 4))), "1000000000 Hz"),
        (wav(chunk(b"fmt ", extensible(1, 16, 1, 16_000, bytes(14)))), "way that is unknown"),
        (wav(chunk(b"fmt ", fmt(tag=0xFFFE))), "way that is unknown"),
        (wav(b"fmt " + struct.pack("<I", MAX_HEADER_BYTES + 1)), "format chunk of"),
        (wav(b"JUNK" + struct.pack("<I", MAX_HEADER_BYTES)), "no sound within"),
    ],
)
def test_what_cannot_be_read_is_told(header: bytes, sentence: str) -> None:
    with pytest.raises(WavError, match=sentence):
        parse(header)


@pytest.mark.parametrize(
    ("header", "converted"),
    [
        (WavHeader(Coding.S16, 1, 16_000, None, 44), True),
        (WavHeader(Coding.S16, 2, 16_000, None, 44), False),
        (WavHeader(Coding.S16, 1, 8_000, None, 44), False),
        (WavHeader(Coding.F32, 1, 16_000, None, 44), False),
    ],
)
def test_what_needs_no_conversion(header: WavHeader, converted: bool) -> None:
    assert header.is_converted is converted


@given(st.integers(0, 1 << 33))
def test_a_header_that_is_written_is_understood(data_bytes: int) -> None:
    """Also of more than the format can count, of which it says as much as it can."""
    header = WavParser().feed(wav_header(data_bytes))
    assert header is not None
    assert (header.coding, header.channels, header.sample_rate) == (Coding.S16, 1, 16_000)
    assert len(wav_header(data_bytes)) == 44
