"""What the Tab key does, in a bash that has been told what ``--show-completion`` prints."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import VOXCLI, environment, voxcli
from voxcli.cli.chain import NAMES
from voxcli.cli.options import chains

if sys.platform != "win32":
    import pexpect

PROMPT, TAB, CLEAR = "ready> ", "\t", "\x15"


@pytest.fixture(scope="module")
def bash(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A shell in a folder with a recording, its completion switched on as the documentation says."""
    if sys.platform == "win32" or not shutil.which("bash"):
        pytest.skip("there is no bash")
    folder = tmp_path_factory.mktemp("shell")
    (folder / "harbour.wav").touch()
    variables = environment(folder, PS1=PROMPT, TERM="dumb", INPUTRC="/dev/null", VOXCLI_QUIET="1")
    variables["PATH"] = f"{VOXCLI.parent}:{variables['PATH']}"
    shell = pexpect.spawn(
        "bash", ["--noprofile", "--norc", "-i"], cwd=folder, env=variables, encoding="utf-8", dimensions=(24, 200)
    )
    shell.expect_exact(PROMPT, timeout=20)
    shell.sendline(f"PS1='{PROMPT}'; " + 'eval "$(voxcli --show-completion)" && echo switched on')
    shell.expect("\nswitched on", timeout=20)
    shell.expect_exact(PROMPT, timeout=20)
    yield shell
    shell.close(force=True)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("voxcli transc", "voxcli transcribe "),
        ("voxcli -q mod", "voxcli -q models "),
        ("voxcli models pu", "voxcli models pull "),
        ("voxcli transcribe --until", None),  # which is an option of listen only
        ("voxcli listen --until", "voxcli listen --until-silence "),
        ("voxcli transcribe -f json", "voxcli transcribe -f jsonl "),
        ("voxcli serve -b vosk,moon", "voxcli serve -b vosk,moonshine "),
        ("voxcli transcribe harb", "voxcli transcribe harbour.wav "),
        ("voxcli transcribe -o harb", "voxcli transcribe -o harbour.wav "),
    ],
)
def test_tab_completes(bash: Any, typed: str, completed: str | None) -> None:
    bash.send(CLEAR + typed + TAB + "#")
    if completed is None:
        bash.expect_exact(f"{typed}\a#", timeout=20)
    else:
        bash.expect_exact(f"{completed}#", timeout=20)


def test_a_list_of_backends_is_completed_at_its_last_name() -> None:
    assert chains("") == list(NAMES)
    assert chains("server,vosk") == ["server,vosk", "server,vosk-server"]
    assert chains("server,x") == []


def test_nothing_is_done_while_a_line_is_completed(home: Path) -> None:
    """The version is not printed, and a file of settings that cannot be read does not matter."""
    (home / "voxcli.toml").write_text("no = TOML")
    words = "voxcli --version --profile none transcribe --chunk"
    done = voxcli(home=home, COMP_WORDS=words, COMP_CWORD="5", _VOXCLI_COMPLETE="complete_bash")
    assert (done.stdout, done.stderr) == (b"--chunk-ms\n", b"")
