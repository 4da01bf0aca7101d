"""The server's half of ``/v1/listen``, held against the client's half and against what Deepgram documents."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.audio import AudioFormat, Encoding
from voxcli.events import Results, Word
from voxcli.protocols import Asked, Malformed, deepgram, deepgram_server
from voxcli.protocols.deepgram import DeepgramCodec
from voxcli.protocols.deepgram_server import Said
from voxcli.protocols.requests import Refused

times = st.integers(0, 10**6).map(lambda count: count / 16_000)


def final(text: str = "one two", start: float = 0.0, duration: float = 2.0, **more: object) -> Results:
    """A final with words."""
    words = tuple(
        Word(word=word, start=start + 0.5 * number, end=start + 0.5 * number + 0.4, confidence=0.9)
        for number, word in enumerate(text.split())
    )
    given = {"confidence": 0.9, "words": words, "speech_final": True} | more
    return Results(
        transcript=text, is_final=True, start=start, duration=duration, backend="vosk", **given,  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_server_understands_what_our_client_asks() -> None:
    """Its query and all that it says."""
    wish = deepgram_server.wish(deepgram.query(Asked(language="ko", parameters=[("diarize", "true")])))
    assert wish == deepgram_server.ListenWish(
        format=AudioFormat(Encoding.LINEAR16, 16_000, 1),
        is_multichannel=False,
        language="ko",
        model="nova-3",
        interim=True,
        endpointing=0.01,
        utterance_end=None,
        vad_events=False,
        parameters=(("diarize", "true"),),
    )
    codec = DeepgramCodec()
    said = [*codec.keep_alive(), *codec.finalize(), *codec.finish()]
    assert [deepgram_server.said(str(text)) for text in said] == [
        Said("KeepAlive"), Said("Finalize"), Said("CloseStream"),
    ]  # fmt: skip


@given(times, times, st.integers(0, 3), st.booleans(), st.booleans())
def test_the_client_reads_a_result_as_it_was_meant(
    start: float, duration: float, channel: int, speech_final: bool, from_finalize: bool
) -> None:
    """With the channel and how many there are."""
    meant = final(start=start, duration=duration, channel=channel)
    message = deepgram_server.results(
        meant, request_id="r", model="small", channels=4, speech_final=speech_final, from_finalize=from_finalize
    )
    codec = DeepgramCodec()
    (read,) = codec.receive(message)
    assert isinstance(read, Results)
    assert (read.transcript, read.start, read.duration, read.channel) == (
        meant.transcript, meant.start, meant.duration, channel,
    )  # fmt: skip
    assert read.words == tuple(
        Word(word=word.word, start=word.start, end=word.end, confidence=0.9, punctuated_word=word.word)
        for word in meant.words or ()
    )
    assert read.speech_final == speech_final
    assert codec.channels == 4
    assert json.loads(message)["from_finalize"] == from_finalize


def test_containers_need_no_format() -> None:
    """What says itself what it is, too; a rate beside it is ignored."""
    for query in ([], [("encoding", "flac")], [("encoding", "ogg-opus"), ("sample_rate", "48000")]):
        assert deepgram_server.wish(query).format is None


@pytest.mark.parametrize(("name", "encoding"), list(deepgram_server.RAW_ENCODINGS.items()))
def test_raw_encodings(name: str, encoding: Encoding) -> None:
    """At every rate from 8 to 48 kHz; linear32 is a float, as Deepgram has it."""
    for rate in (8_000, 16_000, 44_100, 48_000):
        wish = deepgram_server.wish([("encoding", name), ("sample_rate", str(rate)), ("channels", "2")])
        assert wish.format == AudioFormat(encoding, rate, 2)


@pytest.mark.parametrize(
    "query",
    [
        "encoding=linear16", "encoding=mp3&sample_rate=16000", "encoding=g729&sample_rate=8000",
        "encoding=linear16&sample_rate=7999", "encoding=linear16&sample_rate=48001",
        "encoding=linear16&sample_rate=16000&channels=21", "channels=0", "endpointing=soon", "endpointing=-1",
        "utterance_end_ms=1000", "utterance_end_ms=no&interim_results=true", "punctuate=perhaps", "multichannel=2",
        "vad_events=x", "interim_results=x", "callback=https://example.org",
    ],
)  # fmt: skip
def test_bad_values_of_known_names_are_refused(query: str) -> None:
    """Each with a sentence that names it."""
    pairs = [(name, value) for name, _, value in (part.partition("=") for part in query.split("&"))]
    with pytest.raises(Refused, match=r"expected|not possible"):
        deepgram_server.wish(pairs)


def test_unknown_names_and_any_model_are_fine() -> None:
    """A relay passes on what is not read here."""
    wish = deepgram_server.wish([("model", "made-up"), ("language", "xx"), ("flux_capacitor", "on"), ("tag", "a")])
    assert (wish.model, wish.language) == ("made-up", "xx")
    assert wish.parameters == (("flux_capacitor", "on"), ("tag", "a"))


@pytest.mark.parametrize(
    ("text", "silence"), [("", 0.01), ("true", 0.01), ("false", None), ("0", 0.0), ("300", 0.3), ("False", None)]
)
def test_endpointing(text: str, silence: float | None) -> None:
    """Milliseconds, or false for never."""
    assert deepgram_server.wish([("endpointing", text)]).endpointing == silence


def test_utterance_end_needs_interims_only_in_a_stream() -> None:
    """A recording has none."""
    assert deepgram_server.wish([("utterance_end_ms", "1500"), ("interim_results", "true")]).utterance_end == 1.5
    assert deepgram_server.wish([("utterance_end_ms", "1500")], is_stream=False).utterance_end == 1.5


def test_what_clients_say() -> None:
    """With spaces in it, with a channel as a number or a pair, and with what is no message."""
    assert deepgram_server.said('{"type": "Finalize", "channel": 1}') == Said("Finalize", 1)
    assert deepgram_server.said('{"type":"Finalize","channel":[1,2]}') == Said("Finalize", 1)
    assert deepgram_server.said('{"type":"Configure","keyterms":["a"]}') == Said("Configure")
    assert deepgram_server.said('{"type":"Dance"}') is None
    for text in ('{"type":"Finalize","channel":"left"}', '{"type":null}', "[]", "x"):
        with pytest.raises(Malformed):
            deepgram_server.said(text)


def test_small_messages() -> None:
    """As Deepgram's specification has them."""
    assert json.loads(deepgram_server.speech_started(1.5, 0, 2)) == {
        "type": "SpeechStarted", "channel": [0, 2], "timestamp": 1.5,
    }  # fmt: skip
    assert json.loads(deepgram_server.utterance_end(2.5, 1, 2)) == {
        "type": "UtteranceEnd", "channel": [1, 2], "last_word_end": 2.5,
    }  # fmt: skip
    assert json.loads(deepgram_server.configure_failure("r"))["code"] == "CONFIGURE_KEYTERMS_NOT_SUPPORTED"
    assert json.loads(deepgram_server.error_message("no")) == {
        "type": "Error", "variant": "SchemaError", "description": "no",
    }  # fmt: skip
    assert json.loads(deepgram_server.error_message("no", variant="DataError", code="X"))["code"] == "X"
    assert deepgram_server.refusal("Bad Request", "no", "r") == {
        "err_code": "Bad Request", "err_msg": "no", "request_id": "r",
    }  # fmt: skip


