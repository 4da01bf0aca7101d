"""Deepgram's streaming messages, as its readers expect them.

Source: Deepgram's AsyncAPI specification, channel ``/v1/listen``, messages Results and Metadata.
"""

from __future__ import annotations

from typing import Any

from voxcli.events import Results, Word


def results_message(result: Results, *, request_id: str, model: str, channels: int = 1) -> dict[str, Any]:
    """A result as a Results message. Clients require words and a confidence: ``[]`` and ``0.0`` for none."""
    return {
        "type": "Results",
        "channel_index": [result.channel, channels],
        "duration": result.duration,
        "start": result.start,
        "is_final": result.is_final,
        "speech_final": result.speech_final,
        "channel": {"alternatives": [_alternative(result)]},
        "metadata": {
            "request_id": request_id,
            "model_info": {"name": model, "version": "", "arch": result.backend},
            "model_uuid": request_id,
        },
    }


def metadata_message(*, request_id: str, created: str, duration: float, channels: int = 1) -> dict[str, Any]:
    """The last message of a stream; ``duration`` is the seconds of audio processed, ``created`` an ISO 8601 time."""
    return {
        "type": "Metadata",
        "transaction_key": "deprecated",
        "request_id": request_id,
        "sha256": "",
        "created": created,
        "duration": duration,
        "channels": channels,
    }


def _alternative(result: Results) -> dict[str, Any]:
    return {
        "transcript": result.transcript,
        "confidence": result.confidence or 0.0,
        "words": [_word(word) for word in result.words or ()],
    }


def _word(word: Word) -> dict[str, Any]:
    message: dict[str, Any] = {
        "word": word.word,
        "start": word.start,
        "end": word.end,
        "confidence": word.confidence,
        "punctuated_word": word.punctuated_word or word.word,
    }
    if word.speaker is not None:
        message["speaker"] = word.speaker
    return message
