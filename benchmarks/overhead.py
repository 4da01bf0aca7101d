"""What the pipeline costs when nothing is recognized, and what a line of JSON costs."""

from __future__ import annotations

import json
from collections.abc import Iterator

from benchmarks.pairs import Comparison, Goal, Peer, Spread, compare, run
from benchmarks.place import Place
from benchmarks.report import Row

TITLE = "The pipeline alone"
JSON_LIMIT = 1.5


def rows(place: Place) -> Iterator[Row]:
    """An hour of audio through a recognizer that says nothing new, then lines of JSON in one process."""
    seconds = 300 if place.quick else 3_600
    wav = place.audio("english.wav", seconds)
    ours = place.part("voxcli", "stub_pipeline.py", wav)
    peer = Peer(place.part("bare loop, a thread", "stub_loop.py", wav), (Goal("CPU"), Goal("peak RSS")))
    what = f"{seconds // 60} min through a recognizer that does nothing"
    yield from compare(Comparison(what, ours, (peer,)), place.rounds)
    yield _json(place)


def _json(place: Place) -> Row:
    answer = json.loads(run(place.part("voxcli", "jsonl_cost.py", str(3 * place.rounds))).output)
    ours, bare = Spread.of(answer["ours"]), Spread.of(answer["bare"])
    ratio = Spread.of([mine / other for mine, other in zip(answer["ours"], answer["bare"], strict=True)])
    return Row(
        "A result of 11 words as a line of JSON",
        "print(json.dumps(...), flush=True)",
        "CPU",
        f"{ratio.median:.3f} ({ratio.least:.3f} to {ratio.most:.3f})",
        f"{ours.median * 1e6:.1f} us, {bare.median * 1e6:.1f} us",
        f"<= {JSON_LIMIT:.2f}",
        ratio.median <= JSON_LIMIT,
        len(answer["ours"]),
    )
