import struct

from hypothesis import given
from hypothesis import strategies as st

from support import SAMPLES
from voxcli.ogg import crc, last_page, serial_of


def test_the_checksum_is_that_of_a_page_that_another_program_wrote() -> None:
    stream = (SAMPLES / "letter.ogg").read_bytes()
    length = 27 + stream[26] + sum(stream[27 : 27 + stream[26]])
    page = stream[:length]
    assert crc(page[:22] + bytes(4) + page[26:]) == struct.unpack("<I", page[22:26])[0]
    assert stream[length:].startswith(b"OggS" + b"\0")


@given(serial=st.binary(min_size=4, max_size=4), position=st.integers(0, 2**62))
def test_a_last_page_says_where_its_stream_ends(serial: bytes, position: int) -> None:
    page = last_page(serial, position)
    assert page[:6] == b"OggS\0\x04"
    assert page[6:14] == position.to_bytes(8, "little")
    assert serial_of(page) == serial
    assert page[26:] == b"\x01\0"
    assert int.from_bytes(page[22:26], "little") == crc(page[:22] + bytes(4) + page[26:])
