"""Reading what servers send: a field is what it should be, or the message is Malformed. A field of null is absent."""

from __future__ import annotations

import json
import math
from typing import Any

from voxcli.events import Word
from voxcli.protocols import Malformed

Fields = dict[str, Any]
"""A JSON object."""

MOST_SECONDS = 1e9
"""No time is later than this (31 years), so that sums of times stay finite and fit in samples."""

_LONGEST_COMPLAINT = 500
"""Characters of a server's own words that are kept."""


class Missing(Malformed):
    """A time that should be there is not."""


def json_object(message: str) -> Fields:
    """The JSON object that a text message is. Raises Malformed for other JSON and for what is no JSON."""
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        raise Malformed("the message is not JSON, or nested too deeply") from None
    return as_object(value, "the message")


def as_object(value: object, name: str) -> Fields:
    """``value``, which must be a JSON object. Raises Malformed."""
    if isinstance(value, dict):
        return value
    raise Malformed(f"{name} is not a JSON object")


def list_at(fields: Fields, name: str) -> list[Any]:
    """The list of that name. Raises Malformed."""
    value = fields.get(name)
    if isinstance(value, list):
        return value
    raise Malformed(f"{name} is not a list")


def text_at(fields: Fields, name: str) -> str:
    """The string of that name, without halves of characters. Raises Malformed."""
    value = fields.get(name)
    if isinstance(value, str):
        return value if value.isascii() else whole_characters(value)
    raise Malformed(f"{name} is not a string")


def whole_characters(text: str) -> str:
    """The text that can be written as UTF-8: JSON can name half of a surrogate pair alone, which no text may hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def optional_text(fields: Fields, name: str) -> str | None:
    """The string of that name, None where there is none. Raises Malformed."""
    return None if fields.get(name) is None else text_at(fields, name)


def flag_at(fields: Fields, name: str, *, default: bool = False) -> bool:
    """The boolean of that name. Raises Malformed."""
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    raise Malformed(f"{name} is neither true nor false")


def endings(fields: Fields) -> tuple[bool, bool]:
    """``is_final`` and ``speech_final``; what ends an utterance is final unless it says otherwise. Raises Malformed."""
    speech_final = flag_at(fields, "speech_final")
    return flag_at(fields, "is_final", default=speech_final), speech_final


def time_at(fields: Fields, name: str) -> float:
    """The seconds of that name: finite, not negative. Raises Missing, and Malformed."""
    value = fields.get(name)
    if value is None:
        raise Missing(f"{name} is missing")
    if (type(value) is float or type(value) is int) and 0 <= value <= MOST_SECONDS:
        return float(value)
    raise Malformed(f"{name} is not a time in seconds")


def optional_time(fields: Fields, name: str) -> float | None:
    """The seconds of that name, None where there are none. Raises Malformed."""
    return None if fields.get(name) is None else time_at(fields, name)


def whole_at(fields: Fields, name: str, *, most: int) -> int | None:
    """The whole number of that name, from 0 to ``most``; None where there is none. Raises Malformed."""
    value = fields.get(name)
    return None if value is None else as_whole(value, name, most=most)


def as_whole(value: object, name: str, *, most: int) -> int:
    """``value``, which must be a whole number from 0 to ``most``. Raises Malformed."""
    if type(value) is int and 0 <= value <= most:
        return value
    raise Malformed(f"{name} is not a whole number from 0 to {most}")


def confidence_at(fields: Fields, name: str = "confidence") -> float | None:
    """The number of that name, brought between 0 and 1; None where there is no finite one. Raises Malformed."""
    value = fields.get(name)
    if value is None:
        return None
    if type(value) is float or type(value) is int:
        if 0 <= value <= 1:
            return float(value)
        return float(value > 0) if abs(value) < math.inf else None
    raise Malformed(f"{name} is not a number")


def words_at(fields: Fields, name: str = "words", *, confidence: str = "confidence") -> tuple[Word, ...] | None:
    """The words of that name, None where there are none. Raises Missing for a word without times, and Malformed."""
    if fields.get(name) is None:
        return None
    return tuple([_word(word, confidence) for word in list_at(fields, name)])


def _word(given: object, confidence: str) -> Word:
    fields = as_object(given, "a word")
    certain = confidence_at(fields, confidence)
    return Word(
        word=text_at(fields, "word"),
        start=time_at(fields, "start"),
        end=time_at(fields, "end"),
        confidence=1.0 if certain is None else certain,
        punctuated_word=optional_text(fields, "punctuated_word"),
        speaker=whole_at(fields, "speaker", most=1_000_000),
    )


def complaint(fields: Fields) -> str:
    """What an error says, as one line: ``description: message (variant, code)`` as far as given; never empty."""
    inner = fields.get("error")
    said = inner if isinstance(inner, dict) else fields
    sentence = ": ".join(_plain(said, "description", "message", "error"))
    names = ", ".join(_plain(said, "variant", "code"))
    if sentence and names:
        sentence = f"{sentence[:_LONGEST_COMPLAINT]} ({names})"
    return (sentence or names or "the server reports an error and does not say which")[: 2 * _LONGEST_COMPLAINT]


def _plain(fields: Fields, *names: str) -> list[str]:
    """Strings and whole numbers of those names, each in one line, none empty and none twice."""
    values = [fields.get(name) for name in names]
    texts = [whole_characters(str(value)) for value in values if type(value) is str or type(value) is int]
    return list(dict.fromkeys(line for text in texts if (line := " ".join(text.split()))))
