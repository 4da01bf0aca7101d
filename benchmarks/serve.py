"""The server: sessions at once on one core beside vosk-server's way, memory a session, and what a relay costs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks.pairs import Spread
from benchmarks.place import Place
from benchmarks.report import Row
from benchmarks.stream import percentile

TITLE = "The server"
VOSK_WIRE, BARE_RELAY = "a server with vosk-server's wire", "a bare websockets relay"
LAG_LIMIT = 1.0
RELAY_LAG_LIMIT_MS = 50.0
RELAY_TRIES = 2
"""A number of streams counts as carried if it is in one of them: the machine may have been busy otherwise."""
SESSIONS_GOAL, RELAY_GOAL = 2.0, 0.8
MOST_SESSIONS = 16
SERVER_CORE, LOAD_CORE = "0", "1"


@dataclass(frozen=True, slots=True)
class Running:
    """A server on a core of its own."""

    process: subprocess.Popen[str]
    port: int

    @property
    def cpu(self) -> float:
        """Seconds that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def rss_mb(self) -> float:
        """Memory that it holds."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) * 1_024 / 1e6


def rows(place: Place) -> Iterator[Row]:
    """Sessions first."""
    yield from _sessions(place, clip=10)
    if not place.quick:
        yield from _sessions(place, clip=30)
    yield from _memory(place)
    yield from _relay(place)


def remarks(place: Place) -> tuple[str, ...]:
    """How it was measured."""
    return (
        "The servers run on one core, taken in turns, the load on the other. Sessions: clients that speak in real "
        "time, one session after the other; a number of clients is carried where 95 % of all finals come less than "
        f"{LAG_LIMIT:g} s after the last audio that they cover and no session fails. vosk-server's wire is spoken by "
        "parts/serve_vosk_wire.py, which does what alphacep's Python server does: a new recognizer a connection. "
        "Ours gives a recognizer that is free to the next session (see the section of Vosk, used again).",
        "Relay: Deepgram's wire on both sides, 100 ms of audio each 100 ms, an interim for each, a final each two "
        f"seconds. A number of clients is carried where 99 % of the answers come within {RELAY_LAG_LIMIT_MS:g} ms. "
        "The bare relay looks into nothing and keeps nothing. Ours keeps the audio until finals cover it, holds each "
        "result against what was said before, and says it anew under its own names: that a drop behind it costs its "
        "clients no word, and that another recognizer can go on, is what the difference is spent on.",
    )


def _sessions(place: Place, clip: int) -> Iterator[Row]:
    """The most clients that each carries; both climb together, so that each step is under the same weather."""
    seconds = 2 * clip if place.quick else 60
    wav = place.audio("korean.wav", 600)
    carried, climbing = {"voxcli": 0, VOSK_WIRE: 0}, ["voxcli", VOSK_WIRE]
    lags: dict[str, float] = {}
    with _vosk_wire(place) as theirs, _voxcli(place, "-b", "vosk", "-l", "ko", "-m", str(place.vosk_model)) as ours:
        servers = {"voxcli": (ours, "voxcli", "/ws/transcribe"), VOSK_WIRE: (theirs, "vosk", "/")}
        _speak(place, *servers["voxcli"], 2, clip, clip, wav)  # what a server has that has been running
        _speak(place, *servers[VOSK_WIRE], 2, clip, clip, wav)
        for clients in range(1, MOST_SESSIONS + 1):
            for name in tuple(climbing):
                told = _speak(place, *servers[name], clients, seconds, clip, wav)
                lag = percentile(told["lags"], 95) if told["lags"] else 1e9
                print(f"  {name}: {clients} clients, p95 {lag:.2f} s, {told['failures']} failed", flush=True)
                if lag < LAG_LIMIT and not told["failures"]:
                    carried[name], lags[name] = clients, lag
                else:
                    climbing.remove(name)
            if not climbing:
                break
    ratio = carried["voxcli"] / max(1, carried[VOSK_WIRE])
    yield Row(
        f"Vosk, sessions of {clip} s", VOSK_WIRE, "sessions at once on a core", f"{ratio:.2f}",
        f"{carried['voxcli']}, {carried[VOSK_WIRE]}", f">= {SESSIONS_GOAL:.2f}", ratio >= SESSIONS_GOAL, 1,
    )  # fmt: skip


def _speak(
    place: Place, server: Running, wire: str, path: str, clients: int, seconds: float, clip: int, wav: Path
) -> dict[str, Any]:
    url = f"ws://127.0.0.1:{server.port}{path}"
    part = place.part("", "serve_sessions.py", url, wire, str(clients), str(seconds), str(clip), wav)
    done = subprocess.run(
        ["taskset", "-c", LOAD_CORE, *map(str, part.arguments)],  # noqa: S607
        env=dict(part.variables), capture_output=True, text=True, check=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _memory(place: Place) -> Iterator[Row]:
    """What a session more holds, connected and idle in mid-speech."""
    count = 8
    wav = place.audio("korean.wav", 600)
    with _voxcli(place, "-b", "vosk", "-l", "ko", "-m", str(place.vosk_model)) as ours, _vosk_wire(place) as theirs:
        held = []
        for server, wire, path in ((ours, "voxcli", "/ws/transcribe"), (theirs, "vosk", "/")):
            _speak(place, server, wire, path, 1, 5, 5, wav)
            before = server.rss_mb
            _speak(place, server, wire, path, count, 5, 5, wav)
            held.append((server.rss_mb - before) / (count - 1))
    yield Row(
        f"Vosk, {count} sessions of 5 s", VOSK_WIRE, "memory a session more", f"{held[0] - held[1]:+.0f} MB",
        f"{held[0]:.0f} MB, {held[1]:.0f} MB", None, None, 1,
    )  # fmt: skip


def _relay(place: Place) -> Iterator[Row]:
    """CPU a chunk at a fixed number of clients, then the most that each carries."""
    seconds, rounds, count = (5, 3, 100) if place.quick else (10, 7, 200)
    with _load(place) as around, _relays(place, around) as relays:
        cpu: dict[str, list[float]] = {name: [] for name in relays}
        for number in range(rounds + 1):
            for turn in range(2):
                name = list(relays)[(number + turn) % 2]
                used = relays[name].cpu
                _lags(around, relays[name], count, seconds)
                if number:
                    cpu[name].append((relays[name].cpu - used) / (count * seconds * 10) * 1e6)
        ratios = Spread.of([ours / bare for ours, bare in zip(cpu["voxcli"], cpu[BARE_RELAY], strict=True)])
        held = (relays["voxcli"].rss_mb, relays[BARE_RELAY].rss_mb)
        yield Row(
            f"a relay of {count} streams", BARE_RELAY, "CPU a chunk",
            f"{ratios.median:.2f} ({ratios.least:.2f} to {ratios.most:.2f})",
            f"{Spread.of(cpu['voxcli']).median:.0f} us, {Spread.of(cpu[BARE_RELAY]).median:.0f} us",
            "<= 1.25", ratios.median <= 1.25, rounds,
        )  # fmt: skip
        yield Row(
            f"a relay of {count} streams", BARE_RELAY, "memory", f"{held[0] - held[1]:+.0f} MB",
            f"{held[0]:.0f} MB, {held[1]:.0f} MB", None, None, 1,
        )  # fmt: skip
        carried = _climb(around, relays, 50 if place.quick else 25, seconds)
    ratio = carried["voxcli"] / max(1, carried[BARE_RELAY])
    yield Row(
        "a relay", BARE_RELAY, "streams at once on a core", f"{ratio:.2f}",
        f"{carried['voxcli']}, {carried[BARE_RELAY]}", f">= {RELAY_GOAL:.2f}", ratio >= RELAY_GOAL, 1,
    )  # fmt: skip


def _climb(around: subprocess.Popen[str], relays: dict[str, Running], step: int, seconds: float) -> dict[str, int]:
    carried, climbing, count = dict.fromkeys(relays, 0), list(relays), 100
    while climbing and count <= 1_200:
        for name in tuple(climbing):
            if any(_is_carried(around, relays[name], name, count, seconds) for _ in range(RELAY_TRIES)):
                carried[name] = count
            else:
                climbing.remove(name)
        count += step
    return carried


def _is_carried(around: subprocess.Popen[str], relay: Running, name: str, count: int, seconds: float) -> bool:
    lags = _lags(around, relay, count, seconds)
    p99 = percentile(list(chain.from_iterable(lags)), 99)
    print(f"  {name}: {count} streams, p99 {p99:.1f} ms", flush=True)
    return p99 < RELAY_LAG_LIMIT_MS


def _lags(around: subprocess.Popen[str], relay: Running, count: int, seconds: float) -> Sequence[list[float]]:
    assert around.stdin is not None
    assert around.stdout is not None
    around.stdin.write(f"{relay.port} {count} {seconds}\n")
    around.stdin.flush()
    lags: list[list[float]] = json.loads(around.stdout.readline())
    return lags


@contextmanager
def _relays(place: Place, around: subprocess.Popen[str]) -> Iterator[dict[str, Running]]:
    assert around.stdout is not None
    port = int(around.stdout.readline().removeprefix("PORT "))
    variables = {"DEEPGRAM_BASE_URL": f"http://127.0.0.1:{port}", "DEEPGRAM_API_KEY": "key"}
    bare = place.part("", "serve_bare_relay.py", f"ws://127.0.0.1:{port}")
    with _voxcli(place, "-b", "deepgram", **variables) as ours, _started(bare.arguments, bare.variables) as theirs:
        yield {"voxcli": ours, BARE_RELAY: theirs}


@contextmanager
def _load(place: Place) -> Iterator[subprocess.Popen[str]]:
    part = place.part("", "serve_load.py")
    arguments = ["taskset", "-c", LOAD_CORE, *map(str, part.arguments)]
    variables = dict(part.variables)
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=variables, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def _vosk_wire(place: Place) -> Iterator[Running]:
    part = place.part("", "serve_vosk_wire.py", place.vosk_model)
    with _started(part.arguments, part.variables) as running:
        yield running


@contextmanager
def _voxcli(place: Place, *arguments: str, **variables: str) -> Iterator[Running]:
    command = place.voxcli("serve", "-q", "--port", "0", *arguments)
    with _started(command.arguments, {**command.variables, **variables}) as running:
        yield running


@contextmanager
def _started(arguments: Sequence[object], variables: Any) -> Iterator[Running]:
    """A server that says its port: ``PORT n`` on standard output, or where it listens on standard error."""
    command = ["taskset", "-c", SERVER_CORE, *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(variables), text=True
    ) as process:
        try:
            assert process.stdout is not None
            until = time.monotonic() + 60
            while not (match := re.search(r"^PORT (\d+)$|^listening on .*:(\d+)$", line := process.stdout.readline())):
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"{command} did not listen: {line}")
            yield Running(process, int(match[1] or match[2]))
        finally:
            process.kill()
