"""Vosk as its own examples use it, 100 ms at a time: ``bare_vosk.py MODEL WAV``. A line of JSON for each result."""

from __future__ import annotations

import json
import sys
import wave

import vosk

vosk.SetLogLevel(-1)
with wave.open(sys.argv[2]) as audio:
    recognizer = vosk.KaldiRecognizer(vosk.Model(sys.argv[1]), audio.getframerate())
    recognizer.SetWords(True)
    while data := audio.readframes(audio.getframerate() // 10):
        if recognizer.AcceptWaveform(data):
            print(json.dumps(json.loads(recognizer.Result()), ensure_ascii=False), flush=True)
    print(json.dumps(json.loads(recognizer.FinalResult()), ensure_ascii=False), flush=True)
