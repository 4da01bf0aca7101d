"""Audio that is kept as it passes: valid at any moment, and never in the way of what is heard."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voxcli.audio import Chunk
from voxcli.errors import OutputError, UsageError
from voxcli.events import Gap, Notice
from voxcli.sources.saving import SavedSource, WavRecording, open_recording

SAMPLES = np.arange(-8_000, 8_000, dtype="<i2")
GIVEN: list[Chunk | Gap | Notice] = [
    Chunk(0, SAMPLES.tobytes()),
    Notice(code="device_lost", at=1.0, message="gone"),
    Gap(start=1.0, end=1.5, reason="device_lost"),
    Chunk(24_000, SAMPLES.tobytes()),
]
KEPT = np.concatenate([SAMPLES, np.zeros(8_000, "<i2"), SAMPLES])


class Script:
    """A source that gives what is written above."""

    name, live, seconds, level = "script", True, None, -20.0

    def __init__(self) -> None:
        self.remarks: list[str] = []

    async def open(self) -> None:
        self.name = "the script"

    async def chunks(self) -> AsyncGenerator[Chunk | Gap | Notice]:
        for given in GIVEN:
            yield given

    def stop(self) -> None:
        self.remarks.append("stopped")

    async def close(self) -> None: ...


async def passed(path: Path, failed: list[OutputError]) -> list[Chunk | Gap | Notice]:
    """All that comes through."""
    source = SavedSource(Script(), path, failed.append)
    await source.open()
    assert (source.name, source.level, source.live) == ("the script", -20.0, True)
    given = [each async for each in source.chunks()]
    source.stop()
    assert source.remarks == ["stopped"]
    await source.close()
    return given


@pytest.mark.parametrize("name", ["a.wav", "a.WAV", "a.flac"])
async def test_what_passes_is_kept_with_silence_for_what_was_lost(tmp_path: Path, name: str) -> None:
    failed: list[OutputError] = []
    assert await passed(tmp_path / name, failed) == GIVEN
    heard, rate = soundfile.read(tmp_path / name, dtype="int16")
    assert (rate, heard.tolist(), failed) == (16_000, KEPT.tolist(), [])


def test_a_wav_can_be_played_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    recording = WavRecording(path)
    for tenth in range(30):
        recording.write(bytes(3_200))
        with wave.open(io.BytesIO(path.read_bytes())) as file:
            assert 0 <= (tenth + 1) / 10 - file.getnframes() / 16_000 < 0.5
    recording.close()


def test_a_flac_that_was_never_closed_can_be_played(tmp_path: Path) -> None:
    recording = open_recording(tmp_path / "a.flac")
    for _ in range(30):
        recording.write(SAMPLES.tobytes())
    (tmp_path / "killed.flac").write_bytes((tmp_path / "a.flac").read_bytes())
    with soundfile.SoundFile(tmp_path / "killed.flac") as file:
        heard = np.concatenate(list(file.blocks(4_096, dtype="int16", frames=20 * 16_000)))
    assert heard.tolist() == np.tile(SAMPLES, 20).tolist()
    recording.close()


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
async def test_a_full_disk_ends_the_file_and_nothing_else(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.symlink_to("/dev/full")
    failed: list[OutputError] = []
    try:
        assert await asyncio.wait_for(passed(path, failed), 5) == GIVEN
    except OutputError as error:  # a header is written at once
        failed.append(error)
    assert len(failed) == 1
    assert str(path) in failed[0].message


def test_what_cannot_be_a_recording(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the suffix says no kind of audio"):
        open_recording(tmp_path / "a.mp3")
    with pytest.raises(OutputError, match="no such file or directory"):
        open_recording(tmp_path / "none" / "a.wav")
