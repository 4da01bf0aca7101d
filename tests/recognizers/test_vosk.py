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
from voxcli.errors import BackendError, ModelBroken
from voxcli.events import Results
from voxcli.recognizers import RecognizerOptions, open_recognizer, vosk


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


def test_words_are_those_of_a_bare_loop(final_results: list[Results], expected: list[dict[str, Any]]) -> None:
    words = [word for result in final_results for word in result.words or ()]
    assert expected
    assert [(word.word, word.start, word.end) for word in words] == [
        (word["word"], pytest.approx(word["start"], abs=1e-4), pytest.approx(word["end"], abs=1e-4))
        for word in expected
    ]
    assert [word.confidence for word in words] == [pytest.approx(word["conf"], abs=1e-4) for word in expected]


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


async def test_one_model_serves_many_streams(steady_model: Path, audio: bytes) -> None:
    recognizer = open_recognizer("vosk", RecognizerOptions(steady_model, "steady"))
    first = await results_of(recognizer, [audio[:64_000]])
    second = await results_of(recognizer, [audio[:64_000]])
    await recognizer.close()
    assert first == second


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
    ffi, library = vosk._open_in(package_folder("vosk"))
    assert library.vosk_model_new
    assert ffi.NULL is not None
    assert not {"requests", "tqdm", "srt"} & (set(sys.modules) - before)


def test_a_package_laid_out_otherwise_opens_its_library_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def moved(folder: Path) -> None:
        raise ImportError(folder)

    monkeypatch.setattr(vosk, "_open_in", moved)
    assert vosk.VoskLibrary().c.vosk_model_new


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vosk, "find_spec", lambda name: None)
    with pytest.raises(BackendError, match="vosk is not installed"):
        vosk.VoskLibrary()
