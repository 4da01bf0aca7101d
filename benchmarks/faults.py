"""What a thousand random cuts cost, counted by the oracle: every word of the audio, once, where it was spoken."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from benchmarks.pairs import run
from benchmarks.place import Place
from benchmarks.recovery import CASES
from benchmarks.report import Row

TITLE = "Faults"
_KINDS: Counter[str] = Counter()


def rows(place: Place) -> Iterator[Row]:
    """As many cuts of each server; the last row is all of them."""
    cuts = (120 if place.quick else 1_000) // len(CASES)
    total: Counter[str] = Counter()
    for case in CASES:
        told = Counter(json.loads(run(place.part(case, "faults.py", case, str(cuts), str(place.seed))).output))
        total += told
        yield _row(f"random cuts, {case}", told)
    _KINDS.update({name.removeprefix("kind "): count for name, count in total.items() if name.startswith("kind ")})
    yield _row("random cuts, all", total)


def remarks(place: Place) -> tuple[str, ...]:
    """What was done to the streams."""
    kinds = ", ".join(f"{name} {count}" for name, count in sorted(_KINDS.items()))
    return (
        f"Seed {place.seed}. Cuts by kind: {kinds}. Each strikes three to six seconds of audio into a connection, "
        "those around a final at the next one; finals end at random every 0.3 to 2.5 s, in the middle of words too; "
        "streams run at 60 times real time, with deadlines shortened and Deepgram's pace raised.",
        "The audio carries its own clock, the server hears which words it was fed, and the words of the finals are "
        "compared with what was spoken: lost, doubled, more than 0.1 s from their place, out of order or never spoken.",
    )


def _row(what: str, told: Counter[str] | dict[str, Any]) -> Row:
    found = {name: int(told.get(name, 0)) for name in ("lost", "doubled", "misplaced", "others", "failures")}
    value = f"{found['lost']} lost, {found['doubled']} doubled, {found['misplaced']} misplaced"
    if found["others"] or found["failures"]:
        value += f", {found['others']} out of order or invented, {found['failures']} streams given up"
    absolute = f"of {told['words']} words; {told.get('reconnects', 0)} reconnects, {told['wall']:.0f} s"
    return Row(what, "the oracle", "words", value, absolute, "none", not any(found.values()), int(told["cuts"]))
