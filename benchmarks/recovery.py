"""How soon there is a word again: after a cut from the server, and from a local model after the server's death."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.pairs import Command, run
from benchmarks.place import Place
from benchmarks.report import Row
from benchmarks.stream import percentile

TITLE = "Recovery"
CASES = ("voxcli.v1, joined again", "voxcli.v1, forgotten", "Deepgram", "vosk-server")
CUT_LIMIT = 0.5
DEAD_LIMIT = 1.5


def rows(place: Place) -> Iterator[Row]:
    """The streams are paced, so that all of them can go on at once: together they take a few percent of a core."""
    cuts = 8 if place.quick else 30
    streams = [
        (case, _started(place.part(case, "recovery_cuts.py", case, str(cuts), str(place.seed)))) for case in CASES
    ]
    for case, process in streams:
        told = _told(process)
        assert told["error"] is None, f"{case}: {told}"
        assert not told["wrong"], f"{case}: {told['wrong']} words are lost, doubled or misplaced"
        yield _row(f"RST, {case}", "first new word after it", told["times"], CUT_LIMIT)
    yield from _dead(place)


def _dead(place: Place) -> Iterator[Row]:
    trials = 3 if place.quick else 12
    english, korean = place.audio("english.wav", 148), place.audio("korean.wav", 120)
    for backend, model, wav in (("moonshine", place.moonshine_model, english), ("vosk", place.vosk_model, korean)):
        part = place.part(backend, "recovery_dead.py", backend, model, wav, str(trials), str(place.seed))
        told = json.loads(run(part).output)
        what = f"SIGKILL of the server, {backend} stands by"
        yield _row(what, "takes over", [trial["takeover"] for trial in told], None)
        yield _row(what, "first local word", [trial["word"] for trial in told], DEAD_LIMIT)
        if backend == "vosk":
            yield _row(what, "the same, from when it was possible", [trial["late"] for trial in told], None)


def remarks(place: Place) -> tuple[str, ...]:
    """What is timed."""
    return (
        f"Figures are seconds; goals are for the 95th percentile. Seed {place.seed}. The deadlines are the program's "
        "own: the first try comes 0.08 to 0.12 s after a cut, and a server is given up after three, 0.56 to 0.84 s "
        "later.",
        "Cut: RST on both sides by a proxy, 1.5 to 3 s after the last recovery of a paced stream. The server and its "
        "speaker are quick (an interim for every 100 ms, ten words a second, a final every second), so that the time "
        "is the program's and not theirs. A word is new when it lies behind all words shown before the cut. No stream "
        "lost, doubled or misplaced a word.",
        "Death: SIGKILL, and the port refuses; `--warm-standby`, paced speech from a random place, interims on. The "
        "time to the first local word contains the speaker's pauses and the audio that a model wants before it "
        "ventures a word. `From when it was possible` leaves them out: it counts from when so much was spoken as Vosk "
        "alone, given the same audio, wants for a first word. (Moonshine decodes by the clock, so that this cannot be "
        "told.)",
    )


def _started(command: Command) -> subprocess.Popen[str]:
    return subprocess.Popen(command.arguments, stdout=subprocess.PIPE, env=dict(command.variables), text=True)


def _told(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"a stream ended with {process.returncode}")
    told: dict[str, Any] = json.loads(output)
    return told


def _row(what: str, measure: str, times: Sequence[float], limit: float | None) -> Row:
    median, late, worst = statistics.median(times), percentile(times, 95), max(times)
    return Row(
        what,
        "",
        measure,
        f"{median:.3f} s (p95 {late:.3f}, worst {worst:.3f})",
        f"{sum(time <= limit for time in times)} of {len(times)} within the goal" if limit else "",
        f"<= {limit:.1f} s" if limit else None,
        late <= limit if limit else None,
        len(times),
    )
