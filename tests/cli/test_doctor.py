"""``voxcli doctor`` beside what it is about: recognizers, models and servers that are real, and real faults."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from served import Served
from support import VOXCLI, environment, voxcli
from voxcli.cli.checks import Check, guarded
from voxcli.cli.checks.machine import clock, disk
from voxcli.cli.checks.report import Report
from voxcli.cli.checks.sample import FILE, is_right
from voxcli.cli.checks.server import Witness
from voxcli.cli.checks.threads import Threads
from voxcli.cli.environment import Environment
from voxcli.errors import DevicesNone
from voxcli.models import Places
from voxcli.recognizers.wire import Handshake

TOKEN = "t0p-s3cret-token"  # noqa: S105
KEY = "k3y-0123456789abcdef"
REMOTE_ONLY = ("-b", "server")


def doctor(home: Path, *arguments: object, **variables: str) -> subprocess.CompletedProcess[bytes]:
    return voxcli("doctor", *map(str, arguments), home=home, **variables)


def checked(home: Path, *arguments: object, code: int = 0, **variables: str) -> dict[str, dict[str, Any]]:
    """Its checks by their names, from one object of JSON that is as the contract has it."""
    done = doctor(home, "--json", *arguments, **variables)
    assert done.returncode == code, done.stdout + done.stderr
    assert b"Traceback" not in done.stderr
    (line,) = done.stdout.decode().splitlines()
    told = json.loads(line)
    assert set(told) == {"ok", "checks"}
    assert told["ok"] == all(check["ok"] for check in told["checks"]) == (code == 0)
    for check in told["checks"]:
        assert list(check) == ["name", "ok", "message", "hint"]
        assert check["ok"] or check["hint"]
    assert not [secret for secret in (TOKEN, KEY) if secret.encode() in done.stdout + done.stderr]
    return {check["name"]: check for check in told["checks"]}


def dead_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_what_needs_nothing_is_proved_and_nothing_is_changed(home: Path) -> None:
    found = checked(home)
    assert list(found) == ["voxcli", "libraries", "settings", "microphone", "moonshine", "disk"]
    assert "heard the sample right" in found["moonshine"]["message"]
    assert "moonshine-tiny-en in its package" in found["moonshine"]["message"]
    assert all(name in found["libraries"]["message"] for name in ("soundfile", "websockets", "vosk", "soxr"))
    assert {name for name, check in found.items() if check["hint"]} <= {"microphone"}  # for which nobody has asked
    changed = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}
    assert changed == set()


def test_only_what_is_configured_fails_and_each_fault_is_its_own(home: Path) -> None:
    """A server that is not there, a model that is not here, a microphone that was asked for; and no key is told."""
    address = f"ws://127.0.0.1:{dead_port()}"
    chain = ("-b", f"server={address},vosk", "-l", "fr")
    found = checked(
        home, "--mic", "--device", "no such device", *chain, code=1, VOXCLI_SERVER_TOKEN=TOKEN, DEEPGRAM_API_KEY=KEY
    )
    assert found["server"]["message"] == f"{address}/ws/transcribe: cannot be reached: connection refused (tried once)"
    assert found["keys"]["message"] == "for server from VOXCLI_SERVER_TOKEN, for deepgram from DEEPGRAM_API_KEY"
    assert found["vosk"]["message"].endswith("it would be fetched first")
    assert found["vosk"]["hint"].startswith("voxcli models pull fr fetches it")
    assert found["microphone"]["message"].startswith("there is no microphone")
    assert [name for name, check in found.items() if not check["ok"]] == ["microphone", "server", "vosk"]


def test_a_broken_file_of_settings_is_one_check_among_others(home: Path) -> None:
    (home / "voxcli.toml").write_text('langauge = "ko"\n')
    chain = ("-b", "moonshine,deepgram,server", "-l", "fr")
    lines = doctor(home, *chain, VOXCLI_LANGAUGE="ko").stdout.decode().splitlines()
    assert f"FAIL  settings     {home / 'voxcli.toml'}: langauge: there is no such setting" in "\n".join(lines)
    assert "      hint: did you mean language?" in lines
    assert "warn  settings     VOXCLI_LANGAUGE in the environment sets nothing" in lines
    assert "FAIL  moonshine    moonshine knows English only, not fr" in lines
    assert "FAIL  deepgram     there is no key to send" in lines
    assert "FAIL  server       the backend server needs an address" in lines
    assert lines[-1].startswith("ok    disk         ")
    assert not [line for line in lines if "\x1b" in line]


def test_what_cannot_be_meant_is_a_check_too(home: Path) -> None:
    found = checked(home, "--profile", "calls", "-b", "vosk,whisper", code=1)
    assert found["settings"]["message"].startswith("there is no profile calls")
    assert found["backend"]["message"] == "there is no backend whisper"
    assert list(found)[-1] == "disk"


async def test_a_server_is_proved_by_its_answer_with_the_right_token(home: Path) -> None:
    file = home / "token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    async with Served("--token-file", file, "-b", "moonshine", home=home) as server:
        url = ("--server", server.url(""), *REMOTE_ONLY)
        right, wrong = await asyncio.gather(
            asyncio.to_thread(checked, home, *url, "--server-token-file", file),
            asyncio.to_thread(checked, home, *url, code=1, VOXCLI_SERVER_TOKEN=f"not-{TOKEN[4:]}"),
        )
    assert right["keys"]["message"] == f"for server from the file {file}"
    assert "shook hands in " in right["server"]["message"]
    assert "heard the sample right in " in right["server"]["message"]
    assert "less than 2 s off" in right["clock"]["message"]
    assert "refused with HTTP 401" in wrong["server"]["message"]
    assert wrong["server"]["hint"].startswith("check the token in VOXCLI_SERVER_TOKEN")


async def deaf(connection: ServerConnection) -> None:
    async for _ in connection:
        pass


@pytest.mark.slow
async def test_servers_that_say_nothing_keep_nobody_for_long(home: Path) -> None:
    """One that takes the audio, and one that does not even shake hands."""
    async with serve(deaf, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as hole:
            chain = f"server=ws://127.0.0.1:{port},vosk-server=ws://127.0.0.1:{hole.getsockname()[1]}"
            began = time.monotonic()
            found = await asyncio.to_thread(checked, home, "-b", chain, code=1)
    assert "says nothing in answer" in found["server"]["message"]
    assert "no answer within 5 s" in found["vosk-server"]["message"]
    assert time.monotonic() - began < 25


@pytest.mark.slow
async def test_a_certificate_that_ends_soon_is_told(home: Path) -> None:
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3")
    files = ("-keyout", "key.pem", "-out", "cert.pem")
    command = ["openssl", "req", "-x509", *new, *names, *files]
    await asyncio.to_thread(subprocess.run, command, cwd=home, check=True, capture_output=True)
    tls = ("--tls-cert", home / "cert.pem", "--tls-key", home / "key.pem")
    async with Served(*tls, "-b", "moonshine", home=home) as server:
        url = ("--server", f"wss://localhost:{server.port}", *REMOTE_ONLY)
        trusting, strict = await asyncio.gather(
            asyncio.to_thread(checked, home, *url, SSL_CERT_FILE=str(home / "cert.pem")),
            asyncio.to_thread(checked, home, *url, code=1),
        )
    assert ", in 3 days" in trusting["certificate"]["message"]
    assert trusting["certificate"]["hint"].startswith("have it renewed")
    assert "certificate is not accepted" in strict["server"]["message"]


@pytest.mark.slow
def test_a_model_of_another_language_is_loaded_and_run(home: Path) -> None:
    found = checked(home, "-l", "ko")
    assert "ran over the English sample" in found["vosk"]["message"]


@pytest.mark.slow
def test_a_model_that_is_broken_or_that_is_not_needed(home: Path, steady_model: Path) -> None:
    folder = home / "model"
    folder.mkdir()
    for entry in steady_model.iterdir():
        (folder / entry.name).symlink_to(entry.resolve())
    (folder / "am").unlink()
    (folder / "am").mkdir()
    (folder / "am" / "final.mdl").write_bytes((steady_model / "am" / "final.mdl").read_bytes()[:50_000])
    broken = checked(home, "-b", "vosk", "-m", folder, "-l", "ko", code=1)
    assert "cannot be used" in broken["vosk"]["message"]
    lost = checked(home, "-b", "vosk,moonshine", code=1, VOSK_MODEL_PATH=str(home / "none"))
    assert lost["vosk"]["message"].startswith("VOSK_MODEL_PATH: ")
    spared = checked(home, "-b", "vosk,moonshine", "--no-download")
    assert spared["vosk"]["ok"]
    assert spared["vosk"]["hint"].startswith("voxcli models pull en")


def test_ctrl_c_ends_it(home: Path) -> None:
    process = subprocess.Popen(
        [VOXCLI, "doctor"], cwd=home, env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=10)
    assert (process.returncode, complaints) == (130, b"")


# One by one


def somewhere(verbosity: int = 0) -> Environment:
    return Environment(stdout=io.StringIO(), stderr=io.StringIO(), variables={}, verbosity=verbosity)


async def failing(error: Exception) -> Sequence[Check]:
    raise error


async def test_a_check_that_fails_itself_is_told_and_the_others_go_on() -> None:
    world = somewhere(verbosity=2)
    (check,) = await guarded("disk", failing(KeyError("x")), 1.0, world)
    assert (check.state, check.message) == ("FAIL", "failed itself: KeyError: 'x'")
    assert isinstance(world.stderr, io.StringIO)
    assert "Traceback" in world.stderr.getvalue()
    (check,) = await guarded("server", failing(ModuleNotFoundError("No module named 'websockets'")), 1.0, world)
    assert check.message == "cannot be tried: No module named 'websockets'"


async def test_a_check_has_a_deadline() -> None:
    async def endless() -> Sequence[Check]:
        await asyncio.Event().wait()
        return []

    (check,) = await guarded("server", endless(), 0.01, somewhere())
    assert (check.state, check.message) == ("FAIL", "came to no end within 0.01 s")


async def test_what_does_not_count_is_a_warning() -> None:
    (check,) = await guarded("microphone", failing(DevicesNone()), 1.0, somewhere(), counts=False)
    assert (check.state, check.ok) == ("warn", True)


async def test_clocks_that_differ_are_told() -> None:
    """By the date that a server gives; by our own there is nothing to be said."""
    witness = Witness()
    witness.opened(Handshake("wss://there", None, date=formatdate(time.time() - 300, usegmt=True)))
    assert witness.skew is not None
    (check,) = await clock([("wss://near", 0.4), ("wss://there", witness.skew)])
    assert check.state == "warn"
    assert check.message in ("300 s ahead of that of wss://there", "301 s ahead of that of wss://there")
    witness.opened(Handshake("wss://there", None, date="tomorrow"))
    assert witness.skew is None
    assert await clock([]) == []


async def test_room_is_told_also_where_there_is_no_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = Places.of({"HOME": str(home), "VOXCLI_MODELS_DIR": str(home / "not" / "there" / "yet")})
    (check,) = await disk(places, needs_model=False)
    assert " free where models are kept, " in check.message
    (home / "gone").mkdir()
    monkeypatch.chdir(home / "gone")
    (home / "gone").rmdir()
    (check,) = await disk(places, needs_model=False)
    assert (check.state, check.hint) == ("warn", "cd to another")


@pytest.mark.parametrize(
    ("free", "needs_model", "state"), [(9e7, False, "warn"), (4e8, True, "warn"), (4e8, False, "ok")]
)
async def test_a_full_disk_is_a_warning(
    home: Path, monkeypatch: pytest.MonkeyPatch, free: float, needs_model: bool, state: str
) -> None:
    monkeypatch.setattr("voxcli.cli.checks.machine._free", lambda folder: int(free))
    (check,) = await disk(Places.of({"HOME": str(home)}), needs_model=needs_model)
    assert check.state == state


def test_most_of_the_words_are_enough() -> None:
    assert is_right("the boats came home at 10")
    assert not is_right("the goats went home at 10")
    assert not is_right("")
    assert FILE.stat().st_size < 60_000


def test_threads_know_whether_one_is_stuck() -> None:
    threads, go_on = Threads(), threading.Event()
    assert not threads.are_busy
    stuck = threads.submit(go_on.wait)
    assert threads.are_busy
    go_on.set()
    stuck.result(5)
    assert not threads.are_busy
    threads.shutdown()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("color", ["auto", "never"])
def test_on_a_terminal_it_is_wrapped_and_coloured(color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    screen = Terminal()
    world = Environment(stdout=screen, stderr=io.StringIO(), variables={"TERM": "xterm"}, color=color)
    report = Report(world, as_json=False)
    report.add(Check("server", "word " * 20 + "\x1b[2J", "do " * 30, ok=False))
    lines = screen.getvalue().splitlines()
    assert max(len(line.replace("\x1b[31m\x1b[1m", "").replace("\x1b[0m", "")) for line in lines) <= 60
    assert lines[1].startswith(" " * 19 + "word")
    assert any(line.startswith("      hint: do do") for line in lines)
    assert "\x1b[2J" not in screen.getvalue()
    assert ("\x1b[31m" in screen.getvalue()) == (color == "auto")
    assert report.exit_code == 1
