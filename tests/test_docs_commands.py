"""The commands of the pages for each job, run as somebody would who has copied them."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sound_card import PLAY, SoundCard, built, sound_server
from support import SAMPLES, VOXCLI, environment

pytestmark = pytest.mark.system

DOCS = Path(__file__).parent.parent / "docs"
FOLDER = {
    "talk.wav": "harbour.wav", "call.wav": "station.wav", "kitchen.mp3": "kitchen.mp3", "lecture.webm": "lecture.webm",
    "interview.m4a": "greeting-ko.wav",
}  # fmt: skip
"""What the pages say is there, and the sample that it is."""

SAID = {
    "none.wav": "source_not_found\n",
    "Summary": '"lost_seconds": 0',
    "kitchen.mp3": "Pour the milk",
    "lecture.webm": "A river never takes",
    "interview.m4a": "[0:00:0",
    "doctor": "microphone: there is no microphone",
    "devices --test": "it hears you",
    "devices ": "usbmic",
}
"""A part of a command -> a part of what comes of it, where that is not what is said in talk.wav."""

END = ("scripts.md", "pipes.md", "subtitles.md", "settings.md", "jsonl.md", "doctor.md")
"""Pages whose commands end by themselves."""

DEAF = "load-module module-null-sink sink_name=deaf rate=16000 channels=1 format=s16le"
"""A source that hears nothing, which is the default one where what is played is to be heard."""


def commands(page: str) -> list[str]:
    """Those in its blocks of shell; what is shown with a prompt needs what no test has."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [command for block in blocks for command in _commands(block)]


def _commands(block: str) -> Iterator[str]:
    """One a line, but where a quotation or a pipe goes on, or variables are set for what follows."""
    begun = ""
    for line in block.splitlines():
        begun += line + "\n"
        try:
            shlex.split(begun, comments=True)
        except ValueError:
            continue
        if not line.startswith("export ") and not line.endswith("|"):
            yield begun.strip()
            begun = ""


def expected(command: str) -> str:
    return next((said for part, said in SAID.items() if part in command), "boats")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, sample in FOLDER.items():
        shutil.copy(SAMPLES / sample, tmp_path / name)
    return tmp_path


class Shell:
    """A command at work in a folder, as the leader of processes that a Ctrl-C reaches together."""

    def __init__(self, command: str, folder: Path, **more: str) -> None:
        self.folder = folder
        self.before = set(folder.iterdir())
        variables = environment(folder) | more
        variables["PATH"] = f"{VOXCLI.parent}:{variables['PATH']}"
        self._output, self._errors = folder / ".output", folder / ".errors"
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                ["bash", "-c", f'{command}\nstatus=$?; echo "${{text-}}"; exit $status'],
                cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                start_new_session=True,
            )  # fmt: skip

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def said(self) -> str:
        """What was printed, and what stands in the files that are new."""
        files = [path for path in self.folder.iterdir() if path not in self.before and path.is_file()]
        texts = [path for path in files if path.suffix in (".txt", ".srt", ".vtt", ".jsonl")]
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in [self._output, *texts])

    def complaints(self) -> str:
        return self._errors.read_text(encoding="utf-8", errors="replace")

    def until(self, said: str, seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while said not in self.said() and self.process.poll() is None:
            assert time.monotonic() < end, self.said() + self.complaints()
            time.sleep(0.05)


@pytest.mark.parametrize(
    "command",
    [each for page in END for each in commands(page)],
)
def test_a_command_that_ends(command: str, folder: Path) -> None:
    with Shell(command, folder) as shell:
        assert shell.process.wait(60) == 0, shell.complaints()
        assert expected(command) in shell.said()


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("card"))


@contextmanager
def sound(command: str, library: Path, place: Path) -> Iterator[dict[str, str]]:
    """What there is to hear: a microphone, or what the computer plays, again and again."""
    spoken = bytes(9_600) + (SAMPLES / "harbour.wav").read_bytes()[44:] + bytes(64_000)
    if "MONITOR" not in command:
        yield SoundCard(library, place, spoken).variables
        return
    (place / "spoken.raw").write_bytes(spoken)
    with sound_server(place) as variables:
        for words in (DEAF, "set-default-source deaf.monitor", "set-default-sink mic"):
            subprocess.run(["pactl", *words.split()], env=os.environ | variables, check=True, stdout=subprocess.DEVNULL)
        player = subprocess.Popen(
            ["bash", "-c", f"while {shlex.join(PLAY)} spoken.raw; do :; done"],
            cwd=place, env=os.environ | variables, start_new_session=True,
        )  # fmt: skip
        try:
            yield variables
        finally:
            os.killpg(player.pid, signal.SIGKILL)
            player.wait(10)


@pytest.mark.slow
@pytest.mark.parametrize("command", [each for page in ("listening.md", "captions.md") for each in commands(page)])
def test_a_command_that_listens(
    command: str, folder: Path, library: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It is ended by Ctrl-C once the words are there, if it does not end by itself."""
    with (
        sound(command, library, tmp_path_factory.mktemp("sound")) as variables,
        Shell(command, folder, **variables) as shell,
    ):
        shell.until(expected(command))
        if shell.process.poll() is None:
            os.killpg(shell.process.pid, signal.SIGINT)
        assert shell.process.wait(20) in (0, 130, -signal.SIGINT), shell.complaints()
        assert expected(command) in shell.said(), shell.complaints()
