"""Results in, cues out: in time, in order, never too short, nothing left out."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from voxcli.events import Event, Gap, Notice, Results, Summary, Word
from voxcli.printable import printable
from voxcli.subtitles import CELLS_A_SECOND, Cue, Subtitles
from voxcli.typesetting import cells, label

END = "the end of an utterance that no event tells of"


def word(text: str, start: float, end: float, speaker: int | None = None) -> Word:
    return Word(word=text, start=start, end=end, confidence=1, speaker=speaker)


def final(*words: Word, end: float, start: float = 0, endpoint: bool = True, backend: str = "vosk") -> Results:
    return Results(
        transcript=" ".join(each.word for each in words),
        is_final=True,
        speech_final=endpoint,
        start=start,
        duration=end - start,
        words=words,
        backend=backend,
    )


def untimed(text: str, start: float, end: float, *, speech: tuple[float, float] | None = None) -> Results:
    return Results(
        transcript=text,
        is_final=True,
        speech_final=True,
        start=start,
        duration=end - start,
        speech_start=speech[0] if speech else None,
        speech_end=speech[1] if speech else None,
        backend="moonshine",
    )


def summary(audio_seconds: float) -> Summary:
    return Summary(
        audio_seconds=audio_seconds,
        covered_seconds=audio_seconds,
        lost_seconds=0,
        finals=0,
        reconnects=0,
        failovers=0,
        stop_reason="end_of_source",
    )


def told(*events: Event | str) -> list[list[Cue]]:
    """The cues that each event makes certain, then those that are left."""
    subtitles = Subtitles()
    cues = [subtitles.end_utterance() if isinstance(event, str) else subtitles.add(event) for event in events]
    return [*cues, subtitles.finish()]


def shown(*events: Event | str) -> list[tuple[int, int, str]]:
    return [(cue.start_ms, cue.end_ms, " / ".join(cue.lines)) for cues in told(*events) for cue in cues]


def test_a_cue_lasts_as_long_as_it_is_spoken() -> None:
    said = final(word("good", 1.2, 2), word("morning", 2, 3.1), end=4)
    assert told(said) == [[Cue(start_ms=1_200, end_ms=3_100, lines=("good morning",))], []]


def test_a_cue_stays_until_it_can_be_read() -> None:
    text = "x" * 34
    assert shown(final(word(text, 1, 1.5), end=4)) == [(1_000, 3_000, text)]
    assert shown(final(word("안" * 17, 1, 1.5), end=4)) == [(1_000, 3_000, "안" * 17)]


def test_a_cue_never_stays_into_the_next() -> None:
    first, second = final(word("x" * 34, 1, 1.5), end=1.6), final(word("y", 2, 2.5), start=1.6, end=4)
    assert shown(first, second) == [(1_000, 2_000, "x" * 34), (2_000, 2_700, "y")]


def test_a_cue_is_told_as_soon_as_its_end_is_certain() -> None:
    first = final(word("x" * 34, 1, 1.5), end=2)
    silence = final(start=2, end=2.9), final(start=2.9, end=3)
    assert [len(cues) for cues in told(first, *silence)] == [0, 0, 1, 0]


def test_the_next_words_make_a_cue_certain_before_they_are_one() -> None:
    first = final(word("x" * 34, 1, 1.5), end=2)
    opening = final(word("y", 2.5, 2.6), start=2, end=2.6, endpoint=False)
    assert told(first, opening)[1] == [Cue(start_ms=1_000, end_ms=2_500, lines=("x" * 34,))]


def test_only_finals_count() -> None:
    interim = Results(
        transcript="mor", is_final=False, speech_final=False, start=0, duration=9, words=None, backend="vosk"
    )
    notice = Notice(code="slow", at=0, message="It is slow.")
    assert told(interim, notice, "end", interim) == [[], [], [], [], []]


def test_a_pause_ends_a_cue() -> None:
    said = final(word("good", 1, 2), word("morning", 3, 4), end=4, endpoint=False)
    assert shown(said) == [(1_000, 2_000, "good"), (3_000, 4_000, "morning")]


def test_a_pause_behind_the_newest_words_ends_a_cue() -> None:
    said = final(word("good", 1, 2), end=2, endpoint=False)
    assert [len(cues) for cues in told(said, final(start=2, end=3, endpoint=False))] == [0, 1, 0]


def test_an_utterance_may_have_several_finals() -> None:
    first, second = final(word("good", 1, 2), end=2, endpoint=False), final(word("morning", 2, 3), start=2, end=4)
    assert shown(first, second) == [(1_000, 3_000, "good morning")]


def test_the_end_of_an_utterance_is_told_by_others() -> None:
    first, second = final(word("good", 1, 2), end=2, endpoint=False), final(word("morning", 2, 3), start=2, end=4)
    assert shown(first, END, second) == [(1_000, 2_000, "good"), (2_000, 3_000, "morning")]


def test_a_gap_ends_a_cue_and_the_clock_goes_on() -> None:
    first, second = final(word("good", 1, 2), end=2, endpoint=False), final(word("morning", 2.5, 4), start=2.4, end=4)
    gap = Gap(start=2, end=2.4, reason="overrun")
    assert shown(first, gap, second) == [(1_000, 2_000, "good"), (2_500, 4_000, "morning")]


def test_another_recognizer_begins_another_cue() -> None:
    first = final(word("good", 1, 2), end=2, endpoint=False)
    second = final(word("day", 2, 3), start=2, end=4, backend="moonshine")
    assert shown(first, second) == [(1_000, 2_000, "good"), (2_000, 3_000, "day")]


def test_what_follows_at_once_is_joined() -> None:
    said = [final(word(text, at, at + 0.3), start=at, end=at + 0.3) for text, at in (("Yes.", 1.0), ("No.", 1.3))]
    assert shown(*said, summary(2)) == [(1_000, 1_700, "Yes. No.")]


def test_what_cannot_be_joined_begins_earlier_where_there_is_room() -> None:
    said = final(word("Yes.", 1, 1.3, speaker=0), word("No.", 1.3, 1.6, speaker=1), end=3)
    assert shown(said) == [(600, 1_300, "Yes."), (1_300, 2_000, "No.")]


def test_what_has_no_room_makes_the_next_wait() -> None:
    said = [word(text, at / 10, at / 10 + 0.1, at % 2) for at, text in enumerate(["one", "two", "three"])]
    assert shown(final(*said, end=9)) == [(0, 700, "one"), (700, 1_400, "two"), (1_400, 2_100, "three")]


def test_the_last_cue_keeps_to_the_audio_if_it_can() -> None:
    assert shown(final(word("end", 9.7, 9.9), end=10), summary(10)) == [(9_300, 10_000, "end")]
    assert shown(final(word("end", 0.1, 0.2), end=0.3), summary(0.3)) == [(0, 700, "end")]


def test_a_long_utterance_is_told_as_it_comes() -> None:
    said = [word(f"word{number:03}", number / 4, number / 4 + 0.2) for number in range(300)]
    parts = [
        final(*said[at : at + 10], start=at / 4, end=at / 4 + 2.5, endpoint=False) for at in range(0, len(said), 10)
    ]
    cues = told(*parts)
    assert [bool(each) for each in cues[3:]].count(True) > 20
    assert " ".join(line for each in cues for cue in each for line in cue.lines) == " ".join(each.word for each in said)


def test_a_long_final_is_bounded_work() -> None:
    cues = told(untimed("好" * 5_000, 0, 1_500))
    assert "".join(line for each in cues for cue in each for line in cue.lines) == "好" * 5_000


def test_speech_without_word_times_is_shared_out_by_characters() -> None:
    sentence = "x" * 40 + " " + "y" * 40 + "."
    said = untimed(f"{sentence} {'z' * 19}", 0, 12, speech=(1, 6))
    assert shown(said) == [(1_000, 5_050, f"{'x' * 40} / {'y' * 40}."), (5_050, 6_167, "z" * 19)]


def test_without_a_place_of_its_speech_the_span_of_a_final_is_shared_out() -> None:
    assert shown(untimed("good morning", 2, 4)) == [(2_000, 4_000, "good morning")]


def test_punctuation_comes_from_the_transcript() -> None:
    said = Results(
        transcript="Good morning.",
        is_final=True,
        speech_final=True,
        start=0,
        duration=3,
        words=(word("good", 1, 2), word("morning", 2, 3)),
        backend="server",
    )
    assert shown(said) == [(1_000, 3_000, "Good morning.")]


def test_words_are_as_they_are_punctuated_where_the_transcript_counts_otherwise() -> None:
    words = (
        Word(word="call", start=1, end=2, confidence=1, punctuated_word="Call"),
        Word(word="five fifty", start=2, end=4, confidence=1, punctuated_word="5 50."),
    )
    said = Results(
        transcript="Call 550 please.", is_final=True, speech_final=True, start=0, duration=4, words=words, backend="a"
    )
    assert shown(said)[0] == (1_000, 4_000, "Call 5 50.")


def test_chinese_words_have_the_spaces_of_their_transcript() -> None:
    words = (word("今天", 1, 2), word("天气", 2, 3), word("很好", 3, 4))
    said = Results(
        transcript="今天天气 很好", is_final=True, speech_final=True, start=0, duration=4, words=words, backend="a"
    )
    assert shown(said) == [(1_000, 4_000, "今天天气 很好")]


def test_a_cue_is_of_one_speaker() -> None:
    words = (word("good", 1, 2, 0), word("morning", 2, 3), word("hello", 3, 4, 1))
    (cues, _) = told(final(*words, end=5))
    assert [(cue.speaker, cue.lines) for cue in cues] == [(0, ("good morning",)), (1, ("hello",))]


def test_a_speaker_is_forgotten_with_the_utterance() -> None:
    cues, more, _ = told(final(word("good", 1, 2, 0), end=3), final(word("day", 3, 4), start=3, end=5))
    assert [cue.speaker for cue in cues + more] == [0, None]


def test_text_is_one_line_of_printable_characters() -> None:
    assert shown(untimed("a\x1b[2J \n\n--> b\u2028c \x85", 1, 3)) == [(1_000, 3_000, "a␛[2J --> b c")]


def test_the_clock_of_a_source_begins_where_the_one_before_ended() -> None:
    first, second = untimed("one", 0, 3, speech=(1, 2)), untimed("two", 0, 3, speech=(0.5, 2))
    assert shown(first, summary(3), second, summary(4), summary(0)) == [(1_000, 2_000, "one"), (3_500, 5_000, "two")]


def test_a_cue_that_overstays_its_source_comes_before_the_next() -> None:
    short = untimed("one", 0, 0.3)
    assert shown(short, summary(0.3), short, summary(0.3)) == [(0, 700, "one"), (700, 1_400, "one")]


def test_times_that_run_backwards_are_put_in_order() -> None:
    words = word("one", 5, 4), word("two", 2, 3), word("three", -1, 9)
    assert shown(final(*words, end=10)) == [(5_000, 9_000, "one two three")]


def _steady(said: list[tuple[str, int]]) -> Results:
    """Words that follow each other as words do, some with a pause between them."""
    at, words = 0.0, []
    for text, silence in said:
        words.append(word(text, at, at + 0.2))
        at += 0.2 + silence / 1_000
    return final(*words, end=at)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=50) | st.sampled_from(
    ["yes.", "and so on,", "我们今天去公园，", "안녕하세요", "x" * 99, "a\nb", ""]
)
SECONDS = st.floats(0, 30) | st.floats(0, 1e6) | st.sampled_from([0.0, 0.1, 1.0])
SPEAKERS = st.none() | st.integers(0, 2) | st.just(1_000_000)
SPOKEN = st.builds(
    Word,
    word=TEXTS,
    start=SECONDS,
    end=SECONDS,
    confidence=st.just(1.0),
    punctuated_word=st.none() | TEXTS,
    speaker=SPEAKERS,
)
FINALS = st.builds(
    Results,
    transcript=TEXTS | st.lists(TEXTS, max_size=20).map(" ".join),
    is_final=st.just(True),
    speech_final=st.booleans(),
    start=SECONDS,
    duration=SECONDS,
    words=st.none() | st.lists(SPOKEN, max_size=5).map(tuple),
    backend=st.sampled_from("ab"),
    speech_start=st.none() | SECONDS,
    speech_end=st.none() | SECONDS,
)
STEADY = st.lists(
    st.tuples(
        st.sampled_from(["yes.", "harbour", "and,", "我们", "x" * 50]), st.sampled_from([0, 50, 200, 400, 1_500])
    ),
    min_size=1,
    max_size=60,
).map(_steady)
EVENTS = st.lists(
    FINALS | STEADY | st.just(END) | st.builds(Gap, start=SECONDS, end=SECONDS, reason=st.just("overrun"))
    | SECONDS.map(summary),
    max_size=12,
)  # fmt: skip


@given(EVENTS)
def test_whatever_happens_cues_are_in_order_and_long_enough_and_nothing_is_left_out(events: list[Event | str]) -> None:
    cues = [cue for each in told(*events) for cue in each]
    assert all(cue.start_ms >= 0 for cue in cues)
    assert all(cue.end_ms - cue.start_ms >= 700 for cue in cues)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(cues))
    for cue in cues:
        assert 1 <= len(cue.lines) <= 2
        assert cells(label(cue.speaker) + cue.lines[0]) <= 42
        assert all(line and printable(line) == line and line == line.strip() for line in cue.lines)
        assert all(cells(line) <= 42 for line in cue.lines)
    assert "".join("".join(cue.lines) for cue in cues).replace(" ", "") == "".join(map(_said, events))


def _said(event: Event | str) -> str:
    """The characters that subtitles owe to an event."""
    if not isinstance(event, Results):
        return ""
    written = event.transcript.split()
    if written and event.words and len(written) != len(event.words):
        written = [text for word in event.words for text in (word.punctuated_word or word.word).split()]
    return printable("".join(written))


@given(STEADY)
def test_a_cue_stays_until_it_is_read_or_the_next_begins(said: Results) -> None:
    cues = [cue for each in told(said, final(start=said.end, end=said.end + 20)) for cue in each]
    for cue, after in pairwise([*cues, None]):
        assert cue is not None
        width = sum(map(cells, cue.lines))
        can_be_read = cue.end_ms - cue.start_ms >= 1_000 * width // CELLS_A_SECOND
        assert can_be_read or (after is not None and cue.end_ms == after.start_ms)
