"""What checks this project: ``nox`` runs what the README promises, ``nox -s slow`` the rest.

lint    ruff, mypy --strict, import-linter, deptry
pure    each file that opens nothing is covered whole, branches too, by its own test file
tests   the rest, as the built wheel in an environment of its own
slow    the tests marked slow or system, on the same wheel
lowest  what takes seconds, on the oldest libraries that pyproject.toml allows
docs    what is generated in docs/ is up to date (``nox -s docs -- --write`` makes it anew); the site, in site/html
"""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_external_run = True
nox.options.sessions = ["lint", "pure", "tests"]

WORKERS = "3"  # many tests wait for deadlines, so there may be more of them than cores

ROOT = Path(__file__).parent
EXTRAS = "moonshine,media,server,keyring"
TEST = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "test")
LINT = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "lint")
SITE = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "site")

PLAIN = ["--noconftest", *(f"-pno:{plugin}" for plugin in ("cacheprovider", "xdist", "anyio"))]
"""A test of a pure file needs little of pytest, and there are many to start."""

PURE = {
    "voxcli/audio.py": "tests/test_audio.py",
    "voxcli/backoff.py": "tests/test_backoff.py",
    "voxcli/config.py": "tests/test_config.py",
    "voxcli/coverage.py": "tests/test_coverage.py",
    "voxcli/devices.py": "tests/test_devices.py",
    "voxcli/epoch.py": "tests/test_epoch.py",
    "voxcli/errors.py": "tests/test_errors.py",
    "voxcli/events.py": "tests/test_events.py",
    "voxcli/hearing.py": "tests/test_hearing.py",
    "voxcli/losses.py": "tests/test_losses.py",
    "voxcli/ogg.py": "tests/test_ogg.py",
    "voxcli/printable.py": "tests/test_printable.py",
    "voxcli/protocols/deepgram.py": "tests/protocols/test_deepgram.py",
    "voxcli/protocols/deepgram_server.py": "tests/protocols/test_deepgram_server.py",
    "voxcli/protocols/deepgram_voice.py": "tests/protocols/test_deepgram_voice.py",
    "voxcli/protocols/reading.py": "tests/protocols/test_reading.py",
    "voxcli/protocols/requests.py": "tests/protocols/test_requests.py",
    "voxcli/protocols/vosk_server.py": "tests/protocols/test_vosk_server.py",
    "voxcli/protocols/voxcli.py": "tests/protocols/test_voxcli.py",
    "voxcli/protocols/voxcli_server.py": "tests/protocols/test_voxcli_server.py",
    "voxcli/ring.py": "tests/test_ring.py",
    "voxcli/sniff.py": "tests/test_sniff.py",
    "voxcli/subtitles.py": "tests/test_subtitles.py",
    "voxcli/transcript.py": "tests/test_transcript.py",
    "voxcli/typesetting.py": "tests/test_typesetting.py",
    "voxcli/wav.py": "tests/test_wav.py",
}


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, architecture, dependencies."""
    session.install("-e", f".[{EXTRAS}]", *LINT)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports", "--no-cache")
    session.run("deptry", "voxcli")


@nox.session
def pure(session: nox.Session) -> None:
    """Each pure file against its own test file."""
    session.install("-e", ".", *TEST)
    data = Path(session.create_tmp()).resolve()
    coverage = Path(session.bin) / "coverage"

    def covered(module: str, test: str) -> tuple[str, bool, str]:
        """Whether one file is covered whole, and what was printed meanwhile."""
        options = [f"--data-file={data / Path(module).name}", f"--include={module}"]
        run = [coverage, "run", *options, "-m", "pytest", "-q", "--no-header", *PLAIN, test]
        report = [coverage, "report", *options, "--fail-under=100"]
        done = [subprocess.run(command, capture_output=True, text=True, check=False) for command in (run, report)]  # noqa: S603
        return module, not any(each.returncode for each in done), "".join(each.stdout + each.stderr for each in done)

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(covered, PURE.keys(), PURE.values()))
    for module, is_whole, output in outcomes:
        session.log(f"{module}: {'covered whole' if is_whole else output}")
    if not all(is_whole for _, is_whole, _ in outcomes):
        session.error("not every pure file is covered whole by its own tests")


@nox.session
def tests(session: nox.Session) -> None:
    """What takes seconds and was not run by ``pure``, on the built wheel. Arguments after -- go to pytest."""
    install_wheel(session)
    done = [f"--ignore={test}" for test in PURE.values()]
    session.run("pytest", "-m", "not slow and not system", "-n", WORKERS, *done, *session.posargs)


@nox.session
def slow(session: nox.Session) -> None:
    """Everything that takes longer or needs the system, on the built wheel."""
    install_wheel(session)
    session.run("pytest", "-m", "slow or system", "-n", "2", *session.posargs)


@nox.session(venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """What takes seconds, on the oldest versions that pyproject.toml allows."""
    session.install("--resolution", "lowest-direct", f".[{EXTRAS}]", *TEST)
    session.run("pytest", "-m", "not slow and not system", "-n", WORKERS, *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """What is generated of the documentation, and the site that is made of it."""
    session.install("-e", ".", *SITE)
    session.run("python", "docs/generate.py", *session.posargs)
    session.run("python", "docs/web.py")


def install_wheel(session: nox.Session) -> None:
    """Build the wheel and install it, so that what is tested is what would be published."""
    dist = Path(session.create_tmp())
    for old in dist.glob("*.whl"):
        old.unlink()
    session.install("build")
    session.run("python", "-m", "build", "--wheel", "--outdir", str(dist), silent=True)
    (wheel,) = dist.glob("*.whl")
    session.env["UV_COMPILE_BYTECODE"] = "1"  # the program is started hundreds of times
    session.install(f"voxcli[{EXTRAS}] @ {wheel.resolve().as_uri()}", *TEST)
