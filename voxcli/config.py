"""What files of settings may say, and which value wins. Opens nothing: whoever calls has read the files.

    option > environment > [profile.NAME] > flat settings > default

A profile may stand in either file, and wins over the flat settings of both. At each level ./voxcli.toml wins over the
user's file. ``json = true`` is read as ``format = "jsonl"``, so that the stronger of the two levels decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import inf

from voxcli.errors import ProfileNotFound, SettingsRefused

PROFILE = "profile"
_SECRET_WORDS = (
    "apikey", "auth", "authorization", "bearer", "credential", "credentials", "key", "keys", "passwd", "password",
    "secret", "secrets", "signature", "token", "tokens",
)  # fmt: skip
_KEYS_HINT = (
    "keys come from the environment (DEEPGRAM_API_KEY, VOXCLI_SERVER_TOKEN, VOXCLI_SERVE_TOKENS), from a file that "
    "api_key_file, server_token_file or token_file names, or from a keyring"
)
_CREDENTIALS = re.compile(r"(?<=//)[^/\s]*@")
_SECRET_PAIR = re.compile(rf"\b((?:[\w-]*[_-])?(?:{'|'.join(_SECRET_WORDS)})(?:[_-][\w-]*)?)=[^&,\s]+", re.IGNORECASE)
_LONGEST_SHOWN = 40
_LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class Setting:
    """An option as a file may set it: of ``kind`` bool, int, float or str, or a list of these."""

    name: str
    kind: type
    is_list: bool = False
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None

    def parsed(self, value: object) -> object | None:
        """The value as the option takes it; None for one that cannot be meant."""
        if self.is_list:
            values = value if isinstance(value, list) else [value]
            return values if all(self._fits(each) for each in values) else None
        return value if self._fits(value) else None

    def expected(self) -> str:
        """What a value must be, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        kind = {bool: "true or false", int: "a whole number", float: "a number"}.get(self.kind, "text in quotes")
        return (f"{kind} or an array of such" if self.is_list else kind) + self._range()

    def _range(self) -> str:
        if self.least is not None and self.most is not None:
            return f" from {self.least} to {self.most}"
        if self.least is not None:
            return f" of {self.least} at least"
        return f" of {self.most} at most" if self.most is not None else ""

    def _fits(self, value: object) -> bool:
        if self.kind is bool or isinstance(value, bool):
            return self.kind is bool and isinstance(value, bool)
        if self.kind is str:
            is_text = isinstance(value, str) and bool(value.strip()) and "\0" not in value
            return is_text and (not self.choices or value in self.choices)
        if not isinstance(value, int if self.kind is int else (int, float)) or not -_LARGEST < value < _LARGEST:
            return False
        return (-inf if self.least is None else self.least) <= value <= (inf if self.most is None else self.most)


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A file that has been read. ``is_project``: it is that of a folder, which may be somebody else's."""

    path: str
    content: Mapping[str, object]
    is_project: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """What a setting is, and what made it so; ``file`` where that is a file."""

    value: object
    origin: str
    file: SettingsFile | None = None

    @property
    def is_of_project(self) -> bool:
        """Whether nobody but the file of a folder says so."""
        return self.file is not None and self.file.is_project


def merged(layers: Iterable[Mapping[str, Value]]) -> dict[str, Value]:
    """One value for each name: that of the first of the layers that has it."""
    union: dict[str, Value] = {}
    for layer in layers:
        union = {**layer, **union}
    return union


def of_files(
    files: Sequence[SettingsFile], settings: Mapping[str, Setting], profile: str | None = None
) -> dict[str, Value]:
    """What files say together, the strongest first. Raises SettingsRefused, ProfileNotFound.

    Also what is not asked for now is looked at: a slip in another profile should not wait until that is needed.
    """
    tables = [(file, dict(_tables(file, settings))) for file in files]
    names = dict.fromkeys(name for _, each in tables for name in each if name is not None)
    if profile is not None and profile not in names:
        raise ProfileNotFound(profile, list(names))
    levels = [None] if profile is None else [profile, None]
    return merged(each[level] for level in levels for _, each in tables if level in each)


