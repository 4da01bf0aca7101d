"""The door to Vosk's native library (vosk-api, src/vosk_api.h): models and recognizers.

The package's own ``__init__`` imports a downloader, a progress bar and a subtitle writer first; its native library is
opened here without it, through the cffi definitions that lie beside it.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from voxcli.audio import SAMPLE_BYTES, SAMPLE_RATE
from voxcli.errors import BackendError, ModelBroken

_LIBRARY_FILES = {"win32": "libvosk.dll", "darwin": "libvosk.dyld"}


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

    def new_recognizer(self, model: Any, path: Path) -> NativeRecognizer:
        """A recognizer at 16,000 Hz with word times, freed when forgotten. Raises ModelBroken."""
        handle = self.c.vosk_recognizer_new(model, float(SAMPLE_RATE))
        if handle == self.ffi.NULL:
            raise ModelBroken(str(path), "Vosk cannot recognize with it")
        self.c.vosk_recognizer_set_words(handle, 1)
        return NativeRecognizer(self, self.ffi.gc(handle, self.c.vosk_recognizer_free))

    def answer(self, text: Any) -> dict[str, Any]:
        """The JSON object that a result function returned."""
        answer: dict[str, Any] = json.loads(self.ffi.string(text))
        return answer


class NativeRecognizer:
    """One of the library's recognizers, for one stream after another; used by one thread at a time.

    Its own clock counts all audio that it ever accepted. ``final`` ends a part of the stream: what was learned of the
    speaker is dropped, and the next part begins with nothing but the part of the model's graph that was unfolded so
    far, which is what makes a used one quick (vosk-api, src/recognizer.cc, FinalResult and CleanUp).
    """

    def __init__(self, library: VoskLibrary, handle: Any) -> None:
        self.accepted = 0
        self._library = library
        self._handle = handle
        self._origin = 0
        self._is_open = False

    def accept(self, data: bytes) -> bool:
        """Take linear16 at 16,000 Hz. Whether speech has ended, so that ``result`` is due. Raises BackendError."""
        if not self._is_open:
            self._origin, self._is_open = self.accepted, True
        endpoint: int = self._library.c.vosk_recognizer_accept_waveform(self._handle, data, len(data))
        if endpoint < 0:
            raise BackendError("Vosk failed in the middle of the audio", "try it again, or another --backend")
        self.accepted += len(data) // SAMPLE_BYTES
        return endpoint > 0

    def partial(self) -> str:
        """The words so far, after ``accept``."""
        answer = self._library.answer(self._library.c.vosk_recognizer_partial_result(self._handle))
        text: str = answer["partial"]
        return text

    def result(self) -> dict[str, Any]:
        """The words up to an endpoint; the part of the stream goes on."""
        return self._library.answer(self._library.c.vosk_recognizer_result(self._handle))

    def final(self) -> dict[str, Any]:
        """The last words of a part of the stream, once it has accepted audio since the last of its answers."""
        return self._library.answer(self._end())

    def forget(self) -> None:
        """End a part of the stream, if one is open, whatever was heard of it. Raises BackendError."""
        if self._is_open:
            self.accept(b"")  # right after an endpoint the library would not end anything
            self._end()

    def since_origin(self, native_seconds: float) -> float:
        """A time of its own clock as seconds from the first sample of this part of the stream.

        The library keeps the beginning of a part as a float of 32 bits, so that is what has to be taken away.
        """
        return native_seconds - _float32(_float32(self._origin) / SAMPLE_RATE)

    def _end(self) -> Any:
        self._is_open = False
        return self._library.c.vosk_recognizer_final_result(self._handle)


def _float32(number: float) -> float:
    """The nearest float of 32 bits."""
    nearest: float = struct.unpack("f", struct.pack("f", number))[0]
    return nearest


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
