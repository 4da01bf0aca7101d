"""Deepgram's message shapes, field by field as its specification has them."""

from voxcli.events import Results, Word
from voxcli.protocols.deepgram import metadata_message, results_message

HEARD = Results(
    transcript="good day",
    is_final=True,
    speech_final=False,
    start=1.5,
    duration=2.0,
    confidence=0.9,
    words=(
        Word(word="good", start=1.5, end=1.9, confidence=0.8, speaker=0),
        Word(word="day", start=2.0, end=2.5, confidence=1.0, punctuated_word="day."),
    ),
    backend="vosk",
)


def test_a_result_is_a_results_message() -> None:
    assert results_message(HEARD, request_id="id", model="small") == {
        "type": "Results",
        "channel_index": [0, 1],
        "duration": 2.0,
        "start": 1.5,
        "is_final": True,
        "speech_final": False,
        "channel": {
            "alternatives": [
                {
                    "transcript": "good day",
                    "confidence": 0.9,
                    "words": [
                        {
                            "word": "good",
                            "start": 1.5,
                            "end": 1.9,
                            "confidence": 0.8,
                            "punctuated_word": "good",
                            "speaker": 0,
                        },
                        {"word": "day", "start": 2.0, "end": 2.5, "confidence": 1.0, "punctuated_word": "day."},
                    ],
                }
            ]
        },
        "metadata": {
            "request_id": "id",
            "model_info": {"name": "small", "version": "", "arch": "vosk"},
            "model_uuid": "id",
        },
    }


def test_a_recognizer_without_word_times_has_an_empty_list_and_no_confidence() -> None:
    bare = Results(transcript="hello", is_final=True, speech_final=True, start=0, duration=1, backend="moonshine")
    (alternative,) = results_message(bare, request_id="id", model="tiny")["channel"]["alternatives"]
    assert alternative == {"transcript": "hello", "confidence": 0.0, "words": []}


def test_metadata_says_how_much_was_processed() -> None:
    assert metadata_message(request_id="id", created="2026-11-01T12:00:00.000Z", duration=63.1) == {
        "type": "Metadata",
        "transaction_key": "deprecated",
        "request_id": "id",
        "sha256": "",
        "created": "2026-11-01T12:00:00.000Z",
        "duration": 63.1,
        "channels": 1,
    }
