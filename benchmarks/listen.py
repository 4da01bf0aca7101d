"""A microphone: what listening costs beside bare capture into the same recognizer, and what the live view adds."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Thread

from benchmarks.pairs import Command, Spread
from benchmarks.place import WORK, Place
from benchmarks.report import Row
from benchmarks.stream import serving

TITLE = "A microphone"
REST_LIMIT, VIEW_LIMIT = 5.0, 3.0
"""Percent of a core."""
WARM_SECONDS = 6.0
"""Until everything is loaded and the first result is there."""
OURS, BARE = "voxcli listen --json", "bare capture and recognizer"
LIVE, LINES = "the live view", "voxcli listen --json --interim"


def rows(place: Place) -> Iterator[Row]:
    """At rest, with either recognizer; then while there is much to show."""
    rounds, seconds = (3, 10.0) if place.quick else (7, 20.0)
    korean = ("-b", "vosk", "-l", "ko", "-m", str(place.vosk_model))
    english = (
        "-b",
        "moonshine",
    )
    room = _card(place)
    for name, options, model in (("moonshine", english, place.moonshine_model), ("vosk", korean, place.vosk_model)):
        ours = replace(place.voxcli("listen", "-q", "--json", *options), name=OURS)
        bare = place.part(BARE, "bare_listen.py", name, model)
        yield _row(f"a room in which nobody speaks, {name}", [ours, bare], room, rounds, seconds, REST_LIMIT)
    with serving(place) as server:
        spoken = ("-b", f"server=ws://127.0.0.1:{server.port}/ws/transcribe?answer=interim")
        live = replace(place.voxcli("listen", *spoken), name=LIVE)
        lines = replace(place.voxcli("listen", "--json", "--interim", *spoken), name=LINES)
        yield _row("an interim each 100 ms, a final each 2 s", [live, lines], room, rounds, seconds, VIEW_LIMIT)


def remarks(place: Place) -> tuple[str, ...]:
    """How it was measured."""
    return (
        "CPU of the program and all its processes, in percent of one core, from the seventh second on, so that imports "
        "and loading are left out. The card is the one of the tests, which is none (tests/equipment/fake_card.c): "
        "PortAudio captures from it as from any other. It hears noise at -60 dB. The bare program is "
        "parts/bare_listen.py: a raw stream of sounddevice, a queue, and the recognizer's own loop. For the live view "
        "a server that answers by the clock stands in for a recognizer, whose own needs differ by more from run to run "
        "than the view has; the terminal is read as fast as it is written, and nobody draws what comes.",
    )


def _row(what: str, commands: Sequence[Command], card: Path, rounds: int, seconds: float, limit: float) -> Row:
    """The programs in turns, one at a time."""
    used: dict[str, list[float]] = {command.name: [] for command in commands}
    for number in range(rounds):
        for turn in range(len(commands)):
            command = commands[(number + turn) % len(commands)]
            used[command.name].append(_percent(command, card, seconds))
    ours, theirs = (used[command.name] for command in commands)
    added = Spread.of([mine - other for mine, other in zip(ours, theirs, strict=True)])
    return Row(
        what, commands[1].name, "CPU, of a core",
        f"{added.median:+.1f} % ({added.least:+.1f} to {added.most:+.1f})",
        f"{Spread.of(ours).median:.1f} %, {Spread.of(theirs).median:.1f} %",
        f"<= {limit:+.0f} %", added.median <= limit, rounds,
    )  # fmt: skip


def _percent(command: Command, card: Path, seconds: float) -> float:
    """What a program uses once it is at work."""
    (card.parent / "origin").unlink(missing_ok=True)  # the card begins anew
    variables = dict(command.variables) | {"ALSA_CONFIG_PATH": str(card)}
    with _started(command, variables) as process:
        time.sleep(WARM_SECONDS)
        before, began = _tree_cpu(process.pid), time.monotonic()
        time.sleep(seconds)
        used, took = _tree_cpu(process.pid) - before, time.monotonic() - began
        if process.poll() is not None:
            raise RuntimeError(f"{command.name} ended with {process.returncode}")
    return 100 * used / took


@contextmanager
def _started(command: Command, variables: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The program, in a terminal of its own where it is the live view's; what it prints is read and thrown away."""
    ours, theirs = pty.openpty() if command.name == LIVE else os.pipe()
    variables |= {"TERM": "xterm-256color"} if command.name == LIVE else {}
    process = subprocess.Popen(
        command.arguments, stdin=subprocess.DEVNULL, stdout=theirs,
        stderr=theirs if command.name == LIVE else subprocess.DEVNULL, env=variables, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    reading = Thread(target=_read_all, args=(ours,), daemon=True)
    reading.start()
    try:
        yield process
    finally:
        os.killpg(process.pid, 9)
        process.wait()
        reading.join(5)


def _read_all(descriptor: int) -> None:
    try:
        while os.read(descriptor, 65_536):
            pass
    except OSError:  # a terminal that nobody has open any more
        pass
    os.close(descriptor)


def _tree_cpu(pid: int) -> float:
    """Seconds of a process, its threads, and its children that are alive."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = " ".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")).split()
    return used + sum(_tree_cpu(int(child)) for child in children)


def _card(place: Place) -> Path:
    """The settings of ALSA with a card that hears a room."""
    folder = WORK / "card"
    folder.mkdir(parents=True, exist_ok=True)
    part = place.part("", "listen_card.py", folder)
    done = subprocess.run(
        [str(argument) for argument in part.arguments], env=part.variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"the card cannot be made; gcc and libasound2-dev are needed: {done.stderr[-500:]}")
    return Path(json.loads(done.stdout)["ALSA_CONFIG_PATH"])
