"""/ws/transcribe from the client's side: our own server's messages, the plainest server's, and Deepgram's passed on."""

import copy
import dataclasses
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.audio import samples
from voxcli.events import Results, UtteranceEnd, Word
from voxcli.protocols import Acknowledged, Asked, Codec, Finished, Malformed, Ready, Trouble
from voxcli.protocols.deepgram import results_message
from voxcli.protocols.voxcli import VoxcliCodec, query

SECOND = bytes(32_000)

FINAL: dict[str, Any] = {
    "type": "Results",
    "seq": 1,
    "transcript": "good day",
    "is_final": True,
    "speech_final": False,
    "start": 1.5,
    "duration": 2.5,
    "confidence": 0.9,
    "words": [
        {"word": "good", "start": 1.5, "end": 1.9, "confidence": 0.8, "speaker": 0},
        {"word": "day", "start": 2, "end": 2.5, "confidence": 1, "punctuated_word": "day."},
    ],
    "channel": 0,
}
HEARD = Results(
    transcript="good day",
    is_final=True,
    speech_final=False,
    start=1.5,
    duration=2.5,
    confidence=0.9,
    words=(
        Word(word="good", start=1.5, end=1.9, confidence=0.8, speaker=0),
        Word(word="day", start=2.0, end=2.5, confidence=1.0, punctuated_word="day."),
    ),
    backend="server",
)
READY = {"type": "Ready", "session": "a1b2", "resumed": False, "received_samples": 0}


def opened(subprotocol: str | None, seconds: int = 0) -> VoxcliCodec:
    """A codec that is connected and has sent some audio."""
    codec = VoxcliCodec()
    assert codec.start(subprotocol) == []
    for _ in range(seconds):
        codec.audio(SECOND)
    return codec


def v1(seconds: int = 0) -> VoxcliCodec:
    return opened("voxcli.v1", seconds)


def plain(seconds: int = 0) -> VoxcliCodec:
    return opened(None, seconds)


def receive(codec: VoxcliCodec, message: object) -> list[object]:
    return list(codec.receive(json.dumps(message)))


def bare(transcript: str, start: float, duration: float, *, is_final: bool = False) -> Results:
    return Results(
        transcript=transcript,
        is_final=is_final,
        speech_final=is_final,
        start=start,
        duration=duration,
        backend="server",
    )


def test_the_query() -> None:
    assert query(Asked(language="de")) == [
        ("encoding", "linear16"),
        ("sample_rate", "16000"),
        ("channels", "1"),
        ("language", "de"),
        ("interim_results", "true"),
    ]
    assert query(Asked(model="small", parameters=(("language", "fr"), ("tag", "a"), ("tag", "b")))) == [
        ("encoding", "linear16"),
        ("sample_rate", "16000"),
        ("channels", "1"),
        ("model", "small"),
        ("interim_results", "true"),
        ("language", "fr"),
        ("tag", "a"),
        ("tag", "b"),
    ]


def test_what_our_own_server_can_do() -> None:
    codec = v1()
    protocol: Codec = codec
    assert (protocol.subprotocols, protocol.pace) == (("voxcli.v1",), None)
    assert (codec.has_spans, codec.is_talkative, codec.gives_receipt) == (True, True, True)
    assert (codec.keep_alive_seconds, codec.acknowledged_samples, codec.rejoining()) == (10.0, 0, {})
    assert codec.keep_alive() == ['{"type":"KeepAlive"}']
    assert codec.finalize() == ['{"type":"Finalize"}']
    assert codec.finish() == ['{"type":"CloseStream"}']


@pytest.mark.parametrize("codec", [plain(), opened("voxcli.v9"), VoxcliCodec()])
def test_a_plain_server_is_never_sent_text(codec: VoxcliCodec) -> None:
    assert (codec.has_spans, codec.is_talkative, codec.gives_receipt) == (True, False, False)
    assert (codec.keep_alive_seconds, codec.acknowledged_samples, codec.rejoining()) == (None, None, {})
    assert codec.keep_alive() == codec.finalize() == codec.finish() == []


