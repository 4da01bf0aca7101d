"""One file over HTTP: continued where it broke off, and checked against the size and MD5 that the list gives.

What has come is in ``NAME.zip.part``; ``NAME.zip.part.json`` beside it says of what. The rest is asked for with Range
and If-Range (RFC 9110, 13.1.5), so a server whose file has changed sends the whole of the new one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voxcli.models import transport
from voxcli.models.hooks import Hooks
from voxcli.models.trouble import Fatal, Transient

if TYPE_CHECKING:
    from httpx2 import Client, Response


@dataclass(frozen=True, slots=True)
class Part:
    """A file on its way, of which ``size_bytes`` and ``md5`` are known beforehand."""

    path: Path
    size_bytes: int
    md5: str

    @property
    def done_bytes(self) -> int:
        """What is on the disk."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def left_bytes(self) -> int:
        """What is still to come."""
        return self.size_bytes - self.done_bytes

    def begin(self, validator: str | None) -> None:
        """Start an empty file, and note which version of which file it is."""
        self.path.write_bytes(b"")  # first: a note of the new file must never stand beside bytes of an older one
        self._note.write_text(json.dumps({"md5": self.md5, "validator": validator}), encoding="utf-8")

    def validator(self) -> str | None:
        """The ETag or the date of the file that was begun; None when the rest cannot be asked for."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            validator = note["validator"] if note["md5"] == self.md5 else None
        except (OSError, ValueError, KeyError, TypeError):  # no note, or half of one: begin again
            return None
        return validator if isinstance(validator, str) else None

    def is_right(self) -> bool:
        """Whether the bytes are those that the list's MD5 is of."""
        with self.path.open("rb") as file:
            md5 = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
        return md5.hexdigest() == self.md5

    def discard(self) -> None:
        """Forget what has come."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    @property
    def _note(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")


def download(client: Client, url: str, part: Part, hooks: Hooks) -> None:
    """Bring a part to its end. Raises Fatal when that cannot be, Cancelled; what has come stays for the next time."""
    if part.left_bytes < 0 or (part.left_bytes and part.validator() is None):
        part.discard()
    transport.persistently(lambda: _attempt(client, url, part, hooks), hooks, lambda: part.done_bytes)


def _attempt(client: Client, url: str, part: Part, hooks: Hooks) -> None:
    resumed = part.done_bytes > 0
    if part.left_bytes:
        with transport.answered(client, url, _range(part)) as response:
            _settle_start(response, part)
            _append(response, part, hooks)
    if part.left_bytes:
        raise Transient(f"the connection broke off after {part.done_bytes} of {part.size_bytes} bytes")
    if not part.is_right():
        part.discard()
        reason = "what the server sends is not what its list says (the MD5 differs)"
        raise Transient(reason) if resumed else Fatal(reason)


def _range(part: Part) -> dict[str, str]:
    validator = part.validator()
    if not part.done_bytes or validator is None:
        return {}
    return {"Range": f"bytes={part.done_bytes}-", "If-Range": validator}


def _settle_start(response: Response, part: Part) -> None:
    """Make the part end where the answer starts: at once when it is the rest, emptied when it is the whole file."""
    if response.status_code == 200:
        _check_length(response, part.size_bytes)
        part.begin(_validator(response))
    elif response.status_code == 416 or _first_byte(response) != part.done_bytes:
        part.discard()
        raise Transient("the server has another file than the one that was begun")
    else:
        _check_length(response, part.left_bytes)


def _check_length(response: Response, expected_bytes: int) -> None:
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and int(length) != expected_bytes:
        raise Fatal(f"the server sends {length} bytes where its list says {expected_bytes}")


def _append(response: Response, part: Part, hooks: Hooks) -> None:
    done = part.done_bytes
    hooks.progress(done, part.size_bytes)
    with part.path.open("ab") as file:
        for block in _blocks(response, hooks):
            done += len(block)
            if done > part.size_bytes:
                raise Fatal(f"the server sends more than the {part.size_bytes} bytes that its list says")
            file.write(block)
            hooks.progress(done, part.size_bytes)


def _blocks(response: Response, hooks: Hooks) -> Iterator[bytes]:
    for block in response.iter_raw():  # as they come: blocks of one size would lose what precedes a break
        hooks.check()
        yield block


def _validator(response: Response) -> str | None:
    """A strong ETag or else the date; a weak ETag is no ground for If-Range."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def _first_byte(response: Response) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None
