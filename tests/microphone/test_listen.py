"""``voxcli listen`` with PortAudio's real capture from a card that is none, whole, and when the card goes away."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from jiwer import wer

from sound_card import PLAY, SoundCard, sound_server
from support import SAMPLES, VOXCLI, environment, transcript_of, voxcli, words

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

SPOKEN = words(transcript_of("harbour.wav"))
PAUSE = bytes(2 * 4_800)
RECORDING = PAUSE + (SAMPLES / "harbour.wav").read_bytes()[44:]
"""A pause, so that the words begin after the first block, and the sample."""
LOUD = np.tile(np.array([32_767, -32_768], "<i2"), 80_000).tobytes()


def somewhere(recording: bytes) -> bytes:
    """The recording in a room whose noise is nowhere the same, so that a part of it is found in one place only."""
    samples = np.frombuffer(recording, "<i2").astype(np.int32)
    noise = np.random.default_rng(1).integers(-3, 4, len(samples))
    return np.clip(samples + noise, -32_768, 32_767).astype("<i2").tobytes()


def assert_spoken(heard: list[str]) -> None:
    """The words of the sample, the first among them. On a machine that is busy the recognizer mistakes a few."""
    assert heard[0] == SPOKEN[0]
    assert wer(" ".join(SPOKEN), " ".join(heard)) < 0.35


class Listener:
    """``voxcli listen`` at work, what it prints taken in as it comes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.output = self.complaints = ""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.split("\n")[:-1]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["type"] == kind]

    @property
    def codes(self) -> list[str]:
        return [line["code"] for line in self.of("Notice")]

    @property
    def words(self) -> list[str]:
        return words(" ".join(line["transcript"] for line in self.of("Results") if line["is_final"]))

    async def until(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds):
            while not condition():
                assert self.process.returncode is None, self.complaints
                await asyncio.sleep(0.02)

    async def end(self, seconds: float = 40.0) -> int:
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    def capturing(self) -> psutil.Process:
        """The process that captures."""
        (child,) = psutil.Process(self.process.pid).children()
        return child

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while data := await self.process.stdout.read(65_536):
            self.output += data.decode()

    async def _read_complaints(self) -> None:
        assert self.process.stderr is not None
        while data := await self.process.stderr.read(65_536):
            self.complaints += data.decode()


