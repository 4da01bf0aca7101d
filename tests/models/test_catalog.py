"""The publisher's list, and what is chosen from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.errors import ModelNotFound
from voxcli.models.catalog import choose, parse

REAL = {
    "lang": "en-us",
    "lang_text": "US English",
    "md5": "09fb6fb5d9b2f1e29a4a2e1a5e3b2bd9",
    "name": "vosk-model-small-en-us-0.15",
    "obsolete": "false",
    "size": 41205931,
    "size_text": "39.3MiB",
    "type": "small",
    "url": "https://alphacephei.com/vosk/models/vosk-model-small-en-us-0.15.zip",
    "version": "0.15",
}


def listed(**changed: object) -> dict[str, Any]:
    return {**REAL, **changed}


def some(*rows: tuple[str, str, str, int]) -> list[Any]:
    items = [listed(name=name, lang=language, type=kind, size=size) for name, language, kind, size in rows]
    return parse(json.dumps(items).encode())


OFFERED = some(
    ("vosk-model-en-us-0.22", "en-us", "big", 1_800_000_000),
    ("vosk-model-small-en-in-0.4", "en-in", "small", 36_000_000),
    ("vosk-model-small-en-us-0.4", "en-us", "small", 30_000_000),
    ("vosk-model-small-en-us-0.15", "en-us", "small", 41_205_931),
    ("vosk-model-br-0.9", "br", "big", 170_000_000),
    ("vosk-model-br-0.8", "br", "big", 70_000_000),
    ("vosk-model-small-cn-0.22", "cn", "small", 42_000_000),
)


def test_an_entry_as_the_publisher_writes_it() -> None:
    (entry,) = parse(json.dumps([REAL]).encode())
    assert (entry.name, entry.language, entry.kind) == ("vosk-model-small-en-us-0.15", "en-us", "small")
    assert (entry.size_bytes, entry.obsolete) == (41205931, False)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "../../etc"},
        {"name": "a/b"},
        {"name": ".hidden"},
        {"name": None},
        {"md5": "short"},
        {"md5": None},
        {"size": "41205931"},
        {"size": 0},
        {"size": None},
        {"type": "spk"},
    ],
)
def test_an_entry_that_cannot_be_checked_or_used_is_left_out(changed: dict[str, object]) -> None:
    assert len(parse(json.dumps([REAL, listed(**changed)]).encode())) == 1


@pytest.mark.parametrize("text", [b"", b"<html>", b"{}", b"[]", b'["x"]', b"null", b"\xff"])
def test_no_list(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"names no model|Expecting value|decode"):
        parse(text)


@given(st.binary(max_size=200))
def test_any_answer_is_a_list_or_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("en", "vosk-model-small-en-us-0.15"),
        ("en-us", "vosk-model-small-en-us-0.15"),
        ("EN_IN", "vosk-model-small-en-in-0.4"),
        ("zh", "vosk-model-small-cn-0.22"),
        ("br", "vosk-model-br-0.8"),
        ("vosk-model-en-us-0.22", "vosk-model-en-us-0.22"),
        ("VOSK_MODEL_EN_US_0.22", "vosk-model-en-us-0.22"),
    ],
)
def test_choose(wanted: str, name: str) -> None:
    assert choose(OFFERED, wanted).name == name


def test_an_obsolete_model_is_taken_by_its_name_only() -> None:
    entries = parse(json.dumps([listed(obsolete="true")]).encode())
    assert choose(entries, "vosk-model-small-en-us-0.15").obsolete
    with pytest.raises(ModelNotFound):
        choose(entries, "en")


@pytest.mark.parametrize(
    ("wanted", "sentence", "hint"),
    [
        ("xx", "for the language xx", "there are br, cn, en-in, en-us"),
        ("en-uk", "for the language en-uk", "did you mean en-us or en-in"),
        ("vosk-model-small-en-us-0.16", "of the name vosk-model", "did you mean vosk-model-small-en-us-0.15"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is_near(wanted: str, sentence: str, hint: str) -> None:
    with pytest.raises(ModelNotFound, match=sentence) as caught:
        choose(OFFERED, wanted)
    assert hint in caught.value.hint


def test_what_was_meant_as_a_name_is_called_one() -> None:
    with pytest.raises(ModelNotFound, match="the publisher has no model of the name nosuch"):
        choose(OFFERED, "nosuch", named=True)
    with pytest.raises(ModelNotFound, match="the publisher has no model for the language xx"):
        choose(OFFERED, "xx", named=False)
