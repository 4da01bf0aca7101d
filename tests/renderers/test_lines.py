"""The renderers of lines: text, JSON lines, Deepgram's messages."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, replace
from typing import TextIO

import pytest

from voxcli.events import Error, Gap, Results, Session, Summary, Word
from voxcli.renderers import RENDERERS, RendererOptions, Status, open_renderer
from voxcli.renderers.text import clock
from voxcli.transcript import Utterance

SESSION = Session(source="talk.wav", backends=("vosk",), sample_rate=16_000, channels=1, model="small-en")
FINAL = Results(
    transcript="good morning",
    is_final=True,
    speech_final=True,
    start=1.0,
    duration=2.0,
    confidence=0.9,
    words=(Word(word="good", start=1.2, end=1.5, confidence=0.9),),
    backend="vosk",
)
INTERIM = replace(FINAL, is_final=False, speech_final=False, transcript="good mor", words=None, confidence=None)
SUMMARY = Summary(
    audio_seconds=3.0,
    covered_seconds=3.0,
    lost_seconds=0.0,
    finals=1,
    reconnects=0,
    failovers=0,
    stop_reason="end_of_source",
)
STATUS = Status(heard=1.0, total=None, backend="vosk", open_text="good")


@dataclass
class Lines:
    """An output that remembers its lines."""

    written: list[str] = field(default_factory=list)
    stream: TextIO = field(default_factory=io.StringIO)

    def line(self, text: str) -> None:
        self.written.append(text)

    def write(self, text: str) -> None:
        self.stream.write(text)


def utterance(text: str, start: float = 83.4) -> Utterance:
    return Utterance(text=text, start=start, end=start + 1, backend="vosk")


def rendered(format: str, *events: object, options: RendererOptions = RendererOptions()) -> list[str]:  # noqa: B008
    output = Lines()
    renderer = open_renderer(format, output, options)
    for event in events:
        if isinstance(event, Utterance):
            renderer.utterance(event)
        elif isinstance(event, Status):
            renderer.status(event)
        else:
            renderer.show(event)  # type: ignore[arg-type]
    renderer.close()
    return output.written


def test_text_is_one_utterance_a_line() -> None:
    assert rendered("text", SESSION, FINAL, INTERIM, utterance("good morning"), STATUS, SUMMARY) == ["good morning"]


def test_text_says_when() -> None:
    options = RendererOptions(timestamps=True)
    assert rendered("text", utterance("good morning"), options=options) == ["[0:01:23] good morning"]


def test_text_says_who() -> None:
    said = replace(utterance("good morning"), speaker=1)
    assert rendered("text", said) == ["Speaker 1: good morning"]
    assert rendered("text", said, options=RendererOptions(timestamps=True)) == ["[0:01:23] Speaker 1: good morning"]


def test_text_shows_interims_when_asked() -> None:
    assert rendered("text", INTERIM, FINAL, options=RendererOptions(interim=True)) == ["good mor …"]


def test_text_is_literal() -> None:
    assert rendered("text", utterance("[red]x[/red] \x1b[2J\n")) == ["[red]x[/red] ␛[2J␊"]


@pytest.mark.parametrize(
    ("at", "shown"), [(0.0, "0:00:00"), (59.99, "0:00:59"), (3_725, "1:02:05"), (90_000, "25:00:00")]
)
def test_clock(at: float, shown: str) -> None:
    assert clock(at) == shown


def test_jsonl_is_one_event_a_line() -> None:
    lines = [json.loads(line) for line in rendered("jsonl", SESSION, INTERIM, FINAL, utterance("x"), STATUS, SUMMARY)]
    assert [line["type"] for line in lines] == ["Session", "Results", "Summary"]


def test_jsonl_numbers_what_it_prints() -> None:
    lines = rendered("jsonl", INTERIM, FINAL, INTERIM, FINAL, options=RendererOptions(interim=True))
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3, 4]
    assert [json.loads(line)["seq"] for line in rendered("jsonl", INTERIM, FINAL, FINAL)] == [1, 2]


def test_jsonl_prints_empty_finals() -> None:
    (line,) = rendered("jsonl", replace(FINAL, transcript="", words=()))
    assert json.loads(line)["transcript"] == ""


def test_jsonl_is_utf_8_and_escapes_control_characters() -> None:
    (line,) = rendered("jsonl", replace(FINAL, transcript="안녕 \x1b[2J\n", words=None))
    assert "안녕 \\u001b[2J\\n" in line
    assert json.loads(line)["transcript"] == "안녕 \x1b[2J\n"


def test_deepgram_shapes() -> None:
    results, metadata = (
        json.loads(line) for line in rendered("deepgram", SESSION, INTERIM, FINAL, utterance("x"), STATUS, SUMMARY)
    )
    assert results["channel"]["alternatives"][0]["transcript"] == "good morning"
    assert results["metadata"]["model_info"]["name"] == "small-en"
    assert results["metadata"]["request_id"] == metadata["request_id"]
    assert (metadata["type"], metadata["duration"]) == ("Metadata", 3.0)
    assert metadata["created"].endswith("Z")


def test_deepgram_interims_when_asked_and_errors_always() -> None:
    error = Error(code="source", message="no", hint="yes")
    lines = rendered("deepgram", INTERIM, error, Gap(start=0, end=1, reason="overrun"), options=RendererOptions(True))
    assert [json.loads(line)["type"] for line in lines] == ["Results", "Error"]


@pytest.mark.parametrize("format", RENDERERS)
def test_every_format_can_be_opened(format: str) -> None:
    open_renderer(format, Lines(), RendererOptions()).close()
