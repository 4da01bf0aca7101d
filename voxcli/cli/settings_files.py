"""Files of settings: where they are, what they may say, what they say.

They are ``voxcli.toml`` in the user's own folder and in the folder where voxcli is started. The second may be somebody
else's work: one that belongs to another user is not read, and none writes outside of its folder.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from voxcli.cli import app
from voxcli.cli.environment import Environment
from voxcli.config import Setting, SettingsFile, Value, of_files
from voxcli.errors import SettingsRefused

NAME = "voxcli.toml"
MOST_BYTES = 65_536
READERS = ("transcribe", "listen", "serve")
"""The commands whose options are settings: each option that a variable sets, too."""

GLOBAL = ("quiet", "verbose", "color")
READ, MISSING = "read", "not there"
WRITTEN = ("output", "record_wire", "save_audio")
"""What a command writes to."""

_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)", re.DOTALL)
_RIGHT = "mend the file, or move it away; voxcli config path says which files are read"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file of settings may be."""

    path: Path
    is_project: bool

    def state(self) -> str:
        """``READ``, ``MISSING``, or why it is passed over."""
        status = self._status()
        if status is None:
            return MISSING
        if self.is_project and _is_somebody_elses(status):
            return "belongs to somebody else, so it is not read"
        return READ

    def load(self) -> SettingsFile:
        """What is in it. Raises SettingsRefused."""
        import tomllib

        try:
            text = self._text()
        except (OSError, UnicodeDecodeError) as error:
            reason = (getattr(error, "strerror", None) or "is not text in UTF-8").lower()
            raise SettingsRefused(str(self.path), reason, _RIGHT) from error
        try:
            return SettingsFile(str(self.path), tomllib.loads(text), self.is_project)
        except tomllib.TOMLDecodeError as error:
            raise SettingsRefused(str(self.path), _misspelled(str(error), text), "see https://toml.io") from error
        except (ValueError, RecursionError) as error:  # a number of thousands of digits; arrays in arrays in arrays
            raise SettingsRefused(str(self.path), "is no file of settings", _RIGHT) from error

    def _text(self) -> str:
        status = self._status()
        if status is None or not stat.S_ISREG(status.st_mode):
            raise SettingsRefused(str(self.path), "is no regular file", _RIGHT)
        with self.path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise SettingsRefused(str(self.path), f"is larger than {MOST_BYTES // 1024} KiB", _RIGHT)
        return content.decode("utf-8")

    def _status(self) -> os.stat_result | None:
        try:
            return self.path.stat()
        except OSError:
            return None


def places() -> list[Place]:
    """Where files of settings may be, the stronger first."""
    import platformdirs

    user = platformdirs.user_config_path("voxcli") / NAME
    try:
        project = Path.cwd() / NAME
    except FileNotFoundError:  # the folder is gone
        return [Place(user, is_project=False)]
    with suppress(OSError):
        if project.samefile(user):
            return [Place(user, is_project=False)]
    return [Place(project, is_project=True), Place(user, is_project=False)]


def values(environment: Environment) -> dict[str, Value]:
    """What the files say, read once. Raises SettingsRefused, ProfileNotFound."""
    if environment.settings is None:
        environment.settings = _values(environment)
    return environment.settings


def _values(environment: Environment) -> dict[str, Value]:
    files = []
    for place in places():
        state = place.state()
        if state == READ:
            files.append(place.load())
        elif state != MISSING:
            environment.complain(f"{place.path}: {state}")
    if not files and environment.profile is None:
        return {}
    known, paths = {}, set()
    for _, key, parameter in options():
        known[key] = _setting(key, parameter)
        if _item(parameter) is Path:
            paths.add(key)
    found = of_files(files, known, environment.profile)
    return {key: _placed(key, value) if key in paths or key == "model" else value for key, value in found.items()}


def options() -> Iterator[tuple[str, str, Any]]:
    """Each option that is a setting: its command, its name in a file, and the option itself."""
    for command in READERS:
        if command in app.COMMANDS:
            for parameter in app.load(command).params:
                if key := key_of(parameter):
                    yield command, key, parameter


def key_of(parameter: Any) -> str | None:
    """The name that an option has in a file; None for what is no setting."""
    if isinstance(parameter.envvar, str):
        return parameter.envvar.removeprefix("VOXCLI_").lower()
    return parameter.name if parameter.name in GLOBAL and parameter.param_type_name == "option" else None


def _setting(key: str, option: Any) -> Setting:
    choices = tuple(str(getattr(choice, "value", choice)) for choice in option.type_descriptor.choices or ())
    item = _item(option)
    kind = item if item in (bool, int, float) else str
    return Setting(key, kind, option.multiple, choices, option.min, option.max)


def _item(option: Any) -> Any:
    annotation = option.type_descriptor.annotation
    return get_args(annotation)[0] if option.multiple else annotation


def _placed(key: str, value: Value) -> Value:
    """Paths, which are relative to the folder of the file that names them, made absolute. Raises SettingsRefused."""
    texts = value.value if isinstance(value.value, list) else [value.value]
    placed = [_path(key, str(text), value) for text in texts]
    return replace(value, value=placed if isinstance(value.value, list) else placed[0])


def _path(key: str, text: str, value: Value) -> str:
    before, equals, name = text.rpartition("=") if key == "model" else ("", "", text)
    if key == "model" and not is_path(name):
        return text
    assert value.file is not None  # noqa: S101 - these are values of files
    folder, path = Path(value.file.path).parent, Path(name)
    with suppress(RuntimeError):  # nobody's home
        path = path.expanduser()
    path = folder / path
    if value.is_of_project and key in WRITTEN and not path.resolve().is_relative_to(folder.resolve()):
        raise SettingsRefused(
            value.origin,
            f"{key}: {text} is not in the folder of this file, so it is not written",
            "name it on the command line, or in your own file of settings; voxcli config path says where that is",
        )
    return f"{before}{equals}{path}"


def is_path(name: str) -> bool:
    """Whether the name of a speech model is a path."""
    return os.sep in name or name.startswith(("~", "."))


def _is_somebody_elses(status: os.stat_result) -> bool:
    return os.name == "posix" and status.st_uid not in (0, os.geteuid())


def _misspelled(message: str, text: str) -> str:
    """What is wrong with TOML, its line first."""
    found = _PLACE.fullmatch(message)
    if not found:
        return message
    line = found[2] or str(len(text.splitlines()) or 1)
    return f"line {line}: {found[1][:1].lower()}{found[1][1:]}"
