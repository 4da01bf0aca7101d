"""Results in, utterances out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.events import Event, Gap, Notice, Results, UtteranceEnd, Word
from voxcli.transcript import Transcript, Utterance, speech_end, speech_start


def result(
    text: str, start: float, end: float, *, final: bool = True, endpoint: bool = False, backend: str = "vosk"
) -> Results:
    return Results(
        transcript=text, is_final=final, speech_final=endpoint, start=start, duration=end - start, backend=backend
    )


def texts(*events: Event) -> list[str]:
    """What a transcript prints for these events and the end of the source."""
    transcript = Transcript()
    ended = [utterance for event in events for utterance in transcript.add(event)]
    return [utterance.text for utterance in [*ended, *transcript.finish()]]


def test_an_endpoint_ends_an_utterance() -> None:
    assert texts(result("good", 0, 1), result("morning", 1, 2, endpoint=True), result("all", 2, 3)) == [
        "good morning",
        "all",
    ]


def test_the_end_of_the_source_ends_an_utterance() -> None:
    assert texts(result("good", 0, 1)) == ["good"]


def test_an_utterance_knows_its_place() -> None:
    words = (Word(word="good", start=0.4, end=0.8, confidence=1),)
    first = Results(transcript="good", is_final=True, speech_final=False, start=0, duration=1, words=words, backend="a")
    last = Results(transcript="day", is_final=True, speech_final=True, start=1, duration=2, speech_end=2.5, backend="a")
    transcript = Transcript()
    assert transcript.add(first) == []
    assert transcript.add(last) == [Utterance(text="good day", start=0.4, end=2.5, backend="a")]
    assert speech_end(first) == 0.8


def test_speech_is_placed_by_words_then_by_speech_then_by_span() -> None:
    spoken = Results(
        transcript="x", is_final=True, speech_final=True, start=1, duration=4, speech_start=2, speech_end=3, backend="a"
    )
    assert (speech_start(spoken), speech_end(spoken)) == (2, 3)
    assert (speech_start(result("x", 1, 5)), speech_end(result("x", 1, 5))) == (1, 5)


def test_silence_alone_prints_nothing() -> None:
    assert texts(result("", 0, 5, endpoint=True), result("", 5, 10, endpoint=True)) == []


def test_a_gap_ends_an_utterance() -> None:
    assert texts(result("good", 0, 1), Gap(start=1, end=2, reason="overrun"), result("day", 2, 3)) == ["good", "day"]


def test_another_recognizer_begins_another_utterance() -> None:
    assert texts(result("good", 0, 1), result("day", 1, 2, backend="moonshine")) == ["good", "day"]


def test_another_recognizers_endpoint_ends_both() -> None:
    transcript = Transcript()
    transcript.add(result("good", 0, 1))
    ended = transcript.add(result("day", 1, 2, backend="moonshine", endpoint=True))
    assert [utterance.text for utterance in ended] == ["good", "day"]


def test_three_seconds_without_new_words_end_an_utterance() -> None:
    finals = [result("good", 0, 1), result("", 1, 3.9), result("", 3.9, 4.0), result("day", 4, 5)]
    assert texts(*finals) == ["good", "day"]
    assert texts(result("good", 0, 1), result("", 1, 3.9), result("day", 3.9, 5)) == ["good day"]


def test_interims_tell_of_quiet_too() -> None:
    transcript = Transcript()
    transcript.add(result("good", 0, 1))
    assert transcript.add(result("", 1, 3.9, final=False)) == []
    assert [utterance.text for utterance in transcript.add(result("", 1, 4, final=False))] == ["good"]
    assert transcript.add(result("", 1, 9, final=False)) == []


def test_words_in_an_interim_are_new_words() -> None:
    transcript = Transcript()
    transcript.add(result("good", 0, 1))
    assert transcript.add(result("day", 1, 3, final=False)) == []
    assert transcript.add(result("day", 1, 4.5, final=False)) == []
    assert transcript.open_text == "good day"
    assert [utterance.text for utterance in transcript.add(result("day", 1, 6, final=False))] == ["good"]
    assert transcript.open_text == "day"


def test_an_interim_that_no_final_confirms_is_not_printed() -> None:
    assert texts(result("good", 0, 1), result("dax", 1, 2, final=False)) == ["good"]


def test_other_events_change_nothing() -> None:
    assert texts(result("a", 0, 1), Notice(code="slow", at=1, message="slow"), result("b", 1, 2)) == ["a b"]


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b c"]), st.floats(0.1, 6), st.booleans()), max_size=30))
def test_no_word_is_lost_or_doubled(spoken: list[tuple[str, float, bool]]) -> None:
    events, at = [], 0.0
    for text, length, endpoint in spoken:
        events.append(result(text, at, at + length, endpoint=endpoint))
        at += length
    assert " ".join(texts(*events)).split() == " ".join(text for text, _, _ in spoken).split()


@pytest.mark.parametrize("endpoint", [True, False])
def test_nothing_is_open_after_the_end(endpoint: bool) -> None:
    transcript = Transcript()
    transcript.add(result("good", 0, 1, endpoint=endpoint))
    transcript.finish()
    assert transcript.open_text == ""
    assert transcript.finish() == []


def test_an_utterance_ends_where_a_server_says_so() -> None:
    transcript = Transcript()
    transcript.add(result("one", 0, 1))
    transcript.add(result("and then", 1, 2, final=False))
    (ended,) = transcript.add(UtteranceEnd(at=1.0))
    assert ended.text == "one"
    assert transcript.open_text == "and then"


def spoken(*words: tuple[str, int | None], start: float = 0.0, endpoint: bool = False) -> Results:
    return Results(
        transcript=" ".join(word for word, _ in words),
        is_final=True,
        speech_final=endpoint,
        start=start,
        duration=float(len(words)),
        words=tuple(
            Word(word=word, start=start + at, end=start + at + 1, confidence=1, speaker=speaker)
            for at, (word, speaker) in enumerate(words)
        ),
        backend="deepgram",
    )


def test_an_utterance_has_one_speaker() -> None:
    transcript = Transcript()
    assert transcript.add(spoken(("good", 0), ("day", 0), ("to", 1))) == []
    ended = transcript.add(spoken(("you", 1), ("all", 0), start=3.0, endpoint=True))
    assert [(one.speaker, one.text, one.start, one.end) for one in ended] == [
        (0, "good day", 0.0, 2.0),
        (1, "to you", 2.0, 4.0),
        (0, "all", 4.0, 5.0),
    ]


def test_what_names_no_speaker_goes_to_who_spoke_last() -> None:
    transcript = Transcript()
    transcript.add(spoken(("good", 2)))
    (ended,) = transcript.add(spoken(("day", None), start=1.0, endpoint=True))
    assert (ended.speaker, ended.text) == (2, "good day")
