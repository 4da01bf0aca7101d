"""``voxcli doctor`` with a microphone, from a card that is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sound_card import SoundCard
from support import voxcli

pytestmark = pytest.mark.system

HUM = (1_000 * np.sin(np.arange(160_000) / 7)).astype("<i2").tobytes()


def microphone(home: Path, *arguments: str, code: int = 0, **variables: str) -> dict[str, Any]:
    """What it says of the microphone. The rest is soon over: there is no model."""
    done = voxcli("doctor", "--json", "-b", "moonshine", *arguments, home=home, **variables)
    assert done.returncode == code, done.stdout
    return next(check for check in json.loads(done.stdout)["checks"] if check["name"] == "microphone")


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_a_second_is_heard_whole_and_its_level_told(library: Path, tmp_path: Path, home: Path, rate: int) -> None:
    card = SoundCard(library, tmp_path, HUM * 3, rate=rate)
    found = microphone(home, "--mic", "--device", "usbmic", **card.variables)
    assert found == {
        "name": "microphone", "ok": True, "message": "usbmic: 16000 of 16000 samples, level -33 dB", "hint": "",
    }  # fmt: skip


def test_one_that_is_muted_fails_where_it_was_asked_for(library: Path, tmp_path: Path, home: Path) -> None:
    card = SoundCard(library, tmp_path, bytes(320_000))
    assert microphone(home, **card.variables)["ok"]
    muted = microphone(home, "--mic", code=1, **card.variables)
    assert muted["message"] == "default: 16000 of 16000 samples, and nothing but zeros"
    assert muted["hint"].startswith("is it muted")


def test_one_that_is_named_and_not_there_fails(library: Path, tmp_path: Path, home: Path) -> None:
    card = SoundCard(library, tmp_path, HUM)
    found = microphone(home, code=1, VOXCLI_DEVICE="headset", **card.variables)
    assert found["message"] == "there is no microphone headset"


def test_a_sound_system_that_crashes_takes_nothing_with_it(tmp_path: Path, home: Path) -> None:
    """ALSA without any settings makes PortAudio abort as it is imported."""
    settings = tmp_path / "alsa.conf"
    settings.touch()
    done = voxcli("doctor", "--json", home=home, ALSA_CONFIG_PATH=str(settings))
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert done.returncode == 0, found
    assert "sounddevice (PortAudio fails)" in found["libraries"]["message"]
    assert found["microphone"]["message"] == "the sound system failed while it was being opened"
    assert "heard the sample right" in found["moonshine"]["message"]
