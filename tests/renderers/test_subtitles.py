"""SubRip and WebVTT, read back by the libraries that others read them with."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pysubs2
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from support import SAMPLES, VOXCLI, environment, transcript_of, voxcli
from voxcli.events import Error, Event, Results, Session, Summary, Word
from voxcli.renderers import RendererOptions, open_renderer
from voxcli.renderers.output import FileOutput, StreamOutput
from voxcli.transcript import Utterance

HARBOUR = SAMPLES / "harbour.wav"
SESSION = Session(source="a.wav", backends=("vosk",), sample_rate=16_000, channels=1)
SUMMARY = Summary(
    audio_seconds=9, covered_seconds=9, lost_seconds=0, finals=1, reconnects=0, failovers=0, stop_reason="end_of_source"
)


def final(text: str, start: float, end: float, *, speaker: int | None = None) -> Results:
    """One word that may be any text."""
    words = (Word(word=text, start=start, end=end, confidence=1, speaker=speaker),)
    return Results(
        transcript=text,
        is_final=True,
        speech_final=True,
        start=start,
        duration=end - start,
        words=words,
        backend="vosk",
    )


def rendered(format: str, *events: Event) -> str:
    stream = io.StringIO()
    renderer = open_renderer(format, StreamOutput(stream), RendererOptions(interim=True, timestamps=True))
    for event in events:
        renderer.show(event)
    renderer.close()
    return stream.getvalue()


def srt(text: str) -> list[tuple[int, int, str]]:
    """Cues of SubRip as pysubs2 reads them."""
    return [
        (cue.start, cue.end, cue.plaintext)
        for cue in pysubs2.SSAFile.from_string(text, format_="srt", keep_unknown_html_tags=True)
    ]


def vtt(text: str) -> list[tuple[str, str, str | None, str]]:
    """Cues of WebVTT as webvtt-py reads them: its texts are without tags and still escaped."""
    return [(cue.start, cue.end, cue.voice, cue.text) for cue in webvtt.from_string(text)]


def test_subrip() -> None:
    said = final("Good morning to everybody, and welcome to the harbour.", 1.25, 3.5)
    assert rendered("srt", SESSION, said, final("Yes.", 3_725, 3_726), SUMMARY) == (
        "1\n00:00:01,250 --> 00:00:04,367\nGood morning to everybody,\nand welcome to the harbour.\n\n"
        "2\n01:02:05,000 --> 01:02:06,000\nYes.\n\n"
    )


def test_webvtt() -> None:
    said = final("Good morning to everybody, and welcome to the harbour.", 1.25, 3.5)
    assert rendered("vtt", SESSION, said, final("Yes.", 3_725, 3_726), SUMMARY) == (
        "WEBVTT\n\n"
        "00:00:01.250 --> 00:00:04.367\nGood morning to everybody,\nand welcome to the harbour.\n\n"
        "01:02:05.000 --> 01:02:06.000\nYes.\n\n"
    )


def test_who_says_it() -> None:
    said = final("Good morning", 1, 2, speaker=0), final("Hello", 2, 3, speaker=1)
    assert srt(rendered("srt", *said)) == [
        (1_000, 2_000, "Speaker 0: Good morning"),
        (2_000, 3_000, "Speaker 1: Hello"),
    ]
    assert vtt(rendered("vtt", *said)) == [
        ("00:00:01.000", "00:00:02.000", "Speaker 0", "Good morning"),
        ("00:00:02.000", "00:00:03.000", "Speaker 1", "Hello"),
    ]


def test_text_is_literal_in_webvtt() -> None:
    text = rendered("vtt", final("<i>R&D 00:00:01.000 --> 00:00:02.000</i>", 1, 2))
    assert "&lt;i&gt;R&amp;D 00:00:01.000 --&gt; 00:00:02.000&lt;/i&gt;\n" in text
    assert len(vtt(text)) == 1


def test_markup_in_subrip_is_shown_and_not_obeyed() -> None:
    text = rendered("srt", final("<i>x</i> {\\an8} a\\Nb --> {y:i} 3 < 4", 1, 3))
    assert srt(text) == [(1_000, 3_000, "‹i›x‹/i› (∖an8) a∖Nb --› (y:i) 3 ‹ 4")]


@pytest.mark.parametrize("format", ["srt", "vtt"])
def test_only_final_results_are_written(format: str) -> None:
    interim = Results(transcript="mor", is_final=False, speech_final=False, start=0, duration=1, backend="vosk")
    empty = "WEBVTT\n\n" if format == "vtt" else ""
    assert rendered(format, SESSION, interim, Error(code="x", message="y", hint="z"), SUMMARY) == empty


def test_an_utterance_may_end_without_a_word_of_it() -> None:
    stream = io.StringIO()
    renderer = open_renderer("srt", StreamOutput(stream), RendererOptions())
    renderer.show(
        Results(transcript="good day", is_final=True, speech_final=False, start=0, duration=2, backend="vosk")
    )
    assert stream.getvalue() == ""
    renderer.utterance(Utterance(text="good day", start=0, end=2, backend="vosk"))
    assert srt(stream.getvalue()) == [(0, 2_000, "good day")]


def test_a_file_begins_with_its_header_and_each_cue_is_there_when_it_is_certain(tmp_path: Path) -> None:
    path = tmp_path / "a.vtt"
    path.write_text("old")
    output = FileOutput(path)
    renderer = open_renderer("vtt", output, RendererOptions())
    assert path.read_text() == "old"
    output.begin()
    assert vtt(path.read_text()) == []
    renderer.show(final("one", 1, 2))
    assert [text for *_, text in vtt(path.read_text())] == ["one"]
    renderer.show(final("two", 8, 9))
    renderer.close()
    assert [text for *_, text in vtt(path.read_text())] == ["one", "two"]
    output.close()


TEXTS = st.lists(
    # without a colon, since pysubs2 takes any line in which it finds two times for the beginning of a cue
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters=":"), max_size=30)
    | st.sampled_from(["<i>", "</b>", "{\\an8}", "-->", "&lt;", "WEBVTT", "NOTE", "\n\n", "a\\N"])
    | st.text("0123456789", max_size=3),
    max_size=12,
).map(" ".join)
SAID = st.lists(st.tuples(TEXTS, st.none() | st.integers(0, 2)), max_size=6)


def results(said: Sequence[tuple[str, int | None]]) -> list[Results]:
    return [final(text, 2.0 * at, 2.0 * at + 2, speaker=speaker) for at, (text, speaker) in enumerate(said)]


@given(SAID)
def test_whatever_is_said_can_be_read_back_at_every_moment(said: list[tuple[str, int | None]]) -> None:
    whole = rendered("vtt", *results(said))
    blocks = whole.split("\n\n")[:-1]
    assert len(vtt(whole)) == len(blocks) - 1
    assert len(vtt("\n\n".join(blocks[: len(blocks) // 2 + 1]) + "\n\n")) == len(blocks) // 2
    cues = rendered("srt", *results(said))
    read = srt(cues)
    assert len(read) == len(blocks) - 1 == cues.count(" --> ")
    assert all(before[1] <= after[0] for before, after in pairwise(read))
    assert [_seconds(start) for start, *_ in vtt(whole)] == [start for start, *_ in read]


def _seconds(timestamp: str) -> int:
    """Milliseconds of a time in WebVTT."""
    hours, minutes, seconds = timestamp.split(":")
    return round((int(hours) * 60 + int(minutes)) * 60_000 + float(seconds) * 1_000)


def test_the_program_prints_subtitles(home: Path) -> None:
    done = voxcli("transcribe", "-q", "-f", "srt", HARBOUR, "-o", "x.vtt", "-o", "x.srt", home=home)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (home / "x.srt").read_bytes() == done.stdout
    cues, captions = srt(done.stdout.decode()), webvtt.read(home / "x.vtt")
    assert " ".join(text.replace("\n", " ") for *_, text in cues) == transcript_of("harbour.wav")
    assert [caption.text for caption in captions] == [text for *_, text in cues]
    assert 0.3 <= cues[0][0] / 1_000 <= 0.7
    assert cues[-1][1] / 1_000 <= 8.335


@pytest.mark.slow
def test_several_sources_are_one_file_on_one_clock(home: Path) -> None:
    done = voxcli("transcribe", "-q", "-f", "srt", HARBOUR, "missing.wav", SAMPLES / "station.wav", home=home)
    cues = srt(done.stdout.decode())
    said = f"{transcript_of('harbour.wav')} {transcript_of('station.wav')}"
    assert " ".join(text.replace("\n", " ") for *_, text in cues) == said
    assert all(before[1] <= after[0] for before, after in pairwise(cues))
    assert [start >= 8_335 for start, *_ in cues] == [False, False, True, True]


@pytest.mark.slow
def test_a_killed_run_leaves_files_that_can_be_read(home: Path) -> None:
    captions, cues = home / "x.vtt", home / "x.srt"
    files = ["-o", captions, "-o", cues]
    command = [VOXCLI, "transcribe", "-q", "--realtime", SAMPLES / "letter.ogg", *files]
    with subprocess.Popen(command, env=environment(home), cwd=home, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and (not cues.exists() or cues.read_text().count(" --> ") < 2):
            assert process.poll() is None
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    said = [text for *_, text in srt(cues.read_text(encoding="utf-8"))]
    assert [caption.text for caption in webvtt.read(captions)] == said
    assert said[0].startswith("Dear Martha,")
    assert len(said) == 2
