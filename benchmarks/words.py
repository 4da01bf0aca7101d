"""Whether the program hears what the bare loops hear: the same words with Vosk, as many right with Moonshine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from benchmarks.pairs import run
from benchmarks.place import ROOT, Place
from benchmarks.report import Row

TITLE = "Words"
SECONDS = 120
LETTER_SECONDS = 148
WORSE = 0.01


def rows(place: Place) -> Iterator[Row]:
    """One run of each is enough: without dither they repeat themselves."""
    yield _vosk(place)
    yield _moonshine(place)


def _vosk(place: Place) -> Row:
    wav = place.audio("korean.wav", SECONDS)
    ours = run(place.voxcli("transcribe", "--json", "-b", "vosk", "-m", place.vosk_model, wav))
    bare = run(place.part("bare loop", "bare_vosk.py", place.vosk_model, wav))
    mine = [_rounded(word, "confidence") for line in _finals(ours.output) for word in line.get("words", ())]
    theirs = [_rounded(word, "conf") for line in _lines(bare.output) for word in line.get("result", ())]
    alike = sum(one == other for one, other in zip_longest(mine, theirs))
    same = mine == theirs
    value = "identical" if same else f"{max(len(mine), len(theirs)) - alike} differ"
    absolute = f"{len(mine)} words, {len(theirs)} words"
    return Row(f"Vosk, {SECONDS} s", "bare loop", "words, times, confidences", value, absolute, "identical", same, 1)


def _moonshine(place: Place) -> Row:
    wav = place.audio("english.wav", LETTER_SECONDS)
    said = _words((ROOT / "samples" / "letter.txt").read_text(encoding="utf-8"))
    ours = run(place.voxcli("transcribe", "--json", "-b", "moonshine", "-m", place.moonshine_model, wav))
    bare = run(place.part("bare loop", "bare_moonshine.py", place.moonshine_model, wav))
    mine = error_rate(said, _words(" ".join(line["transcript"] for line in _finals(ours.output))))
    theirs = error_rate(said, _words(" ".join(line["text"] for line in _lines(bare.output))))
    value, absolute = f"{mine - theirs:+.4f}", f"{mine:.4f}, {theirs:.4f}"
    goal, met = f"<= {WORSE:+.2f}", mine <= theirs + WORSE
    return Row(f"Moonshine, {LETTER_SECONDS} s", "bare loop", "word error rate", value, absolute, goal, met, 1)


def error_rate(said: list[str], heard: list[str]) -> float:
    """Words to change, leave out or put in, to each word that was said."""
    return distance(said, heard) / len(said)


def distance(said: list[str], heard: list[str]) -> int:
    """The least number of words to change, leave out or put in."""
    costs = list(range(len(heard) + 1))
    for row, word in enumerate(said, start=1):
        diagonal, costs[0] = costs[0], row
        for column, other in enumerate(heard, start=1):
            change = diagonal + (word != other)
            diagonal = costs[column]
            costs[column] = min(change, diagonal + 1, costs[column - 1] + 1)
    return costs[-1]


def _rounded(word: dict[str, Any], confidence: str) -> tuple[str, float, float, float]:
    return word["word"], round(word["start"], 4), round(word["end"], 4), round(word[confidence], 4)


def _lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def _finals(output: str) -> list[dict[str, Any]]:
    return [line for line in _lines(output) if line["type"] == "Results" and line["is_final"]]


def _words(text: str) -> list[str]:
    kept = (character for character in text.lower() if character.isalnum() or character.isspace())
    return "".join(kept).split()
