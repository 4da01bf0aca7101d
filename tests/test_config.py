"""Which value wins, and what files of settings may say."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.config import Setting, SettingsFile, Value, is_secret, merged, of_files, shown
from voxcli.errors import ProfileNotFound, SettingsRefused

SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("language", str),
        Setting("server", str),
        Setting("chunk_ms", int, least=20, most=1000),
        Setting("utterance_end_ms", int, least=1),
        Setting("sample_rate", int),
        Setting("drain_timeout", float, most=60.5),
        Setting("strict", bool),
        Setting("json", bool),
        Setting("format", str, choices=("auto", "text", "jsonl")),
        Setting("output", str, is_list=True),
        Setting("api_key_file", str),
        Setting("tls_key", str),
    )
}
PROJECT, USER = "/p/voxcli.toml", "/u/voxcli.toml"


def project(**content: object) -> SettingsFile:
    return SettingsFile(PROJECT, content, is_project=True)


def user(**content: object) -> SettingsFile:
    return SettingsFile(USER, content)


def refused(**content: object) -> SettingsRefused:
    with pytest.raises(SettingsRefused) as caught:
        of_files([user(**content)], SETTINGS)
    return caught.value


@pytest.mark.parametrize("present", list(product([False, True], repeat=4)))
def test_a_profile_wins_over_what_is_flat_and_the_project_over_the_user(present: tuple[bool, ...]) -> None:
    """Each set of levels: the strongest of those that are there decides, and says so."""
    levels = [(PROJECT, " [profile.x]"), (USER, " [profile.x]"), (PROJECT, ""), (USER, "")]
    content: dict[str, dict[str, object]] = {PROJECT: {"profile": {"x": {}}}, USER: {"profile": {"x": {}}}}
    for number, ((path, profile), is_there) in enumerate(zip(levels, present, strict=True)):
        if is_there:
            table = content[path]["profile"]["x"] if profile else content[path]  # type: ignore[index]
            table["chunk_ms"] = 100 + number
    found = of_files([project(**content[PROJECT]), user(**content[USER])], SETTINGS, "x")
    if not any(present):
        assert found == {}
        return
    first = present.index(True)
    path, profile = levels[first]
    assert (found["chunk_ms"].value, found["chunk_ms"].origin) == (100 + first, path + profile)
    assert found["chunk_ms"].is_of_project is (path == PROJECT)


def test_without_a_profile_none_is_taken() -> None:
    assert of_files([user(profile={"x": {"strict": True}})], SETTINGS) == {}


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers()), max_size=5))
def test_the_first_layer_that_has_a_name_decides(layers: list[dict[str, int]]) -> None:
    found = merged({name: Value(number, "here") for name, number in layer.items()} for layer in layers)
    assert {name: value.value for name, value in found.items()} == {
        name: next(layer[name] for layer in layers if name in layer)
        for name in {key for each in layers for key in each}
    }


def test_what_no_file_says_is_of_no_project() -> None:
    assert not Value(1, "environment VOXCLI_X").is_of_project


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"language": "ko"}, "ko"),
        ({"chunk_ms": 20}, 20),
        ({"drain_timeout": 10}, 10),
        ({"drain_timeout": 60.5}, 60.5),
        ({"strict": False}, False),
        ({"output": "a.txt"}, ["a.txt"]),
        ({"output": ["a.txt", "b.srt"]}, ["a.txt", "b.srt"]),
        ({"output": []}, []),
        ({"tls_key": "key.pem"}, "key.pem"),
        ({"api_key_file": "~/key"}, "~/key"),
    ],
)
def test_values_are_taken_as_the_option_takes_them(content: dict[str, object], expected: object) -> None:
    (value,) = of_files([user(**content)], SETTINGS).values()
    assert value.value == expected
    assert type(value.value) is type(expected)


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ({"chunk_ms": "fast"}, 'chunk_ms: expected a whole number from 20 to 1000, got "fast"', "chunk_ms = 20"),
        ({"chunk_ms": 5}, "chunk_ms: expected a whole number from 20 to 1000, got 5", "chunk_ms = 20"),
        ({"chunk_ms": 20.5}, "chunk_ms: expected a whole number from 20 to 1000, got 20.5", "chunk_ms = 20"),
        ({"chunk_ms": True}, "chunk_ms: expected a whole number from 20 to 1000, got true", "chunk_ms = 20"),
        ({"utterance_end_ms": 0}, "utterance_end_ms: expected a whole number of 1 at least, got 0", "= 1"),
        ({"sample_rate": 2**60}, "sample_rate: expected a whole number, got a number that is none, or too l", "= 10"),
        ({"sample_rate": date(2026, 1, 1)}, "sample_rate: expected a whole number, got a date or a time", "= 10"),
        ({"drain_timeout": 61}, "drain_timeout: expected a number of 60.5 at most, got 61", "= 0.5"),
        ({"drain_timeout": float("nan")}, "drain_timeout: expected a number of 60.5 at most, got a number that", "0.5"),
        ({"strict": 1}, "strict: expected true or false, got 1", "strict = true"),
        ({"strict": "yes"}, 'strict: expected true or false, got "yes"', "strict = true"),
        ({"language": 5}, "language: expected text in quotes, got 5", 'language = "text"'),
        ({"language": ""}, 'language: expected text in quotes, got ""', 'language = "text"'),
        ({"language": "a\0b"}, "language: expected text in quotes, got", 'language = "text"'),
        ({"language": ["en"]}, 'language: expected text in quotes, got an array with "en"', 'language = "text"'),
        ({"language": []}, "language: expected text in quotes, got an empty array", 'language = "text"'),
        ({"format": "srtt"}, 'format: expected one of auto, text, jsonl, got "srtt"', 'format = "auto"'),
        ({"output": [1]}, "output: expected text in quotes or an array of such, got an array with 1", '["text"]'),
        ({"output": {"a": 1}}, "output: expected text in quotes or an array of such, got a table", '["text"]'),
        ({"sample_rate": "x" * 99}, f'sample_rate: expected a whole number, got "{"x" * 40}…"', "= 10"),
        ({"langage": "en"}, "langage: there is no such setting", "did you mean language?"),
        ({"chunk-ms": 100}, "chunk-ms: there is no such setting", "did you mean chunk_ms?"),
        ({"q": 1}, "q: there is no such setting", "settings are the long options"),
        ({"profile": "work"}, 'profile: expected a table such as [profile.work], got "work"', "--profile NAME"),
        ({"profile": {"a": 1}}, "profile.a: expected a table such as [profile.work], got 1", "--profile NAME"),
        ({"profile": {"a": {"strikt": True}}}, "[profile.a] strikt: there is no such setting", "did you mean strict?"),
        ({"profile": {"a": {"profile": "b"}}}, "[profile.a] profile: there is no such setting", "settings are"),
        ({"token": {"x": 1}}, "token: there is no such setting", "settings are"),
    ],
)
def test_what_cannot_be_meant_is_refused(content: dict[str, object], message: str, hint: str) -> None:
    error = refused(**content)
    assert error.message.startswith(f"{USER}: {message}")
    assert hint in error.hint
    assert error.exit_code == 2


@pytest.mark.parametrize(
    "key",
    ["api_key", "deepgram_api_key", "DEEPGRAM_API_KEY", "server_token", "serve-tokens", "token", "password", "auth"],
)
@pytest.mark.parametrize("profile", [None, "work"])
def test_no_key_is_taken_from_a_file_or_told(key: str, profile: str | None) -> None:
    table: dict[str, object] = {key: "s3cret-value"}
    error = refused(**table) if profile is None else refused(profile={profile: table})
    assert f"{key}: keys do not belong in a settings file" in error.message
    assert "DEEPGRAM_API_KEY" in error.hint
    assert "api_key_file" in error.hint
    assert "s3cret" not in error.message + error.hint


def test_a_profile_that_is_nowhere_is_refused_with_those_that_there_are() -> None:
    files = [project(profile={"call": {}}), user(profile={"work": {}, "call": {}})]
    with pytest.raises(ProfileNotFound) as caught:
        of_files(files, SETTINGS, "wrk")
    assert (caught.value.message, caught.value.hint) == ("there is no profile wrk", "there are call, work")
    with pytest.raises(ProfileNotFound) as caught:
        of_files([], SETTINGS, "work")
    assert caught.value.hint == "[profile.work] in voxcli.toml makes one"


@pytest.mark.parametrize(
    ("stronger", "weaker", "expected"),
    [
        ({"json": True}, {"format": "text"}, "jsonl"),
        ({"format": "text"}, {"json": True}, "text"),
        ({"json": True, "format": "text"}, {}, "jsonl"),
        ({"json": False, "format": "text"}, {"json": True}, "text"),
        ({"json": False}, {"json": True}, "jsonl"),
    ],
)
def test_json_is_a_format(stronger: dict[str, object], weaker: dict[str, object], expected: str) -> None:
    found = of_files([project(**stronger), user(**weaker)], SETTINGS)
    assert list(found) == ["format"]
    assert found["format"].value == expected


TEXT = st.text("aé=/@\0 ", max_size=5)
TOML = st.recursive(
    st.booleans() | st.integers() | st.floats() | TEXT | st.just(date(2026, 1, 1)),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*SETTINGS, "profile", "langage", "api_key"]), TOML, max_size=3))
def test_whatever_a_file_says_it_is_taken_or_refused(content: dict[str, object]) -> None:
    with suppress(SettingsRefused):
        found = of_files([user(**content)], SETTINGS)
        assert all(SETTINGS[name].parsed(value.value) == value.value for name, value in found.items())


def test_which_names_are_secret() -> None:
    assert all(map(is_secret, ("key", "API-Key", "x.token", "auth")))
    assert not any(map(is_secret, ("keyterm", "monkey", "tokenize", "")))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("ws://u:p@ss@host/x", "ws://***@host/x"),
        ("deepgram=wss://me:pw@a,server=ws://b?Token=x1&y=2", "deepgram=wss://***@a,server=ws://b?Token=***&y=2"),
        ("api_key=abc", "api_key=***"),
        ("keyterm=Ada", "keyterm=Ada"),
        (["access-token=abc", "a@b"], ["access-token=***", "a@b"]),
        (5, 5),
        (None, None),
    ],
)
def test_what_is_secret_in_a_value_is_not_told(value: object, told: object) -> None:
    assert shown(value) == told
