"""vosk-server's replies, counted off against what was sent; its two strings byte for byte."""

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.audio import samples, seconds
from voxcli.events import Results, Word
from voxcli.protocols import Asked, Codec, Finished, Malformed, Message
from voxcli.protocols.vosk_server import VoskServerCodec, query

CHUNK = bytes(3_200)  # 0.1 s

FINAL: dict[str, Any] = {
    "result": [
        {"conf": 1.0, "end": 1.11, "start": 0.84, "word": "one"},
        {"conf": 0.70141, "end": 1.53, "start": 1.11, "word": "zero"},
    ],
    "text": "one zero",
}


def reply(codec: VoskServerCodec, message: object) -> list[object]:
    return list(codec.receive(json.dumps(message)))


def result(text: str, start: float, duration: float, *, is_final: bool, **more: Any) -> Results:
    return Results(
        transcript=text,
        is_final=is_final,
        speech_final=is_final,
        start=start,
        duration=pytest.approx(duration),
        backend="vosk-server",
        **more,
    )


def test_what_is_sent() -> None:
    codec = VoskServerCodec()
    assert codec.start(None) == ['{"config": {"sample_rate": 16000, "words": true}}']
    assert codec.audio(b"abcd") == [b"abcd"]
    assert codec.audio(b"") == []
    assert codec.keep_alive() == []
    assert codec.finalize() == ['{"reset" : 1}']
    assert codec.finish() == ['{"eof" : 1}']
    assert codec.sent_samples == 2


def test_what_the_codec_can_do() -> None:
    codec: Codec = VoskServerCodec()
    assert (codec.subprotocols, codec.channels, codec.pace, codec.acknowledged_samples) == ((), 1, None, 0)
    assert (codec.has_spans, codec.is_talkative, codec.gives_receipt) == (True, True, True)
    assert codec.keep_alive_seconds is None
    assert codec.rejoining() == {}


def test_the_query_is_the_users() -> None:
    assert query(Asked(model="small", parameters=(("a", "1"), ("a", "2")))) == [("a", "1"), ("a", "2")]
    assert query(Asked()) == []


def test_a_session() -> None:
    codec = VoskServerCodec()
    codec.start(None)
    for _ in range(3):
        codec.audio(CHUNK)
    assert reply(codec, {"partial": "one"}) == [result("one", 0.0, 0.1, is_final=False)]
    assert codec.acknowledged_samples == 1_600
    words = (
        Word(word="one", start=0.84, end=1.11, confidence=1.0),
        Word(word="zero", start=1.11, end=1.53, confidence=0.70141),
    )
    assert reply(codec, FINAL) == [result("one zero", 0.0, 0.2, is_final=True, confidence=0.8507, words=words)]
    codec.finish()
    assert reply(codec, {"partial": ""}) == [result("", 0.2, 0.1, is_final=False)]
    assert reply(codec, {"text": ""}) == [result("", 0.2, 0.1, is_final=True), Finished(0.3)]
    assert codec.acknowledged_samples == codec.sent_samples == 4_800


def test_a_reset_is_answered_by_a_final_over_what_was_sent_before_it() -> None:
    codec = VoskServerCodec()
    codec.audio(CHUNK)
    codec.finalize()
    codec.audio(CHUNK)
    reply(codec, {"partial": "one"})
    assert reply(codec, {"text": "one"}) == [result("one", 0.0, 0.1, is_final=True)]
    assert codec.acknowledged_samples == 1_600
    assert reply(codec, {"partial": "two"}) == [result("two", 0.1, 0.1, is_final=False)]


def test_an_empty_final_moves_on() -> None:
    codec = VoskServerCodec()
    codec.audio(CHUNK)
    codec.audio(CHUNK)
    assert reply(codec, {"text": ""}) == [result("", 0.0, 0.1, is_final=True)]
    assert reply(codec, {"partial": ""}) == [result("", 0.1, 0.1, is_final=False)]


@pytest.mark.parametrize(("text", "finals"), [("", 0), ("the", 1)])
def test_the_end_with_nothing_new(text: str, finals: int) -> None:
    codec = VoskServerCodec()
    codec.audio(CHUNK)
    codec.finish()
    reply(codec, FINAL)
    *before, last = reply(codec, {"text": text})
    assert last == Finished(0.1)
    assert before == [result("the", 0.1, 0.0, is_final=True)] * finals


def test_a_last_reply_that_is_not_known_still_ends_the_session() -> None:
    codec = VoskServerCodec()
    codec.finish()
    assert reply(codec, {}) == [Finished(0.0)]


def test_the_first_alternative_is_the_final() -> None:
    codec = VoskServerCodec()
    codec.audio(CHUNK)
    likely = {"confidence": 174.03, "result": [{"end": 0.1, "start": 0.0, "word": "one"}], "text": "one"}
    words = (Word(word="one", start=0.0, end=0.1, confidence=1.0),)
    heard = reply(codec, {"alternatives": [likely, {"confidence": 170.1, "text": "won"}]})
    assert heard == [result("one", 0.0, 0.1, is_final=True, confidence=1.0, words=words)]
    codec.audio(CHUNK)
    assert reply(codec, {"alternatives": []}) == [result("", 0.1, 0.1, is_final=True)]


def test_words_may_be_none_or_empty() -> None:
    codec = VoskServerCodec()
    codec.audio(CHUNK)
    assert reply(codec, {"text": "one", "result": []}) == [result("one", 0.0, 0.1, is_final=True, words=())]