def test_a_recording_is_one_alternative_a_channel() -> None:
    """Finals put together; the confidence is weighted by length; silence adds nothing."""
    finals = [
        final("one two", 0.0, 2.0, confidence=0.9),
        final("", 2.0, 4.0, confidence=None, words=()),
        final("three", 6.0, 6.0, confidence=0.5),
    ]
    answer = deepgram_server.prerecorded(
        [finals, []], request_id="r", model="small", backend="vosk", sha256="s", created="c", duration=12.0,
        utterances=True,
    )  # fmt: skip
    one, other = (channel["alternatives"][0] for channel in answer["results"]["channels"])
    assert (one["transcript"], one["confidence"]) == ("one two three", 0.6)
    assert [word["word"] for word in one["words"]] == ["one", "two", "three"]
    assert other == {"transcript": "", "confidence": 0.0, "words": []}
    assert answer["metadata"]["model_info"] == {"r": {"name": "small", "version": "", "arch": "vosk"}}
    assert [(said["transcript"], said["start"], said["end"]) for said in answer["results"]["utterances"]] == [
        ("one two", 0.0, 0.9), ("three", 6.0, 6.4),
    ]  # fmt: skip


def test_utterances_without_word_times() -> None:
    """From where speech began to where it ended, as far as that is known."""
    known = final("a", 1.0, 3.0, words=None, confidence=None, speech_start=1.5, speech_end=2.5)
    unknown = final("b", 4.0, 1.0, words=None, confidence=None)
    answer = deepgram_server.prerecorded(
        [[known, unknown]], request_id="r", model="m", backend="moonshine", sha256="", created="", duration=5.0,
        utterances=True,
    )  # fmt: skip
    assert [(said["start"], said["end"]) for said in answer["results"]["utterances"]] == [(1.5, 2.5), (4.0, 5.0)]
    assert "utterances" not in deepgram_server.prerecorded(
        [[known]], request_id="r", model="m", backend="b", sha256="", created="", duration=5.0
    )["results"]  # fmt: skip
