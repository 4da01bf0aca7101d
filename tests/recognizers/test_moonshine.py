"""Moonshine: the decoder against a scripted library, then the real library on real speech."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import jiwer
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from support import SAMPLES, package_folder, results_of, transcript_of, words
from voxcli.audio import Chunk
from voxcli.errors import BackendError, ModelBroken
from voxcli.events import Results
from voxcli.pipeline import Feed
from voxcli.recognizers import RecognizerOptions, open_recognizer
from voxcli.recognizers.moonshine_decoder import Cadence, Line, MoonshineDecoder
from voxcli.ring import Ring

SECOND = 16_000
ALWAYS = Cadence(0.0, 0.0)
TINY = package_folder("moonshine_voice") / "assets" / "tiny-en"


@dataclass
class ScriptedLibrary:
    """A library that hears given lines, each from ``start`` on, and completes it one second after its end."""

    script: list[tuple[str, float, float]]
    streams: list[ScriptedStream] = field(default_factory=list)

    def new_stream(self) -> ScriptedStream:
        self.streams.append(ScriptedStream(self.script))
        return self.streams[-1]


@dataclass
class ScriptedStream:
    script: list[tuple[str, float, float]]
    heard: float = 0.0
    closed: bool = False

    def add(self, data: bytes) -> None:
        self.heard += len(data) / 2 / SECOND

    def lines(self) -> list[Line]:
        return [
            Line(text, start, min(end, self.heard), self.heard >= end + 1)
            for text, start, end in self.script
            if start < self.heard
        ]

    def close(self) -> None:
        self.closed = True


def decoder(library: ScriptedLibrary, *, interim: bool = False, pace: Cadence = ALWAYS) -> MoonshineDecoder:
    return MoonshineDecoder(library.new_stream, pace=pace, interim=interim)


def decoded(decoder: MoonshineDecoder, seconds: float, *, begin: int = 0, chunk: int = 1_600) -> list[Results]:
    results = []
    for start in range(begin, begin + round(seconds * SECOND), chunk):
        results += decoder.accept(Chunk(start, bytes(chunk * 2)))
    return results + decoder.finish()


def spans(results: list[Results]) -> list[tuple[float, float, str]]:
    return [(round(final.start, 2), round(final.end, 2), final.transcript) for final in results if final.is_final]


def test_a_line_is_a_final_that_reaches_back_to_the_one_before() -> None:
    library = ScriptedLibrary([("One.", 0.5, 1.5), ("Two.", 2.0, 3.0)])
    results = decoded(decoder(library), 5)
    assert spans(results) == [(0, 1.5, "One."), (1.5, 3.0, "Two."), (3.0, 5.0, "")]
    assert [(final.speech_start, final.speech_end) for final in results] == [(0.5, 1.5), (2.0, 3.0), (None, None)]
    assert all(final.words is None and final.confidence is None and final.speech_final for final in results)


def test_the_last_line_is_final_at_the_end() -> None:
    assert spans(decoded(decoder(ScriptedLibrary([("One.", 0.5, 2.0)])), 2)) == [(0, 2.0, "One.")]


def test_a_long_silence_is_told() -> None:
    results = decoded(decoder(ScriptedLibrary([("One.", 12.0, 13.0)])), 15)
    assert spans(results) == [(0, 5, ""), (5, 10, ""), (10, 13, "One."), (13, 15, "")]


def test_nothing_is_told_of_no_audio() -> None:
    assert decoder(ScriptedLibrary([])).finish() == []


def test_times_begin_where_the_stream_begins() -> None:
    results = decoded(decoder(ScriptedLibrary([("One.", 0.5, 1.5)])), 3, begin=10 * SECOND)
    assert spans(results) == [(10, 11.5, "One."), (11.5, 13, "")]


def test_interims_come_only_when_wanted_and_only_when_they_change() -> None:
    library = ScriptedLibrary([("One two.", 0.5, 2.0)])
    results = [result for result in decoded(decoder(library, interim=True), 4) if not result.is_final]
    assert [(result.transcript, result.start, result.speech_final) for result in results] == [("One two.", 0, False)]
    assert all(result.is_final for result in decoded(decoder(ScriptedLibrary(library.script)), 4))


def test_a_stream_is_renewed_and_nothing_is_lost_or_doubled() -> None:
    library = Repeating()
    results = decoded(MoonshineDecoder(library.new_stream, pace=ALWAYS, interim=False), 200)
    assert len(library.streams) >= 3
    assert all(stream.closed for stream in library.streams[:-1])
    assert [final.transcript for final in results if final.transcript] == [f"{n}" for n in range(40)]
    assert all(before.end == pytest.approx(after.start) for before, after in pairwise(results))


class Repeating:
    """A library that hears a number every five seconds of the whole audio, whichever stream it comes in."""

    def __init__(self) -> None:
        self.streams: list[RepeatingStream] = []

    def new_stream(self) -> RepeatingStream:
        begin = 0.0 if not self.streams else self.streams[-1].last_end
        self.streams.append(RepeatingStream(begin))
        return self.streams[-1]


class RepeatingStream:
    def __init__(self, begin: float) -> None:
        self.begin = self.heard = self.last_end = begin
        self.closed = False

    def add(self, data: bytes) -> None:
        self.heard += len(data) / 2 / SECOND

    def lines(self) -> list[Line]:
        found = []
        for number in range(40):
            start, end = number * 5 + 1.0, number * 5 + 3.0
            if self.begin <= start < self.heard:
                complete = self.heard >= end + 0.5
                found.append(Line(str(number), start - self.begin, min(end, self.heard) - self.begin, complete))
                if complete:
                    self.last_end = end
        return found

    def close(self) -> None:
        self.closed = True


@given(
    st.lists(st.tuples(st.floats(0.2, 9), st.floats(0.3, 9)), max_size=8),
    st.floats(0, 12),
    st.sampled_from([ALWAYS, Cadence(0.5, 2.0), Cadence(1.0, 5.0)]),
)
def test_finals_tile_the_audio(gaps: list[tuple[float, float]], rest: float, pace: Cadence) -> None:
    script, at = [], 0.0
    for number, (silence, length) in enumerate(gaps):
        script.append((str(number), at + silence, at + silence + length))
        at += silence + length
    total = round((at + rest) * 10) / 10
    results = decoded(decoder(ScriptedLibrary(script), pace=pace), total)
    if total:
        assert results[0].start == 0
        assert results[-1].end == pytest.approx(total, abs=0.001)
    assert all(before.end == pytest.approx(after.start) for before, after in pairwise(results))


def test_a_flush_ends_the_line_and_a_new_stream_goes_on() -> None:
    library = ScriptedLibrary([("One.", 0.5, 3.0)])
    flushed = decoder(library)
    assert flushed.flush() == []
    results = [result for start in range(0, 2 * SECOND, 1_600) for result in flushed.accept(chunk_at(start))]
    results += flushed.flush()
    assert flushed.flush() == []
    for start in range(2 * SECOND, 7 * SECOND, 1_600):
        results += flushed.accept(chunk_at(start))
    results += flushed.finish()
    assert spans(results) == [(0, 2.0, "One."), (2.0, 5.0, "One."), (5.0, 7.0, "")]
    assert [stream.closed for stream in library.streams] == [True, False]


def chunk_at(start: int) -> Chunk:
    return Chunk(start, bytes(3_200))


@given(st.lists(st.sampled_from(["hear", "hear", "hear", "flush"]), max_size=60), st.floats(0.2, 3), st.floats(0.3, 3))
def test_flushes_leave_no_hole_and_no_audio_uncovered(steps: list[str], silence: float, length: float) -> None:
    flushed, results, heard = decoder(ScriptedLibrary([("One.", silence, silence + length)])), list[Results](), 0
    for step in steps:
        if step == "hear":
            results += flushed.accept(Chunk(heard, bytes(16_000)))
            heard += 8_000
        else:
            results += flushed.flush()
            assert not heard or round(results[-1].end * SECOND) == heard
    results += flushed.finish()
    assert not heard or (results[0].start, round(results[-1].end * SECOND)) == (0, heard)
    assert all(before.end == pytest.approx(after.start) for before, after in pairwise(results))


@pytest.mark.parametrize(
    ("audio", "passed", "cost", "due"),
    [
        (0.4, 9.0, 0.0, False),
        (0.5, 0.4, 0.1, True),
        (0.5, 0.3, 0.1, False),
        (1.9, 0.0, 0.1, False),
        (2.0, 0.0, 0.1, True),
    ],
)
def test_decoding_takes_a_fifth_of_the_time(audio: float, passed: float, cost: float, due: bool) -> None:
    assert Cadence(0.5, 2.0).is_due(audio, passed, cost) is due


# The real library.


def pcm(sample: str) -> bytes:
    data, rate = soundfile.read(SAMPLES / sample, dtype="int16")
    assert rate == SECOND
    return bytes(data.tobytes())


async def recognized(audio: bytes, *, interim: bool = False, chunk: int = 1_600) -> list[Results]:
    options = RecognizerOptions(TINY, "tiny-en", chunk_samples=chunk, interim=interim)
    recognizer = open_recognizer("moonshine", options)
    try:
        return await results_of(recognizer, [audio])
    finally:
        await recognizer.close()


def text(results: list[Results]) -> str:
    return " ".join(final.transcript for final in results if final.is_final and final.transcript)


async def test_it_hears_what_was_said() -> None:
    assert words(text(await recognized(pcm("harbour.wav")))) == words(transcript_of("harbour.wav"))


async def test_the_last_words_come_without_silence_behind_them() -> None:
    audio = pcm("harbour.wav")
    spoken = audio[: len(audio) - SECOND]  # without the half second of silence at the end
    assert words(text(await recognized(spoken)))[-2:] == words(transcript_of("harbour.wav"))[-2:]


async def test_interims_show_words_before_they_are_final() -> None:
    results = await recognized(pcm("harbour.wav"), interim=True)
    first_interim = next(index for index, result in enumerate(results) if not result.is_final)
    first_final = next(index for index, result in enumerate(results) if result.is_final and result.transcript)
    assert first_interim < first_final
    assert words(text(results)) == words(transcript_of("harbour.wav"))


async def test_finals_that_are_asked_for_have_the_last_words_too() -> None:
    """The same speech twice, a final asked for behind each, with no silence before it; other streams go on beside."""
    options = RecognizerOptions(TINY, "tiny-en", threads=3)
    recognizer = open_recognizer("moonshine", options)
    spoken = pcm("harbour.wav")[:-SECOND]
    feed = Feed(Ring(60 * SECOND), 1_600, 60 * SECOND)
    told: list[Results] = []
    work = asyncio.create_task(recognizer.recognize(feed, 0, told.append))  # type: ignore[arg-type]
    beside = asyncio.create_task(results_of(recognizer, [pcm("harbour.wav")]))
    for _ in range(2):
        await feed.put(spoken)
        feed.ask_for_final()
        async with asyncio.timeout(30):
            while feed.covered < feed.head:
                await asyncio.sleep(0.01)
    feed.end()
    await work
    assert words(text(told)) == words(transcript_of("harbour.wav")) * 2
    assert words(text(await beside)) == words(transcript_of("harbour.wav"))
    await recognizer.close()


async def test_a_single_sample_is_covered() -> None:
    assert spans(await recognized(b"\0\0")) == [(0, 0.0, "")]


@pytest.mark.slow
async def test_words_are_those_of_its_own_loop() -> None:
    """As many words right as the package's own streams get, on minutes of speech."""
    audio = pcm("letter.ogg")
    said = " ".join(words(transcript_of("letter.ogg")))
    ours = jiwer.wer(said, " ".join(words(text(await recognized(audio)))))
    theirs = jiwer.wer(said, " ".join(words(package_loop(audio))))
    assert ours <= theirs + 0.01


