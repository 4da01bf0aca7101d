"""Deepgram's message shapes, field by field as its specification has them, and its clients' half of /v1/listen."""

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
from voxcli.protocols import Asked, Codec, Finished, Malformed, Trouble
from voxcli.protocols.deepgram import DeepgramCodec, metadata_message, query, results_message

HEARD = Results(
    transcript="good day",
    is_final=True,
    speech_final=False,
    start=1.5,
    duration=2.0,
    confidence=0.9,
    words=(
        Word(word="good", start=1.5, end=1.9, confidence=0.8, speaker=0),
        Word(word="day", start=2.0, end=2.5, confidence=1.0, punctuated_word="day."),
    ),
    backend="vosk",
)


def test_a_result_is_a_results_message() -> None:
    assert results_message(HEARD, request_id="id", model="small") == {
        "type": "Results",
        "channel_index": [0, 1],
        "duration": 2.0,
        "start": 1.5,
        "is_final": True,
        "speech_final": False,
        "channel": {
            "alternatives": [
                {
                    "transcript": "good day",
                    "confidence": 0.9,
                    "words": [
                        {
                            "word": "good",
                            "start": 1.5,
                            "end": 1.9,
                            "confidence": 0.8,
                            "punctuated_word": "good",
                            "speaker": 0,
                        },
                        {"word": "day", "start": 2.0, "end": 2.5, "confidence": 1.0, "punctuated_word": "day."},
                    ],
                }
            ]
        },
        "metadata": {
            "request_id": "id",
            "model_info": {"name": "small", "version": "", "arch": "vosk"},
            "model_uuid": "id",
        },
    }


def test_a_recognizer_without_word_times_has_an_empty_list_and_no_confidence() -> None:
    bare = Results(transcript="hello", is_final=True, speech_final=True, start=0, duration=1, backend="moonshine")
    (alternative,) = results_message(bare, request_id="id", model="tiny")["channel"]["alternatives"]
    assert alternative == {"transcript": "hello", "confidence": 0.0, "words": []}


def test_metadata_says_how_much_was_processed() -> None:
    assert metadata_message(request_id="id", created="2026-11-01T12:00:00.000Z", duration=63.1) == {
        "type": "Metadata",
        "transaction_key": "deprecated",
        "request_id": "id",
        "sha256": "",
        "created": "2026-11-01T12:00:00.000Z",
        "duration": 63.1,
        "channels": 1,
    }


# What Deepgram sends, in the shapes of its specification.
RESULTS: dict[str, Any] = {
    "type": "Results",
    "channel_index": [0, 1],
    "duration": 3.02,
    "start": 4.1,
    "is_final": True,
    "speech_final": True,
    "from_finalize": False,
    "channel": {
        "alternatives": [
            {
                "transcript": "Another big problem.",
                "confidence": 0.9962034,
                "languages": ["en"],
                "words": [
                    {
                        "word": "another",
                        "start": 4.5,
                        "end": 4.98,
                        "confidence": 0.9982,
                        "punctuated_word": "Another",
                        "speaker": 1,
                        "language": "en",
                    },
                    {"word": "big", "start": 5, "end": 5.22, "confidence": 0.97},
                    {
                        "word": "problem",
                        "start": 5.3,
                        "end": 5.8,
                        "confidence": 0.9962034,
                        "punctuated_word": "problem.",
                    },
                ],
            },
            {"transcript": "Another pig problem.", "confidence": 0.4, "words": []},
        ]
    },
    "metadata": {
        "request_id": "18ffbd84-b8b9-4a3c-9f9e-8a2f0f0a1a11",
        "model_info": {"name": "general-nova-3", "version": "2025-07-31.0", "arch": "nova-3"},
        "model_uuid": "40bd3654-e622-47c4-a111-63a61b23bfe8",
    },
}
METADATA = {"type": "Metadata", "transaction_key": "deprecated", "request_id": "1", "duration": 63.1, "channels": 1}
UTTERANCE_END = {"type": "UtteranceEnd", "channel": [0, 2], "last_word_end": 2.395}
ERROR = {"type": "Error", "variant": "SchemaError", "description": "Could not deserialize last text message"}


def received(message: object) -> list[object]:
    return list(DeepgramCodec().receive(json.dumps(message)))


def changed(path: tuple[str | int, ...], value: object, message: dict[str, Any] = RESULTS) -> dict[str, Any]:
    """A message with one field of it replaced."""
    message = copy.deepcopy(message)
    at: Any = message
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    return message


def without(path: tuple[str | int, ...]) -> dict[str, Any]:
    """A Results message with one field of it left out."""
    message = copy.deepcopy(RESULTS)
    at: Any = message
    for name in path[:-1]:
        at = at[name]
    del at[path[-1]]
    return message


def test_the_query_asks_for_what_is_sent() -> None:
    assert query(Asked()) == [
        ("model", "nova-3"),
        ("language", "en"),
        ("encoding", "linear16"),
        ("sample_rate", "16000"),
        ("channels", "1"),
        ("interim_results", "true"),
    ]


