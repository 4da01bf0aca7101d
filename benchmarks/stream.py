"""A stream to a server: what the program costs beside a bare ``websockets`` client, and how much later audio arrives.

One server process answers both, in turns. Paced as a microphone gives audio, and as fast as the server acknowledges.
"""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.pairs import Command, Spread, run
from benchmarks.place import Place
from benchmarks.report import Row

TITLE = "A stream to a server"
CPU_LIMIT = 1.5
ADDED_LIMIT_MS = 5.0
WARM_CHUNKS = 10
OURS, BARE, BARE_JSON = "voxcli", "bare websockets client", "the same, parsing and printing"


@dataclass(frozen=True, slots=True)
class Streamed:
    """One run: CPU seconds for an hour of audio, and the milliseconds that each chunk took."""

    cpu: float
    wall_a_chunk_us: float
    arrival: list[float]
    """From its being given out to its bytes being read by the server."""
    answer: list[float]
    """From its being given out to the result for it being there."""


class Server:
    """The server process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = int(self.line().removeprefix("PORT "))

    def line(self) -> str:
        """The next line that it prints."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def rows(place: Place) -> Iterator[Row]:
    """The quick ones first."""
    rounds, flood = place.rounds, 60 if place.quick else 600
    paced = 8 if place.quick else 20
    with serving(place) as server:
        for answer in ("interim", "ack"):
            runs = alternate(place, server, answer, flood, "flood", 2 * rounds + 1)
            what = f"{flood} s as fast as acknowledged, {NAMES[answer]}"
            yield from _cpu(what, runs, limited=True)
        runs = alternate(place, server, "interim", paced, "paced", rounds)
    what = f"{paced} s paced, {NAMES['interim']}"
    yield from _cpu(what, runs, limited=True)
    for measure in ("arrival", "answer"):
        yield from _latencies(what, runs, measure)


NAMES = {"interim": "an interim for each chunk", "ack": "an Ack for each chunk"}


def remarks(place: Place) -> tuple[str, ...]:
    """How it was measured."""
    versions = "import websockets; print(websockets.__version__)"
    version = run(Command("", (place.python, "-c", versions), place.variables)).output.strip()
    return (
        f"websockets {version}, compression off on both sides, the same server process for all, chunks of 100 ms. "
        "CPU is that of the client process alone, from the eleventh chunk on, so that imports and connecting are left "
        "out. Ours: pipeline, chain of one, voxcli.v1 and lines of JSON as `voxcli transcribe --json -b server` puts "
        "them together. The bare client sends and receives at once and does not look into the messages.",
        "Arrival: from a chunk's being given out by the source to the server's having read it. Answer: to the result "
        "for it being given to the renderer, or received by the bare client. All processes share the monotonic clock.",
    )


@contextmanager
def serving(place: Place) -> Iterator[Server]:
    """A server for all runs."""
    command = place.part("server", "stream_server.py")
    with subprocess.Popen(command.arguments, stdout=subprocess.PIPE, env=dict(command.variables), text=True) as process:
        try:
            yield Server(process)
        finally:
            process.kill()


def alternate(
    place: Place, server: Server, answer: str, seconds: float, pace: str, rounds: int
) -> dict[str, list[Streamed]]:
    """The runs of each client, which take turns in turning order."""
    url = f"ws://127.0.0.1:{server.port}/ws/transcribe?answer={answer}"
    commands = [
        place.part(OURS, "stream_voxcli.py", url, str(seconds), pace),
        place.part(BARE, "stream_bare.py", url, str(seconds), pace, "none"),
        place.part(BARE_JSON, "stream_bare.py", url, str(seconds), pace, "json"),
    ]
    runs: dict[str, list[Streamed]] = {command.name: [] for command in commands}
    for number in range(rounds):
        for turn in range(len(commands)):
            command = commands[(number + turn) % len(commands)]
            runs[command.name].append(_streamed(run(command).output, server.line()))
    return runs


def _streamed(told: str, came: str) -> Streamed:
    noted, arrivals = json.loads(told), json.loads(came)
    given, answered = noted["given"], noted["answered"]
    assert len(given) == len(arrivals), f"{len(given)} chunks were given out and {len(arrivals)} came"
    return Streamed(
        noted["cpu"] / noted["audio"] * 3_600,
        noted["wall"] / noted["audio"] * 1e5,
        _between(given, arrivals),
        _between(given, answered),
    )


def _between(starts: Sequence[float], ends: Sequence[float]) -> list[float]:
    pairs = list(zip(starts, ends, strict=False))[WARM_CHUNKS:]
    return [1_000 * (end - start) for start, end in pairs]


def _cpu(what: str, runs: dict[str, list[Streamed]], *, limited: bool) -> Iterator[Row]:
    for other in (BARE, BARE_JSON):
        pairs = list(zip(runs[OURS], runs[other], strict=True))
        ratio = Spread.of([ours.cpu / theirs.cpu for ours, theirs in pairs])
        ours, theirs = (statistics.median(streamed.cpu for streamed in runs[name]) for name in (OURS, other))
        has_goal = limited and other == BARE
        yield Row(
            what,
            other,
            "CPU an hour of audio",
            f"{ratio.median:.2f} ({ratio.least:.2f} to {ratio.most:.2f})",
            f"{ours:.2f} s, {theirs:.2f} s",
            f"<= {CPU_LIMIT:.2f}" if has_goal else None,
            ratio.median <= CPU_LIMIT if has_goal else None,
            len(pairs),
        )


def _latencies(what: str, runs: dict[str, list[Streamed]], measure: str) -> Iterator[Row]:
    taken = {name: [getattr(streamed, measure) for streamed in runs[name]] for name in (OURS, BARE)}
    for percent in (50, 99):
        ours, theirs = ([percentile(times, percent) for times in taken[name]] for name in (OURS, BARE))
        added = Spread.of([mine - other for mine, other in zip(ours, theirs, strict=True)])
        yield Row(
            what,
            BARE,
            f"{measure}, p{percent}",
            f"{added.median:+.2f} ms ({added.least:+.2f} to {added.most:+.2f})",
            f"{statistics.median(ours):.2f} ms, {statistics.median(theirs):.2f} ms",
            f"<= {ADDED_LIMIT_MS:+.0f} ms" if percent == 99 else None,
            added.median <= ADDED_LIMIT_MS if percent == 99 else None,
            len(ours),
        )


def percentile(values: Sequence[float], percent: float) -> float:
    """The least value that so many percent do not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, -(-len(ranked) * percent // 100) - 1).__int__())]
