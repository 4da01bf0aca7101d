"""Bring a model from the publisher into voxcli's own folder: whole, or not at all.

list -> choose -> lock -> room -> download (NAME.zip.part) -> unpack (.NAME.unpacking) -> check -> record -> rename
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from voxcli.errors import DownloadFailed
from voxcli.models import catalog, layout, manifest, names, store, transport
from voxcli.models.catalog import Entry
from voxcli.models.download import Part, download
from voxcli.models.hooks import Hooks
from voxcli.models.locking import locked
from voxcli.models.places import Places
from voxcli.models.store import Model
from voxcli.models.trouble import Cancelled, Exhausted, Fatal
from voxcli.models.unpack import limit_bytes, unpack

if TYPE_CHECKING:
    from httpx2 import Client

_LONGEST_LIST_BYTES = 4 << 20  # the publisher's is about 40 kB
_UNPACKED_PER_ZIP = 2  # how much room is asked for before the archive itself can be asked
_TO_BE_CONTINUED = "the same command goes on where this one stopped"


def pulled(places: Places, wanted: str) -> Model | None:
    """The model of that name or language that is in voxcli's own folder already. Asks nobody."""
    own = store.own(places)
    if named := next((model for model in own if names.same(model.name, wanted)), None):
        return named
    near = (model for model in own if model.language and names.distance(wanted, model.language) in (0, 1))
    return next(near, None)


def pull(
    places: Places,
    wanted: str,
    *,
    named: bool | None = None,
    progress: Callable[[int, int], object] = lambda done_bytes, total_bytes: None,
    say: Callable[[str], object] = lambda sentence: None,
    cancelled: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], object] = time.sleep,
) -> Model:
    """The model of that name, or the small one of that language, pulled unless it is there. Blocks until it is.

    ``named`` is for the error alone: whether a name was wanted or a language, where that is known.
    ``progress`` is called with the bytes of the zip that have come and those in all, ``say`` with sentences about what
    is going on, ``cancelled`` between blocks and waits. However it ends, what has come is kept for the next time.
    Raises ModelNotFound when the publisher has no such model, DownloadFailed when it cannot be had, UsageError when
    the settings for the network are wrong or there is no folder to put it in.
    """
    hooks = Hooks(progress, say, cancelled, sleep)
    with _mapped(places, f"pulling {wanted}"):
        present = pulled(places, wanted)
        return present or _pull(places, wanted, named, hooks)


def published(places: Places, *, sleep: Callable[[float], object] = time.sleep) -> list[Entry]:
    """What can be pulled, as the publisher lists it. Raises DownloadFailed, UsageError."""
    with _mapped(places, "asking the publisher"), transport.connected() as client:
        return _fetch_list(client, places, Hooks(sleep=sleep))


@contextmanager
def _mapped(places: Places, doing: str) -> Iterator[None]:
    """The one place where what went wrong becomes one of voxcli's errors."""
    try:
        yield
    except Cancelled as cancelled:
        raise DownloadFailed(f"{doing} was cancelled", _TO_BE_CONTINUED) from cancelled
    except Exhausted as exhausted:
        hint = f"try again later, {_TO_BE_CONTINUED}; {places.offline_hint()}"
        raise DownloadFailed(f"{doing} failed: {exhausted}", hint) from exhausted
    except Fatal as fatal:
        raise DownloadFailed(f"{doing} failed: {fatal}", fatal.hint or places.offline_hint()) from fatal
    except OSError as error:
        reason = f"{error.filename or places.own}: {error.strerror or error}"
        raise DownloadFailed(
            f"{doing} failed: {reason}",
            "make room and look at the rights there, or set VOXCLI_MODELS_DIR to another folder",
        ) from error


def _pull(places: Places, wanted: str, named: bool | None, hooks: Hooks) -> Model:
    places.check_own()
    with transport.connected() as client:
        entry = catalog.choose(_fetch_list(client, places, hooks), wanted, named=named)
        with locked(places.own, entry.name, hooks):
            present = pulled(places, entry.name)  # another voxcli may have brought it while this one waited
            return present or _install(client, places, entry, hooks)


