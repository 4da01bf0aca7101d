"""Vosk: the same words, times and confidences as the plainest loop over its own package."""

from __future__ import annotations

import asyncio
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy
import pytest
import soundfile

from support import SAMPLES, bare_vosk, package_folder, results_of
from voxcli.audio import SAMPLE_RATE, Chunk
from voxcli.errors import BackendError, ModelBroken
from voxcli.events import Results
from voxcli.pipeline import Feed
from voxcli.recognizers import RecognizerOptions, open_recognizer, vosk_library
from voxcli.recognizers.threaded import ThreadedRecognizer
from voxcli.recognizers.vosk import VoskModel, open_vosk
from voxcli.ring import Ring


@pytest.fixture(scope="module")
def audio() -> bytes:
    """Speech, then the silence of a quiet room, then speech. (In digital silence this model hears no end of speech.)"""
    spoken, _ = soundfile.read(SAMPLES / "greeting-ko.wav", dtype="int16")
    room = numpy.random.default_rng(1).integers(-8, 9, 16_000 * 6, dtype=numpy.int16)
    return bytes(spoken.tobytes() + room.tobytes() + spoken[:24_000].tobytes())


@pytest.fixture(scope="module")
def expected(steady_model: Path, audio: bytes) -> list[dict[str, Any]]:
    """What a bare loop hears."""
    return bare_vosk(steady_model, audio)


@pytest.fixture(scope="module")
def results(steady_model: Path, audio: bytes) -> list[Results]:
    """What Vosk says when interims are wanted too."""
    return asyncio.run(recognized(steady_model, audio, interim=True))


@pytest.fixture(scope="module")
def final_results(results: list[Results]) -> list[Results]:
    return [result for result in results if result.is_final]


async def recognized(
    model: Path, audio: bytes, *, interim: bool = False, chunk_ms: int = 100, begin: int = 0
) -> list[Results]:
    options = RecognizerOptions(model, model.name, chunk_samples=chunk_ms * 16, interim=interim)
    recognizer = open_recognizer("vosk", options)
    try:
        return await results_of(recognizer, [audio], begin=begin)
    finally:
        await recognizer.close()


@pytest.mark.slow
def test_words_are_those_of_a_bare_loop(final_results: list[Results], expected: list[dict[str, Any]]) -> None:
    words = [word for result in final_results for word in result.words or ()]
    assert expected
    assert [(word.word, word.start, word.end) for word in words] == [
        (word["word"], pytest.approx(word["start"], abs=1e-4), pytest.approx(word["end"], abs=1e-4))
        for word in expected
    ]
    assert [word.confidence for word in words] == [pytest.approx(word["conf"], abs=1e-4) for word in expected]


@pytest.mark.slow
async def test_without_interims_it_hears_the_same(
    steady_model: Path, audio: bytes, final_results: list[Results]
) -> None:
    assert await recognized(steady_model, audio) == final_results


def test_finals_tile_the_audio_and_silence_is_told(final_results: list[Results], audio: bytes) -> None:
    assert final_results[0].start == 0
    assert final_results[-1].end == pytest.approx(len(audio) / 32_000)
    assert all(before.end == pytest.approx(after.start) for before, after in pairwise(final_results))
    assert any(not result.transcript and result.confidence is None for result in final_results)


def test_a_result_is_as_sure_as_its_words(final_results: list[Results]) -> None:
    result = final_results[0]
    assert result.words
    assert result.confidence == pytest.approx(
        sum(word.confidence for word in result.words) / len(result.words), abs=1e-3
    )
    assert result.transcript == " ".join(word.word for word in result.words)


def test_interims_change_within_the_open_span(results: list[Results]) -> None:
    interims = [result for result in results if not result.is_final]
    assert len(interims) > 5
    assert all(before.transcript != after.transcript for before, after in pairwise(interims))
    assert all(not interim.speech_final and interim.words is None for interim in interims)


@pytest.mark.slow
async def test_times_begin_where_the_stream_begins(
    steady_model: Path, audio: bytes, final_results: list[Results]
) -> None:
    first = final_results[0]
    later = (await recognized(steady_model, audio[:256_000], begin=80_000))[0]
    assert (later.start, later.transcript) == (first.start + 5, first.transcript)
    assert first.words
    assert later.words
    assert later.words[0].start == pytest.approx(first.words[0].start + 5)


async def test_no_audio_no_results(steady_model: Path) -> None:
    assert await recognized(steady_model, b"") == []


async def test_a_single_sample_is_covered(steady_model: Path) -> None:
    (result,) = await recognized(steady_model, b"\0\0")
    assert (result.transcript, result.is_final, result.duration) == ("", True, 1 / 16_000)


@pytest.mark.slow
async def test_one_model_serves_many_streams(steady_model: Path, audio: bytes) -> None:
    recognizer = open_recognizer("vosk", RecognizerOptions(steady_model, "steady"))
    first = await results_of(recognizer, [audio[:64_000]])
    second = await results_of(recognizer, [audio[:64_000]])
    await recognizer.close()
    assert first == second


