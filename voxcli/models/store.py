"""The speech models on this machine: list them, find the one that fits, remove one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from voxcli.errors import ModelBroken, ModelNotFound, UsageError
from voxcli.models import layout, names
from voxcli.models.locking import locked
from voxcli.models.places import Places
from voxcli.models.trouble import Fatal

_LONGEST_SHOWN = 200  # characters of a text that may be anything, in a sentence
ORIGINS = ("option", "VOSK_MODEL_PATH", "voxcli", "cache", "system", "package")


@dataclass(frozen=True, slots=True)
class Model:
    """A speech model in a folder. ``language`` is None when no name tells it; ``origin`` is one of ``ORIGINS``."""

    name: str
    path: Path
    language: str | None
    origin: str
    backend: str = "vosk"


def installed(places: Places) -> list[Model]:
    """All models, Vosk's and Moonshine's, in the order of the places; a folder that is reached twice is listed once.

    Within a place big models come before small ones and newer before older: ``voxcli models pull`` brings the small
    model of a language, so a big one is there only because somebody put it there on purpose.
    """
    unique: dict[Path, Model] = {}
    for model in _everywhere(places):
        unique.setdefault(model.path.resolve(), model)
    return list(unique.values())


def find(places: Places, *, language: str, name: str | None = None, backend: str | None = "vosk") -> Model | None:
    """The model to use; None when there is none. A ``backend`` of None means any.

    With a ``name``, a name or a path, that one, whatever its language. Without, the first place that has a model of the
    language decides, there the nearest language (``en-us`` before ``en-in`` for ``en``), then the order of
    ``installed``. A folder that VOSK_MODEL_PATH names itself and whose language nobody knows fits every language.

    Raises ModelNotFound when a path (or VOSK_MODEL_PATH) leads nowhere, ModelBroken when a path is not a model.
    """
    if name is not None and (model := _at_path(name)):
        return model
    if backend != "moonshine":  # the variable is about Vosk alone
        _check_named(places)
    models = [model for model in installed(places) if backend in (None, model.backend)]
    if name is not None:
        return next((model for model in models if names.same(model.name, name)), None)
    fitting = [(far, model) for model in models if (far := _distance(places, model, language)) is not None]
    fitting.sort(key=lambda pair: (ORIGINS.index(pair[1].origin), pair[0]))
    return fitting[0][1] if fitting else None


def look_up(places: Places, wanted: str) -> Model:
    """The model that a person means by a name, a path or a language. Raises ModelNotFound, ModelBroken."""
    model = find(places, language=wanted, name=wanted, backend=None) or find(places, language=wanted, backend=None)
    if model is None:
        raise not_found(places, wanted)
    return model


def not_found(places: Places, wanted: str, *, named: bool | None = None) -> ModelNotFound:
    """The error for a name or a language that no place has; ``named`` says which it is, where it is known."""
    what = "of the name" if (names.is_name(wanted) if named is None else named) else "for the language"
    return ModelNotFound(
        f"there is no speech model {what} {_short(wanted)} on this machine",
        f"voxcli models pull {_short(wanted)} fetches it; {places.offline_hint()}",
    )


def at(folder: Path, origin: str = "option") -> Model:
    """The model in a folder, without a look whether it is one."""
    backend = "moonshine" if layout.is_moonshine(folder) else "vosk"
    language = names.language_of(folder.name) or names.language_of(folder.resolve().name)
    return Model(folder.name or str(folder), folder, language, origin, backend)


def is_path(text: str) -> bool:
    """Whether a text can only be a path: neither a name nor a language."""
    return os.sep in text or text in (".", "..", "~")


def own(places: Places) -> list[Model]:
    """The models in voxcli's own place, in the order of ``installed``."""
    return _models_in(places.own, "voxcli")


def damaged(places: Places) -> list[Model]:
    """Folders in voxcli's own place that a recognizer would not take for a model."""
    return [at(folder, "voxcli") for folder in _folders(places.own) if not layout.is_vosk(folder)]


def size_bytes(model: Model) -> int:
    """The bytes that a model takes on the disk."""
    return sum(path.stat().st_size for path in model.path.rglob("*") if path.is_file())


