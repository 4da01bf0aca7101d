"""Words in, lines and cues of readable length out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.typesetting import LINE_CELLS, LONGEST_MS, Piece, breakable, cells, cues, fits, label, lines


def pieces(text: str, *, speaker: int | None = None, each_ms: int = 300) -> list[Piece]:
    """Words, one after the other without a breath."""
    parts = [(part, number > 0) for token in text.split() for number, part in enumerate(breakable(token, speaker))]
    return [
        Piece(text=part, start=each_ms * at, end=each_ms * (at + 1), speaker=speaker, glued=glued, width=cells(part))
        for at, (part, glued) in enumerate(parts)
    ]


def texts(parts: Sequence[Sequence[Piece]]) -> list[str]:
    return [" ".join(piece.text for piece in part) for part in parts]


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("abc", 3),
        ("é", 1),
        ("e\u0301", 1),
        ("안녕", 4),
        ("日本", 4),
        ("ｗｉｄｅ", 8),
        ("a\u200db", 2),
        ("␛", 1),
    ],
)
def test_cells_are_what_a_terminal_shows(text: str, width: int) -> None:
    assert cells(text) == width


def test_a_word_is_whole() -> None:
    assert breakable("well-known,", None) == ["well-known,"]
    assert breakable("안녕하세요", None) == ["안녕하세요"]


def test_a_word_wider_than_a_line_is_cut() -> None:
    assert breakable("x" * 100, None) == ["x" * 42, "x" * 42, "x" * 16]
    assert breakable("안" * 22, None) == ["안" * 21, "안"]
    assert [len(part) for part in breakable("x" * 62, 1)] == [31, 31]


def test_chinese_and_japanese_break_anywhere_but_at_the_wrong_side_of_a_mark() -> None:
    assert breakable("我们（今天）。好", None) == ["我", "们", "（今", "天）。", "好"]
    assert breakable("ラーメン", None) == ["ラー", "メ", "ン"]
    assert breakable("用Python写", None) == ["用", "Python", "写"]


def test_what_fits_in_a_line_is_one_line() -> None:
    assert lines(pieces("Nobody was awake when the boats came home.")) == (
        "Nobody was awake when the boats came home.",
    )


def test_two_lines_are_balanced() -> None:
    assert lines(pieces("it was late when the last of the boats came home")) == (
        "it was late when the last",
        "of the boats came home",
    )


def test_a_line_ends_at_a_mark_if_that_is_not_far() -> None:
    assert lines(pieces("Before the clock struck ten, every fish had been sold.")) == (
        "Before the clock struck ten,",
        "every fish had been sold.",
    )
    assert lines(pieces("Well, before the clock struck ten every fish had been sold.")) == (
        "Well, before the clock struck",
        "ten every fish had been sold.",
    )


def test_a_line_ends_at_a_breath_if_that_is_not_far() -> None:
    said = pieces("it was late when the last boats of all came home")
    breathed = [*said[:5], *(replace(piece, start=piece.start + 400, end=piece.end + 400) for piece in said[5:])]
    assert lines(said) == ("it was late when the last", "boats of all came home")
    assert lines(breathed) == ("it was late when the", "last boats of all came home")


def test_the_label_takes_room_in_the_first_line() -> None:
    said = pieces("Nobody was awake when the boats came home.", speaker=1)
    assert label(1) == "Speaker 1: "
    assert label(None) == ""
    assert lines(said) == ("Nobody was awake", "when the boats came home.")


def test_chinese_is_set_without_spaces() -> None:
    said = pieces("我们今天去公园散步，因为天气很好，而且我们有很多时间可以在那里慢慢地走。")
    first, second = lines(said)
    assert first + second == "我们今天去公园散步，因为天气很好，而且我们有很多时间可以在那里慢慢地走。"
    assert first.endswith("，")


def test_cues_end_with_sentences() -> None:
    text = (
        "The second point is the new office. It is larger than the old one. "
        "It is also closer to the station than it was. The third point is lunch."
    )
    assert texts(cues(pieces(text, each_ms=200))) == [
        "The second point is the new office. It is larger than the old one.",
        "It is also closer to the station than it was. The third point is lunch.",
    ]


def test_no_cue_is_left_with_a_word_or_two() -> None:
    words = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    parts = texts(cues(pieces(words, each_ms=200)))
    assert len(parts) == 2
    assert min(map(len, parts)) > 40


def test_an_open_utterance_keeps_a_line_back_for_what_follows() -> None:
    said = pieces(
        "it was late when the last of the boats came home and nobody at all was still awake then and", each_ms=200
    )
    assert texts(cues(said, is_open=True)) == [
        "it was late when the last of the boats came home",
        "and nobody at all was still awake then and",
    ]


def test_an_open_utterance_keeps_less_back_behind_a_sentence() -> None:
    said = pieces("it was late when the last of the boats came home. nobody was awake then. the end of", each_ms=200)
    assert texts(cues(said, is_open=True)) == [
        "it was late when the last of the boats came home. nobody was awake then.",
        "the end of",
    ]


def test_a_slow_voice_makes_short_cues() -> None:
    said = pieces("one two three four five six", each_ms=2_000)
    assert texts(cues(said)) == ["one two three", "four five six"]
    assert texts(cues(pieces("one two", each_ms=9_000))) == ["one", "two"]


def test_a_cue_that_would_flash_is_avoided() -> None:
    text = "Yes, I do know. It was late when the last of the boats came home to the harbour below."
    assert texts(cues(pieces(text, each_ms=200)))[0] == "Yes, I do know."
    assert texts(cues(pieces(text, each_ms=100)))[0] == "Yes, I do know. It was late when the last of"


def test_nothing_is_no_cue() -> None:
    assert cues([]) == cues([], is_open=True) == []


WORDS = st.lists(
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=60)
    | st.text("我ー。（a!", min_size=1, max_size=60),
    min_size=1,
    max_size=60,
)


@given(WORDS, st.none() | st.integers(0, 1_000_000), st.integers(0, 3_000), st.booleans())
def test_whatever_is_said_fits_and_nothing_is_left_out(
    words: list[str], speaker: int | None, each_ms: int, is_open: bool
) -> None:
    said = pieces(" ".join(words), speaker=speaker, each_ms=each_ms)
    parts = cues(said, is_open=is_open)
    assert [piece for part in parts for piece in part] == said
    for part in parts:
        set_lines = lines(part)
        assert fits(part)
        assert len(set_lines) <= 2
        assert cells(label(speaker) + set_lines[0]) <= LINE_CELLS
        assert all(cells(line) <= LINE_CELLS for line in set_lines)
        assert len(part) == 1 or part[-1].end - part[0].start <= LONGEST_MS
        assert "".join(set_lines).replace(" ", "") == "".join(piece.text for piece in part)