def is_secret(name: str) -> bool:
    """Whether a name says that its value is a key, a token or a password."""
    return not set(_SECRET_WORDS).isdisjoint(re.split(r"[\W_]+", name.lower()))


def shown(value: object) -> object:
    """A value that may be told: without passwords and keys in addresses, or as KEY=VALUE."""
    if isinstance(value, (list, tuple)):
        return [shown(each) for each in value]
    if not isinstance(value, str):
        return value
    return _SECRET_PAIR.sub(r"\1=***", _CREDENTIALS.sub("***@", value))


def _tables(file: SettingsFile, settings: Mapping[str, Setting]) -> Iterator[tuple[str | None, dict[str, Value]]]:
    """The flat settings of a file, by None, and its profiles by their names."""
    flat = {key: value for key, value in file.content.items() if key != PROFILE}
    yield None, _table(file, None, flat, settings)
    profiles = file.content.get(PROFILE, {})
    for name, table in _pairs(file, PROFILE, profiles):
        yield name, _table(file, name, dict(_pairs(file, f"{PROFILE}.{name}", table)), settings)


def _pairs(file: SettingsFile, key: str, value: object) -> Iterable[tuple[str, object]]:
    if not isinstance(value, Mapping):
        raise SettingsRefused(
            file.path,
            f"{key}: expected a table such as [profile.work], got {_described(value)}",
            "settings stand flat, or under [profile.NAME]; --profile NAME or VOXCLI_PROFILE chooses one",
        )
    return value.items()


def _table(
    file: SettingsFile, profile: str | None, table: Mapping[str, object], settings: Mapping[str, Setting]
) -> dict[str, Value]:
    place = "" if profile is None else f"[profile.{profile}] "
    values = {}
    for key, value in table.items():
        if key not in settings:
            raise _unknown(file, place, key, value, settings)
        parsed = settings[key].parsed(value)
        if parsed is None:
            got = f"expected {settings[key].expected()}, got {_described(value)}"
            raise SettingsRefused(file.path, f"{place}{key}: {got}", _hint(settings[key]))
        values[key] = Value(parsed, f"{file.path} {place}".rstrip(), file)
    return _with_json_as_format(values)


def _with_json_as_format(values: dict[str, Value]) -> dict[str, Value]:
    json = values.pop("json", None)
    if json is not None and json.value:
        values["format"] = Value("jsonl", json.origin, json.file)
    return values


def _unknown(
    file: SettingsFile, place: str, key: str, value: object, settings: Mapping[str, Setting]
) -> SettingsRefused:
    if is_secret(key) and not isinstance(value, Mapping):
        return SettingsRefused(file.path, f"{place}{key}: keys do not belong in a settings file", _KEYS_HINT)
    near = get_close_matches(key.lower().replace("-", "_"), settings, 1)
    hint = f"did you mean {near[0]}?" if near else "settings are the long options, _ for -, flat or in [profile.NAME]"
    return SettingsRefused(file.path, f"{place}{key}: there is no such setting", hint)


def _hint(setting: Setting) -> str:
    example: object = {bool: "true", int: "10", float: "0.5"}.get(setting.kind, '"text"')
    if setting.choices:
        example = f'"{setting.choices[0]}"'
    elif setting.least is not None:
        example = setting.least
    return f"for example {setting.name} = {f'[{example}]' if setting.is_list else example}"


def _described(value: object) -> str:
    """A value that is not what was expected, as TOML would write it, not at any length."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = str(shown(value))
        return f'"{text}"' if len(text) <= _LONGEST_SHOWN else f'"{text[:_LONGEST_SHOWN]}…"'
    if isinstance(value, (int, float)):
        return str(value) if -_LARGEST < value < _LARGEST else "a number that is none, or too large"
    if isinstance(value, list):
        return f"an array with {_described(value[0])}" if value else "an empty array"
    return "a table" if isinstance(value, Mapping) else "a date or a time"