def package_loop(audio: bytes) -> str:
    """The package's own streaming loop, finals only, with the silence at the end that it needs."""
    from moonshine_voice.moonshine_api import ModelArch
    from moonshine_voice.transcriber import Transcriber

    transcriber = Transcriber(TINY, ModelArch.TINY, options={"return_audio_data": "false"})
    stream = transcriber.create_stream(update_interval=5.0)
    stream.start()
    samples = memoryview(audio + bytes(2 * SECOND)).cast("h")
    for begin in range(0, len(samples), SECOND):
        stream.add_audio([sample / 32_768 for sample in samples[begin : begin + SECOND]], SECOND)
    lines = stream.update_transcription().lines  # stop() fails on the silence at the end
    transcriber.close()
    return " ".join(line.text for line in lines)


async def test_a_folder_without_a_model_is_refused() -> None:
    recognizer = open_recognizer("moonshine", RecognizerOptions(SAMPLES, "tiny-samples"))
    with pytest.raises(ModelBroken, match="Moonshine says"):
        await recognizer.load()
    await recognizer.close()


async def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    (tmp_path / "english").symlink_to(TINY)
    recognizer = open_recognizer("moonshine", RecognizerOptions(tmp_path / "english", "english"))
    await recognizer.load()
    await recognizer.close()


@pytest.fixture
def broken_model(tmp_path_factory: pytest.TempPathFactory) -> RecognizerOptions:
    folder = tmp_path_factory.mktemp("models") / "tiny-broken"
    folder.mkdir()
    (folder / "encoder_model.ort").write_bytes(b"not a model")
    return RecognizerOptions(folder, folder.name)


async def test_a_broken_model_is_refused(broken_model: RecognizerOptions) -> None:
    recognizer = open_recognizer("moonshine", broken_model)
    with pytest.raises(ModelBroken, match="tiny-broken cannot be used: Moonshine says"):
        await recognizer.load()
    await recognizer.close()


async def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("voxcli.recognizers.moonshine_library")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "moonshine_voice.errors", None)
    recognizer = open_recognizer("moonshine", RecognizerOptions(TINY, "tiny-en"))
    with pytest.raises(BackendError, match="moonshine is not installed") as caught:
        await recognizer.load()
    assert caught.value.hint == "pip install 'voxcli[moonshine]', or '.[moonshine]' from a clone"
    await recognizer.close()
