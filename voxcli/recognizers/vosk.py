"""Vosk: Kaldi models on this machine, words with times and confidences."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from voxcli.audio import SAMPLE_BYTES, Chunk, samples, seconds
from voxcli.events import Results, Word
from voxcli.recognizers import RecognizerOptions
from voxcli.recognizers.threaded import ThreadedRecognizer
from voxcli.recognizers.vosk_library import NativeRecognizer, VoskLibrary

NAME = "vosk"

SILENCE_SECONDS = 5.0
"""A silence of this length is reported by an empty final."""
LOOK_BACK_SECONDS = 1.0
"""A word can turn out to have begun this long before the decoder knew of it."""
WARMING_SECONDS = 1.0
"""Silence that makes a native recognizer unfold what every stream begins with, which takes half a second."""
MOST_REUSED_SECONDS = 600.0
"""After so much audio a native recognizer is not kept for another stream: what it has unfolded of the model's graph,
100 to 200 MB in its first minute of speech, goes on growing, and saves little more."""


def open_vosk(options: RecognizerOptions) -> ThreadedRecognizer:
    """A recognizer for the model in ``options.model``."""
    return ThreadedRecognizer(NAME, options, lambda: VoskModel(options))


class VoskModel:
    """A loaded model: makes the decoders of many streams, and keeps up to ``options.pool`` native recognizers for more.

    A used one hears the same words, but for a few in a thousand where the model is unsure, at half the cost for a clip
    of ten seconds. Raises BackendError, ModelBroken.
    """

    def __init__(self, options: RecognizerOptions) -> None:
        self._path = options.model
        self._interim = options.interim
        self._library = VoskLibrary()
        self._model = self._library.new_model(options.model)
        self._most_idle = options.pool
        self._idle: list[NativeRecognizer] = []
        self._lock = threading.Lock()

    def __call__(self) -> VoskDecoder:
        """A decoder for a stream."""
        with self._lock:
            idle = self._idle.pop() if self._idle else None
        return VoskDecoder(idle or self._new(), self._take_back, interim=self._interim)

    def warm(self) -> None:
        """Have one ready that has heard some silence, and from now on keep one at least."""
        with self._lock:
            self._most_idle = max(self._most_idle, 1)
            if self._idle:
                return
        native = self._new()
        native.accept(bytes(samples(WARMING_SECONDS) * SAMPLE_BYTES))
        self._take_back(native)

    def _new(self) -> NativeRecognizer:
        return self._library.new_recognizer(self._model, self._path)

    def _take_back(self, native: NativeRecognizer) -> None:
        """Keep it for another stream, if there is room."""
        if len(self._idle) >= self._most_idle or native.accepted >= samples(MOST_REUSED_SECONDS):
            return
        native.forget()
        with self._lock:
            if len(self._idle) < self._most_idle:
                self._idle.append(native)


class VoskDecoder:
    """One stream through one native recognizer, which is given to ``take_back`` at the end unless it has failed.

    The calls are those of the plainest loop (accept, result at an endpoint, final result), so the words are too.
    ``_base`` is the sample with which the present part of the stream began.
    """

    def __init__(
        self, native: NativeRecognizer, take_back: Callable[[NativeRecognizer], None], *, interim: bool
    ) -> None:
        self._native = native
        self._take_back = take_back
        self._interim = interim
        self._last_interim = ""
        self._base: int | None = None
        self._covered = self._heard = 0
        self._is_sound = True

    def accept(self, chunk: Chunk) -> list[Results]:
        if self._base is None:
            self._base = self._covered = chunk.start
        self._heard = chunk.end
        self._is_sound = False
        endpoint = self._native.accept(chunk.data)
        self._is_sound = True
        if endpoint:
            return [self._final(self._native.result())]
        return self._interims() if self._interim or self._is_silence_due() else []

    def flush(self) -> list[Results]:
        if self._heard == self._covered:
            return []
        final = self._final(self._native.final())
        self._base = None
        return [final]

    def finish(self) -> list[Results]:
        return self.flush()

    def close(self) -> None:
        if self._is_sound:
            self._is_sound = False
            self._take_back(self._native)

    def _interims(self) -> list[Results]:
        text = self._native.partial()
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

    def _final(self, answer: dict[str, Any]) -> Results:
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
        return Word(
            word=word["word"],
            start=self._time(word["start"]),
            end=self._time(word["end"]),
            confidence=round(word["conf"], 4),
        )

    def _time(self, native_seconds: float) -> float:
        return round(seconds(self._base or 0) + self._native.since_origin(native_seconds), 4)
