"""Speech models: find them on this machine, pull them from their publisher, check them, remove them.

Importing this opens nothing and loads no library; httpx2 comes with the first pull.
"""

from __future__ import annotations

from voxcli.models.catalog import Entry
from voxcli.models.checking import load_problems, verify
from voxcli.models.layout import moonshine_architecture
from voxcli.models.names import fits
from voxcli.models.places import Places
from voxcli.models.pulling import mebibytes, published, pull, pulled
from voxcli.models.store import Model, at, damaged, find, installed, is_path, look_up, not_found, remove, size_bytes

__all__ = [
    "Entry",
    "Model",
    "Places",
    "at",
    "damaged",
    "find",
    "fits",
    "installed",
    "is_path",
    "load_problems",
    "look_up",
    "mebibytes",
    "moonshine_architecture",
    "not_found",
    "published",
    "pull",
    "pulled",
    "remove",
    "size_bytes",
    "verify",
]