def _fetch_list(client: Client, places: Places, hooks: Hooks) -> list[Entry]:
    url = f"{places.publisher_url}/model-list.json"
    with _about(url):
        text = transport.persistently(lambda: _read(client, url), hooks)
        try:
            return catalog.parse(text)
        except ValueError as error:
            raise Fatal(f"what is there is no list of models: {error}", _MIRROR_HINT) from error


def _read(client: Client, url: str) -> bytes:
    text = bytearray()
    with transport.answered(client, url, {}) as response:
        for block in response.iter_bytes():
            text += block
            if len(text) > _LONGEST_LIST_BYTES:
                raise Fatal("what is there is too long for a list of models", _MIRROR_HINT)
    return bytes(text)


def _install(client: Client, places: Places, entry: Entry, hooks: Hooks) -> Model:
    target = places.own / entry.name
    if target.exists():
        raise Fatal(f"{target} is there, but is no whole model", f"voxcli models rm {entry.name}, then pull it again")
    part = Part(places.own / f"{entry.name}.zip.part", entry.size_bytes, entry.md5)
    _check_room(places.own, part.left_bytes + _UNPACKED_PER_ZIP * entry.size_bytes)
    url = f"{places.publisher_url}/{entry.name}.zip"
    hooks.say(_announcement(part, entry, url))
    with _about(url):
        download(client, url, part, hooks)
        _unpack(part, target, url, hooks)
    part.discard()
    return store.at(target, "voxcli")


def _unpack(part: Part, target: Path, url: str, hooks: Hooks) -> None:
    """Unpack on a bench beside the target, check, and move it there in one step."""
    with _bench(target) as bench, _discarded_when_bad(part):
        files = unpack(part.path, bench, top=target.name, most_bytes=limit_bytes(part.size_bytes), check=hooks.check)
        if missing := layout.problems(bench / target.name, "vosk"):
            raise Fatal(f"what is in the archive is no model: {', '.join(missing)}")
        manifest.write(bench / target.name, model=target.name, url=transport.shown(url), zip_md5=part.md5, files=files)
        (bench / target.name).rename(target)


@contextmanager
def _bench(target: Path) -> Iterator[Path]:
    """An empty folder on the target's file system, gone afterwards; a killed process may have left one."""
    bench = target.with_name(f".{target.name}.unpacking")
    shutil.rmtree(bench, ignore_errors=True)
    bench.mkdir()
    try:
        yield bench
    finally:
        shutil.rmtree(bench, ignore_errors=True)


@contextmanager
def _discarded_when_bad(part: Part) -> Iterator[None]:
    try:
        yield
    except Fatal:
        part.discard()
        raise


@contextmanager
def _about(url: str) -> Iterator[None]:
    try:
        yield
    except Fatal as fatal:
        raise type(fatal)(f"{transport.shown(url)}: {fatal}", fatal.hint) from fatal


def _check_room(folder: Path, needed_bytes: int) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise Fatal(
            f"{folder} has room for {mebibytes(free_bytes)}, {mebibytes(needed_bytes)} are needed",
            "make room there, or set VOXCLI_MODELS_DIR to a folder on another disk",
        )


def _announcement(part: Part, entry: Entry, url: str) -> str:
    begun = f", going on after {mebibytes(part.done_bytes)}" if part.done_bytes else ""
    return f"pulling {entry.name} ({mebibytes(entry.size_bytes)}) from {transport.shown(url)}{begun}"


def mebibytes(size_bytes: int) -> str:
    """A size for people: ``39.3 MiB``."""
    return f"{size_bytes / (1 << 20):.1f} MiB"


_MIRROR_HINT = "check VOXCLI_MODELS_URL: model-list.json and the zips must be directly below it"
