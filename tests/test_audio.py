import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.audio import AudioFormat, Chunk, Encoding, samples, seconds
from voxcli.errors import UsageError


@pytest.mark.parametrize(
    ("encoding", "frame_bytes"),
    [("linear16", 4), ("linear32", 8), ("float32", 8), ("mulaw", 2), ("alaw", 2)],
)
def test_a_frame_is_one_sample_of_every_channel(encoding: str, frame_bytes: int) -> None:
    assert AudioFormat(Encoding(encoding), 8_000, 2).frame_bytes == frame_bytes


@pytest.mark.parametrize("rate", [-16_000, 0, 999, 768_001])
def test_an_impossible_rate_is_refused(rate: int) -> None:
    with pytest.raises(UsageError, match=f"a sample rate of {rate} Hz is not possible"):
        AudioFormat(Encoding.LINEAR16, rate, 1)


@pytest.mark.parametrize("channels", [-1, 0, 65])
def test_an_impossible_channel_count_is_refused(channels: int) -> None:
    with pytest.raises(UsageError, match=f"{channels} channels are not possible"):
        AudioFormat(Encoding.LINEAR16, 16_000, channels)


def test_a_chunk_knows_its_place() -> None:
    chunk = Chunk(1_600, bytes(3_200))
    assert (chunk.samples, chunk.end) == (1_600, 3_200)


@given(st.integers(0, 100), st.binary(max_size=60).map(lambda data: data[: len(data) // 2 * 2]), st.integers(1, 20))
def test_a_chunk_in_pieces_is_the_chunk(start: int, data: bytes, length: int) -> None:
    pieces = list(Chunk(start, data).split(length))
    assert b"".join(piece.data for piece in pieces) == data
    assert all(piece.samples == length for piece in pieces[:-1])
    assert [piece.start for piece in pieces] == list(range(start, start + len(data) // 2, length))


@given(st.integers(0, 2**40))
def test_seconds_and_samples_agree(count: int) -> None:
    assert samples(seconds(count)) == count
