"""Deepgram's streaming messages: its clients' half of ``/v1/listen``, and results as its readers expect them.

Source: Deepgram's AsyncAPI specification, channel ``/v1/listen``, and its documentation of keep-alive and closing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from voxcli.audio import MAX_CHANNELS, SAMPLE_BYTES, SAMPLE_RATE
from voxcli.events import Results, UtteranceEnd, Word
from voxcli.protocols import Asked, Finished, Heard, Malformed, Message, Trouble
from voxcli.protocols.reading import (
    Fields,
    as_object,
    as_whole,
    complaint,
    confidence_at,
    endings,
    json_object,
    list_at,
    optional_time,
    text_at,
    time_at,
    words_at,
)

NAME = "deepgram"
DEFAULT_MODEL = "nova-3"

KEEP_ALIVE = '{"type":"KeepAlive"}'
FINALIZE = '{"type":"Finalize"}'
CLOSE_STREAM = '{"type":"CloseStream"}'


def query(asked: Asked) -> list[tuple[str, str]]:
    """The query of ``/v1/listen``, for audio as the codec sends it."""
    own = [
        ("model", asked.model or DEFAULT_MODEL),
        ("language", asked.language),
        ("encoding", "linear16"),
        ("sample_rate", str(SAMPLE_RATE)),
        ("channels", "1"),
        ("interim_results", "true"),
    ]
    return merged(own, asked.parameters)


def merged(own: Sequence[tuple[str, str]], parameters: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """A query of one's ``own`` parameters, but those that the user names, and of all of the user's."""
    named = {name for name, _ in parameters}
    return [pair for pair in own if pair[0] not in named] + list(parameters)


class DeepgramCodec:
    """One connection to ``/v1/listen``; Deepgram joins no session again."""

    subprotocols: Sequence[str] = ()
    acknowledged_samples = None
    pace = 1.2
    has_spans = True
    is_talkative = True
    gives_receipt = True
    keep_alive_seconds = 4.0

    def __init__(self) -> None:
        self.sent_samples = 0
        self.channels = 1

    def rejoining(self) -> Mapping[str, str]:
        """Nothing: a new connection is a new session."""
        return {}

    def start(self, subprotocol: str | None) -> list[Message]:
        """Nothing: the query has said it all."""
        return []

    def audio(self, data: bytes) -> list[Message]:
        """The audio as it is. An empty binary message would end the stream, so for no audio there is none."""
        self.sent_samples += len(data) // SAMPLE_BYTES
        return [data] if data else []

    def keep_alive(self) -> list[Message]:
        """KeepAlive, as text: Deepgram takes a binary one for audio."""
        return [KEEP_ALIVE]

    def finalize(self) -> list[Message]:
        """Finalize: a final over what was sent so far."""
        return [FINALIZE]

    def finish(self) -> list[Message]:
        """CloseStream: the last finals, Metadata, and the end of the connection."""
        return [CLOSE_STREAM]

    def receive(self, message: Message) -> list[Heard]:
        """What a message means; nothing for a binary one or one of an unknown type. Raises Malformed."""
        if isinstance(message, bytes):
            return []
        fields = json_object(message)
        match fields.get("type"):
            case "Results":
                return [self._results(fields)]
            case "UtteranceEnd":
                return utterance_end(fields)
            case "Metadata":
                return [Finished(optional_time(fields, "duration"))]
            case "Error":
                return [Trouble(complaint(fields))]
            case _:
                return []

    def _results(self, message: Fields) -> Results:
        result = _result(flattened(message))
        self.channels = max(self.channels, result.channel + 1, channels_of(message))
        return result


def flattened(message: Fields) -> Fields:
    """A Results message, what its first alternative says and the channel's number being fields of its own.

    Without an alternative the transcript is empty. Raises Malformed.
    """
    alternatives = list_at(as_object(message.get("channel"), "channel"), "alternatives")
    first = as_object(alternatives[0], "an alternative") if alternatives else {"transcript": ""}
    spoken = {name: first.get(name) for name in ("transcript", "confidence", "words")}
    return message | spoken | {"channel": _channel(message.get("channel_index"))}


def utterance_end(message: Fields) -> list[Heard]:
    """An UtteranceEnd message. Raises Malformed."""
    # -1: a result with speech_final has already said so.
    if message.get("last_word_end") == -1:
        return []
    return [UtteranceEnd(at=time_at(message, "last_word_end"), channel=_channel(message.get("channel")))]


def channels_of(message: Fields) -> int:
    """How many channels a Results message says that there are, 1 where it does not say. Raises Malformed."""
    given = message.get("channel_index")
    if isinstance(given, list) and len(given) > 1:
        return as_whole(given[1], "the number of channels", most=MAX_CHANNELS)
    return 1


def _result(fields: Fields) -> Results:
    is_final, speech_final = endings(fields)
    return Results(
        transcript=text_at(fields, "transcript"),
        is_final=is_final,
        speech_final=speech_final,
        start=time_at(fields, "start"),
        duration=time_at(fields, "duration"),
        confidence=confidence_at(fields),
        words=words_at(fields),
        channel=fields["channel"],
        backend=NAME,
    )


def _channel(given: object) -> int:
    """The channel's number, of a pair ``[number, how many]``; 0 where the message has none."""
    if given is None:
        return 0
    if isinstance(given, list) and given:
        return as_whole(given[0], "the channel", most=MAX_CHANNELS - 1)
    raise Malformed("the channel is not a pair of numbers")


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
        "words": [word_message(word) for word in result.words or ()],
    }


def word_message(word: Word) -> dict[str, Any]:
    """A word with the fields that Deepgram's clients require."""
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
