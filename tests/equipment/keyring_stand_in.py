"""Keyrings for tests, by the library's own interface: ``PYTHON_KEYRING_BACKEND=keyring_stand_in.FileKeyring``."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked


class FileKeyring(KeyringBackend):
    """Keys in a file of JSON that KEYRING_STAND_IN names; what is asked for is written beside it."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        path = Path(os.environ["KEYRING_STAND_IN"])
        with path.with_suffix(".asked").open("a") as asked:
            asked.write(f"{service} {username}\n")
        stored = json.loads(path.read_text()).get(f"{service} {username}")
        return None if stored is None else str(stored)

    def set_password(self, service: str, username: str, password: str) -> None:
        path = Path(os.environ["KEYRING_STAND_IN"])
        stored = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps({**stored, f"{service} {username}": password}))


class LockedKeyring(FileKeyring):
    """One whose user does not unlock it."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("the collection is locked. Nobody unlocked it")


class DeafKeyring(FileKeyring):
    """One that never answers."""

    def get_password(self, service: str, username: str) -> str | None:
        time.sleep(600)
        return None