def remove(places: Places, name: str) -> list[Path]:
    """Remove a model, and what an unfinished pull of it left, from voxcli's own place. Returns what was there.

    Raises UsageError when the model is in another place, is being pulled or may not be removed, ModelNotFound when
    there is none.
    """
    try:
        doomed = _remains(places.own, name)
        if not doomed:
            raise _not_ours(places, name)
        with locked(places.own, _model_of(doomed[0]), deadline_s=0):
            for path in doomed:
                _delete(path)
    except Fatal as fatal:
        raise UsageError(str(fatal), fatal.hint or "") from fatal
    except OSError as error:
        reason = f"{error.filename or places.own}: {error.strerror or error}"
        raise UsageError(f"{name} cannot be removed: {reason}", "look at the rights there") from error
    return doomed


def _everywhere(places: Places) -> Iterator[Model]:
    if places.named is not None and layout.is_vosk(places.named):
        yield at(places.named, "VOSK_MODEL_PATH")
    elif places.named is not None:
        yield from _models_in(places.named, "VOSK_MODEL_PATH")
    yield from own(places)
    yield from _models_in(places.cache, "cache")
    yield from _models_in(places.system, "system")
    for folder in places.packages:
        yield from _models_in_packages(folder)


def _models_in(folder: Path, origin: str) -> list[Model]:
    models = [at(path, origin) for path in _folders(folder) if layout.is_vosk(path)]
    return sorted(models, key=_preference)


def _preference(model: Model) -> tuple[bool, tuple[int, ...], str]:
    newest_first = tuple(-number for number in (*names.version_of(model.name), 0, 0, 0)[:3])
    return names.is_small(model.name), newest_first, model.name


def _models_in_packages(folder: Path) -> Iterator[Model]:
    """Models inside packages, found by their files: an import would run the package."""
    for package in _folders(folder, "vosk_model_*"):
        carried = next((path for path in _folders(package) if layout.is_vosk(path)), None)
        if carried is not None:
            yield Model(package.name, carried, names.language_of(package.name), "package")
    tiny = folder / "moonshine_voice" / "assets" / "tiny-en"
    if layout.is_moonshine(tiny):
        yield Model("moonshine-tiny-en", tiny, "en", "package", "moonshine")


def _folders(folder: Path, pattern: str = "*") -> list[Path]:
    """The visible folders in a folder, by name; none when it cannot be read, as when it is not there."""
    try:
        return sorted(path for path in folder.glob(pattern) if not path.name.startswith(".") and path.is_dir())
    except OSError:
        return []


def _at_path(text: str) -> Model | None:
    path = _expanded(text)
    if layout.is_vosk(path) or layout.is_moonshine(path):
        return at(path.absolute())
    if not is_path(text):
        return None
    if not _is_folder(path):
        raise _no_folder(text)
    raise ModelBroken(text, layout.problems(path, "vosk")[0], f"voxcli models verify {text} shows what it lacks")


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # the home of nobody
        raise _no_folder(text) from error


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # one that may not be looked into, or whose name is longer than any can be
        return False


def _no_folder(text: str) -> ModelNotFound:
    return ModelNotFound(f"{_short(text)}: no such folder", "voxcli models list shows the models there are")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _check_named(places: Places) -> None:
    if places.named is not None and not _is_folder(places.named):
        raise ModelNotFound(
            f"VOSK_MODEL_PATH: {_short(str(places.named))}: no such folder",
            "set VOSK_MODEL_PATH to a model or to a folder of models, or unset it",
        )


def _distance(places: Places, model: Model, language: str) -> int | None:
    if model.language is None:
        return 0 if model.path == places.named else None
    return names.distance(language, model.language)


def _remains(folder: Path, name: str) -> list[Path]:
    whole = [path for path in _folders(folder) if names.same(path.name, name)]
    parts = [path for path in folder.glob("*.zip.part*") if names.same(_model_of(path), name)]
    return whole + sorted(parts)


def _model_of(path: Path) -> str:
    return path.name.partition(".zip.part")[0]


def _delete(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    doomed = path.with_name(f".{path.name}.removing")  # gone at once for others, however long it takes
    path.rename(doomed)
    shutil.rmtree(doomed)


def _not_ours(places: Places, name: str) -> UsageError | ModelNotFound:
    model = next((model for model in installed(places) if names.same(model.name, name)), None)
    if model is None:
        return ModelNotFound(
            f"there is no speech model {name} in {places.own}", "voxcli models list shows the names of those there are"
        )
    package = model.name if model.backend == "vosk" else "moonshine-voice"
    way = f"pip uninstall {package}" if model.origin == "package" else f"delete the folder {model.path} yourself"
    return UsageError(f"{name} is not voxcli's to remove: it is at {model.path}", way)