@pytest.mark.parametrize("codec", [plain(), v1()])
def test_audio_goes_as_it_is(codec: VoxcliCodec) -> None:
    assert codec.audio(b"abcd") == [b"abcd"]
    assert codec.audio(b"") == []
    assert codec.audio(b"ef") == [b"ef"]
    assert codec.sent_samples == 3


@pytest.mark.parametrize("codec", [plain(9), v1(9)])
def test_a_result(codec: VoxcliCodec) -> None:
    assert receive(codec, FINAL) == [HEARD]
    assert codec.has_spans


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in FINAL.items() if name not in names}


WORD = FINAL["words"][0]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (without("type"), {}),
        (FINAL | {"type": None, "from": "elsewhere"}, {}),
        (without("is_final", "speech_final"), {"is_final": False}),
        (without("is_final") | {"speech_final": True}, {"speech_final": True}),
        (without("confidence", "words"), {"confidence": None, "words": None}),
        (FINAL | {"confidence": math.nan, "words": None}, {"confidence": None, "words": None}),
        (FINAL | {"confidence": 7, "words": []}, {"confidence": 1.0, "words": ()}),
        (FINAL | {"channel": 1}, {"channel": 1}),
        (FINAL | {"channel": 63}, {"channel": 63}),
        (without("channel"), {}),
        (FINAL | {"speech_start": 1.6, "speech_end": 3}, {"speech_start": 1.6, "speech_end": 3.0}),
        (FINAL | {"words": [WORD, {"word": "day"}]}, {"words": None}),
        (FINAL | {"words": [{"word": "day", "start": 2.0, "end": None}]}, {"words": None}),
        (
            FINAL | {"words": [{"word": "day", "start": 2.0, "end": 2.5}]},
            {"words": (Word(word="day", start=2.0, end=2.5, confidence=1.0),)},
        ),
    ],
)
def test_what_may_differ_in_a_result(message: dict[str, Any], expected: dict[str, Any]) -> None:
    for codec in (plain(9), v1(9)):
        assert receive(codec, message) == [replace(HEARD, **expected)]


@pytest.mark.parametrize(
    ("spoiled", "name"),
    [
        *(({"speech_start": value}, "speech_start") for value in (-0.1, math.nan, math.inf, 10**400, True, "1")),
        *(({"speech_end": value}, "speech_end") for value in (-0.1, math.nan, "1")),
        *(({"confidence": value}, "confidence") for value in (True, "0.98", [])),
        *(({"words": value}, "words") for value in ("good day", ["good"], [WORD | {"start": "1.5"}], [{"word": None}])),
    ],
)
def test_what_stands_beside_the_words_may_be_unreadable(spoiled: dict[str, Any], name: str) -> None:
    for codec in (plain(9), v1(9)):
        assert receive(codec, FINAL | spoiled) == [replace(HEARD, **{name: None})]


@pytest.mark.parametrize("channel", [-1, 64, {}, "0"])
def test_a_channel_that_cannot_be_is_the_first(channel: object) -> None:
    (result,) = receive(plain(9), FINAL | {"channel": channel})
    assert isinstance(result, Results)
    assert result.channel == 0


@pytest.mark.parametrize(
    "message",
    [
        *(
            FINAL | {name: value}
            for name in ("start", "duration")
            for value in (-0.1, math.nan, math.inf, 10**400, True, "1")
        ),
        *(FINAL | {name: value} for name in ("is_final", "speech_final") for value in (1, "true", [])),
        FINAL | {"transcript": 3},
        without("type") | {"transcript": ["good"]},
        without("transcript"),
        FINAL | {"channel": {"alternatives": {}}},
        {"type": "UtteranceEnd", "last_word_end": None},
        [],
        "Results",
    ],
)
def test_malformed_results(message: object) -> None:
    for codec in (plain(9), v1(9)):
        with pytest.raises(Malformed):
            receive(codec, message)
        assert (codec.has_spans, codec.rejoining()) == (True, {})


