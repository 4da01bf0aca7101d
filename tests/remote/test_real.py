"""Real recognition over connections that break: Vosk behind vosk-server's wire, and Vosk on this machine after it.

The stand-in is told which words can come. Vosk adapts to what it has heard, so without that a recognizer which begins
anew finds other words in the same hard audio, whatever a client does; with it they are the same wherever it begins.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from remote.programs import Program, ran
from server_process import ServerProcess
from support import SAMPLES

pytestmark = pytest.mark.slow

GREETING = ["안녕하세요", "음성", "인식", "내일"]
TIMES = 8
STAND_IN = "../remote/vosk_stand_in.py"


@pytest.fixture(scope="module")
def greetings() -> bytes:
    """A minute: the greeting eight times, in a quiet room. Vosk hears no end of speech in digital silence."""
    spoken, rate = soundfile.read(SAMPLES / "greeting-ko.wav", dtype="int16")
    assert rate == 16_000
    recording = np.concatenate([np.zeros(8_000), *[np.append(spoken, np.zeros(32_000)) for _ in range(TIMES)]])
    noise = np.random.default_rng(1).normal(0, 10, len(recording))
    return bytes(np.clip(recording + noise, -32_768, 32_767).astype("<i2").tobytes())


async def heard_over(home: Path, model: Path, audio: bytes, drop_after: float = 0.0, drops: int = 0) -> Program:
    """The recording through the stand-in, which drops some connections."""
    told = ("--model", str(model), "--phrases", json.dumps(GREETING))
    faults = ("--drop-after", str(drop_after), "--drops", str(drops))
    async with ServerProcess(STAND_IN, *told, *faults) as server:
        return await ran("-b", f"vosk-server={server.url('/')}", home=home, audio=audio, seconds=90)


def words_of(program: Program) -> list[dict[str, Any]]:
    return [word for final in program.finals for word in final.get("words", ())]


@pytest.mark.parametrize("drop_after", [4.4, 7.0])
async def test_five_drops_change_no_word(home: Path, steady_model: Path, greetings: bytes, drop_after: float) -> None:
    whole, broken = await asyncio.gather(
        heard_over(home, steady_model, greetings), heard_over(home, steady_model, greetings, drop_after, drops=5)
    )
    assert [word["word"] for word in words_of(whole)] == GREETING * TIMES
    assert [word["word"] for word in words_of(broken)] == GREETING * TIMES
    for before, after in zip(words_of(whole), words_of(broken), strict=True):
        assert after["start"] == pytest.approx(before["start"], abs=0.1)
        assert after["end"] == pytest.approx(before["end"], abs=0.1)
    assert (whole.summary["reconnects"], broken.summary["reconnects"]) == (0, 5)
    assert_all_covered(broken, len(greetings) / 32_000)


def assert_all_covered(program: Program, seconds: float) -> None:
    """The finals tile the audio from its first sample to its last."""
    assert program.summary["covered_seconds"] == program.summary["audio_seconds"] == pytest.approx(seconds)
    assert program.finals[0]["start"] == 0.0
    for before, after in pairwise(program.finals):
        assert after["start"] == pytest.approx(before["start"] + before["duration"], abs=0.001)
    assert program.finals[-1]["start"] + program.finals[-1]["duration"] == pytest.approx(seconds, abs=0.001)


async def pieces(audio: bytes, speed: float) -> AsyncIterator[bytes]:
    """As a pipe would bring it, some times as fast as speech."""
    for begin in range(0, len(audio), 3_200):
        yield audio[begin : begin + 3_200]
        await asyncio.sleep(0.1 / speed)


async def test_when_the_server_dies_vosk_goes_on_with_the_same_model(
    home: Path, steady_model: Path, greetings: bytes
) -> None:
    async with ServerProcess(STAND_IN, "--model", str(steady_model)) as server:
        chain = f"vosk-server={server.url('/')},vosk"
        arguments, variables = ("-l", "ko", "-b", chain), {"VOSK_MODEL_PATH": str(steady_model)}
        async with Program(*arguments, home=home, audio=pieces(greetings, 10.0), **variables) as program:
            await program.until(lambda: len(program.finals) >= 4)
            await server.kill()
            assert await program.end(60) == 0
    assert program.of_type("Session")[0]["backends"] == ["vosk-server", "vosk"]
    assert_all_covered(program, len(greetings) / 32_000)
    backends = [final["backend"] for final in program.finals]
    assert sorted(backends, reverse=True) == backends
    assert set(backends) == {"vosk-server", "vosk"}
    assert program.notices[-1] == "failover"
    assert program.summary["failovers"] == 1
    (failover,) = [notice for notice in program.of_type("Notice") if notice["code"] == "failover"]
    first_local = next(final for final in program.finals if final["backend"] == "vosk")
    assert failover["at"] == first_local["start"]
    assert words_of(program)
