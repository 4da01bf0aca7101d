"""The documentation says what the program does."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from support import environment, voxcli

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
COMMANDS = [content.strip() for language, content in BLOCKS if language == "sh"]


def test_generated_parts_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_first_blocks_of_the_readme_are_the_two_commands() -> None:
    assert COMMANDS[0].endswith("voxcli transcribe samples/harbour.wav")
    assert COMMANDS[1].endswith(".venv/bin/nox")


def test_the_readme_shows_real_output(home: Path) -> None:
    shown = next(content for language, content in BLOCKS if not language)
    done = voxcli("transcribe", ROOT / "samples" / "harbour.wav", home=home)
    assert done.stderr.decode() + done.stdout.decode() == shown


def test_every_option_in_the_readme_is_one(home: Path) -> None:
    commands = re.findall(r"voxcli (transcribe|models)([^|`\n#]*)", README)
    helps = {name: voxcli(name, "--help", home=home).stdout.decode() for name in ("transcribe", "models")}
    used = {(name, word) for name, rest in commands for word in shlex.split(rest) if re.match(r"--\w", word)}
    assert used
    assert [(name, word) for name, word in used if word not in helps[name]] == []


@pytest.mark.parametrize("document", [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob(".github/*.md")])
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text):
        place = document.parent / target if target else document
        assert place.exists(), target
        assert not anchor or anchor in anchors(place), f"{target}#{anchor}"


def anchors(document: Path) -> set[str]:
    """What a repository's web view lets one link to: the headings, in small letters, without marks."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_samples_are_what_their_table_says(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "samples" / "make.py", "--check"],
        capture_output=True,
        text=True,
        env=environment(home),
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_first_command_works_on_a_fresh_clone(tmp_path: Path) -> None:
    """The README's first command as it stands there, in a copy of what is committed, with a home that is empty."""
    clone, home = tmp_path / "clone", tmp_path / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "--quiet", "--no-local", ROOT, clone], check=True, timeout=60)
    index = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "HTTPS_", "SSL_"))}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", COMMANDS[0]],
        cwd=clone,
        env=environment(home, **index),
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Nobody was awake when the boats came home.\n" + (
        "Before the clock struck ten, every fish had been sold.\n"
    )