@pytest.mark.parametrize("codec", [plain(), v1()])
@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            {"type": "Error", "code": 4400, "message": "expected linear16, got opus"},
            "expected linear16, got opus (4400)",
        ),
        ({"type": "Error", "error": {"message": "no model"}}, "no model"),
        ({"type": "Error", "transcript": "x"}, "the server reports an error and does not say which"),
        ({"error": "out of memory"}, "out of memory"),
        ({"error": {"code": "busy"}}, "busy"),
        ({"error": "out of memory", "transcript": None}, "out of memory"),
        ({"type": "Results", "error": "no model"}, "no model"),
        ({"type": "status", "error": "no model"}, "no model"),
    ],
)
def test_trouble(codec: VoxcliCodec, message: dict[str, Any], expected: str) -> None:
    assert receive(codec, message) == [Trouble(expected)]


@pytest.mark.parametrize("codec", [plain(), v1()])
@pytest.mark.parametrize(
    "message",
    [
        {},
        {"error": ""},
        {"error": {}},
        {"error": None},
        {"error": 3},
        {"type": "status", "transcript": "x"},
        {"type": "status", "transcript": "x", "error": "y"},
        {"type": "Notice", "code": "slow", "message": "the recognizer is behind"},
        {"type": ["Results"], "transcript": "x"},
        {"type": "SpeechStarted", "timestamp": 3},
        {"channel": [0, 1]},
    ],
)
def test_messages_that_mean_nothing(codec: VoxcliCodec, message: dict[str, Any]) -> None:
    assert receive(codec, message) == []


@pytest.mark.parametrize("codec", [plain(9), v1(9)])
def test_deepgrams_messages_passed_on(codec: VoxcliCodec) -> None:
    message = results_message(replace(HEARD, channel=1), request_id="id", model="nova-3", channels=2)
    (good, day) = HEARD.words or ()
    words = (replace(good, punctuated_word="good"), day)
    assert receive(codec, message) == [replace(HEARD, channel=1, words=words)]
    assert receive(codec, {name: message[name] for name in message if name != "type"}) == [
        replace(HEARD, channel=1, words=words)
    ]
    assert receive(codec, {"type": "UtteranceEnd", "channel": [1, 2], "last_word_end": 2.5}) == [
        UtteranceEnd(at=2.5, channel=1)
    ]
    assert codec.has_spans


@pytest.mark.parametrize("codec", [plain(9), v1(9)])
def test_channels_are_as_many_as_results_have_shown(codec: VoxcliCodec) -> None:
    assert codec.channels == 1
    receive(codec, without("seq"))
    assert codec.channels == 1
    receive(codec, FINAL | {"seq": 5, "channel": 1})
    assert codec.channels == 2
    receive(codec, results_message(HEARD, request_id="id", model="nova-3", channels=4))
    assert codec.channels == 4
    receive(codec, FINAL | {"seq": 6})
    assert codec.channels == 4
    with pytest.raises(Malformed):
        receive(codec, FINAL | {"seq": 7, "channel_index": [0, 65]})
    codec.start(None)
    assert codec.channels == 1


def test_a_binary_message_means_nothing() -> None:
    for codec in (plain(9), v1(9)):
        assert codec.receive(json.dumps(FINAL).encode()) == []


def test_results_without_spans_cover_what_was_sent_since_the_final_before() -> None:
    codec = plain(2)
    assert receive(codec, {"transcript": "good", "is_final": False, "speech_final": False}) == [bare("good", 0.0, 2.0)]
    assert (codec.has_spans, codec.acknowledged_samples) == (False, None)
    codec.audio(SECOND)
    assert receive(codec, {"transcript": "good day", "is_final": True, "speech_final": True}) == [
        bare("good day", 0.0, 3.0, is_final=True)
    ]
    codec.audio(SECOND)
    assert receive(codec, {"transcript": "how", "start": None}) == [bare("how", 3.0, 1.0)]
    assert receive(codec, {"transcript": "how are", "is_final": True, "speech_final": True}) == [
        bare("how are", 3.0, 1.0, is_final=True)
    ]
    assert receive(codec, {"transcript": ""}) == [bare("", 4.0, 0.0)]


