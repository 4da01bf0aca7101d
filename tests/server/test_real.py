"""The real server with the real recognizers and the real client: the words are those of a local run, to the letter."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from chaos import ChaosProxy
from remote.programs import Program, ran
from served import Served
from support import SAMPLES, transcript_of, words

pytestmark = pytest.mark.slow

TIMES = 6


@pytest.fixture(scope="module")
def speech() -> bytes:
    """The greeting some times over, in a quiet room."""
    spoken, rate = soundfile.read(SAMPLES / "greeting-ko.wav", dtype="int16")
    assert rate == 16_000
    recording = np.concatenate([np.zeros(8_000), *[np.append(spoken, np.zeros(16_000)) for _ in range(TIMES)]])
    noise = np.random.default_rng(1).normal(0, 10, len(recording))
    return bytes(np.clip(recording + noise, -32_768, 32_767).astype("<i2").tobytes())


async def pieces(audio: bytes, speed: float = 4.0) -> AsyncIterator[bytes]:
    """As a pipe would bring it, some times as fast as speech."""
    for begin in range(0, len(audio), 3_200):
        yield audio[begin : begin + 3_200]
        await asyncio.sleep(0.1 / speed)


def said(program: Program) -> list[dict[str, Any]]:
    """All that the finals say, but who heard it and how they are numbered."""
    return [{key: value for key, value in final.items() if key not in ("backend", "seq")} for final in program.finals]


@pytest.fixture
def served(home: Path, steady_model: Path) -> Served:
    """A server with the Korean model that says the same each time."""
    return Served("-b", "vosk", "-l", "ko", "-m", steady_model, home=home)


async def test_words_and_times_are_those_of_a_local_run(
    home: Path, steady_model: Path, speech: bytes, served: Served
) -> None:
    """Also over a network that cuts the connection again and again."""
    local = await ran("-b", "vosk", "-l", "ko", "-m", steady_model, home=home, audio=speech, seconds=90)
    async with served as server, ChaosProxy(server.port) as proxy:
        whole = await ran("-b", "server", "--server", server.url(), home=home, audio=speech, seconds=90)
        chance = random.Random(7)
        address = proxy.url("/ws/transcribe")
        async with Program("-b", "server", "--server", address, home=home, audio=pieces(speech)) as broken:
            cuts = 0
            while broken.process.returncode is None:
                await asyncio.sleep(chance.uniform(0.3, 0.9))
                if proxy.links and broken.fed < len(speech) / 32_000:
                    proxy.reset()
                    cuts += 1
            assert await broken.end() == 0
    assert cuts >= 10
    assert said(whole) == said(local)
    assert said(broken) == said(local)
    assert broken.summary["reconnects"] >= cuts / 2


async def test_a_killed_server_that_comes_back_costs_a_replay(home: Path, speech: bytes, served: Served) -> None:
    """SIGKILL in the middle, the same command again: every second of audio is covered."""
    async with served as server:
        arguments = ("-b", "server", "--server", server.url(), "--retries", "20", "--backoff-ms", "200")
        async with Program(*arguments, home=home, audio=pieces(speech)) as program:
            await program.until(lambda: len(program.finals) >= 2, 40)
            await server.kill()
            await server.start()
            assert await program.end(60) == 0
    assert program.summary["covered_seconds"] == program.summary["audio_seconds"]
    assert "reconnected" in program.notices
    times = [word["start"] for final in program.finals for word in final["words"]]
    assert times == sorted(times)


async def test_a_server_that_is_told_to_end_hands_its_clients_over(home: Path, speech: bytes, served: Served) -> None:
    """SIGTERM, 1012, the next process: exit code 143, nothing uncovered, no failure told."""
    async with served as server:
        arguments = ("-b", "server", "--server", server.url(), "--retries", "20", "--backoff-ms", "200")
        async with Program(*arguments, home=home, audio=pieces(speech)) as program:
            await program.until(lambda: len(program.finals) >= 2, 40)
            server.signal(signal.SIGTERM)
            assert await server.end() == 143
            await server.start()
            assert await program.end(60) == 0
    assert program.summary["covered_seconds"] == program.summary["audio_seconds"]


async def test_moonshine_is_what_a_new_user_gets(home: Path) -> None:
    """Without an option: English, with case and punctuation."""
    async with Served(home=home) as server:
        program = await ran(
            "--json", "--server", server.url(), "-b", "server", SAMPLES / "harbour.wav", home=home, raw=False
        )
    assert words(" ".join(final["transcript"] for final in program.finals)) == words(transcript_of("harbour.wav"))
    assert "recognizing with moonshine (moonshine-tiny-en)" in server.complaints
