"""Moonshine: what the program costs beyond the package's own stream, decoding as often."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.pairs import Comparison, Goal, Peer, compare
from benchmarks.place import Place
from benchmarks.report import Row

TITLE = "Moonshine, one file"
SECONDS = 120
LOOP = (Goal("CPU", 1.03), Goal("wall"), Goal("peak RSS", 40.0))


def rows(place: Place) -> Iterator[Row]:
    """The same file and the same model."""
    wav = place.audio("english.wav", SECONDS)
    ours = place.voxcli("transcribe", "--json", "-b", "moonshine", "-m", place.moonshine_model, wav)
    peer = Peer(place.part("bare loop", "bare_moonshine.py", place.moonshine_model, wav), LOOP)
    yield from compare(Comparison(f"voxcli transcribe -b moonshine, {SECONDS} s", ours, (peer,)), place.rounds)