@pytest.mark.parametrize("name", ["start", "duration"])
def test_half_a_span_is_none(name: str) -> None:
    codec = plain(3)
    assert receive(codec, {"transcript": "good", name: 1.0}) == [bare("good", 0.0, 3.0)]
    assert not codec.has_spans


def test_spans_once_missing_are_not_relied_on_again() -> None:
    codec = plain(9)
    receive(codec, {"transcript": "good"})
    assert receive(codec, FINAL) == [HEARD]
    assert (codec.has_spans, codec.acknowledged_samples) == (False, None)
    assert receive(codec, {"transcript": "how"}) == [bare("how", 4.0, 5.0)]


def test_a_span_beyond_what_was_sent_covers_no_more_than_that() -> None:
    codec = plain(2)
    assert receive(codec, FINAL | {"start": 0, "duration": 1e9, "words": []})[0].duration == 1e9  # type: ignore[attr-defined]
    assert codec.acknowledged_samples == 32_000
    codec.audio(SECOND)
    assert receive(codec, {"transcript": "how"}) == [bare("how", 2.0, 1.0)]


def test_what_a_plain_server_has_taken_is_how_far_its_results_reach() -> None:
    codec = plain(9)
    receive(codec, FINAL | {"is_final": False})
    assert codec.acknowledged_samples == 64_000
    receive(codec, FINAL | {"start": 4.0, "duration": 1.0})
    assert codec.acknowledged_samples == 80_000
    receive(codec, FINAL)
    assert codec.acknowledged_samples == 80_000
    assert receive(codec, {"transcript": "how"}) == [bare("how", 5.0, 4.0)]


def test_a_plain_server_may_number_its_results_as_it_likes() -> None:
    codec = plain(9)
    assert receive(codec, FINAL) == receive(codec, FINAL) == [HEARD]
    assert receive(codec, FINAL | {"seq": "first"}) == [HEARD]


def test_control_messages_mean_nothing_from_a_plain_server() -> None:
    codec = plain(1)
    for message in (READY, {"type": "Ack", "received_samples": 3}, {"type": "Metadata", "duration": 3}):
        assert receive(codec, message) == []
    assert (codec.acknowledged_samples, codec.rejoining()) == (None, {})


def test_a_session() -> None:
    codec = v1(3)
    assert receive(codec, READY) == [Ready("a1b2", resumed=False, received_samples=0)]
    assert codec.sent_samples == 48_000
    assert codec.rejoining() == {"session": "a1b2", "last_seq": "0"}
    assert receive(codec, {"type": "Ack", "received_samples": 32_000}) == [Acknowledged(32_000)]
    assert codec.acknowledged_samples == 32_000
    assert receive(codec, FINAL) == [HEARD]
    assert codec.rejoining() == {"session": "a1b2", "last_seq": "1"}
    assert receive(codec, {"type": "Metadata", "duration": 3, "finals": 1}) == [Finished(3.0)]
    assert receive(codec, {"type": "Metadata"}) == [Finished(None)]


def test_acknowledged_is_never_less_than_before_nor_more_than_sent() -> None:
    codec = v1(2)
    assert receive(codec, {"type": "Ack", "received_samples": 20_000}) == [Acknowledged(20_000)]
    assert receive(codec, {"type": "Ack", "received_samples": 10_000}) == [Acknowledged(10_000)]
    assert codec.acknowledged_samples == 20_000
    assert receive(codec, {"type": "Ack", "received_samples": 99_000}) == [Acknowledged(99_000)]
    assert codec.acknowledged_samples == 32_000


def test_ready_needs_none_of_its_fields() -> None:
    codec = v1(1)
    assert receive(codec, {"type": "Ready"}) == [Ready(None, resumed=False, received_samples=0)]
    assert (codec.sent_samples, codec.acknowledged_samples, codec.rejoining()) == (16_000, 0, {})
    assert receive(codec, {"type": "Ready", "session": ""}) == [Ready(None, resumed=False, received_samples=0)]


