"""Moonshine: small transformer models on this machine, English text with case and punctuation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from voxcli.errors import BackendNeedsExtra
from voxcli.recognizers import RecognizerOptions
from voxcli.recognizers.moonshine_decoder import NAME, Cadence, MoonshineDecoder
from voxcli.recognizers.threaded import ThreadedRecognizer


def open_moonshine(options: RecognizerOptions) -> ThreadedRecognizer:
    """A recognizer for the model in ``options.model``; its streams share one thread, whatever ``options`` say.

    The library lets one stream in at a time (a mutex around its model, core/transcriber.cpp) and decodes that one on
    all cores: two streams in two threads took as long as one after the other. Older versions of it also looked streams
    up without a lock while others came and went.
    """
    return ThreadedRecognizer(NAME, replace(options, threads=1), lambda: _load_model(options))


def _load_model(options: RecognizerOptions) -> Callable[[], MoonshineDecoder]:
    try:
        from voxcli.recognizers.moonshine_library import MoonshineModel
    except ImportError as error:
        raise BackendNeedsExtra(NAME, "moonshine") from error
    model = MoonshineModel(options.model)
    pace = Cadence(0.5, 2.0) if options.interim else Cadence(1.0, 5.0)
    return lambda: MoonshineDecoder(model.new_stream, pace=pace, interim=options.interim)
