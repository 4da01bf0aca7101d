"""Memory over 5, 20 and 60 minutes: one run of each program, its peak looked up when its results pass each mark.

What Vosk itself needs grows as it listens, so that ours must not grow beside it; Moonshine's must not grow at all. The
hour goes in from a file, from a pipe that does not tell its length, and from a compressed file that is resampled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pairs import Command, Goal, Usage, row, run
from benchmarks.place import Place
from benchmarks.report import Row

TITLE = "Memory over an hour"
EXCESS_MB = 40.0
GROWTH_MB = 10.0
GROWTH_RATIO = 1.10
MINUTES = (5, 20, 60)


@dataclass(frozen=True, slots=True)
class Peaks:
    """Minutes of audio -> peak RSS in megabytes until then; and the run as a whole."""

    at: dict[int, float]
    usage: Usage


def rows(place: Place) -> Iterator[Row]:
    """Moonshine first, which takes minutes; Vosk takes a quarter of an hour twice."""
    yield from _moonshine(place, _minutes(place))
    yield from _vosk(place, _minutes(place))


def _minutes(place: Place) -> tuple[int, ...]:
    return MINUTES[:1] if place.quick else MINUTES


def _moonshine(place: Place, minutes: tuple[int, ...]) -> Iterator[Row]:
    wav = place.audio("english.wav", minutes[-1] * 60)
    flac = place.audio("english.flac", minutes[-1] * 60)
    arguments = ("transcribe", "--json", "-b", "moonshine", "-m", place.moonshine_model)
    pipe = (place.python, place.part("", "stream_wav.py").arguments[1], wav)
    bare = _watched(place.part("bare loop", "bare_moonshine.py", place.moonshine_model, wav), minutes)
    for what, command in (
        ("Moonshine, WAV through a pipe", place.voxcli(*arguments, "-", feed=pipe)),
        ("Moonshine, FLAC of 44.1 kHz stereo", place.voxcli(*arguments, flac)),
    ):
        ours = _watched(command, minutes)
        yield from _excess(what, ours, bare)
        if len(minutes) > 1:
            yield _own_growth(what, ours, minutes)


def _vosk(place: Place, minutes: tuple[int, ...]) -> Iterator[Row]:
    wav = place.audio("korean.wav", minutes[-1] * 60)
    ours = _watched(place.voxcli("transcribe", "--json", "-b", "vosk", "-m", place.vosk_model, wav), minutes)
    bare = _watched(place.part("bare loop", "bare_vosk.py", place.vosk_model, wav), minutes)
    yield from _excess("Vosk, WAV file", ours, bare)
    yield row(f"Vosk, {minutes[-1]} minutes at once", "bare loop", Goal("CPU"), [ours.usage], [bare.usage])
    if len(minutes) > 1:
        yield _growth_beside("Vosk, WAV file", ours, bare, minutes)


def _excess(what: str, ours: Peaks, bare: Peaks) -> Iterator[Row]:
    for minutes, peak in ours.at.items():
        excess = peak - bare.at[minutes]
        yield Row(
            f"{what}, {minutes} min",
            "bare loop",
            "peak RSS",
            f"{excess:+.0f} MB",
            f"{peak:.0f} MB, {bare.at[minutes]:.0f} MB",
            f"<= {EXCESS_MB:+.0f} MB",
            excess <= EXCESS_MB,
            1,
        )


def _own_growth(what: str, ours: Peaks, minutes: tuple[int, ...]) -> Row:
    early, late = ours.at[minutes[0]], ours.at[minutes[-1]]
    return Row(
        f"{what}, {minutes[-1]} min",
        f"itself, {minutes[0]} min",
        "peak RSS",
        f"{late / early:.3f}",
        f"{late:.0f} MB, {early:.0f} MB",
        f"<= {GROWTH_RATIO:.2f}",
        late / early <= GROWTH_RATIO,
        1,
    )


def _growth_beside(what: str, ours: Peaks, bare: Peaks, minutes: tuple[int, ...]) -> Row:
    early, late = (ours.at[mark] - bare.at[mark] for mark in (minutes[0], minutes[-1]))
    return Row(
        f"{what}, excess at {minutes[-1]} min",
        f"excess at {minutes[0]} min",
        "peak RSS",
        f"{late - early:+.0f} MB",
        f"{late:+.0f} MB, {early:+.0f} MB",
        f"<= {GROWTH_MB:+.0f} MB",
        late - early <= GROWTH_MB,
        1,
    )


def _watched(command: Command, minutes: tuple[int, ...]) -> Peaks:
    """Run it, noting its peak at the first result that ends at or after each mark; the last mark is the end."""
    peaks: dict[int, float] = {}

    def watch(line: str, process: int) -> None:
        heard = _seconds(line)
        for mark in minutes:
            if heard >= mark * 60 and mark not in peaks:
                peaks[mark] = _peak_mb(process)

    usage = run(command, watch)
    peaks[minutes[-1]] = usage.rss_mb
    return Peaks(dict(sorted(peaks.items())), usage)


def _seconds(line: str) -> float:
    """How far a line of ours, or of one of the bare loops, has come in the audio; 0 where it does not tell."""
    result = json.loads(line)
    if result.get("type") == "Results":
        return float(result["start"] + result["duration"])
    if "end" in result:
        return float(result["end"])
    words = result.get("result")
    return float(words[-1]["end"]) if words else 0.0


def _peak_mb(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 / 1_000_000 if found else 0.0
