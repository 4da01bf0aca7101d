"""Measures voxcli and writes results.md: ``python -m benchmarks [options] [NAME...]``, from the root.

    startup     how soon --version, --help and transcribe --help are there
    vosk        CPU, wall time and memory against the bare loop and vosk-transcriber
    moonshine   the same against the package's own loop
    reuse       CPU and words of Vosk's native recognizers used again, or made warm, against fresh ones
    words       that what is heard is what the bare loops hear
    overhead    what the pipeline alone costs, and a line of JSON
    memory      peak memory at 5, 20 and 60 minutes
    listen      CPU of listening to a microphone against bare capture, and of the live view
    stream      CPU and added latency of a stream to a server, against a bare websockets client
    recovery    how soon there is a word after a cut, and after the death of a server
    serve       sessions at once on a core, memory a session, and what a relay costs
    faults      words lost and doubled over a thousand random cuts; --seed N for others

Without names all of them, in this order: about an hour and a half; with --quick a quarter of one. What is not
measured this time keeps its section of results.md from the last time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from benchmarks import report
from benchmarks.pairs import floor_mb
from benchmarks.place import INSTALLED, SEED, WORK, Place, open_place
from benchmarks.report import Row, Section

FAMILIES = (
    "startup",
    "vosk",
    "moonshine",
    "reuse",
    "words",
    "overhead",
    "memory",
    "listen",
    "stream",
    "recovery",
    "serve",
    "faults",
)


def main() -> None:
    """Measure what is asked for and write results.md after each family."""
    parser = argparse.ArgumentParser("python -m benchmarks", description="Measure voxcli and write results.md.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FAMILIES)}; all unless named")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, five minutes in place of an hour")
    parser.add_argument("--seed", type=int, default=SEED, help="of what happens at random (%(default)s)")
    parser.add_argument("--keep", action="store_true", help="do not install voxcli anew")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(FAMILIES):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    place = open_place(quick=asked.quick, keep=asked.keep, seed=asked.seed)
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    print(f"seed {place.seed}", flush=True)
    for name in asked.names or FAMILIES:
        _measure(place, name, command)


def _measure(place: Place, name: str, command: str) -> None:
    family: Any = import_module(f"benchmarks.{name}")
    measure: Callable[[Place], Iterator[Row]] = family.rows
    rows: list[Row] = []
    for row in measure(place):
        rows.append(row)
        print(f"{row.what} | {row.against} | {row.measure} | {row.value} | {row.goal} | {row.absolute}", flush=True)
        _keep(place, name, family.TITLE, command, rows)  # so that a run that is broken off leaves what it has
    if hasattr(family, "remarks"):
        _keep(place, name, family.TITLE, command, rows, family.remarks(place))


def _keep(
    place: Place, name: str, title: str, command: str, rows: Sequence[Row], remarks: tuple[str, ...] = ()
) -> None:
    moment = report.moment(INSTALLED.read_text(encoding="utf-8"), floor_mb(place.variables))
    date = f"{datetime.now(UTC):%Y-%m-%d}"
    section = Section(title, command, date, report.machine(place.versions), moment, tuple(rows), remarks)
    report.save(WORK / "rows", name, section)
    titles = {name: import_module(f"benchmarks.{name}").TITLE for name in FAMILIES}
    report.write(WORK / "rows", titles, WORK.parent / "results.md", "python -m benchmarks")


if __name__ == "__main__":
    main()
