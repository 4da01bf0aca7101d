"""Prints, as one JSON object, what there is to say of the libraries that it is given: run in a process of its own.

Name -> ``version``, ``with`` for the native library inside, or ``error`` for what cannot be imported. The libraries of
recognizers are not imported: each recognizer is tried, and tells what is wrong with its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType

IMPORTED: dict[str, Callable[[ModuleType], str]] = {
    "soundfile": lambda library: f"libsndfile {library.__libsndfile_version__}",
    "sounddevice": lambda library: str(library.get_portaudio_version()[1]).partition(",")[0].replace(" V", " "),
    "soxr": lambda library: f"libsoxr {library.__libsoxr_version__.removeprefix('libsoxr-')}",
    "numpy": lambda library: "",
    "websockets": lambda library: "",
}
"""Name -> what it says of the native library inside."""


def found(name: str) -> dict[str, str]:
    """What there is to say of a library; nothing of an extra that is not installed."""
    try:
        told = {"version": version(name)}
    except PackageNotFoundError:
        told = {}
    if name not in IMPORTED:
        return told
    try:
        inside = IMPORTED[name](import_module(name))
    except (ImportError, OSError, AttributeError) as error:
        return {**told, "error": " ".join(str(error).split())}
    return {**told, "with": inside} if inside else told


if __name__ == "__main__":
    sys.stdout.write(json.dumps({name: told for name in sys.argv[1:] if (told := found(name))}))
