"""Vosk: what the program costs beyond the loop that Vosk's own examples show, and beside Vosk's own program."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.pairs import Comparison, Goal, Peer, compare
from benchmarks.place import Place, has
from benchmarks.report import Row

TITLE = "Vosk, one file"
SECONDS = 120
LOOP = (Goal("CPU", 1.03), Goal("wall"), Goal("peak RSS", 40.0))
PROGRAM = (Goal("CPU", 1.02), Goal("wall"), Goal("peak RSS"))


def rows(place: Place) -> Iterator[Row]:
    """The same file, the same model, every word with its times."""
    wav = place.audio("korean.wav", SECONDS)
    ours = place.voxcli("transcribe", "--json", "-b", "vosk", "-m", place.vosk_model, wav)
    peers = [Peer(place.part("bare loop", "bare_vosk.py", place.vosk_model, wav), LOOP)]
    if has("ffmpeg"):
        arguments = ("-m", place.vosk_model, "-i", wav, "--log-level", "WARNING")
        peers.append(Peer(place.program("vosk-transcriber", "vosk-transcriber", *arguments), PROGRAM))
    yield from compare(Comparison(f"voxcli transcribe -b vosk, {SECONDS} s", ours, tuple(peers)), place.rounds)


def remarks(_place: Place) -> tuple[str, ...]:
    """What stands in for what could not be measured."""
    if has("ffmpeg"):
        return (
            "The CPU time of the ffmpeg that vosk-transcriber starts is not in these figures: it never waits for it.",
        )
    return ("There is no row for vosk-transcriber: it needs ffmpeg, which is not installed here.",)
