"""The man pages: what they say, whether they can be set, and that they are installed where man looks."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from voxcli import errors
from voxcli.cli.app import COMMANDS, load

sys.path.append(str(Path(__file__).parent.parent / "docs"))
import manual

MAN = Path(__file__).parent.parent / "docs" / "man"
PAGES = ["voxcli.1", *(f"voxcli-{name}.1" for name in COMMANDS)]
SECTIONS = ["NAME", "SYNOPSIS", "OPTIONS", "DESCRIPTION", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_every_section(page: str) -> None:
    headings = re.findall(r"^\.SH (.+)$", (MAN / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert [section for section in SECTIONS if section not in headings] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_installed(page: str) -> None:
    assert (Path(sys.prefix) / "share" / "man" / "man1" / page).read_bytes() == (MAN / page).read_bytes()


@pytest.mark.system
@pytest.mark.parametrize("page", PAGES)
def test_groff_warns_of_nothing_and_breaks_no_name(page: str) -> None:
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tascii", "-P-c", "-rLL=60n", MAN / page],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert "\\" not in done.stdout
    assert re.search(r"[A-Z]-\n", done.stdout) is None


def test_every_exit_code_is_in_the_pages() -> None:
    told = {status for status, _ in manual.STATUSES}
    codes = {error.exit_code for error in vars(errors).values() if isinstance(error, type) and hasattr(error, "code")}
    assert codes
    assert {str(code) for code in codes} <= told


@pytest.mark.parametrize(
    ("name", "example"), [(name, line) for name in COMMANDS for line, _ in manual.EXAMPLES.get(name, [])]
)
def test_an_example_uses_options_that_there_are(name: str, example: str) -> None:
    command = load(name)
    taken = {option for each in [command, *getattr(command, "commands", {}).values()] for option in _options(each)}
    own = re.split(r"[|<>;)]", example[example.index(f"voxcli {name}") :])[0]
    used = [word.split("=")[0] for word in shlex.split(own) if re.match(r"--?\w", word)]
    assert [word for word in used if word not in taken] == []


def _options(command: object) -> list[str]:
    return [option for parameter in getattr(command, "params", []) for option in parameter.opts]
