"""What lies behind the sound of a WAV file: chunks of notes, as there may be, or sound that nobody would miss unsaid.

``cat a.wav b.wav`` makes one stream of two recordings, and a writer that was killed may leave a size that was true a
while before. Neither is heard, so it is said.
"""

from __future__ import annotations

from collections.abc import Callable

from voxcli.sniff import MAGIC_BYTES, by_signature

_MOST_CHUNKS = 16
_LONGEST_CHUNK_BYTES = 1 << 20


def left_out(read: Callable[[int], bytes], data_bytes: int) -> str | None:
    """A remark about what ``read`` finds behind ``data_bytes`` of sound; None where nothing of worth is left out.

    ``read`` gives fewer bytes than it is asked for only where there are no more.
    """
    read(data_bytes % 2)  # chunks begin at even offsets
    head = b""
    for _ in range(_MOST_CHUNKS):
        head += read(MAGIC_BYTES - len(head))
        size = _chunk_bytes(head)
        if _begins_recording(head):
            return "another recording follows this one and was left out; give it as a source of its own"
        if size is None:
            return "more bytes follow than the header announces and were left out" if head else None
        missing = max(0, size - len(head))
        if missing > _LONGEST_CHUNK_BYTES or len(read(missing)) < missing:
            return None
        head = head[size:]
    return None


def _begins_recording(head: bytes) -> bool:
    """An ID3 tag does not count: some writers put it behind the sound, in a chunk whose name looks the same."""
    return not head.startswith(b"ID3") and by_signature(head) is not None


def _chunk_bytes(head: bytes) -> int | None:
    """Length of the chunk that begins so, its header and its padding included; None where none does."""
    if len(head) < 8 or any(not 0x20 <= byte < 0x7F for byte in head[:4]):
        return None
    size = int.from_bytes(head[4:8], "little")
    return 8 + size + size % 2
