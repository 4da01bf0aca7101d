"""A microphone, proved by a second of what it hears."""

from __future__ import annotations

import numpy as np

from voxcli.audio import Chunk, samples
from voxcli.cli.checks import Check
from voxcli.hearing import decibels
from voxcli.sources import MicrophoneOptions, open_microphone

NAME = "microphone"
SECONDS = 1.0
LEAST_SHARE = 0.9
"""Of what a second should bring."""


async def microphone(device: str | None) -> list[Check]:
    """A second of what ``listen`` would hear. Nobody else hears it, and it is kept nowhere. Raises DeviceError."""
    source = open_microphone(MicrophoneOptions(device, SECONDS))
    try:
        await source.open()
        data = b"".join([given.data async for given in source.chunks() if isinstance(given, Chunk)])
    finally:
        await source.close()
    return [_judged(source.name, np.frombuffer(data, "<i2"))]


def _judged(name: str, heard: np.ndarray) -> Check:
    expected = samples(SECONDS)
    told = f"{name}: {len(heard)} of {expected} samples"
    if len(heard) < LEAST_SHARE * expected:
        return Check(NAME, f"{told} in {SECONDS:g} s", "is it gone, or is the machine very busy? try again", ok=False)
    if not heard.any():
        hint = "is it muted, or not permitted? voxcli devices lists the others, --device takes one of them"
        return Check(NAME, f"{told}, and nothing but zeros", hint, ok=False)
    level = decibels(float(np.sqrt(np.mean(np.square(heard, dtype=np.float64)))) / 32_768)
    return Check(NAME, f"{told}, level {level:.0f} dB")
