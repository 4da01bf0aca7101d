"""Runs two or more programs in alternation and compares what each run cost.

A machine that does other things too makes every figure wrong, but it makes neighbours wrong alike: programs take
turns, in turning order, and a result is the median of the ratios within the rounds, with the least and the greatest.

CPU is user and system seconds of the process, its threads, and the children that it waited for. Peak memory is the
greatest resident set of the process; the kernel starts that figure at the size of the process that starts it, which is
why this one imports little (``floor_mb`` tells).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmarks.report import Row

Measure = Literal["wall", "CPU", "peak RSS"]
Watcher = Callable[[str, int], None]
"""Told each line of output as it comes, and the process that wrote it."""

_MB = 1_000_000
_RSS_UNIT_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run: its name in the results, its arguments, and what makes its standard input, if anything."""

    name: str
    arguments: tuple[str | Path, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    """The whole environment."""
    feed: tuple[str | Path, ...] | None = None
    """A command whose output is piped in."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one run cost."""

    wall: float
    cpu: float
    rss_mb: float
    output: str


@dataclass(frozen=True, slots=True)
class Goal:
    """A measure of a comparison and how much of it is allowed: a ratio, or for memory megabytes above the peer."""

    measure: Measure
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """What to compare with, and the goals against it."""

    command: Command
    goals: tuple[Goal, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One program of ours against its peers, all in the same rounds."""

    what: str
    ours: Command
    peers: tuple[Peer, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and greatest."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values))


def run(command: Command, watch: Watcher | None = None) -> Usage:
    """One run, to its end. Raises RuntimeError where it fails."""
    with ExitStack() as stack:
        errors = stack.enter_context(tempfile.TemporaryFile("w+"))
        variables = dict(command.variables)
        started = time.perf_counter()
        feeder = None
        if command.feed is not None:
            feeder = stack.enter_context(subprocess.Popen(command.feed, stdout=subprocess.PIPE, env=variables))
        process = subprocess.Popen(
            command.arguments,
            stdin=feeder.stdout if feeder else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=variables,
            encoding="utf-8",
        )
        if feeder and feeder.stdout:
            feeder.stdout.close()  # else it would never learn that its reader has gone
        lines = list(_watched(process, watch))
        _, status, spent = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise RuntimeError(f"{command.name} ended with {process.returncode}: {errors.read()[-2000:]}")
    return Usage(wall, spent.ru_utime + spent.ru_stime, spent.ru_maxrss * _RSS_UNIT_BYTES / _MB, "".join(lines))


def _watched(process: subprocess.Popen[str], watch: Watcher | None) -> Iterator[str]:
    with process.stdout or nullcontext(()) as lines:
        for line in lines:
            if watch is not None:
                watch(line, process.pid)
            yield line


def alternate(commands: Sequence[Command], rounds: int) -> list[list[Usage]]:
    """For each command its runs, one a round; each round begins with another command, and one round goes unmeasured."""
    runs: list[list[Usage]] = [[] for _ in commands]
    for number in range(-1 if len(commands) > 1 else 0, rounds):
        order = [(number + place) % len(commands) for place in range(len(commands))]
        for place in order:
            usage = run(commands[place])
            if number >= 0:
                runs[place].append(usage)
    return runs


def compare(comparison: Comparison, rounds: int) -> Iterator[Row]:
    """A row for each goal."""
    ours, *theirs = alternate([comparison.ours, *(peer.command for peer in comparison.peers)], rounds)
    for peer, runs in zip(comparison.peers, theirs, strict=True):
        for goal in peer.goals:
            yield row(comparison.what, peer.command.name, goal, ours, runs)


def row(what: str, against: str, goal: Goal, ours: Sequence[Usage], theirs: Sequence[Usage]) -> Row:
    """The row of one goal, from runs that belong together pair by pair."""
    pairs = list(zip(ours, theirs, strict=True))
    if goal.measure == "peak RSS":
        spread = Spread.of([mine.rss_mb - other.rss_mb for mine, other in pairs])
        value = f"{spread.median:+.0f} MB ({spread.least:+.0f} to {spread.most:+.0f})"
        allowed = None if goal.limit is None else f"<= {goal.limit:+.0f} MB"
        absolute = f"{_median(ours, 'peak RSS'):.0f} MB, {_median(theirs, 'peak RSS'):.0f} MB"
    else:
        spread = Spread.of([_of(mine, goal.measure) / _of(other, goal.measure) for mine, other in pairs])
        value = f"{spread.median:.3f} ({spread.least:.3f} to {spread.most:.3f})"
        allowed = None if goal.limit is None else f"<= {goal.limit:.2f}"
        absolute = f"{_median(ours, goal.measure):.3f} s, {_median(theirs, goal.measure):.3f} s"
    met = None if goal.limit is None else spread.median <= goal.limit
    return Row(what, against, goal.measure, value, absolute, allowed, met, len(pairs))


def floor_mb(variables: Mapping[str, str]) -> float:
    """The least peak RSS that a run started from here can show."""
    return run(Command("nothing", ("true",), variables)).rss_mb


def _median(runs: Sequence[Usage], measure: Measure) -> float:
    return statistics.median(_of(usage, measure) for usage in runs)


def _of(usage: Usage, measure: Measure) -> float:
    return {"wall": usage.wall, "CPU": usage.cpu, "peak RSS": usage.rss_mb}[measure]
