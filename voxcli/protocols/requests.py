"""Reading what clients ask of a server in a query: a value is one that it can be, or the request is Refused.

Unknown names are ignored, as Deepgram does; a bad value of a known name never is.
"""

from __future__ import annotations

from collections.abc import Sequence

from voxcli.audio import AudioFormat, Encoding
from voxcli.errors import UsageError

Query = Sequence[tuple[str, str]]
"""Names and values in their order, decoded."""

MOST_VALUE = 2_000
"""Characters of one value."""

_TRUE = ("true", "1")
_FALSE = ("false", "0")


class Refused(ValueError):
    """A request that cannot be served as it stands: one sentence that names what was expected and what came."""


class Values:
    """The values of a query by name. Where a name comes again the last one counts; ``all`` has each of them."""

    def __init__(self, query: Query) -> None:
        for name, value in query:
            if len(value) > MOST_VALUE:
                raise Refused(f"{name}: expected at most {MOST_VALUE} characters, got {len(value)}")
        self._query = query
        self._last = dict(query)

    def has(self, name: str) -> bool:
        """Whether the name stands in the query with a value."""
        return bool(self._last.get(name))

    def text(self, name: str) -> str | None:
        """The value, None where there is none."""
        return self._last.get(name) or None

    def all(self, name: str) -> list[str]:
        """Every value of a name that may be repeated."""
        return [value for key, value in self._query if key == name]

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean. Raises Refused."""
        value = (self.text(name) or "").lower()
        if not value:
            return default
        if value in _TRUE + _FALSE:
            return value in _TRUE
        raise Refused(f"{name}: expected true or false, got {shown(value)}")

    def whole(self, name: str, *, least: int, most: int) -> int | None:
        """A whole number; None where there is none. Raises Refused."""
        value = self.text(name)
        if value is None:
            return None
        if value.isascii() and value.isdecimal() and len(value) <= len(str(most)) and least <= int(value) <= most:
            return int(value)
        raise Refused(f"{name}: expected a whole number from {least} to {most}, got {shown(value)}")

    def one_of(self, name: str, choices: Sequence[str]) -> str | None:
        """One of the choices; None where there is none. Raises Refused."""
        value = self.text(name)
        if value is None or value.lower() in choices:
            return None if value is None else value.lower()
        raise Refused(f"{name}: expected {listed(choices)}, got {shown(value)}")


def audio_format(encoding: Encoding, sample_rate: int, channels: int) -> AudioFormat:
    """The format of raw audio. Raises Refused."""
    try:
        return AudioFormat(encoding, sample_rate, channels)
    except UsageError as error:
        raise Refused(error.message) from error


def listed(choices: Sequence[str]) -> str:
    """``a, b or c``."""
    *first, last = choices
    return f"{', '.join(first)} or {last}" if first else last


def shown(value: str) -> str:
    """A value as a sentence may quote it: one short line."""
    line = "".join(character if character.isprintable() else "?" for character in value)
    return line if len(line) <= 40 else f"{line[:40]}…"