def test_a_named_parameter_replaces_ours_and_names_may_repeat() -> None:
    parameters = [("keyterm", "vox"), ("language", "multi"), ("keyterm", "cli"), ("punctuate", "true")]
    assert query(Asked(language="de", model="nova-2", parameters=parameters)) == [
        ("model", "nova-2"),
        ("encoding", "linear16"),
        ("sample_rate", "16000"),
        ("channels", "1"),
        ("interim_results", "true"),
        *parameters,
    ]


def test_what_the_codec_can_do() -> None:
    codec: Codec = DeepgramCodec()
    assert (codec.subprotocols, codec.pace, codec.acknowledged_samples) == ((), 1.2, None)
    assert (codec.has_spans, codec.is_talkative, codec.gives_receipt) == (True, True, True)
    assert codec.keep_alive_seconds == 4.0
    assert (codec.rejoining(), codec.start(None)) == ({}, [])


def test_channels_are_as_many_as_results_have_shown() -> None:
    codec = DeepgramCodec()
    seen = [codec.channels]
    for pair in ([0, 1], [0], [1], [0, 3], [2, 0], [4, 2], [0, 1], [63, 64]):
        codec.receive(json.dumps(changed(("channel_index",), pair)))
        seen.append(codec.channels)
    assert seen == [1, 1, 1, 2, 3, 3, 5, 5, 64]


def test_control_messages_are_text() -> None:
    codec = DeepgramCodec()
    assert codec.keep_alive() == ['{"type":"KeepAlive"}']
    assert codec.finalize() == ['{"type":"Finalize"}']
    assert codec.finish() == ['{"type":"CloseStream"}']
    assert codec.sent_samples == 0


def test_audio_goes_as_it_is_and_is_counted_and_no_audio_is_no_message() -> None:
    codec = DeepgramCodec()
    assert codec.audio(b"abcd") == [b"abcd"]
    assert codec.audio(b"") == []
    assert codec.audio(b"ef") == [b"ef"]
    assert codec.sent_samples == 3


def test_a_result() -> None:
    assert received(RESULTS) == [
        Results(
            transcript="Another big problem.",
            is_final=True,
            speech_final=True,
            start=4.1,
            duration=3.02,
            confidence=0.9962034,
            words=(
                Word(word="another", start=4.5, end=4.98, confidence=0.9982, punctuated_word="Another", speaker=1),
                Word(word="big", start=5.0, end=5.22, confidence=0.97),
                Word(word="problem", start=5.3, end=5.8, confidence=0.9962034, punctuated_word="problem."),
            ),
            backend="deepgram",
        )
    ]


ALTERNATIVES = ("channel", "alternatives")
FIRST = (*ALTERNATIVES, 0)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (changed(("channel_index",), [1, 2]), {"channel": 1}),
        (changed(("channel_index",), [63, 64]), {"channel": 63}),
        (without(("channel_index",)), {"channel": 0}),
        (changed(("is_final",), False), {"is_final": False, "speech_final": True}),
        (without(("is_final",)), {"is_final": True}),
        (without(("speech_final",)), {"speech_final": False, "is_final": True}),
        (changed(ALTERNATIVES, []), {"transcript": "", "words": None, "confidence": None}),
        (changed((*FIRST, "words"), []), {"words": ()}),
        (without((*FIRST, "words")), {"words": None}),
        (changed((*FIRST, "words"), None) | {"words": 3}, {"words": None}),
        (without((*FIRST, "confidence")), {"confidence": None}),
        (changed((*FIRST, "confidence"), math.nan), {"confidence": None}),
        (changed((*FIRST, "confidence"), 1.5), {"confidence": 1.0}),
        (changed((*FIRST, "confidence"), -3), {"confidence": 0.0}),
        (changed(("duration",), 0), {"duration": 0.0}),
    ],
)
def test_what_may_differ_in_a_result(message: dict[str, Any], expected: dict[str, object]) -> None:
    (usual,) = received(RESULTS)
    assert isinstance(usual, Results)
    assert received(message) == [replace(usual, **expected)]  # type: ignore[arg-type]


WORD = (*FIRST, "words", 1)


