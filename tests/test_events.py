"""Events as lines of JSON, and the schema that describes them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from voxcli.cli.schema import events_schema
from voxcli.events import Error, Event, Gap, Latency, Notice, Results, Session, Summary, Word, as_json
from voxcli.renderers.jsonl import encode

VALIDATOR = Draft202012Validator(events_schema())

FINAL = Results(
    seq=3,
    transcript="good morning",
    is_final=True,
    speech_final=True,
    start=1.25,
    duration=2.5,
    confidence=0.98,
    words=(Word(word="good", start=1.25, end=1.5, confidence=0.99),),
    backend="vosk",
)
EVERY_EVENT: list[Event] = [
    Session(source="talk.wav", backends=("server", "vosk"), sample_rate=16_000, channels=1),
    FINAL,
    Notice(code="failback", at=12.3, from_="vosk", to="server", message="the server is back"),
    Gap(start=12.0, end=12.4, reason="ring_overflow"),
    Error(code="source", message="no", hint="yes"),
    Summary(
        audio_seconds=63.1,
        covered_seconds=63.1,
        lost_seconds=0.0,
        finals=9,
        reconnects=1,
        failovers=0,
        latency_ms=Latency(p50=210, p95=480),
        stop_reason="end_of_source",
    ),
]


def test_a_result_is_deepgrams_names_flattened() -> None:
    assert json.dumps(as_json(FINAL), default=as_json) == (
        '{"type": "Results", "seq": 3, "transcript": "good morning", "is_final": true, "speech_final": true, '
        '"start": 1.25, "duration": 2.5, "confidence": 0.98, '
        '"words": [{"word": "good", "start": 1.25, "end": 1.5, "confidence": 0.99}], '
        '"channel": 0, "backend": "vosk"}'
    )


def test_a_key_without_a_value_is_left_out() -> None:
    line = as_json(Results(transcript="", is_final=True, speech_final=False, start=0, duration=1, backend="moonshine"))
    assert "words" not in line
    assert "confidence" not in line
    assert None not in line.values()


def test_from_is_called_from() -> None:
    notice = as_json(EVERY_EVENT[2])
    assert (notice["from"], notice["to"]) == ("vosk", "server")


def test_a_result_ends_where_its_span_ends() -> None:
    assert FINAL.end == 3.75


@pytest.mark.parametrize("event", EVERY_EVENT, ids=lambda event: event.type)
def test_every_line_fits_the_schema(event: Event) -> None:
    VALIDATOR.validate(json.loads(encode(event)))


@given(st.builds(Results, words=st.none() | st.lists(st.builds(Word), max_size=3).map(tuple)))
def test_every_result_fits_the_schema(result: Results) -> None:
    VALIDATOR.validate(json.loads(json.dumps(as_json(result), default=as_json)))


@pytest.mark.parametrize(
    "line",
    [
        {"type": "Unheard"},
        as_json(EVERY_EVENT[3]) | {"reason": "because"},
        {key: value for key, value in json.loads(encode(FINAL)).items() if key != "start"},
        {key: value for key, value in json.loads(encode(FINAL)).items() if key != "seq"},
        as_json(EVERY_EVENT[0]) | {"model": None},
    ],
)
def test_the_schema_refuses_what_is_not_printed(line: dict[str, object]) -> None:
    assert not VALIDATOR.is_valid(line)


def test_the_schema_describes_every_field() -> None:
    for name, definition in events_schema()["$defs"].items():
        for key, field in definition["properties"].items():
            assert key == "type" or "description" in field, f"{name}.{key}"
