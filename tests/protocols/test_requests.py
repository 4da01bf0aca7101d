"""Queries of clients: what is understood, what is ignored and what is refused, always in one short line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.audio import Encoding
from voxcli.protocols.requests import MOST_VALUE, Refused, Values, audio_format, listed, shown

texts = st.text(max_size=30)
queries = st.lists(st.tuples(texts, texts), max_size=8)


@given(queries)
def test_the_last_of_a_name_counts_and_all_are_kept(query: list[tuple[str, str]]) -> None:
    """An empty value is as good as none."""
    values = Values(query)
    for name, _ in query:
        last = [value for key, value in query if key == name][-1]
        assert values.text(name) == (last or None)
        assert values.has(name) == bool(last)
        assert values.all(name) == [value for key, value in query if key == name]
    assert values.text("not a name that is drawn, being longer") is None


@given(st.text(min_size=1, max_size=12))
def test_a_flag_is_true_false_or_refused(text: str) -> None:
    """Whatever the case; 1 and 0 too."""
    values = Values([("flag", text)])
    if text.lower() in ("true", "1", "false", "0"):
        assert values.flag("flag") == (text.lower() in ("true", "1"))
    else:
        with pytest.raises(Refused, match=r"^flag: expected true or false, got "):
            values.flag("flag")


def test_what_is_not_said_has_a_default() -> None:
    """Of every kind of value."""
    values = Values([])
    assert values.flag("flag", default=True)
    assert not values.flag("flag")
    assert values.whole("number", least=0, most=9) is None
    assert values.one_of("kind", ["a"]) is None


@given(st.integers(-5, 200))
def test_a_number_lies_within_its_bounds_or_is_refused(number: int) -> None:
    """Both bounds are allowed."""
    values = Values([("number", str(number))])
    if 3 <= number <= 150:
        assert values.whole("number", least=3, most=150) == number
    else:
        with pytest.raises(Refused, match=r"^number: expected a whole number from 3 to 150, got -?\d+$"):
            values.whole("number", least=3, most=150)


@pytest.mark.parametrize("text", ["1e3", "٣", "1.5", "+5", " 5", "9" * 5000 if MOST_VALUE > 5000 else "9" * 1999])
def test_numbers_are_digits_and_nothing_else(text: str) -> None:
    """However long they are."""
    with pytest.raises(Refused, match=r"^number: "):
        Values([("number", text)]).whole("number", least=0, most=100)


def test_a_choice_may_be_written_in_any_case() -> None:
    """What is none is named beside those that there are."""
    values = Values([("kind", "MuLaw")])
    assert values.one_of("kind", ["alaw", "mulaw"]) == "mulaw"
    with pytest.raises(Refused, match=r"^kind: expected a, b or c, got MuLaw$"):
        values.one_of("kind", ["a", "b", "c"])
    assert listed(["a"]) == "a"


def test_a_value_of_any_length_or_kind_makes_a_short_line() -> None:
    """So that it can stand in a header and on a terminal."""
    assert shown("a\r\nb\x1b[31m") == "a??b?[31m"
    assert shown("x" * 100) == "x" * 40 + "…"
    with pytest.raises(Refused, match=f"^tag: expected at most {MOST_VALUE} characters, got {MOST_VALUE + 1}$"):
        Values([("tag", "x" * (MOST_VALUE + 1))])


def test_formats_that_cannot_be_are_refused() -> None:
    """In the words of the format itself."""
    assert audio_format(Encoding.LINEAR16, 8_000, 2).frame_bytes == 4
    with pytest.raises(Refused, match=r"^a sample rate of 5 Hz is not possible$"):
        audio_format(Encoding.LINEAR16, 5, 1)