@pytest.mark.parametrize(
    "message",
    [
        *(READY | {"session": name} for name in (3, [], "a\nb", "\ud800", "ä", "x" * 257)),
        READY | {"resumed": "yes"},
        READY | {"received_samples": -1},
        READY | {"received_samples": 1.0},
        READY | {"received_samples": True},
        READY | {"received_samples": 10**30},
        READY | {"resumed": True, "received_samples": 16_001},
        {"type": "Ack"},
        {"type": "Ack", "received_samples": "3"},
        {"type": "Ack", "received_samples": -1},
        {"type": "Metadata", "duration": -1},
        {"type": "Metadata", "duration": math.inf},
        FINAL | {"seq": "7"},
        FINAL | {"seq": -1},
    ],
)
def test_malformed_messages_of_our_own_server(message: dict[str, Any]) -> None:
    codec = v1(1)
    with pytest.raises(Malformed):
        receive(codec, message)
    assert (codec.sent_samples, codec.acknowledged_samples, codec.rejoining()) == (16_000, 0, {})


def test_a_session_that_is_resumed_goes_on_where_the_server_is() -> None:
    codec = v1(3)
    receive(codec, READY)
    receive(codec, {"type": "Ack", "received_samples": 48_000})
    receive(codec, FINAL)
    codec.start("voxcli.v1")
    ready = READY | {"resumed": True, "received_samples": 40_000}
    assert receive(codec, ready) == [Ready("a1b2", resumed=True, received_samples=40_000)]
    assert (codec.sent_samples, codec.acknowledged_samples) == (40_000, 40_000)
    assert receive(codec, FINAL) == []
    assert receive(codec, FINAL | {"seq": 2}) == [HEARD]


def test_a_session_that_is_lost_begins_anew_under_another_name() -> None:
    codec = v1(9)
    receive(codec, READY)
    receive(codec, {"type": "Ack", "received_samples": 48_000})
    receive(codec, {"transcript": "good", "is_final": True, "seq": 4})
    assert not codec.has_spans
    codec.start("voxcli.v1")
    codec.audio(SECOND)
    receive(codec, READY | {"session": "c3"})
    assert (codec.sent_samples, codec.acknowledged_samples, codec.has_spans) == (16_000, 0, True)
    assert codec.rejoining() == {"session": "c3", "last_seq": "0"}
    assert receive(codec, {"transcript": "day"}) == [bare("day", 0.0, 1.0)]


def test_a_session_does_not_outlive_a_server_that_does_not_know_it() -> None:
    codec = v1(3)
    receive(codec, READY)
    codec.start(None)
    assert (codec.sent_samples, codec.acknowledged_samples, codec.rejoining()) == (0, None, {})


def test_a_result_without_a_span_may_come_when_a_resumed_server_has_less() -> None:
    codec = v1(3)
    receive(codec, {"transcript": "good", "is_final": True, "speech_final": True})
    codec.start("voxcli.v1")
    receive(codec, READY | {"resumed": True, "received_samples": 16_000})
    assert receive(codec, {"transcript": "day"}) == [bare("day", 3.0, 0.0)]


def test_a_repeated_final_changes_nothing() -> None:
    codec = v1(9)
    receive(codec, FINAL)
    assert receive(codec, {"transcript": "good day", "is_final": True, "seq": 1}) == []
    assert codec.has_spans
    assert receive(codec, FINAL | {"seq": 0}) == []
    assert receive(codec, FINAL | {"is_final": False}) == [replace(HEARD, is_final=False)]
    assert receive(codec, without("seq")) == [HEARD]


