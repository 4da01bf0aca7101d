"""Vosk: Kaldi models on this machine, words with times and confidences (vosk-api, src/vosk_api.h).

The package's own ``__init__`` imports a downloader, a progress bar and a subtitle writer first; its native library is
opened here without it, through the cffi definitions that lie beside it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from voxcli.audio import SAMPLE_RATE, Chunk, samples, seconds
from voxcli.errors import BackendError, ModelBroken
from voxcli.events import Results, Word
from voxcli.recognizers import RecognizerOptions
from voxcli.recognizers.threaded import ThreadedRecognizer

NAME = "vosk"

SILENCE_SECONDS = 5.0
"""A silence of this length is reported by an empty final."""
LOOK_BACK_SECONDS = 1.0
"""A word can turn out to have begun this long before the decoder knew of it."""
_LIBRARY_FILES = {"win32": "libvosk.dll", "darwin": "libvosk.dyld"}


def open_vosk(options: RecognizerOptions) -> ThreadedRecognizer:
    """A recognizer for the model in ``options.model``."""
    return ThreadedRecognizer(NAME, options, lambda: _load_model(options))


def _load_model(options: RecognizerOptions) -> Callable[[], VoskDecoder]:
    library = VoskLibrary()
    model = library.new_model(options.model)
    return lambda: VoskDecoder(library, library.new_recognizer(model, options.model), interim=options.interim)


class VoskLibrary:
    """The native library, Kaldi's log silenced. Raises BackendError where vosk is not installed."""

    def __init__(self) -> None:
        self.ffi, self.c = _open_library()
        self.c.vosk_set_log_level(-1)

    def new_model(self, path: Path) -> Any:
        """The model of a folder, freed when forgotten. Raises ModelBroken."""
        handle = self.c.vosk_model_new(os.fsencode(path))
        if handle == self.ffi.NULL:
            raise ModelBroken(str(path), "Vosk cannot read it")
        return self.ffi.gc(handle, self.c.vosk_model_free)

    def new_recognizer(self, model: Any, path: Path) -> Any:
        """A recognizer at 16,000 Hz with word times, freed when forgotten. Raises ModelBroken."""
        handle = self.c.vosk_recognizer_new(model, float(SAMPLE_RATE))
        if handle == self.ffi.NULL:
            raise ModelBroken(str(path), "Vosk cannot recognize with it")
        self.c.vosk_recognizer_set_words(handle, 1)
        return self.ffi.gc(handle, self.c.vosk_recognizer_free)

    def answer(self, text: Any) -> dict[str, Any]:
        """The JSON object that a result function returned."""
        answer: dict[str, Any] = json.loads(self.ffi.string(text))
        return answer


class VoskDecoder:
    """One stream through one fresh Kaldi recognizer, whose clock starts with the first chunk.

    The calls are those of the plainest loop (accept, result at an endpoint, final result), so the words are too.
    """

    def __init__(self, library: VoskLibrary, recognizer: Any, *, interim: bool) -> None:
        self._library = library
        self._recognizer = recognizer
        self._interim = interim
        self._last_interim = ""
        self._base: int | None = None
        self._covered = self._heard = 0

    def accept(self, chunk: Chunk) -> list[Results]:
        if self._base is None:
            self._base = self._covered = chunk.start
        self._heard = chunk.end
        endpoint = self._library.c.vosk_recognizer_accept_waveform(self._recognizer, chunk.data, len(chunk.data))
        if endpoint < 0:
            raise BackendError("Vosk failed in the middle of the audio", "try it again, or another --backend")
        if endpoint:
            return [self._final(self._library.c.vosk_recognizer_result(self._recognizer))]
        return self._interims() if self._interim or self._is_silence_due() else []

    def finish(self) -> list[Results]:
        if self._heard == self._covered:
            return []
        return [self._final(self._library.c.vosk_recognizer_final_result(self._recognizer))]

    def close(self) -> None:
        self._recognizer = None

    def _interims(self) -> list[Results]:
        answer = self._library.answer(self._library.c.vosk_recognizer_partial_result(self._recognizer))
        text = answer["partial"]
        if not text and self._is_silence_due():
            return [self._silence(self._heard - samples(LOOK_BACK_SECONDS))]
        if text == self._last_interim or not self._interim:
            return []
        self._last_interim = text
        return [self._result(text, is_final=False)]

    def _is_silence_due(self) -> bool:
        return self._heard - self._covered >= samples(SILENCE_SECONDS + LOOK_BACK_SECONDS)

    def _silence(self, upto: int) -> Results:
        """An empty final; the recognizer itself goes on as it would have."""
        heard, self._heard = self._heard, upto
        final = self._result("", is_final=True, words=())
        self._covered, self._heard = upto, heard
        return final

    def _final(self, native: Any) -> Results:
        answer = self._library.answer(native)
        words = tuple(self._word(word) for word in answer.get("result", ()))
        final = self._result(answer["text"], is_final=True, words=words)
        self._covered, self._last_interim = self._heard, ""
        return final

    def _result(self, text: str, *, is_final: bool, words: tuple[Word, ...] | None = None) -> Results:
        confidence = round(sum(word.confidence for word in words) / len(words), 4) if words else None
        return Results(
            transcript=text,
            is_final=is_final,
            speech_final=is_final,
            start=seconds(self._covered),
            duration=seconds(self._heard - self._covered),
            confidence=confidence,
            words=words,
            backend=NAME,
        )

    def _word(self, word: dict[str, Any]) -> Word:
        base = seconds(self._base or 0)
        return Word(
            word=word["word"],
            start=round(base + word["start"], 4),
            end=round(base + word["end"], 4),
            confidence=round(word["conf"], 4),
        )


def _open_library() -> tuple[Any, Any]:
    """The cffi interface and the opened library, by the short way or by importing the package."""
    spec = find_spec("vosk")
    if spec is None or not spec.submodule_search_locations:
        raise BackendError("the backend vosk is not installed", "pip install vosk")
    folder = Path(spec.submodule_search_locations[0])
    try:
        return _open_in(folder)
    except (OSError, ImportError, AttributeError):
        # A package laid out in another way: let it open its library itself.
        return _open_by_import()


def _open_in(folder: Path) -> tuple[Any, Any]:
    spec = spec_from_file_location("voxcli_vosk_cffi", folder / "vosk_cffi.py")
    if spec is None or spec.loader is None:
        raise ImportError("vosk_cffi.py is not where it used to be")
    definitions = module_from_spec(spec)
    spec.loader.exec_module(definitions)
    library = folder / _LIBRARY_FILES.get(sys.platform, "libvosk.so")
    if sys.platform == "win32":
        os.add_dll_directory(str(folder))
    return definitions.ffi, definitions.ffi.dlopen(str(library))


def _open_by_import() -> tuple[Any, Any]:
    try:
        import vosk
    except (ImportError, OSError) as error:
        raise BackendError(
            f"Vosk's native library cannot be opened: {error}", "pip install --force-reinstall vosk"
        ) from error
    return vosk._ffi, vosk._c
