"""The barest listener: ``bare_listen.py moonshine|vosk MODEL``. A raw stream of sounddevice, a queue, the recognizer.

It prints a line of JSON for each result, as the examples of sounddevice, Vosk and Moonshine do, and ends when killed.
"""

from __future__ import annotations

import array
import json
import queue
import sys
from collections.abc import Callable
from typing import Any

import sounddevice

CHUNK = 1_600


def with_vosk(model: str) -> Callable[[bytes], None]:
    """What is done with a chunk."""
    from vosk import KaldiRecognizer, Model, SetLogLevel

    SetLogLevel(-1)
    recognizer = KaldiRecognizer(Model(model), 16_000)
    recognizer.SetWords(True)

    def accept(data: bytes) -> None:
        if recognizer.AcceptWaveform(data):
            print(json.dumps(json.loads(recognizer.Result())), flush=True)

    return accept


def with_moonshine(model: str) -> Callable[[bytes], None]:
    """What is done with a chunk."""
    from moonshine_voice.moonshine_api import ModelArch
    from moonshine_voice.transcriber import LineCompleted, Transcriber

    transcriber = Transcriber(model, ModelArch.TINY, options={"return_audio_data": "false"})
    stream = transcriber.create_stream(update_interval=5.0)

    def show(event: Any) -> None:
        if isinstance(event, LineCompleted):
            print(json.dumps({"text": event.line.text}), flush=True)

    stream.add_listener(show)
    stream.start()
    return lambda data: stream.add_audio([sample / 32_768 for sample in array.array("h", data)], 16_000)


accept = {"vosk": with_vosk, "moonshine": with_moonshine}[sys.argv[1]](sys.argv[2])
chunks: queue.Queue[bytes] = queue.Queue(100)
with sounddevice.RawInputStream(
    samplerate=16_000, blocksize=CHUNK, channels=1, dtype="int16",
    callback=lambda data, frames, time, status: chunks.put_nowait(bytes(data)),
):  # fmt: skip
    while True:
        accept(chunks.get())
