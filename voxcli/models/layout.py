"""What must be in a model's folder, as the loaders themselves ask for it.

Vosk (``Model::Model`` in its model.cc) knows two layouts by two files each and then reads the graph: either HCLG.fst,
or HCLr.fst with Gr.fst and disambig_tid.int. words.txt may be inside the graph, and the i-vector extractor is needed
only by some models, so neither is asked for here; loading tells.
"""

from __future__ import annotations

from pathlib import Path

_NEW = ("am/final.mdl", "conf/model.conf")
_OLD = ("final.mdl", "mfcc.conf")
_MOONSHINE = ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin")
_LOOKAHEAD = ("HCLr.fst", "Gr.fst", "disambig_tid.int")


def is_vosk(folder: Path) -> bool:
    """Whether Vosk would take a folder for a model."""
    return _has(folder, _NEW) or _has(folder, _OLD)


def is_moonshine(folder: Path) -> bool:
    """Whether a folder holds an offline Moonshine model."""
    return _has(folder, _MOONSHINE)


def moonshine_architecture(folder: Path) -> str:
    """``base`` for a folder called so, else ``tiny``: both have the same files.

    Moonshine's streaming models have another layout and are not supported.
    """
    return "base" if "base" in folder.name.lower() else "tiny"


def problems(folder: Path, backend: str) -> list[str]:
    """The files that a recognizer needs and that are not there or are empty, a sentence each."""
    needed = _MOONSHINE if backend == "moonshine" else _vosk_needs(folder)
    return [problem for name in needed if (problem := _problem(folder, name))]


def _vosk_needs(folder: Path) -> tuple[str, ...]:
    if _has(folder, _OLD) and not _has(folder, _NEW):
        return (*_OLD, *_graph(folder, ""))
    return (*_NEW, _features(folder), *_graph(folder, "graph/"))


def _features(folder: Path) -> str:
    return "conf/fbank.conf" if (folder / "conf/fbank.conf").is_file() else "conf/mfcc.conf"


def _graph(folder: Path, prefix: str) -> list[str]:
    whole = f"{prefix}HCLG.fst"
    return [whole] if (folder / whole).is_file() else [prefix + name for name in _LOOKAHEAD]


def _has(folder: Path, files: tuple[str, ...]) -> bool:
    try:
        return all((folder / name).is_file() for name in files)
    except OSError:  # what cannot be looked into, or has no possible name, cannot be loaded either
        return False


def _problem(folder: Path, name: str) -> str | None:
    path = folder / name
    if not path.is_file():
        return f"{name} is missing"
    return None if path.stat().st_size else f"{name} is empty"
