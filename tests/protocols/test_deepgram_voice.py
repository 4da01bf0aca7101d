"""When speech starts and ends on one channel of ``/v1/listen``, and what answers a Finalize."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from voxcli.events import Results, Word
from voxcli.protocols import deepgram_server
from voxcli.protocols.deepgram_voice import MOST_MARKS, Naming, Voice

NAMING = Naming(request_id="r", model="small", channels=1)


def voice(query: str = "") -> Voice:
    """The channel of a stream that asked for that."""
    pairs = [(name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part)]
    return Voice(deepgram_server.wish([("interim_results", "true"), *pairs]))


def heard(text: str, start: float, end: float, *, silence: float = 0.5, is_final: bool = True, **more: Any) -> Results:
    """A result whose last word ends so long before it does."""
    count = len(text.split())
    words = tuple(Word(word=word, start=start, end=end - silence, confidence=1.0) for word in text.split()[:count])
    given = {"words": words if is_final else None, "speech_final": is_final} | more
    return Results(transcript=text, is_final=is_final, start=start, duration=end - start, backend="vosk", **given)


def told(channel: Voice, *results: Results) -> list[dict[str, Any]]:
    """All messages, in order."""
    return [json.loads(text) for result in results for text, _ in channel.hear(result, NAMING)]


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    """Their types."""
    return [message["type"] for message in messages]


def test_interims_are_told_only_to_those_who_ask() -> None:
    """They say so, for only the newest of them counts."""
    interim = heard("one", 0.0, 1.0, is_final=False)
    assert [is_interim for _, is_interim in voice().hear(interim, NAMING)] == [True]
    assert voice("interim_results=false").hear(interim, NAMING) == []


def test_speech_started_comes_once_an_utterance_before_its_words() -> None:
    """With the place of the first word as far as it is known."""
    channel = voice("vad_events=true")
    messages = told(
        channel, heard("", 0.0, 1.0), heard("one", 1.0, 2.0, is_final=False), heard("one two", 1.0, 3.0),
        heard("three", 3.0, 5.0), heard("four", 5.0, 6.0, words=None, speech_start=5.2),
    )  # fmt: skip
    started = [message["timestamp"] for message in messages if message["type"] == "SpeechStarted"]
    assert started == [1.0, 3.0, 5.2]
    assert kinds(messages)[:3] == ["Results", "SpeechStarted", "Results"]
    assert "SpeechStarted" not in kinds(told(voice(), heard("one", 0.0, 1.0)))


def test_endpointing_decides_what_ends_an_utterance() -> None:
    """Silence of that length, where it is known; never where it is off."""

    def speech_final(query: str, **more: Any) -> bool:
        (message,) = told(voice(query), heard("one", 0.0, 2.0, **more))
        assert message["is_final"]
        return bool(message["speech_final"])

    assert speech_final("", silence=0.5)
    assert speech_final("endpointing=500", silence=0.5)
    assert not speech_final("endpointing=500", silence=0.4)
    assert speech_final("endpointing=0", silence=0.0)
    assert not speech_final("endpointing=false")
    assert not speech_final("", speech_final=False)
    assert speech_final("endpointing=900", words=None)  # nobody knows better than the recognizer


def test_utterance_end_comes_after_so_long_without_words() -> None:
    """Once, at the place of the last word, as soon as the audio has been heard that far."""
    channel = voice("utterance_end_ms=1000")
    assert kinds(told(channel, heard("one", 0.0, 2.0))) == ["Results"]
    assert channel.progress(2.4, NAMING) == []
    (message,) = channel.progress(2.5, NAMING)
    assert json.loads(message) == {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 1.5}
    assert channel.progress(9.0, NAMING) == []
    assert kinds(told(channel, heard("two", 2.0, 6.0, silence=2.0))) == ["Results", "UtteranceEnd"]


def test_utterance_end_waits_for_words_that_are_open() -> None:
    """An interim with words says that somebody is speaking."""
    channel = voice("utterance_end_ms=1000")
    told(channel, heard("one", 0.0, 2.0), heard("two", 2.0, 3.0, is_final=False))
    assert channel.progress(5.0, NAMING) == []
    assert kinds(told(channel, heard("two", 2.0, 6.0, silence=3.0))) == ["Results", "UtteranceEnd"]


def test_without_word_times_speech_ends_where_the_recognizer_says() -> None:
    """Or with the span itself."""
    channel = voice("utterance_end_ms=1000")
    told(channel, heard("one", 0.0, 2.0, words=None, speech_end=1.2))
    assert json.loads(channel.progress(2.2, NAMING)[0])["last_word_end"] == 1.2
    told(channel, heard("two", 2.0, 3.0, words=None))
    assert json.loads(channel.progress(4.0, NAMING)[0])["last_word_end"] == 3.0


def test_nobody_who_did_not_ask_is_told_of_utterance_ends() -> None:
    """Not even after an hour."""
    channel = voice()
    told(channel, heard("one", 0.0, 2.0))
    assert channel.progress(3_600.0, NAMING) == []


def test_a_finalize_is_answered_by_the_first_final_that_reaches_it() -> None:
    """One final answers all wishes that it covers, and ends an utterance."""
    channel = voice("endpointing=false")
    assert channel.finalize(16_000, 0)
    assert channel.finalize(16_000, 0)
    assert channel.finalize(48_000, 0)
    messages = told(
        channel, heard("a", 0.0, 0.5), heard("b", 0.5, 1.0), heard("c", 1.0, 2.0), heard("d", 2.0, 3.0),
    )  # fmt: skip
    assert [message["from_finalize"] for message in messages] == [False, True, False, True]
    assert [message["speech_final"] for message in messages] == [False, True, False, True]


def test_a_finalize_with_nothing_open_is_answered_by_an_empty_final() -> None:
    """So that whoever waits for it does not wait for ever."""
    channel = voice()
    assert not channel.finalize(16_000, 16_000)
    message = json.loads(channel.nothing_to_finalize(16_000, NAMING, "vosk"))
    assert (message["from_finalize"], message["start"], message["duration"]) == (True, 1.0, 0.0)
    assert message["channel"]["alternatives"][0]["transcript"] == ""


@given(st.lists(st.integers(1, 10**6), max_size=3 * MOST_MARKS))
def test_wishes_are_bounded(heads: list[int]) -> None:
    """However often a client asks."""
    channel = voice()
    for head in sorted(heads):
        channel.finalize(head, 0)
    messages = told(channel, heard("a", 0.0, 100.0))
    assert [message["from_finalize"] for message in messages] == [bool(heads)]
