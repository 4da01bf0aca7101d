"""The commands of the pages for each job, run as somebody would who has copied them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support import SAMPLES, VOXCLI, environment

DOCS = Path(__file__).parent.parent / "docs"
SAID = {"talk.wav": "harbour.wav", "call.wav": "station.wav"}


def commands(page: str) -> list[str]:
    """The lines of its blocks of shell; what is shown with a prompt needs what no test has."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page says is there."""
    place = tmp_path_factory.mktemp("folder")
    for name, sample in SAID.items():
        shutil.copy(SAMPLES / sample, place / name)
    return place


@pytest.mark.system
@pytest.mark.parametrize("command", commands("scripts.md"))
def test_a_command_of_the_page_for_scripts(command: str, folder: Path) -> None:
    variables = environment(folder)
    variables["PATH"] = f"{VOXCLI.parent}:{variables['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=variables, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    if "> " in command:
        assert all("boats" in (folder / name).read_text() for name in ("talk.txt", "talk.wav.txt") if name in command)
    elif "none.wav" in command:
        assert done.stdout.decode().splitlines()[0] == "source_not_found"
    elif "Summary" in command:
        assert b'"lost_seconds": 0' in done.stdout
    else:
        assert b"Nobody was awake when the boats came home" in done.stdout