@pytest.mark.parametrize(
    "message",
    [
        *(changed((name,), value) for name in ("start", "duration") for value in (-0.1, math.nan, math.inf, True, "1")),
        *(changed((*WORD, name), value) for name in ("start", "end") for value in (-1, math.inf, False, "1", None)),
        without(("start",)),
        without(("duration",)),
        without(("channel",)),
        without(ALTERNATIVES),
        without((*FIRST, "transcript")),
        changed((*FIRST, "transcript"), 3),
        changed((*FIRST, "confidence"), True),
        changed(FIRST, "text"),
        changed(ALTERNATIVES, {}),
        changed(("channel",), [0, 1]),
        changed(("channel_index",), []),
        changed(("channel_index",), 0),
        changed(("channel_index",), [True, 1]),
        changed(("channel_index",), [-1, 1]),
        changed(("channel_index",), [64, 64]),
        changed(("channel_index",), [0, 65]),
        changed(("channel_index",), [0, "1"]),
        changed(("is_final",), 1),
        changed(("speech_final",), "true"),
        changed(WORD, "big"),
        changed((*WORD, "word"), None),
        changed((*FIRST, "words"), "Another big problem."),
        {"type": "Metadata", "duration": -1},
        {"type": "Metadata", "duration": math.nan},
        {"type": "UtteranceEnd", "channel": [0, 1]},
        {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": -2},
        {"type": "UtteranceEnd", "channel": 0, "last_word_end": 2},
        [RESULTS],
        None,
    ],
)
def test_malformed_messages(message: object) -> None:
    with pytest.raises(Malformed):
        received(message)


def test_a_start_beyond_every_float_is_malformed() -> None:
    with pytest.raises(Malformed):
        DeepgramCodec().receive(json.dumps(RESULTS).replace('"start": 4.1', '"start": 1e999'))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (UTTERANCE_END, [UtteranceEnd(at=2.395, channel=0)]),
        (UTTERANCE_END | {"channel": [1, 2]}, [UtteranceEnd(at=2.395, channel=1)]),
        (UTTERANCE_END | {"last_word_end": -1}, []),
        (METADATA, [Finished(63.1)]),
        ({"type": "Metadata"}, [Finished(None)]),
        (ERROR, [Trouble("Could not deserialize last text message (SchemaError)")]),
        (ERROR | {"message": "bad", "code": 7}, [Trouble(f"{ERROR['description']}: bad (SchemaError, 7)")]),
        ({"type": "SpeechStarted", "channel": [0, 1], "timestamp": 9.5}, []),
        ({"type": "ConfigureSuccess", "request_id": "1"}, []),
        ({"type": "results", "start": 3}, []),
        ({"type": ["Results"]}, []),
        ({"type": None}, []),
        ({}, []),
    ],
)
def test_other_messages(message: object, expected: list[object]) -> None:
    assert received(message) == expected


def test_a_binary_message_means_nothing() -> None:
    assert DeepgramCodec().receive(json.dumps(RESULTS).encode()) == []


TIMES = st.floats(0, 1e6)
WORDS = st.builds(
    Word,
    word=st.text(),
    start=TIMES,
    end=TIMES,
    confidence=st.floats(0, 1),
    punctuated_word=st.none() | st.text(),
    speaker=st.none() | st.integers(0, 20),
)
HEARABLE = st.builds(
    Results,
    seq=st.integers(0, 9),
    transcript=st.text(),
    is_final=st.booleans(),
    speech_final=st.booleans(),
    start=TIMES,
    duration=TIMES,
    confidence=st.none() | st.floats(0, 1),
    words=st.none() | st.lists(WORDS, max_size=4).map(tuple),
    channel=st.integers(0, 19),
    backend=st.just("vosk"),
    speech_start=st.none() | TIMES,
)


@given(HEARABLE)
def test_the_two_halves_fit(result: Results) -> None:
    message = json.dumps(results_message(result, request_id="id", model="small", channels=20))
    # The shape has no place for "none" in words and confidence, and always gives the punctuated form.
    words = tuple(replace(word, punctuated_word=word.punctuated_word or word.word) for word in result.words or ())
    expected = replace(result, confidence=result.confidence or 0.0, words=words, backend="deepgram", seq=0)
    assert DeepgramCodec().receive(message) == [replace(expected, speech_start=None)]


@given(TIMES)
def test_the_two_halves_fit_at_the_end(duration: float) -> None:
    message = json.dumps(metadata_message(request_id="id", created="2026-11-01T12:00:00.000Z", duration=duration))
    assert DeepgramCodec().receive(message) == [Finished(duration)]


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


SPOILED = st.sampled_from(
    [(message, path) for message in (RESULTS, METADATA, UTTERANCE_END, ERROR) for path in paths(message)]
)


@given(SPOILED, ANYTHING)
def test_with_anything_anywhere_a_message_is_sound_or_malformed(
    spoiled: tuple[dict[str, Any], tuple[str | int, ...]], value: object
) -> None:
    message, path = spoiled
    try:
        heard = received(changed(path, value, message))
    except Malformed:
        return
    for one in heard:
        assert dataclasses.is_dataclass(one)
        assert json.dumps(dataclasses.asdict(one), allow_nan=False)  # type: ignore[arg-type]
        assert not isinstance(one, Results) or samples(one.end) >= samples(one.start) >= 0


@given(st.text() | st.binary() | ANYTHING.map(json.dumps))
def test_nothing_but_malformed_is_ever_raised(message: str | bytes) -> None:
    try:
        heard = DeepgramCodec().receive(message)
    except Malformed:
        assert isinstance(message, str)
    else:
        assert heard == []


def test_deep_nesting_is_malformed() -> None:
    with pytest.raises(Malformed):
        DeepgramCodec().receive('{"type":' + "[" * 100_000)
