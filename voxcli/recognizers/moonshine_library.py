"""The door to Moonshine's native library: models and streams over its C interface (moonshine-c-api.h).

The package's own streams copy audio element by element and hand the audio of every line back as Python lists; called
directly, the library takes a pointer and returns text only.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
from moonshine_voice.errors import MoonshineError
from moonshine_voice.moonshine_api import ModelArch, TranscriptC
from moonshine_voice.transcriber import Transcriber

from voxcli.audio import SAMPLE_RATE
from voxcli.errors import BackendError, ModelBroken
from voxcli.models import moonshine_architecture
from voxcli.recognizers.moonshine_decoder import Line


class MoonshineModel:
    """A loaded model; its streams are independent. Raises ModelBroken."""

    def __init__(self, folder: Path) -> None:
        try:
            self._transcriber = Transcriber(
                folder,
                ModelArch[moonshine_architecture(folder).upper()],
                options={"return_audio_data": "false", "identify_speakers": "false"},
            )
        except MoonshineError as error:
            raise ModelBroken(str(folder), f"Moonshine says: {error}") from error

    def new_stream(self) -> MoonshineStream:
        """A stream whose clock starts at 0."""
        return MoonshineStream(self._transcriber)


class MoonshineStream:
    """One stream of the library. It remembers every line since it began."""

    def __init__(self, transcriber: Transcriber) -> None:
        self._transcriber = transcriber
        self._lib: Any = transcriber._lib
        self._handle: int = self._checked(self._lib.moonshine_create_stream(transcriber._handle, 0))
        self._checked(self._lib.moonshine_start_stream(transcriber._handle, self._handle))
        self._samples = 0

    def add(self, data: bytes) -> None:
        """Audio: linear16, one channel, 16,000 Hz."""
        audio = np.frombuffer(data, dtype="<i2").astype(np.float32) / np.float32(32768)
        pointer = audio.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
        self._checked(
            self._lib.moonshine_transcribe_add_audio_to_stream(
                self._transcriber._handle, self._handle, pointer, len(audio), SAMPLE_RATE, 0
            )
        )

    def lines(self) -> list[Line]:
        """Decode what is new; every line since the stream began."""
        transcript = ctypes.POINTER(TranscriptC)()
        self._checked(
            self._lib.moonshine_transcribe_stream(self._transcriber._handle, self._handle, 0, ctypes.byref(transcript))
        )
        if not transcript:
            return []
        content = transcript.contents
        return [_line(content.lines[index]) for index in range(content.line_count)]

    def close(self) -> None:
        """Free it; a second call does nothing."""
        if self._handle >= 0:
            self._lib.moonshine_free_stream(self._transcriber._handle, self._handle)
            self._handle = -1

    def _checked(self, code: int) -> int:
        if code < 0:
            words = (self._lib.moonshine_error_to_string(code) or b"unknown error").decode()
            raise BackendError(f"Moonshine failed in mid-stream: {words}", "try it again, or --backend vosk")
        return code


def _line(line: Any) -> Line:
    text = ctypes.string_at(line.text).decode("utf-8", errors="replace").strip() if line.text else ""
    return Line(text, line.start_time, line.start_time + line.duration, bool(line.is_complete))
