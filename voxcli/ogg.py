"""A page of an Ogg stream that says where the stream ends (RFC 3533, section 6)."""

from __future__ import annotations

import struct

_HEADER = struct.Struct("<4sBBq4sII")
_CRC_AT = 22
_END_OF_STREAM = 4
_LAST_NUMBER = 0x7FFF_FFFF


def serial_of(head: bytes) -> bytes:
    """The serial number, four bytes, of the stream whose first page these bytes begin with."""
    return head[14:18]


def last_page(serial: bytes, position: int) -> bytes:
    """An empty last page of the stream ``serial``, whose sound ends at the granule position ``position``."""
    header = _HEADER.pack(b"OggS", 0, _END_OF_STREAM, position, serial, _LAST_NUMBER, 0)
    page = header + b"\x01\x00"  # one segment of no bytes
    return page[:_CRC_AT] + struct.pack("<I", crc(page)) + page[_CRC_AT + 4 :]


def crc(page: bytes) -> int:
    """The checksum of a page whose own field is zero: polynomial 0x04C11DB7, nothing reflected, nothing inverted."""
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = value << 1 ^ (0x104C11DB7 if value & 0x8000_0000 else 0)
    return value
