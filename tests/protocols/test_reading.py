"""Every field of every kind, with what is right in it and with everything that can be wrong."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.events import Word
from voxcli.protocols import Malformed
from voxcli.protocols.reading import (
    MOST_SECONDS,
    Missing,
    as_object,
    as_whole,
    complaint,
    confidence_at,
    endings,
    flag_at,
    json_object,
    list_at,
    optional_text,
    optional_time,
    text_at,
    time_at,
    whole_at,
    words_at,
)

NAN, INFINITY = math.nan, math.inf
HUGE = 10**400


def test_a_message_is_a_json_object() -> None:
    assert json_object('{"a": [1, 2.5, null]}') == {"a": [1, 2.5, None]}


@pytest.mark.parametrize(
    "message",
    ["", "{", "[]", "null", "12", '"text"', "NaN", "{} {}", '{"a":}', "[" * 100_000, '{"a":' * 100_000, "9" * 5_000],
)
def test_anything_else_is_malformed(message: str) -> None:
    with pytest.raises(Malformed):
        json_object(message)


def test_an_error_keeps_nothing_of_the_message() -> None:
    with pytest.raises(Malformed) as caught:
        json_object("x" * 1_000_000)
    assert caught.value.__suppress_context__
    assert len(str(caught.value)) < 100


@given(st.text() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_text_of_any_kind_is_read_or_malformed(message: str) -> None:
    try:
        read = json_object(message)
    except Malformed:
        return
    assert isinstance(read, dict)


NOT_TIMES = [-1, -0.5, NAN, INFINITY, -INFINITY, HUGE, -HUGE, 1.1e9, True, False, "1", [], {}]


@pytest.mark.parametrize("value", NOT_TIMES)
def test_what_is_no_time(value: object) -> None:
    for read in (time_at, optional_time):
        with pytest.raises(Malformed, match=r"^end is not a time in seconds$") as caught:
            read({"end": value}, "end")
        assert caught.type is Malformed


@pytest.mark.parametrize("value", [0, 0.0, 7, 2.395, MOST_SECONDS, 10**9])
def test_what_is_a_time(value: float) -> None:
    for read in (time_at, optional_time):
        time = read({"end": value}, "end")
        assert (time, type(time)) == (value, float)


@pytest.mark.parametrize("fields", [{}, {"end": None}])
def test_a_time_that_is_not_there(fields: dict[str, object]) -> None:
    assert optional_time(fields, "end") is None
    with pytest.raises(Missing, match=r"^end is missing$"):
        time_at(fields, "end")


@pytest.mark.parametrize(
    ("value", "confidence"),
    [
        (0.25, 0.25),
        (0, 0.0),
        (1, 1.0),
        (1.0000001, 1.0),
        (-0.1, 0.0),
        (174.03, 1.0),
        (HUGE, 1.0),
        (-HUGE, 0.0),
        (NAN, None),
        (INFINITY, None),
        (-INFINITY, None),
        (None, None),
    ],
)
def test_a_confidence_is_brought_into_its_range(value: float | None, confidence: float | None) -> None:
    read = confidence_at({"conf": value}, "conf")
    assert (read, type(read)) == (confidence, type(confidence))


@pytest.mark.parametrize("value", [True, "0.5", [], {}])
def test_what_is_no_confidence(value: object) -> None:
    with pytest.raises(Malformed, match=r"^confidence is not a number$"):
        confidence_at({"confidence": value})


def test_a_confidence_that_is_not_there() -> None:
    assert confidence_at({"conf": 0.5}) is None


@pytest.mark.parametrize("value", [-1, 8, 1.0, True, HUGE, "1", [], {}])
def test_what_is_no_whole_number(value: object) -> None:
    with pytest.raises(Malformed, match=r"^seq is not a whole number from 0 to 7$"):
        whole_at({"seq": value}, "seq", most=7)
    with pytest.raises(Malformed, match=r"^seq is not a whole number from 0 to 7$"):
        as_whole(value, "seq", most=7)


def test_whole_numbers() -> None:
    assert [whole_at({"seq": value}, "seq", most=7) for value in (None, 0, 7)] == [None, 0, 7]
    assert whole_at({}, "seq", most=7) is None
    assert as_whole(7, "seq", most=7) == 7


def test_strings() -> None:
    assert text_at({"word": ""}, "word") == ""
    assert optional_text({"word": "day"}, "word") == "day"
    assert optional_text({}, "word") is None
    assert optional_text({"word": None}, "word") is None
    for value in (1, True, [], {}):
        for read in (text_at, optional_text):
            with pytest.raises(Malformed, match=r"^word is not a string$"):
                read({"word": value}, "word")
    with pytest.raises(Malformed):
        text_at({}, "word")


@given(st.text(st.characters(categories=["Cs", "Lu", "So"]), max_size=8))
def test_half_a_character_is_told_as_one_that_is_not_known(text: str) -> None:
    """Everything else comes as it is, pairs as the character that they are, and all of it can be written."""
    said = text_at(json_object(json.dumps({"a": text})), "a")
    assert said == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    said.encode()
    complaint({"message": text, "variant": text}).encode()


def test_lists_and_objects() -> None:
    assert list_at({"words": [1]}, "words") == [1]
    assert as_object({"a": 1}, "a word") == {"a": 1}
    for value in (None, "[]", {}, 1):
        with pytest.raises(Malformed, match=r"^words is not a list$"):
            list_at({"words": value}, "words")
    for other in (None, "{}", [], 1):
        with pytest.raises(Malformed, match=r"^a word is not a JSON object$"):
            as_object(other, "a word")


def test_flags() -> None:
    assert [flag_at({"on": value}, "on") for value in (True, False, None)] == [True, False, False]
    assert flag_at({}, "on", default=True)
    assert not flag_at({"on": False}, "on", default=True)
    for value in (0, 1, "true", [], {}):
        with pytest.raises(Malformed, match=r"^on is neither true nor false$"):
            flag_at({"on": value}, "on")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, (False, False)),
        ({"is_final": True}, (True, False)),
        ({"speech_final": True}, (True, True)),
        ({"speech_final": True, "is_final": None}, (True, True)),
        ({"speech_final": True, "is_final": False}, (False, True)),
        ({"speech_final": False, "is_final": True}, (True, False)),
    ],
)
def test_what_ends_an_utterance_is_final_unless_it_says_otherwise(
    fields: dict[str, object], expected: tuple[bool, bool]
) -> None:
    assert endings(fields) == expected


def test_words() -> None:
    plain = {"word": "good", "start": 0, "end": 0.5}
    full = {"word": "day", "start": 1, "end": 2, "confidence": 0.5, "punctuated_word": "day.", "speaker": 3}
    assert words_at({"words": [plain, full]}) == (
        Word(word="good", start=0.0, end=0.5, confidence=1.0),
        Word(word="day", start=1.0, end=2.0, confidence=0.5, punctuated_word="day.", speaker=3),
    )
    assert words_at({"result": [plain | {"conf": 0.75}]}, "result", confidence="conf") == (
        Word(word="good", start=0.0, end=0.5, confidence=0.75),
    )
    assert words_at({"words": []}) == ()
    assert words_at({"words": None}) is None
    assert words_at({}) is None


@pytest.mark.parametrize("name", ["start", "end"])
def test_a_word_without_a_time_is_told_from_one_with_a_wrong_time(name: str) -> None:
    word = {"word": "good", "start": 0, "end": 0.5}
    with pytest.raises(Missing):
        words_at({"words": [{**word, name: None}]})
    with pytest.raises(Malformed) as caught:
        words_at({"words": [{**word, name: -1}]})
    assert caught.type is Malformed


@pytest.mark.parametrize(
    "wrong",
    [{"word": None}, {"word": 3}, {"confidence": "high"}, {"punctuated_word": 3}, {"speaker": -1}, {"speaker": 0.5}],
)
def test_a_wrong_word_is_malformed(wrong: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        words_at({"words": [{"word": "good", "start": 0, "end": 0.5} | wrong]})


@pytest.mark.parametrize("words", ["good day", {}, 3, ["good", "day"], [None]])
def test_what_is_no_list_of_words(words: object) -> None:
    with pytest.raises(Malformed):
        words_at({"words": words})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"variant": "SchemaError", "description": "Could not deserialize", "message": "bad type", "code": "X-1"},
            "Could not deserialize: bad type (SchemaError, X-1)",
        ),
        ({"description": "same", "message": "same"}, "same"),
        ({"message": "bad\n\tformat ", "code": 4400}, "bad format (4400)"),
        ({"error": "out of memory"}, "out of memory"),
        ({"error": {"message": "no model", "code": 404}, "message": "outer"}, "no model (404)"),
        ({"error": {"error": "in here"}}, "in here"),
        ({"code": "SLOW"}, "SLOW"),
        ({"message": ["bad"], "code": True}, "the server reports an error and does not say which"),
        ({"message": " "}, "the server reports an error and does not say which"),
        ({}, "the server reports an error and does not say which"),
    ],
)
def test_a_complaint_is_one_line(fields: dict[str, object], expected: str) -> None:
    assert complaint(fields) == expected


def test_a_complaint_is_bounded_and_keeps_its_code() -> None:
    assert complaint({"message": "x" * 10_000, "code": 7}) == "x" * 500 + " (7)"
    assert len(complaint({"message": "x" * 10_000, "code": "y" * 10_000})) == 1_000
    assert len(complaint({"message": "x" * 10_000})) == 1_000