@pytest.mark.slow
async def test_streams_in_two_threads_hear_what_they_hear_alone(steady_model: Path, audio: bytes) -> None:
    recognizer = open_recognizer("vosk", RecognizerOptions(steady_model, "steady", threads=2))
    parts = [audio[:160_000], audio[64_000:200_000], audio[96_000:224_000], audio[:96_000]]
    alone = [await results_of(recognizer, [part]) for part in parts]
    together = await asyncio.gather(*[results_of(recognizer, [part]) for part in parts])
    await recognizer.close()
    assert together == alone


# Native recognizers that are used again


@pytest.fixture(scope="module")
def spoken() -> bytes:
    """Six seconds of speech."""
    data, _ = soundfile.read(SAMPLES / "greeting-ko.wav", dtype="int16")
    return bytes(data.tobytes())


@pytest.fixture(scope="module")
def fresh(steady_model: Path, spoken: bytes) -> list[Results]:
    """What a native recognizer that has heard nothing yet hears in it."""
    return asyncio.run(recognized(steady_model, spoken, begin=160_000))


def heard(results: list[Results], within: float = 0.0) -> list[Any]:
    """Words, times and confidences of the finals; ``within`` allows for the last place of each.

    The library writes times of its own clock with six places, and confidences change in the sixth place with the order
    in which a graph was unfolded.
    """

    def number(value: float) -> Any:
        return pytest.approx(value, abs=within) if within else value

    return [
        (
            result.start,
            result.end,
            [(word.word, number(word.start), number(word.end), number(word.confidence)) for word in result.words or ()],
        )
        for result in results
        if result.is_final
    ]


