"""The server's half of ``/ws/transcribe``, held against the client's half."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.audio import AudioFormat, Encoding
from voxcli.events import Error, Notice, Results, Word
from voxcli.protocols import Acknowledged, Asked, Finished, Malformed, Ready, voxcli, voxcli_server
from voxcli.protocols.requests import Refused
from voxcli.protocols.voxcli import SUBPROTOCOL, VoxcliCodec

times = st.integers(0, 10**6).map(lambda count: count / 16_000)


@st.composite
def heard(draw: st.DrawFn) -> Results:
    """A result of any recognizer."""
    words = draw(st.none() | st.lists(st.builds(_word, st.text(min_size=1, max_size=8), times, times), max_size=4))
    return Results(
        transcript=draw(st.text(max_size=20)),
        is_final=draw(st.booleans()),
        speech_final=False,
        start=draw(times),
        duration=draw(times),
        confidence=draw(st.none() | st.floats(0, 1)),
        words=None if words is None else tuple(words),
        channel=draw(st.integers(0, 3)),
        backend="vosk",
        speech_start=draw(st.none() | times),
        speech_end=draw(st.none() | times),
    )


def _word(word: str, start: float, end: float) -> Word:
    return Word(word=word, start=start, end=end, confidence=0.5)


def client() -> VoxcliCodec:
    """The client's half, which has sent a hundred seconds."""
    codec = VoxcliCodec()
    codec.start(SUBPROTOCOL)
    codec.audio(bytes(3_200_000))
    return codec


@given(heard(), st.integers(1, 10**9))
def test_the_client_reads_every_result_as_it_was_meant(result: Results, seq: int) -> None:
    """Only the backend is another: to the client it is the server."""
    message = voxcli_server.result(result, seq if result.is_final else None)
    (read,) = client().receive(message)
    assert isinstance(read, Results)
    assert {name: getattr(read, name) for name in Results.__slots__ if name != "backend"} == {
        name: getattr(result, name) for name in Results.__slots__ if name != "backend"
    }
    fields = json.loads(message)
    assert next(iter(fields)) == "type"
    assert fields.get("seq") == (seq if result.is_final else None)
    assert fields["backend"] == "vosk"


@given(heard())
def test_a_plain_client_reads_the_three_fields(result: Results) -> None:
    """With everything else that there is, but neither a type nor a number."""
    message = json.loads(voxcli_server.plain_result(result))
    assert not {"type", "seq"} & set(message)
    assert (message["transcript"], message["is_final"], message["speech_final"]) == (
        result.transcript, result.is_final, result.speech_final,
    )  # fmt: skip
    assert (message["start"], message["duration"], message["channel"]) == (
        result.start, result.duration, result.channel,
    )  # fmt: skip


def test_the_client_reads_ready_ack_and_metadata() -> None:
    """As the events that they are."""
    codec = client()
    ready = voxcli_server.ready("abc", resumed=True, received=16_000, backend="vosk", model="small")
    assert codec.receive(ready) == [Ready("abc", resumed=True, received_samples=16_000)]
    assert "model" not in json.loads(voxcli_server.ready("a", resumed=False, received=0, backend="b", model=""))
    assert codec.receive(voxcli_server.ack(32_000)) == [Acknowledged(32_000)]
    assert codec.receive(voxcli_server.metadata(16_000, 3)) == [Finished(1.0)]
    assert json.loads(voxcli_server.metadata(8_000, 3)) == {"type": "Metadata", "duration": 0.5, "finals": 3}


def test_notices_and_errors_are_the_lines_that_the_client_prints() -> None:
    """With the names of docs/jsonl.md."""
    notice = Notice(code="failover", at=1.0, message="vosk takes over", from_="deepgram", to="vosk")
    assert json.loads(voxcli_server.event(notice))["from"] == "deepgram"
    assert json.loads(voxcli_server.error("format", "no", "yes")) == {
        "type": "Error", "code": "format", "message": "no", "hint": "yes",
    }  # fmt: skip
    assert voxcli_server.event(Error(code="a", message="b", hint="c")) == voxcli_server.error("a", "b", "c")


def test_the_server_understands_what_our_client_asks() -> None:
    """Its query and all that it says."""
    asked = Asked(language="ko", model="small", parameters=[("punctuate", "true"), ("keyterm", "a"), ("keyterm", "b")])
    wish = voxcli_server.wish([*voxcli.query(asked), ("session", "ab" * 16), ("last_seq", "7")])
    assert wish == voxcli_server.Wish(
        format=AudioFormat(Encoding.LINEAR16, 16_000, 1),
        language="ko",
        model="small",
        interim=True,
        session="ab" * 16,
        last_seq=7,
        parameters=(("punctuate", "true"), ("keyterm", "a"), ("keyterm", "b")),
    )
    codec = client()
    said = [*codec.keep_alive(), *codec.finalize(), *codec.finish()]
    assert [voxcli_server.command(str(text)) for text in said] == ["KeepAlive", "Finalize", "CloseStream"]


def test_without_a_query_it_is_16_khz_mono_with_interims() -> None:
    """Any other format is said in the query."""
    wish = voxcli_server.wish([])
    assert (wish.format, wish.interim, wish.session, wish.last_seq) == (
        AudioFormat(Encoding.LINEAR16, 16_000, 1), True, None, 0,
    )  # fmt: skip
    other = voxcli_server.wish([("encoding", "LINEAR32"), ("sample_rate", "8000"), ("channels", "2"), ("x", "y")])
    assert other.format == AudioFormat(Encoding.FLOAT32, 8_000, 2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("encoding", "opus"), ("sample_rate", "0"), ("sample_rate", "-1"), ("channels", "0"), ("channels", "65"),
        ("interim_results", "maybe"), ("session", "../etc"), ("session", "x" * 65), ("last_seq", "one"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(name: str, value: str) -> None:
    """Never taken for something else."""
    with pytest.raises(Refused):
        voxcli_server.wish([(name, value)])


@given(st.text(max_size=40))
def test_any_text_is_a_command_nothing_or_malformed(text: str) -> None:
    """Nothing else can come of it."""
    with contextlib.suppress(Malformed):
        assert voxcli_server.command(text) is None


def test_types_that_nobody_knows_are_passed_over() -> None:
    """So that a newer client can speak with an older server."""
    assert voxcli_server.command('{"type":"Dance"}') is None
    for text in ('{"type":7}', "{}", "[]", "nonsense"):
        with pytest.raises(Malformed):
            voxcli_server.command(text)
