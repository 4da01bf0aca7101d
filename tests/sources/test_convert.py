import io
import struct
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from voxcli.sources.convert import Converter, as_float, decode, linear16, mix_down
from voxcli.wav import Coding


def raw(samples: Any, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, 16_000, subtype, format="RAW", endian="LITTLE")
    return file.getvalue()


@pytest.mark.parametrize(
    ("coding", "subtype"),
    [
        (Coding.U8, "PCM_U8"), (Coding.S16, "PCM_16"), (Coding.S24, "PCM_24"), (Coding.S32, "PCM_32"),
        (Coding.F32, "FLOAT"), (Coding.F64, "DOUBLE"), (Coding.MULAW, "ULAW"), (Coding.ALAW, "ALAW"),
    ],
)  # fmt: skip
def test_every_coding_reads_as_libsndfile_reads_it(coding: Coding, subtype: str) -> None:
    data = raw(np.random.default_rng(5).uniform(-1, 1, (3_000, 2)), subtype)
    expected, _ = soundfile.read(
        io.BytesIO(data), format="RAW", channels=2, samplerate=8_000, subtype=subtype, endian="LITTLE", dtype="float32"
    )
    assert np.array_equal(decode(data, coding, 2), expected)


@pytest.mark.parametrize(("coding", "subtype"), [(Coding.MULAW, "ULAW"), (Coding.ALAW, "ALAW")])
def test_every_telephone_byte(coding: Coding, subtype: str) -> None:
    data = bytes(range(256))
    expected, _ = soundfile.read(
        io.BytesIO(data), format="RAW", channels=1, samplerate=8_000, subtype=subtype, dtype="float32"
    )
    assert np.array_equal(decode(data, coding, 1)[:, 0], expected)


@given(st.lists(st.integers(-32768, 32767), max_size=50))
def test_linear16_comes_back_bit_by_bit(values: list[int]) -> None:
    data = struct.pack(f"<{len(values)}h", *values)
    assert Converter(16_000).convert(decode(data, Coding.S16, 1)) == data
    assert linear16(decode(data, Coding.S16, 1)[:, 0]) == data


@given(
    st.lists(st.floats(width=32), min_size=1, max_size=40),
    st.sampled_from([8_000, 16_000, 44_100]),
    st.integers(1, 3),
)
def test_no_float_does_harm(values: list[float], rate: int, channels: int) -> None:
    block = np.repeat(np.array(values, np.float32)[:, None], channels, axis=1)
    converter = Converter(rate)
    audio = converter.convert(block) + converter.flush()
    assert len(audio) % 2 == 0
    assert converter.not_numbers == channels * int(np.count_nonzero(~np.isfinite(values)))


@given(st.lists(st.integers(1, 4_000), min_size=1, max_size=12), st.sampled_from([8_000, 22_050, 44_100, 48_000]))
def test_the_size_of_the_blocks_does_not_matter(sizes: list[int], rate: int) -> None:
    total = sum(sizes)
    block = np.random.default_rng(2).uniform(-0.9, 0.9, (total, 2)).astype(np.float32)
    whole = Converter(rate)
    parts = Converter(rate)
    ends = np.cumsum(sizes)
    pieces = b"".join(parts.convert(block[end - size : end]) for size, end in zip(sizes, ends, strict=True))
    expected = whole.convert(block) + whole.flush()
    assert pieces + parts.flush() == expected
    assert abs(len(expected) // 2 - total * 16_000 / rate) <= 1


def test_the_mean_of_the_channels() -> None:
    block = np.array([[0.5, -0.5, 0.3], [1, 1, 1]], np.float32)
    assert mix_down(block).tolist() == pytest.approx([0.1, 1.0])
    assert block[0].tolist() == pytest.approx([0.5, -0.5, 0.3])


def test_integers_of_every_width() -> None:
    assert as_float(np.array([0, 128, 255], np.uint8)).tolist() == [-1, 0, 127 / 128]
    assert as_float(np.array([-(2**63), 2**62], np.int64)).tolist() == [-1, 0.5]
    assert as_float(np.array([1e300], np.float64)).tolist() == [np.inf]
