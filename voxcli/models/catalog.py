"""What the publisher offers: its list of models, and the one that a person means. Opens nothing.

An entry of ``model-list.json``, of which voxcli uses six fields (the zip is always at ``<publisher>/<name>.zip``, so
that a mirror needs no list of its own):

    {"lang": "en-us", "lang_text": "US English", "md5": "09fb...", "name": "vosk-model-small-en-us-0.15",
     "obsolete": "false", "size": 41205931, "size_text": "39.3MiB", "type": "small", "url": "https://...",
     "version": "0.15"}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from voxcli.errors import ModelNotFound
from voxcli.models import names

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")  # becomes a folder's name and a part of an address
_MD5 = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A model that can be pulled. ``size_bytes`` and ``md5`` are of its zip; ``kind`` is small, big or big-lgraph."""

    name: str
    language: str
    kind: str
    size_bytes: int
    md5: str
    obsolete: bool


def parse(text: bytes) -> list[Entry]:
    """The speech models of the publisher's list. Raises ValueError when it is not a list of models.

    Models of other kinds (speaker models) and entries that lack what is needed to check a download are left out.
    """
    listed = json.loads(text)
    items = listed if isinstance(listed, list) else []
    entries = [entry for item in items if isinstance(item, dict) and (entry := _entry(item))]
    if not entries:
        raise ValueError("it names no model")
    return entries


def choose(entries: Iterable[Entry], wanted: str, *, named: bool | None = None) -> Entry:
    """The model of that name, or else the one to take for that language. Raises ModelNotFound, naming what is near.

    ``named`` says for the error whether a name was wanted; None judges by its shape.

    For a language: the nearest region, a small model before a big one, the newest of the small or the smallest of the
    big ones. Obsolete models are taken by name only.
    """
    entries = list(entries)
    if exact := next((entry for entry in entries if names.same(entry.name, wanted)), None):
        return exact
    fitting = [(far, entry) for far, entry in _by_distance(entries, wanted) if not entry.obsolete]
    if not fitting:
        raise _unknown(entries, wanted, by_name=names.is_name(wanted) if named is None else named)
    return min(fitting, key=lambda pair: (pair[0], _preference(pair[1])))[1]


def _entry(item: dict[str, object]) -> Entry | None:
    name, language, kind, md5 = (_text(item, key) for key in ("name", "lang", "type", "md5"))
    size_bytes = item.get("size")
    if not (_SAFE_NAME.fullmatch(name) and _MD5.fullmatch(md5) and isinstance(size_bytes, int) and size_bytes > 0):
        return None
    if kind == "spk":
        return None
    obsolete = str(item.get("obsolete", "")).lower() == "true"
    return Entry(name, names.canonical(language), kind, size_bytes, md5, obsolete)


def _text(item: dict[str, object], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _by_distance(entries: Iterable[Entry], language: str) -> list[tuple[int, Entry]]:
    return [(far, entry) for entry in entries if (far := names.distance(language, entry.language)) is not None]


def _preference(entry: Entry) -> tuple[bool, tuple[int, ...], int]:
    small = entry.kind == "small"
    newest_first = tuple(-part for part in (*names.version_of(entry.name), 0, 0, 0)[:3]) if small else ()
    return not small, newest_first, entry.size_bytes


def _unknown(entries: list[Entry], wanted: str, *, by_name: bool) -> ModelNotFound:
    known = sorted({entry.name if by_name else entry.language for entry in entries if not entry.obsolete})
    near = get_close_matches(names.canonical(wanted), known, n=5, cutoff=0.5)
    there = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known[:40])};"
    return ModelNotFound(
        f"the publisher has no model {'of the name' if by_name else 'for the language'} {wanted}",
        f"{there} voxcli models list --remote shows them all",
    )
