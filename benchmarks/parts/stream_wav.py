"""A WAV whose writer does not know its length yet, as a pipe carries it: ``stream_wav.py WAV`` to standard output."""

from __future__ import annotations

import struct
import sys
import wave

UNKNOWN = 0xFFFFFFFF

with wave.open(sys.argv[1]) as audio:
    rate, channels = audio.getframerate(), audio.getnchannels()
    layout = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    out = sys.stdout.buffer
    out.write(b"RIFF" + struct.pack("<I", UNKNOWN) + b"WAVEfmt " + struct.pack("<I", len(layout)) + layout)
    out.write(b"data" + struct.pack("<I", UNKNOWN))
    while data := audio.readframes(rate):
        out.write(data)
