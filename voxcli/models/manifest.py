"""The record of a pulled model: the size and the SHA-256 of each file, so that damage shows later.

{"version": 1, "model": "vosk-model-small-ko-0.22", "url": "https://...", "zip_md5": "...",
 "files": {"am/final.mdl": {"size_bytes": 14356670, "sha256": "..."}}}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

FILE_NAME = "voxcli-manifest.json"


@dataclass(frozen=True, slots=True)
class Digest:
    """What a file holds: its size, and its SHA-256 in hexadecimal."""

    size_bytes: int
    sha256: str

    @classmethod
    def of_file(cls, path: Path) -> Digest:
        """Read a file through."""
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(path.stat().st_size, sha256)


def write(folder: Path, *, model: str, url: str, zip_md5: str, files: Mapping[str, Digest]) -> None:
    """Record the files of a model, named by their paths inside its folder with slashes."""
    record = {"version": 1, "model": model, "url": url, "zip_md5": zip_md5}
    # a mirror may have zipped a pulled model together with its record, which this one takes the place of
    listed = {name: asdict(files[name]) for name in sorted(files) if name != FILE_NAME}
    text = json.dumps({**record, "files": listed}, indent=1)
    (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def problems(folder: Path) -> list[str]:
    """How the files differ from the record, a sentence each; none when there is no record."""
    if not (folder / FILE_NAME).is_file():
        return []
    try:
        files = _read(folder / FILE_NAME)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"{FILE_NAME} cannot be read: {error}"]
    return [problem for name, digest in files.items() if (problem := _problem(folder / name, name, digest))]


def _read(path: Path) -> dict[str, Digest]:
    files = json.loads(path.read_text(encoding="utf-8"))["files"]
    return {name: Digest(int(entry["size_bytes"]), str(entry["sha256"])) for name, entry in files.items()}


def _problem(path: Path, name: str, digest: Digest) -> str | None:
    if not path.is_file():
        return f"{name} is missing"
    size = path.stat().st_size
    if size != digest.size_bytes:
        return f"{name} has {size} bytes, {digest.size_bytes} when it was pulled"
    return None if Digest.of_file(path) == digest else f"{name} has changed since it was pulled"
