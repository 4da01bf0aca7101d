"""The machine: the program and its libraries, the clock, the room on its disks."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import voxcli
from voxcli.cli.checks import REINSTALL, Check
from voxcli.cli.checks.children import Crashed, answer_of
from voxcli.models import Places

NEEDED = ("numpy", "soundfile", "soxr", "websockets")
SOUND = "sounddevice"
"""Looks at the devices as it is imported, so it is tried apart; what is wrong with it a microphone's check tells."""
OTHERS = ("vosk", "moonshine-voice", "av", "fastapi")
"""Of recognizers and extras."""
LIBRARIES = "voxcli.cli.checks.libraries"
LIBRARIES_SECONDS = 10.0

MOST_SKEW_SECONDS = 60.0
"""Certificates and signatures with a time are refused where a clock is further off."""
MOST_BEHIND_SECONDS = 86_400.0
"""Of a clock, behind the time when voxcli was installed: time zones do not come into it."""

MODEL_BYTES = 500_000_000
"""For the zip of a small model and what it is unpacked to, with room to spare."""
LEAST_BYTES = 100_000_000
"""What a recording or a file of results may need."""


async def program() -> list[Check]:
    """Which voxcli, on which Python and system."""
    system = f"{platform.system()} {platform.release()} ({platform.machine()})"
    return [Check("voxcli", f"{voxcli.__version__}, Python {platform.python_version()}, {system}")]


async def libraries() -> list[Check]:
    """The libraries that do the work, and whether those that every run needs can be imported."""
    sound = asyncio.create_task(_sound())
    try:
        told = await answer_of(LIBRARIES, *NEEDED, *OTHERS, patience=LIBRARIES_SECONDS)
    except Crashed as crashed:
        return [Check("libraries", f"importing them failed: {crashed}", REINSTALL, ok=False)]
    finally:
        words = await sound
    broken = [f"{name} cannot be imported: {each['error']}" for name, each in told.items() if "error" in each]
    if broken:
        return [Check("libraries", "; ".join(broken), REINSTALL, ok=False)]
    return [Check("libraries", ", ".join([*(_library(name, each) for name, each in told.items()), words]))]


async def _sound() -> str:
    try:
        told = (await answer_of(LIBRARIES, SOUND, patience=LIBRARIES_SECONDS)).get(SOUND, {"error": ""})
    except (Crashed, TimeoutError):
        return f"{SOUND} (PortAudio fails)"
    return f"{SOUND} (no PortAudio)" if "error" in told else _library(SOUND, told)


def _library(name: str, told: Mapping[str, Any]) -> str:
    return f"{name} {told['version']}" + (f" ({told['with']})" if "with" in told else "")


async def clock(skews: Sequence[tuple[str, float]]) -> list[Check]:
    """The clock of this machine beside those of servers: an address, and by how many seconds ours is ahead of it.

    Without a server it is looked at only whether the clock can be right at all.
    """
    if skews:
        url, skew = max(skews, key=lambda pair: abs(pair[1]))
        if abs(skew) <= MOST_SKEW_SECONDS:
            return [Check("clock", f"{_seconds(skew)} off that of {url}")]
        side = "ahead of" if skew > 0 else "behind"
        return [Check("clock", f"{_seconds(skew)} {side} that of {url}", "set it: TLS breaks where clocks differ")]
    if _seconds_behind() > MOST_BEHIND_SECONDS:
        now = time.strftime("%Y-%m-%d", time.gmtime())
        return [Check("clock", f"it says {now}, which is before voxcli was installed", "set it: TLS needs the time")]
    return []


def _seconds_behind() -> float:
    """How long before voxcli was installed it is now, by this clock; less than 0 where that was earlier."""
    return Path(voxcli.__file__).stat().st_mtime - time.time()


def _seconds(skew: float) -> str:
    return "less than 2 s" if abs(skew) < 2 else f"{abs(skew):.0f} s"


async def disk(places: Places, *, needs_model: bool) -> list[Check]:
    """The room where speech models are kept, and in this folder."""
    models = _free(places.own)
    try:
        here = _free(Path.cwd())
    except FileNotFoundError:
        return [Check("disk", f"{_size(models)} free where models are kept; this folder is gone", "cd to another")]
    message = f"{_size(models)} free where models are kept, {_size(here)} in this folder"
    if needs_model and models < MODEL_BYTES:
        hint = (
            f"make room in {places.own}, or set VOXCLI_MODELS_DIR to a folder that has some: a model has to be fetched"
        )
        return [Check("disk", message, hint)]
    if here < LEAST_BYTES:
        return [Check("disk", message, "make room, or write to another folder: -o and --save-audio need some")]
    return [Check("disk", message)]


def _free(folder: Path) -> int:
    """Bytes that are free on the disk of a folder, or of where it would be made."""
    while not os.path.isdir(folder) and folder != folder.parent:  # noqa: PTH112 - which takes names of any length
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
