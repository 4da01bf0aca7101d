"""Unpack a zip that nobody vouches for: nothing outside its folder, no links, no flood."""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from voxcli.models.manifest import Digest
from voxcli.models.trouble import Fatal

MOST_ENTRIES = 10_000
MOST_BYTES = 20 << 30  # the largest model of the publisher unpacks to about 5 GiB
_MOST_GROWTH = 20  # graphs shrink to a third or so, text to a tenth
_ALWAYS_BYTES = 64 << 20  # a tiny archive may grow by more than that factor
_BLOCK_BYTES = 1 << 20


def limit_bytes(archive_bytes: int) -> int:
    """How much an archive may unpack to."""
    return min(max(_MOST_GROWTH * archive_bytes, _ALWAYS_BYTES), MOST_BYTES)


def unpack(archive: Path, bench: Path, *, top: str, most_bytes: int, check: Callable[[], None]) -> dict[str, Digest]:
    """Unpack the folder ``top``, the only one that may be in the archive, into ``bench``.

    Returns the digests of its files by their paths inside ``top``, with slashes. ``check`` is called between blocks and
    may raise. Raises Fatal when the archive is damaged or unsafe; what is on the bench then is of no use.
    """
    left = most_bytes
    digests: dict[str, Digest] = {}
    with _opened(archive) as zipped:
        for info, name in plan(zipped.infolist(), top):
            target = bench / top / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with zipped.open(info) as source, target.open("xb") as file:
                digests[name] = _copy(source, file, left, check)
            left -= digests[name].size_bytes
    return digests


def plan(infos: list[zipfile.ZipInfo], top: str) -> list[tuple[zipfile.ZipInfo, str]]:
    """The files to unpack and their paths inside ``top``. Raises Fatal when an entry is not what a model holds."""
    if len(infos) > MOST_ENTRIES:
        raise Fatal(f"the archive has {len(infos)} entries; {MOST_ENTRIES} are allowed")
    files = []
    for info in infos:
        name = relative(info.orig_filename, top)
        _check_kind(info)
        if not info.is_dir():
            files.append((info, name))
    _check_places([name for _, name in files])
    return files


def relative(entry: str, top: str) -> str:
    """The path of an entry inside ``top``, empty for ``top/`` itself. Raises Fatal when it would be elsewhere."""
    parts = entry.removesuffix("/").split("/")
    harmless = entry.isprintable() and not set(entry) & set("\\:") and not set(parts) & {"", ".", ".."}
    if not harmless:
        raise Fatal(f"the archive has an unsafe entry, {entry!r}")
    if parts[0] != top or (len(parts) == 1 and not entry.endswith("/")):
        raise Fatal(f"the archive has {entry!r} where only a folder {top} should be")
    return "/".join(parts[1:])


def _check_kind(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)  # the Unix mode; zero when the archive was made elsewhere
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Fatal(f"the archive has a link or a device, {info.filename!r}")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Fatal(f"the archive packs {info.filename!r} in an unusual way")


def _check_places(files: list[str]) -> None:
    """No two files in one place, and none where a folder must be."""
    folders = {str(parent) for name in files for parent in PurePosixPath(name).parents}
    times = Counter(files)
    doubled = next((name for name in files if name in folders or times[name] > 1), None)
    if doubled is not None:
        raise Fatal(f"the archive has two entries for {doubled!r}")


def _copy(source: IO[bytes], file: IO[bytes], most_bytes: int, check: Callable[[], None]) -> Digest:
    """Copy, count and digest; the sizes that an archive states are not believed."""
    sha256, size = hashlib.sha256(), 0
    while block := source.read(_BLOCK_BYTES):
        check()
        size += len(block)
        if size > most_bytes:
            raise Fatal("the archive unpacks to more than a model of its size would")
        sha256.update(block)
        file.write(block)
    file.flush()
    os.fsync(file.fileno())  # a model that is installed stays whole when the power goes
    return Digest(size, sha256.hexdigest())


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as zipped:
            yield zipped
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise Fatal(f"the archive is damaged: {error}") from error
    except (NotImplementedError, RuntimeError) as error:  # a newer format than zipfile's; a password
        raise Fatal(f"the archive cannot be read: {error}") from error
