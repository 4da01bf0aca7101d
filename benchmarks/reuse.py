"""Vosk's native recognizers used again, or made warm: what it saves, and whether they hear the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.pairs import Spread, run
from benchmarks.place import Place
from benchmarks.report import Row
from benchmarks.words import distance

TITLE = "Vosk, used again"
AGAINST = "a fresh one for each clip"
CPU_LIMIT = 0.65
CASES = (("korean", 120, 10, 12), ("english", 148, 10, 14), ("korean", 120, 30, 4), ("english", 148, 30, 4))
"""Recording, its seconds, seconds of a clip, and how many clips."""
SPOKEN = {"korean": "a greeting over and over", "english": "a letter, never twice the same"}
Clip = dict[str, dict[str, Any]]


def rows(place: Place) -> Iterator[Row]:
    """Each clip is heard in all ways in one process, so that the rows of a case belong together."""
    for language, seconds, length, count in CASES:
        wav = place.audio(f"{language}.wav", seconds)
        part = place.part("", "reuse.py", place.vosk_model, wav, str(length), str(count))
        clips: list[Clip] = json.loads(run(part).output)
        what = f"{count} clips of {length} s, {SPOKEN[language]}"
        yield _cpu(f"{what}: one used again", clips, "used", CPU_LIMIT if length == 10 else None)
        yield _words(f"{what}: one used again", clips, "used")
        yield _cpu(f"{what}: one that stood by warm", clips, "warm", None)
        yield _first_second(f"{what}: one that stood by warm", clips)
        yield _words(f"{what}: one that stood by warm", clips, "warm")


def remarks(_place: Place) -> tuple[str, ...]:
    """What to make of it."""
    return (
        "One process hears each clip by a fresh recognizer, by one that has heard a second of silence (as a warm "
        "standby has), and by one that has heard all clips before, in turning order; CPU is that of the thread. The "
        "greeting comes at ever another level over other noise, so its words repeat, which flatters the used one. The "
        "letter is English to a Korean model: nonsense, but no sound comes twice, and the model is as unsure as it can "
        "be. Words that differ are those to be changed, left out or put in.",
    )


def _cpu(what: str, clips: list[Clip], way: str, limit: float | None) -> Row:
    return _ratio(what, "CPU", clips, way, lambda heard: heard["cpu"], limit)


def _first_second(what: str, clips: list[Clip]) -> Row:
    return _ratio(what, "CPU until the first second is heard", clips, "warm", lambda heard: heard["early"], None)


def _ratio(
    what: str, measure: str, clips: list[Clip], way: str, cost: Callable[[dict[str, Any]], float], limit: float | None
) -> Row:
    ratios = Spread.of([cost(clip[way]) / cost(clip["fresh"]) for clip in clips])
    ours, theirs = (Spread.of([cost(clip[name]) for clip in clips]).median for name in (way, "fresh"))
    value = f"{ratios.median:.3f} ({ratios.least:.3f} to {ratios.most:.3f})"
    goal, met = (None, None) if limit is None else (f"<= {limit:.2f}", ratios.median <= limit)
    return Row(what, AGAINST, measure, value, f"{ours:.3f} s, {theirs:.3f} s", goal, met, len(clips))


def _words(what: str, clips: list[Clip], way: str) -> Row:
    differing = [distance(clip["fresh"]["words"], clip[way]["words"]) for clip in clips]
    total = sum(len(clip["fresh"]["words"]) for clip in clips)
    same = f"{differing.count(0)} of {len(clips)} identical"
    words = f"{sum(differing)} of {total} words differ"
    return Row(what, AGAINST, "transcripts", same, words, None, None, len(clips))
