"""CPU seconds of a line of JSON, ours and the plainest, in turn: ``jsonl_cost.py ROUNDS``; prints JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from voxcli.events import Results, Word, as_json
from voxcli.renderers import RendererOptions, open_renderer
from voxcli.renderers.output import StreamOutput

REPEATS = 5_000
SENTENCE = ["지난", "여름", "에", "우리", "는", "강", "가", "의", "작은", "집", "에서"]
WORDS = tuple(
    Word(word=word, start=place * 0.42, end=place * 0.42 + 0.39, confidence=0.9731)
    for place, word in enumerate(SENTENCE)
)
RESULT = Results(
    transcript=" ".join(SENTENCE),
    is_final=True,
    speech_final=True,
    start=0.0,
    duration=4.7,
    confidence=0.9731,
    words=WORDS,
    backend="vosk",
)


def cost(call: Callable[[], None]) -> float:
    """CPU seconds of one call."""
    started = time.process_time()
    for _ in range(REPEATS):
        call()
    return (time.process_time() - started) / REPEATS


with Path(os.devnull).open("w", encoding="utf-8") as sink:
    renderer = open_renderer("jsonl", StreamOutput(sink), RendererOptions())
    bare = json.loads(json.dumps(as_json(RESULT), default=as_json))
    spent: dict[str, list[float]] = {"ours": [], "bare": []}
    calls: dict[str, Callable[[], None]] = {
        "ours": lambda: renderer.show(RESULT),
        "bare": lambda: print(json.dumps(bare, ensure_ascii=False), file=sink, flush=True),
    }
    for number in range(-1, int(sys.argv[1])):
        for name in sorted(calls, reverse=number % 2 == 0):
            seconds = cost(calls[name])
            if number >= 0:
                spent[name].append(seconds)
print(json.dumps(spent))
