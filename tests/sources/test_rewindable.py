import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.errors import SourceUnreadable
from voxcli.sources.rewindable import AHEAD_BYTES, PRETENDED_BYTES, WINDOW_BYTES, RewindableStream


class Bytes:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.given = 0

    def read_fully(self, size: int, /) -> bytes:
        part = self.data[self.given : self.given + size]
        self.given += len(part)
        return part


class Broken:
    def read_fully(self, size: int, /) -> bytes:
        raise SourceUnreadable("standard input", "cannot be read")


@given(st.lists(st.tuples(st.integers(-5_000, 5_000), st.integers(0, 9_000)), max_size=30))
def test_steps_within_the_window_read_what_a_file_reads(steps: list[tuple[int, int]]) -> None:
    data = os.urandom(60_000)
    file = RewindableStream(Bytes(data))
    at = 0
    for step, size in steps:
        at = max(0, min(at + step, len(data)))
        assert file.seek(at) == at
        assert file.read(size) == data[at : at + size]
        at = min(at + size, len(data))
        assert file.tell() == at


def test_the_end_reads_as_zeros_and_as_the_tail_and_takes_nothing_from_the_stream() -> None:
    stream = Bytes(bytes(100))
    file = RewindableStream(stream, tail=b"the end")
    assert file.seek(0, os.SEEK_END) == PRETENDED_BYTES
    assert file.read(10) == b""
    assert file.seek(-10, os.SEEK_CUR) == PRETENDED_BYTES - 10
    assert file.read(5) == b"\0\0\0th"
    assert file.read(9) == b"e end"
    file.seek(-100, os.SEEK_END)
    assert file.read(20) == bytes(20)
    assert stream.given == 0


def test_a_short_jump_steps_over_something() -> None:
    data = os.urandom(AHEAD_BYTES + 10)
    file = RewindableStream(Bytes(data))
    file.seek(AHEAD_BYTES)
    buffer = bytearray(20)
    assert file.readinto(memoryview(buffer)) == 10
    assert buffer[:10] == data[-10:]


def test_only_a_window_is_kept() -> None:
    data = os.urandom(5 * WINDOW_BYTES)
    file = RewindableStream(Bytes(data))
    for _ in range(5 * WINDOW_BYTES // 4096):
        file.read(4096)
    file.seek(-WINDOW_BYTES, os.SEEK_CUR)
    assert file.read(100) == data[4 * WINDOW_BYTES :][:100]
    file.seek(0)
    assert file.read(100) == b""
    assert file.failure is not None
    assert "further than a stream can" in file.failure.message


def test_an_error_waits_for_whoever_asks() -> None:
    file = RewindableStream(Broken())
    assert file.read(10) == b""
    assert file.read(10) == b""
    with pytest.raises(SourceUnreadable):
        raise file.failure or AssertionError
