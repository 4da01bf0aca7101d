import os
import threading
import time

import pytest

from sound import piped
from voxcli.errors import SourceUnreadable
from voxcli.sources.decoder import StopSignal
from voxcli.sources.descriptor import ByteStream, _PollReader, _QueueReader


@pytest.mark.parametrize("reader", [_PollReader, _QueueReader])
def test_both_readers_give_out_everything_in_order(reader: type[_PollReader | _QueueReader]) -> None:
    data = os.urandom(500_000)
    with piped([data[:7], data[7:400_000], data[400_000:]]) as fd:
        read = reader(fd, StopSignal())
        parts = list(iter(lambda: read(10_000), b""))
        assert read(10) == b""
    assert b"".join(parts) == data
    assert max(map(len, parts)) <= 10_000


@pytest.mark.parametrize("reader", [_PollReader, _QueueReader])
def test_both_readers_can_be_woken(reader: type[_PollReader | _QueueReader]) -> None:
    read_end, write_end = os.pipe()
    stop = StopSignal()
    read = reader(read_end, stop)
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()
    assert read(10) == b""
    assert time.monotonic() - began < 2
    os.close(write_end)
    time.sleep(0.05)
    os.close(read_end)


def test_a_reader_tells_what_the_system_says(tmp_path: object) -> None:
    fd = os.open(str(tmp_path), os.O_RDONLY)
    for reader in (_PollReader, _QueueReader):
        with pytest.raises(IsADirectoryError):
            reader(fd, StopSignal())(10)
    with pytest.raises(SourceUnreadable):
        ByteStream("folder", fd, StopSignal(), owned=False).read()
    os.close(fd)


def test_bytes_can_be_put_back() -> None:
    with piped([b"abcdef"]) as fd:
        stream = ByteStream("pipe", fd, StopSignal(), owned=False)
        assert stream.read_fully(4) == b"abcd"
        stream.push_back(b"cd")
        assert stream.read(1) == b"c"
        assert stream.read_fully(10) == b"def"
        stream.close()
        os.fstat(fd)


def test_an_owned_descriptor_is_closed_once() -> None:
    read_end, write_end = os.pipe()
    stream = ByteStream("pipe", read_end, StopSignal(), owned=True)
    stream.close()
    stream.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(read_end)
    os.close(write_end)


def test_a_stop_signal_set_before_anybody_waits() -> None:
    stop = StopSignal()
    stop.set()
    stop.set()
    assert stop.is_set()
    assert os.read(stop.fileno(), 10) == b"\0"
    stop.close()
    stop.close()
    stop.set()