class Counted:
    """Counts the native recognizers that are made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = 0
        make = vosk_library.VoskLibrary.new_recognizer

        def counting(library: vosk_library.VoskLibrary, model: Any, path: Path) -> vosk_library.NativeRecognizer:
            self.made += 1
            return make(library, model, path)

        monkeypatch.setattr(vosk_library.VoskLibrary, "new_recognizer", counting)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


def pooling(model: Path, pool: int = 1) -> ThreadedRecognizer:
    return open_vosk(RecognizerOptions(model, model.name, pool=pool, interim=True))


def finals(results: list[Results]) -> list[Results]:
    return [result for result in results if result.is_final]


@pytest.mark.parametrize("seconds", [6.2, 6.9, 12.0])
@pytest.mark.slow
async def test_a_used_recognizer_hears_the_same_words_at_the_same_times(
    steady_model: Path, audio: bytes, spoken: bytes, fresh: list[Results], counted: Counted, seconds: float
) -> None:
    """After a stream that ended in speech; exactly at the end of an utterance (6.9 s); in the silence behind one."""
    recognizer = pooling(steady_model)
    for _ in range(3):
        await results_of(recognizer, [audio[: 2 * round(seconds * 16_000)]])
    again = await results_of(recognizer, [spoken], begin=160_000)
    await recognizer.close()
    assert counted.made == 1
    assert heard(again) == heard(fresh, within=2e-4)


@pytest.mark.parametrize("seconds", [0.05, 1.0, 2.4, 4.9, 6.9])
@pytest.mark.slow
async def test_nothing_of_an_abandoned_stream_comes_up_in_the_next(
    steady_model: Path, audio: bytes, spoken: bytes, fresh: list[Results], counted: Counted, seconds: float
) -> None:
    model = VoskModel(RecognizerOptions(steady_model, "steady", pool=1))
    recognizer = ThreadedRecognizer("vosk", RecognizerOptions(steady_model, "steady", interim=True), lambda: model)
    feed = Feed(Ring(SAMPLE_RATE * 60), 800, SAMPLE_RATE * 60, keeps=True)
    await feed.put(audio[: 2 * round(seconds * SAMPLE_RATE)])
    told: list[object] = []
    doomed = asyncio.create_task(recognizer.recognize(feed, 0, told.append))
    async with asyncio.timeout(20):
        while feed.position < feed.head:
            await asyncio.sleep(0.01)
        doomed.cancel()
        while not model._idle:
            await asyncio.sleep(0.01)
    with pytest.raises(asyncio.CancelledError):
        await doomed
    again = await results_of(recognizer, [spoken], begin=160_000)
    await recognizer.close()
    assert counted.made == 1
    assert heard(again) == heard(fresh, within=2e-4)


@pytest.mark.slow
async def test_no_more_wait_than_may(steady_model: Path, spoken: bytes, counted: Counted) -> None:
    model = VoskModel(RecognizerOptions(steady_model, "steady", pool=2))
    decoders = [model() for _ in range(3)]
    for decoder in decoders:
        decoder.accept(Chunk(0, spoken[:32_000]))
        decoder.close()
        decoder.close()
    assert len({id(model()._native) for _ in range(3)} & {id(decoder._native) for decoder in decoders}) == 2
    assert counted.made == 4


@pytest.mark.slow
async def test_without_a_pool_each_stream_has_a_fresh_one(steady_model: Path, spoken: bytes, counted: Counted) -> None:
    recognizer = pooling(steady_model, pool=0)
    first = await results_of(recognizer, [spoken])
    assert await results_of(recognizer, [spoken]) == first
    await recognizer.close()
    assert counted.made == 2


def test_one_that_has_failed_or_is_worn_out_is_not_kept(
    steady_model: Path, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = VoskModel(RecognizerOptions(steady_model, "steady", pool=1))
    failed, worn_out = model(), model()

    def fail(data: bytes) -> bool:
        raise BackendError("it broke", "mend it")

    monkeypatch.setattr(failed._native, "accept", fail)
    with pytest.raises(BackendError):
        failed.accept(Chunk(0, bytes(3_200)))
    failed.close()
    worn_out.accept(Chunk(0, bytes(3_200)))
    worn_out._native.accepted = 600 * SAMPLE_RATE
    worn_out.close()
    assert model()._native not in (failed._native, worn_out._native)
    assert counted.made == 3


@pytest.mark.slow
async def test_a_warm_one_is_quicker_and_hears_the_same(
    steady_model: Path, spoken: bytes, fresh: list[Results], counted: Counted
) -> None:
    recognizer = pooling(steady_model, pool=0)
    await recognizer.warm()
    await recognizer.warm()
    assert counted.made == 1
    warm = await results_of(recognizer, [spoken], begin=160_000)
    assert heard(warm) == heard(fresh, within=2e-4)
    await results_of(recognizer, [spoken])
    await recognizer.close()
    assert counted.made == 1


# Finals that are asked for


@pytest.mark.slow
async def test_a_final_that_is_asked_for_covers_all_and_times_go_on(steady_model: Path, spoken: bytes) -> None:
    """Asked for in a pause of the speech, twice in a row, and at once after an end of speech that Vosk found itself."""
    recognizer = pooling(steady_model)
    feed = Feed(Ring(SAMPLE_RATE * 60), 1_600, SAMPLE_RATE * 60, keeps=True)
    told: list[Results] = []
    work = asyncio.create_task(recognizer.recognize(feed, 0, told.append))  # type: ignore[arg-type]
    for part in (spoken[:67_234], b"", spoken[67_234:], bytes(100), spoken):
        await feed.put(part)
        feed.ask_for_final()
        async with asyncio.timeout(20):
            while feed.covered < feed.head:
                await asyncio.sleep(0.01)
    feed.end()
    await work
    await recognizer.close()
    given = finals(told)
    assert [result.speech_final for result in given] == [True] * len(given)
    assert given[0].start == 0
    assert given[-1].end == pytest.approx(feed.head / SAMPLE_RATE)
    assert all(before.end == after.start for before, after in pairwise(given))
    assert (given[0].end, given[-1].duration) == (67_234 / 32_000, len(spoken) / 32_000)
    last = given[-1].start
    (alone,) = finals(await recognized(steady_model, spoken))
    assert alone.words
    assert [(word.word, word.start) for word in given[-1].words or ()] == [
        (word.word, pytest.approx(last + word.start, abs=2e-4)) for word in alone.words
    ]


async def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    recognizer = open_recognizer("vosk", RecognizerOptions(tmp_path, "nothing"))
    with pytest.raises(ModelBroken, match="Vosk cannot read it"):
        await recognizer.load()
    await recognizer.close()


async def test_a_corrupt_model_is_refused(steady_model: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for entry in steady_model.iterdir():
        if entry.name != "am":
            (broken / entry.name).symlink_to(entry)
    (broken / "am").mkdir()
    (broken / "am" / "final.mdl").write_bytes((steady_model / "am" / "final.mdl").read_bytes()[:10_000])
    recognizer = open_recognizer("vosk", RecognizerOptions(broken, "broken"))
    with pytest.raises(ModelBroken, match="Vosk cannot read it"):
        await recognizer.load()
    await recognizer.close()


def test_the_library_is_opened_without_the_package() -> None:
    before = set(sys.modules)
    ffi, library = vosk_library._open_in(package_folder("vosk"))
    assert library.vosk_model_new
    assert ffi.NULL is not None
    assert not {"requests", "tqdm", "srt"} & (set(sys.modules) - before)


def test_a_package_laid_out_otherwise_opens_its_library_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def moved(folder: Path) -> None:
        raise ImportError(folder)

    monkeypatch.setattr(vosk_library, "_open_in", moved)
    assert vosk_library.VoskLibrary().c.vosk_model_new


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vosk_library, "find_spec", lambda name: None)
    with pytest.raises(BackendError, match="vosk is not installed"):
        vosk_library.VoskLibrary()
