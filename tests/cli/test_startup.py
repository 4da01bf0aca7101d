"""What is imported before there is anything to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support import environment, voxcli
from voxcli import __version__
from voxcli.cli.app import COMMANDS, load

SLOW = {
    "asyncio", "av", "httpx2", "moonshine_voice", "numpy", "sounddevice", "soundfile", "soxr", "vosk", "websockets",
}  # fmt: skip


def modules_after(home: Path, *arguments: str) -> set[str]:
    """The names of the modules that a run of the program has loaded."""
    code = (
        "import atexit, sys; sys.argv = ['voxcli', *sys.argv[1:]]\n"
        "atexit.register(lambda: print('loaded', *sys.modules, file=sys.stderr))\n"
        "from voxcli.__main__ import main; main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=environment(home),
        cwd=home,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return set(run.stderr.split("loaded", 1)[1].split())


@pytest.mark.parametrize(
    "arguments", [["--help"], ["transcribe", "--help"], ["models", "--help"], ["models", "list"], ["schema"]]
)
def test_no_slow_library_is_loaded(home: Path, arguments: list[str]) -> None:
    assert not SLOW & modules_after(home, *arguments)


def test_the_version_needs_nothing(home: Path) -> None:
    assert not {"typer", "rich", "voxcli.cli"} & modules_after(home, "--version")


def test_transcribing_with_one_recognizer_does_not_load_the_other(home: Path) -> None:
    from support import SAMPLES

    loaded = modules_after(home, "transcribe", "-q", str(SAMPLES / "harbour.wav"))
    assert "moonshine_voice" in loaded
    assert not {"vosk", "av", "httpx2"} & loaded


def test_the_version(home: Path) -> None:
    for arguments in (["--version"], ["-q", "--version"]):
        run = voxcli(*arguments, home=home)
        assert (run.returncode, run.stdout) == (0, f"voxcli {__version__}\n".encode())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_the_list_of_commands_is_that_of_the_command(name: str) -> None:
    first_line = (load(name).help or "").strip().splitlines()[0]
    assert first_line == COMMANDS[name][1]
