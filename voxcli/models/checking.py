"""Is a model whole, and does its recognizer load it?"""

from __future__ import annotations

import re
import signal
import subprocess
import sys

from voxcli.models import layout, manifest
from voxcli.models.store import Model

LOAD_TIMEOUT_S = 120.0

_LOADERS = {
    "vosk": "import sys, vosk; vosk.Model(sys.argv[1])",
    "moonshine": (
        "import sys; from moonshine_voice import ModelArch, Transcriber; "
        "Transcriber(sys.argv[1], ModelArch[sys.argv[2].upper()])"
    ),
}
_NATIVE_ERROR = re.compile(r"^(?:ERROR|ASSERTION_FAILED) \(VoskAPI:[^)]*\)\S* (?P<reason>.*)", re.MULTILINE)


def verify(model: Model) -> list[str]:
    """What is wrong with a model's files, a sentence each; empty when whole.

    Looks for what the recognizer needs, and compares each file with the record of the pull when there is one.
    """
    missing = layout.problems(model.path, model.backend)
    return list(dict.fromkeys([*missing, *manifest.problems(model.path)]))


def load_problems(model: Model, timeout_s: float = LOAD_TIMEOUT_S) -> list[str]:
    """What the recognizer says when it loads a model; empty when it does.

    It is loaded in a process of its own: a damaged model can take the process down that loads it.
    """
    architecture = layout.moonshine_architecture(model.path)
    command = [sys.executable, "-P", "-c", _LOADERS[model.backend], str(model.path), architecture]
    try:
        loaded = subprocess.run(  # noqa: S603 - this Python, a program of this file, a path as its argument
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        return [f"loading it took longer than {timeout_s:.0f} s"]
    stderr = loaded.stderr.decode("utf-8", "replace")
    return [] if loaded.returncode == 0 else [f"{model.backend} cannot load it: {_reason(loaded.returncode, stderr)}"]


def _reason(status: int, stderr: str) -> str:
    if native := _NATIVE_ERROR.search(stderr):
        return native["reason"]
    if status < 0:
        return f"it crashed ({signal.Signals(-status).name})"
    lines = stderr.strip().splitlines()
    return lines[-1] if lines else f"it ended with status {status}"