@asynccontextmanager
async def listening(*arguments: str | Path, home: Path, variables: dict[str, str]) -> AsyncIterator[Listener]:
    process = await asyncio.create_subprocess_exec(
        VOXCLI, "listen", *arguments, cwd=home, env=environment(home) | variables,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    listener = Listener(process)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(listener._read())
            group.create_task(listener._read_complaints())
            try:
                yield listener
            finally:
                if process.returncode is None:
                    process.kill()
    finally:
        await process.wait()


def saved(path: Path) -> np.ndarray:
    """The samples of a recording, 16 kHz and one channel."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def place_of(part: np.ndarray, whole: np.ndarray) -> int:
    """Where a part stands in the whole, to the sample."""
    at = whole.tobytes().find(part.tobytes())
    assert at >= 0
    assert at % 2 == 0
    return at // 2


async def test_what_is_said_comes_out_whole(library: Path, tmp_path: Path, home: Path) -> None:
    """Bit for bit from the first moment on, while the recognizer is still being loaded; nothing is missing."""
    card = SoundCard(library, tmp_path, somewhere(RECORDING))
    kept = ("--save-audio", home / "kept.wav")
    async with listening("--json", "--duration", "9.5", *kept, home=home, variables=card.variables) as run:
        assert await run.end() == 0
    assert_spoken(run.words)
    (summary,) = run.of("Summary")
    assert (summary["audio_seconds"], summary["lost_seconds"], summary["stop_reason"]) == (9.5, 0.0, "duration")
    assert summary["covered_seconds"] == pytest.approx(9.5, abs=0.05)
    heard = saved(home / "kept.wav")
    began = place_of(heard[:96_000], card.heard)
    assert began < 4_800  # before the first word
    end = min(len(heard), len(card.heard) - began)
    assert np.array_equal(heard[:end], card.heard[began : began + end])
    assert run.of("Session")[0]["source"] == "default"
    assert "listening to default" in run.complaints


async def test_a_card_that_knows_another_rate_and_two_channels(library: Path, tmp_path: Path, home: Path) -> None:
    slow = np.frombuffer(RECORDING, "<i2")
    fast = np.interp(np.arange(3 * len(slow)) / 3, np.arange(len(slow)), slow).astype("<i2")
    card = SoundCard(library, tmp_path, fast.tobytes(), rate=48_000, channels=2)
    async with listening("--duration", "9.5", "--device", "usb", "-q", home=home, variables=card.variables) as run:
        assert await run.end() == 0
    assert_spoken(words(run.output))
    assert run.complaints == ""


async def test_one_sentence_for_a_script(library: Path, tmp_path: Path, home: Path) -> None:
    """It is over with the sentence, and prints nothing else; silence is an error."""
    card = SoundCard(library, tmp_path, RECORDING)
    async with listening("--once", home=home, variables=card.variables) as run:
        assert await run.end() == 0
    assert words(run.output)[:2] == SPOKEN[:2]
    assert run.output.count("\n") == 1
    assert len(words(run.output)) < len(SPOKEN) - 5
    quiet = tmp_path / "quiet"
    quiet.mkdir()
    card = SoundCard(library, quiet, b"")
    async with listening("--once", "--duration", "3.5", "--json", home=home, variables=card.variables) as run:
        assert await run.end() == 1
    assert run.of("Error")[0]["code"] == "nothing_said"
    assert run.codes == ["muted"]


async def test_until_nobody_speaks(library: Path, tmp_path: Path, home: Path) -> None:
    card = SoundCard(library, tmp_path, RECORDING)
    async with listening("--until-silence", "2", "--json", home=home, variables=card.variables) as run:
        assert await run.end() == 0
    assert_spoken(run.words)
    (summary,) = run.of("Summary")
    assert summary["stop_reason"] == "until_silence"
    assert 9.5 < summary["audio_seconds"] < 16.0


@pytest.mark.parametrize("stuck", [False, True])
async def test_a_card_that_goes_away_and_comes_back(library: Path, tmp_path: Path, home: Path, stuck: bool) -> None:
    """Also one that hangs: a Gap as long as it was away, and every time behind it is right."""
    card = SoundCard(library, tmp_path, somewhere(RECORDING + RECORDING), stuck=stuck)
    kept = ("--save-audio", home / "kept.wav")
    async with listening("--json", *kept, "--duration", "18", home=home, variables=card.variables) as run:
        await run.until(lambda: run.words)
        card.unplug()
        await run.until(lambda: "device_lost" in run.codes)
        await asyncio.sleep(1.0)
        card.plug_in()
        assert await run.end() == 0
    assert run.codes == ["device_lost", "device_back"]
    (gap,), (summary,) = run.of("Gap"), run.of("Summary")
    assert gap["reason"] == "device_lost"
    assert 0.9 < gap["end"] - gap["start"] < 8
    assert summary["lost_seconds"] == pytest.approx(gap["end"] - gap["start"])
    assert wer(" ".join(SPOKEN), " ".join(run.words[-len(SPOKEN) :])) < 0.35
    heard = saved(home / "kept.wav")
    before, after = round(gap["start"] * 16_000), round(gap["end"] * 16_000)
    assert not heard[before:after].any()
    began, went_on = place_of(heard[: before - 1_600], card.heard), place_of(heard[after : after + 16_000], card.heard)
    assert went_on - began == pytest.approx(after, abs=960)


async def test_a_card_that_stays_away(library: Path, tmp_path: Path, home: Path) -> None:
    """Exit 3 after 15 s; what was said before has been printed."""
    card = SoundCard(library, tmp_path, RECORDING)
    async with listening("--json", home=home, variables=card.variables) as run:
        await run.until(lambda: run.words)
        card.unplug()
        assert await run.end() == 3
    assert run.of("Error")[0]["code"] == "device_lost"
    (summary,) = run.of("Summary")
    assert (summary["stop_reason"], summary["lost_seconds"]) == ("device_lost", 0.0)
    assert summary["covered_seconds"] == pytest.approx(summary["audio_seconds"], abs=0.05)


async def test_nobody_waits_any_more_for_a_card_that_is_away(library: Path, tmp_path: Path, home: Path) -> None:
    """Ctrl-C ends it, and so does the duration, whose rest is a Gap."""
    card = SoundCard(library, tmp_path, RECORDING)
    async with listening("--json", home=home, variables=card.variables) as run:
        await run.until(lambda: run.words)
        card.unplug()
        await run.until(lambda: "device_lost" in run.codes)
        run.process.send_signal(signal.SIGINT)
        assert await run.end(12) == 0
    assert run.of("Summary")[0]["stop_reason"] == "interrupted"
    card.plug_in()
    async with listening("--json", "--duration", "7", home=home, variables=card.variables) as run:
        await run.until(lambda: run.of("Session"))
        await asyncio.sleep(2)
        card.unplug()
        assert await run.end(20) == 0
    (summary,), (gap,) = run.of("Summary"), run.of("Gap")
    assert (summary["stop_reason"], summary["audio_seconds"], gap["end"]) == ("duration", 7.0, 7.0)


async def test_a_machine_that_is_too_busy(library: Path, tmp_path: Path, home: Path) -> None:
    """What the card dropped meanwhile is a Gap of that length, and said."""
    card = SoundCard(library, tmp_path, somewhere(RECORDING))
    kept = ("--save-audio", home / "kept.wav")
    async with listening("--json", *kept, "--duration", "9", home=home, variables=card.variables) as run:
        await run.until(lambda: run.words)
        child = run.capturing()
        child.suspend()
        await asyncio.sleep(1.2)
        child.resume()
        assert await run.end() == 0
    assert run.codes == ["overrun"]
    gap = max(run.of("Gap"), key=lambda gap: gap["end"] - gap["start"])
    assert gap["reason"] == "overrun"
    assert gap["end"] - gap["start"] == pytest.approx(1.2, abs=0.35)
    heard = saved(home / "kept.wav")
    began = place_of(heard[:16_000], card.heard)
    after = round(gap["end"] * 16_000) + 1_600  # the block behind the loss may begin before it
    went_on = place_of(heard[after : after + 8_000], card.heard)
    assert went_on - began == pytest.approx(after, abs=960)


async def test_ctrl_c(library: Path, tmp_path: Path, home: Path) -> None:
    """In the middle of a sentence: what was said of it comes, and 0. A second one ends it at once; SIGTERM is 143."""
    card = SoundCard(library, tmp_path, RECORDING)
    async with listening("--json", home=home, variables=card.variables) as run:
        await run.until(lambda: run.words)
        await asyncio.sleep(1.5)
        run.process.send_signal(signal.SIGINT)
        assert await run.end(8) == 0
    assert len(run.words) > 8  # of the second sentence, too
    assert run.of("Summary")[0]["stop_reason"] == "interrupted"
    async with listening("-q", home=home, variables=card.variables) as run:
        await asyncio.sleep(2)
        run.process.send_signal(signal.SIGTERM)
        assert await run.end(8) == 143


async def test_a_killed_run_leaves_a_recording_and_no_process(library: Path, tmp_path: Path, home: Path) -> None:
    card = SoundCard(library, tmp_path, RECORDING)
    async with listening("--save-audio", home / "kept.wav", home=home, variables=card.variables) as run:
        await run.until(lambda: (home / "kept.wav").exists() and (home / "kept.wav").stat().st_size > 64_000)
        child = run.capturing()
        os.kill(run.process.pid, signal.SIGKILL)
        await run.end()
        async with asyncio.timeout(5):
            while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.05)
    assert len(saved(home / "kept.wav")) > 24_000


async def test_a_microphone_that_is_too_loud(library: Path, tmp_path: Path, home: Path) -> None:
    card = SoundCard(library, tmp_path, LOUD)
    async with listening("--duration", "3", "--json", home=home, variables=card.variables) as run:
        assert await run.end() == 0
    assert run.codes == ["clipping"]
    assert "turn its volume down" in run.complaints


async def test_what_cannot_be_heard(library: Path, tmp_path: Path, home: Path) -> None:
    """Exit 3 with what to do: no such microphone, one that is gone, a sound system that breaks down."""
    card = SoundCard(library, tmp_path, RECORDING)
    async with listening("--device", "headset", "--json", home=home, variables=card.variables) as run:
        assert await run.end() == 3
    assert run.of("Error")[0] == {
        "type": "Error", "code": "device_not_found", "message": "there is no microphone headset",
        "hint": "voxcli devices lists them: usbmic, default",
    }  # fmt: skip
    (tmp_path / "broken.conf").write_text("# nothing\n")
    async with listening(home=home, variables={"ALSA_CONFIG_PATH": str(tmp_path / "broken.conf")}) as run:
        assert await run.end() == 3
    assert run.complaints.startswith("voxcli: ")
    assert "hint: " in run.complaints


async def test_a_sound_server(tmp_path: Path, home: Path) -> None:
    """PulseAudio, as on a desktop: played into it, the words come out."""
    folder = tmp_path / "pulse"
    folder.mkdir()
    (folder / "spoken.raw").write_bytes(RECORDING)
    with sound_server(folder) as variables:
        async with listening("--json", "--duration", "11", home=home, variables=variables) as run:
            await run.until(lambda: run.of("Session"))
            player = await asyncio.create_subprocess_exec(
                *PLAY, folder / "spoken.raw", env=environment(home) | variables
            )
            assert await run.end() == 0
            await player.wait()
    assert_spoken(run.words)
    assert run.of("Gap") == []


async def test_what_microphones_there_are(library: Path, tmp_path: Path, home: Path) -> None:
    """A line each, or JSON; a test says how loud it was, and fails where nothing was heard."""
    card = SoundCard(library, tmp_path, LOUD)
    done = voxcli("devices", home=home, **card.variables)
    assert done.stdout.decode().splitlines() == [
        "   0  usbmic   1 channel    16000 Hz", "*  1  default  1 channel    16000 Hz",
    ]  # fmt: skip
    listed = json.loads(voxcli("devices", "--json", home=home, **card.variables).stdout)
    assert listed[1] == {"id": 1, "name": "default", "channels": 1, "sample_rate": 16_000, "default": True}
    tested = voxcli("devices", "--test", "--device", "usb", home=home, **card.variables)
    assert (tested.returncode, tested.stdout) == (0, b"usbmic: 0 dB at the loudest; it hears you\n")
    quiet = tmp_path / "quiet"
    quiet.mkdir()
    silent = voxcli("devices", "--test", home=home, **SoundCard(library, quiet, b"").variables)
    assert silent.returncode == 1
    assert b"is it muted" in silent.stdout
