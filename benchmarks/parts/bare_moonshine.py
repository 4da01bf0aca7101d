"""Moonshine as its own examples use it, 100 ms at a time: ``bare_moonshine.py MODEL WAV``. A line of JSON a line.

It decodes every five seconds, as voxcli does where no interim results are wanted, and is spared the audio that the
library would otherwise hand back with each line. A second of silence at the end brings out the last words.
"""

from __future__ import annotations

import array
import json
import sys
import wave

from moonshine_voice.moonshine_api import ModelArch
from moonshine_voice.transcriber import LineCompleted, Transcriber, TranscriptEvent, TranscriptLine


def show(line: TranscriptLine) -> None:
    """Print a line as soon as it is known."""
    print(json.dumps({"text": line.text, "end": line.start_time + line.duration}), flush=True)


def show_completed(event: TranscriptEvent) -> None:
    """Listen to the stream."""
    if isinstance(event, LineCompleted):
        show(event.line)


transcriber = Transcriber(sys.argv[1], ModelArch.TINY, options={"return_audio_data": "false"})
stream = transcriber.create_stream(update_interval=5.0)
stream.add_listener(show_completed)
stream.start()
with wave.open(sys.argv[2]) as audio:
    while data := audio.readframes(1_600):
        stream.add_audio([sample / 32_768 for sample in array.array("h", data)], 16_000)
stream.add_audio([0.0] * 16_000, 16_000)
for last in stream.update_transcription().lines:
    if not last.is_complete:
        show(last)
transcriber.close()