@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=8))
def test_finals_that_are_sent_again_come_once(count: int, drops: list[tuple[int, int]]) -> None:
    """Each connection begins again so many finals back and drops after so many more; the last one is whole."""
    codec = v1(count)
    finals = [
        {"transcript": str(seq), "is_final": True, "seq": seq, "start": float(seq - 1), "duration": 1.0}
        for seq in range(1, count + 1)
    ]
    heard: list[object] = []
    for back, length in [*drops, (0, count)]:
        codec.start("voxcli.v1")
        receive(codec, READY | {"resumed": True, "received_samples": 0})
        last_seq = int(codec.rejoining()["last_seq"])
        assert last_seq == len(heard)
        first = max(0, last_seq - back)
        for message in finals[first : first + length]:
            heard += receive(codec, message)
            assert receive(codec, message | {"is_final": False, "seq": None}) != []
    assert [one.transcript for one in heard if isinstance(one, Results)] == [str(seq + 1) for seq in range(count)]


@given(st.lists(st.tuples(st.integers(0, 50_000), st.booleans()), max_size=30), st.sampled_from([None, "voxcli.v1"]))
def test_finals_without_spans_tile_what_was_sent(steps: list[tuple[int, bool]], subprotocol: str | None) -> None:
    codec = opened(subprotocol)
    sent = covered = 0
    for count, is_final in steps:
        codec.audio(bytes(2 * count))
        sent += count
        (one,) = receive(codec, {"transcript": "x", "is_final": is_final})
        assert isinstance(one, Results)
        assert (samples(one.start), samples(one.end), one.is_final) == (covered, sent, is_final)
        covered = sent if is_final else covered


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([10**400, -(10**400)]) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of everything within a message."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        yield (*path, name)
        yield from paths(inner, (*path, name))


MESSAGES = (
    FINAL | {"speech_start": 1.6, "error": None},
    READY | {"resumed": True},
    {"type": "Ack", "received_samples": 16_000},
    {"type": "Metadata", "duration": 1.0, "finals": 1},
    {"type": "Error", "message": "bad", "error": {"code": 3}},
    results_message(HEARD, request_id="id", model="nova-3"),
)
SPOILED = st.sampled_from([(message, path) for message in MESSAGES for path in paths(message)])


def spoil(message: dict[str, Any], path: tuple[str | int, ...], value: object) -> str:
    message = copy.deepcopy(message)
    at: Any = message
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    return json.dumps(message)


BROKEN = st.builds(lambda spoiled, value: spoil(*spoiled, value), SPOILED, ANYTHING)


@given(st.lists(BROKEN | st.text() | st.binary() | ANYTHING.map(json.dumps), max_size=6), st.booleans())
def test_a_message_of_any_kind_is_sound_or_malformed(messages: list[str | bytes], is_v1: bool) -> None:
    codec = v1(3) if is_v1 else plain(3)
    for message in messages:
        try:
            heard = codec.receive(message)
        except Malformed:
            continue
        assert json.dumps([dataclasses.asdict(one) for one in heard], allow_nan=False)
        assert all(samples(one.end) >= samples(one.start) >= 0 for one in heard if isinstance(one, Results))
    assert 0 <= (codec.acknowledged_samples or 0) <= codec.sent_samples <= 48_000
    assert all(value.isascii() for value in codec.rejoining().values())


@pytest.mark.parametrize("codec", [plain(), v1()])
def test_deep_nesting_is_malformed(codec: VoxcliCodec) -> None:
    for message in ("[" * 100_000, '{"error":' * 100_000):
        with pytest.raises(Malformed):
            codec.receive(message)


def test_finals_out_of_order_are_all_taken_and_the_missing_ones_asked_for_again() -> None:
    codec = v1(3)
    receive(codec, READY)
    taken = [seq for seq in (2, 1, 2, 4, 4, 5) if receive(codec, FINAL | {"seq": seq})]
    assert taken == [2, 1, 4, 5]
    assert codec.rejoining()["last_seq"] == "2"


def test_a_number_that_never_comes_is_not_waited_for_for_ever() -> None:
    codec = v1(3)
    receive(codec, READY)
    for seq in range(2, 1_100):
        assert receive(codec, FINAL | {"seq": seq})
    assert codec.rejoining()["last_seq"] == "1099"