def test_a_reply_that_nothing_awaits_is_about_all_that_was_sent() -> None:
    codec = VoskServerCodec()
    assert reply(codec, {"partial": ""}) == [result("", 0.0, 0.0, is_final=False)]
    codec.audio(CHUNK)
    codec.audio(CHUNK)
    reply(codec, {"partial": "one"})
    reply(codec, {"partial": "one"})
    assert reply(codec, {"text": "one"}) == [result("one", 0.0, 0.2, is_final=True)]
    assert codec.acknowledged_samples == 3_200


@pytest.mark.parametrize(
    "message",
    [
        "[]",
        "{",
        "[" * 100_000,
        *(
            json.dumps(message)
            for message in (
                {"partial": 3},
                {"text": None},
                {"text": "one", "result": {}},
                {"text": "one", "result": ["one"]},
                {"text": "one", "result": [{"conf": True, "end": 1, "start": 0, "word": "one"}]},
                {"text": "one", "result": [{"conf": 1, "end": math.nan, "start": 0, "word": "one"}]},
                {"text": "one", "result": [{"conf": 1, "start": 0, "word": "one"}]},
                {"alternatives": {}},
                {"alternatives": ["one"]},
                {"alternatives": [{}]},
            )
        ),
    ],
)
def test_a_malformed_reply_is_counted_off_too(message: str) -> None:
    codec = VoskServerCodec()
    codec.audio(CHUNK)
    codec.audio(CHUNK)
    codec.audio(CHUNK)
    with pytest.raises(Malformed):
        codec.receive(message)
    assert codec.acknowledged_samples == 1_600
    assert reply(codec, {"text": "one"}) == [result("one", 0.0, 0.2, is_final=True)]


def test_a_binary_message_is_no_reply() -> None:
    codec = VoskServerCodec()
    codec.audio(CHUNK)
    assert codec.receive(json.dumps(FINAL).encode()) == []
    assert codec.acknowledged_samples == 0


class Server:
    """Answers in lock-step; knows of each message, by itself, how many samples were sent up to it."""

    def __init__(self) -> None:
        self.codec = VoskServerCodec()
        self.unanswered: list[int] = []
        self.sent = self.covered = 0
        self.finals: list[Results] = []

    def take(self, messages: list[Message]) -> None:
        for message in messages:
            self.sent += len(message) // 2 if isinstance(message, bytes) else 0
            self.unanswered.append(self.sent)

    def answer(self, *, final: bool, text: str) -> list[object]:
        end = self.unanswered.pop(0)
        heard = reply(self.codec, {"text": text} if final else {"partial": text})
        results = [one for one in heard if isinstance(one, Results)]
        for one in results:
            assert (one.transcript, one.is_final) == (text, final)
            assert (samples(one.start), samples(one.end)) == (self.covered, end)
        if not results:
            assert (text, end) == ("", self.covered)
        if final:
            self.covered = end
            self.finals += results
        assert self.codec.acknowledged_samples == end
        return heard


STEPS = st.lists(
    st.tuples(st.just("audio"), st.integers(1, 40_000), st.just(""))
    | st.tuples(st.just("reset"), st.just(0), st.just(""))
    | st.tuples(st.just("answer"), st.integers(0, 2), st.sampled_from(["", "one", "one two"])),
    max_size=40,
)


@given(STEPS, st.sampled_from(["", "the end"]))
def test_finals_tile_what_was_sent_whatever_is_answered_when(steps: list[tuple[str, int, str]], last: str) -> None:
    server = Server()
    server.codec.start(None)
    for kind, number, text in steps:
        if kind == "audio":
            server.take(server.codec.audio(bytes(2 * number)))
        elif kind == "reset":
            server.take(server.codec.finalize())
        elif server.unanswered:
            server.answer(final=number == 0, text=text or "mm")
    server.take(server.codec.finish())
    while len(server.unanswered) > 1:
        server.answer(final=False, text="mm")
    *_, finished = server.answer(final=True, text=last)
    assert finished == Finished(seconds(server.sent))
    assert server.sent == server.codec.sent_samples
    ends = [0, *(samples(final.end) for final in server.finals)]
    assert [samples(final.start) for final in server.finals] == ends[:-1]
    assert ends[-1] == server.sent


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([10**400, -(10**400)]) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
WORD = st.fixed_dictionaries({}, optional=dict.fromkeys(("conf", "start", "end"), ANYTHING) | {"word": st.text()})
SPOILED = st.fixed_dictionaries(
    {}, optional={"text": ANYTHING | st.text(), "partial": ANYTHING, "result": ANYTHING | st.lists(WORD, max_size=3)}
)


@given(
    st.lists(
        st.text()
        | st.binary()
        | SPOILED.map(json.dumps)
        | st.lists(SPOILED | ANYTHING, max_size=2).map(lambda some: json.dumps({"alternatives": some})),
        max_size=5,
    )
)
def test_a_reply_of_any_kind_is_sound_or_malformed(messages: list[str | bytes]) -> None:
    codec = VoskServerCodec()
    codec.audio(CHUNK)
    codec.finish()
    for message in messages:
        try:
            heard = codec.receive(message)
        except Malformed:
            continue
        assert json.dumps([dataclasses.asdict(one) for one in heard], allow_nan=False)
        assert all(one.end <= 0.1 for one in heard if isinstance(one, Results))
