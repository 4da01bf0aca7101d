"""The languages of a scripted server: what its messages look like and what it understands. Pure.

docs: Deepgram's ``/v1/listen``, voxcli's ``/ws/transcribe`` with and without ``voxcli.v1``, and vosk-server's.
"""

from __future__ import annotations

import json
from enum import Enum, auto
from typing import Any

from oracle import RATE, SpokenWord
from scripted_session import Behaviour, Said, Session

Shape = dict[str, Any]


class Command(Enum):
    """What a text message asks for."""

    FINISH = auto()
    FINALIZE = auto()
    NOTHING = auto()
    REPLY = auto()
    """The text was taken for audio."""
    DIE = auto()


class Dialect:
    """What all dialects share; the ones below say what is different."""

    lock_step = False
    """Whether each message of audio is answered by exactly one result."""
    longest_quiet = 0.0
    """Seconds of audio after which there is a result in any case; 0 for no such promise."""
    final_when_idle: float | None = None

    def result(self, said: Said, behaviour: Behaviour) -> Shape | None:
        """A result as a message; None where it is not worth one."""
        raise NotImplementedError

    def receipt(self, session: Session, seconds: float) -> Shape | None:
        """The last message of a finished session; None where there is none."""

    def trouble(self, message: str) -> Shape:
        """An error as a message."""
        return {"type": "Error", "code": "trouble", "message": message, "hint": "This is a test."}

    def command(self, text: str) -> Command:
        """What a text message asks for: parsed as JSON, never compared."""
        kind = json.loads(text).get("type")
        return {"CloseStream": Command.FINISH, "Finalize": Command.FINALIZE}.get(kind, Command.NOTHING)


class Deepgram(Dialect):
    """``/v1/listen``."""

    def result(self, said: Said, behaviour: Behaviour) -> Shape:
        words = [
            {"word": name, "start": start, "end": end, "confidence": 0.99, "punctuated_word": name}
            for name, start, end in said.words
        ]
        alternative = {
            "transcript": said.transcript,
            "confidence": 0.99 if said.words else 0.0,
            "words": words if behaviour.words else [],
        }
        return {
            "type": "Results",
            "channel_index": [0, 1],
            "start": said.start / RATE,
            "duration": (said.end - said.start) / RATE,
            "is_final": said.is_final,
            "speech_final": said.is_final and behaviour.speech_final,
            **({"from_finalize": True} if said.from_finalize else {}),
            "channel": {"alternatives": [alternative]},
            "metadata": {
                "request_id": "00000000-0000-4000-8000-000000000000",
                "model_info": {"name": "scripted", "version": "1", "arch": "scripted"},
                "model_uuid": "00000000-0000-4000-8000-000000000001",
            },
        }

    def receipt(self, session: Session, seconds: float) -> Shape:
        return {
            "type": "Metadata",
            "transaction_key": "deprecated",
            "request_id": "00000000-0000-4000-8000-000000000000",
            "sha256": "",
            "created": "2026-11-02T12:00:00.000Z",
            "duration": seconds,
            "channels": 1,
        }

    def trouble(self, message: str) -> Shape:
        return {"type": "Error", "variant": "SchemaError", "description": message, "code": "TROUBLE"}


class Voxcli(Dialect):
    """``/ws/transcribe`` for a client that does not offer ``voxcli.v1``: nothing but results."""

    final_when_idle = 0.3

    def result(self, said: Said, behaviour: Behaviour) -> Shape | None:
        message: Shape = {
            "transcript": said.transcript,
            "is_final": said.is_final,
            "speech_final": said.is_final and behaviour.speech_final,
        }
        if not behaviour.times:
            return message
        message |= {"start": said.start / RATE, "duration": (said.end - said.start) / RATE, "confidence": 0.99}
        if behaviour.words:
            message["words"] = [_flat_word(word) for word in said.words]
        return message | {"channel": 0}


class VoxcliV1(Voxcli):
    """``/ws/transcribe`` with ``voxcli.v1``."""

    final_when_idle = None
    longest_quiet = 5.0

    def result(self, said: Said, behaviour: Behaviour) -> Shape | None:
        number = {"seq": said.number} if said.is_final else {}
        return {"type": "Results", **number, **(super().result(said, behaviour) or {})}

    def receipt(self, session: Session, seconds: float) -> Shape:
        return {"type": "Metadata", "duration": seconds, "finals": len(session.finals)}


class Plain(Dialect):
    """``/ws/transcribe`` of the simplest server: three fields, for words only; a text message kills it."""

    final_when_idle = 0.3

    def result(self, said: Said, behaviour: Behaviour) -> Shape | None:
        if not said.words:
            return None
        speech_final = said.is_final and behaviour.speech_final
        return {"transcript": said.transcript, "is_final": said.is_final, "speech_final": speech_final}

    def command(self, text: str) -> Command:
        return Command.DIE


class Vosk(Dialect):
    """vosk-server: lock-step, commands compared as strings, 8,000 samples a second unless it is told otherwise."""

    lock_step = True

    def __init__(self) -> None:
        self.rate = 8_000

    def result(self, said: Said, behaviour: Behaviour) -> Shape:
        if not said.is_final:
            return {"partial": said.transcript}
        if not behaviour.words or not said.words:
            return {"text": said.transcript}
        slower = RATE / self.rate
        words = [
            {"conf": 1.0, "end": round(end * slower, 6), "start": round(start * slower, 6), "word": name}
            for name, start, end in said.words
        ]
        return {"result": words, "text": said.transcript}

    def command(self, text: str) -> Command:
        if '"config"' in text:
            self.rate = int(json.loads(text)["config"].get("sample_rate", self.rate))
            return Command.NOTHING
        return {'{"eof" : 1}': Command.FINISH, '{"reset" : 1}': Command.FINALIZE}.get(text, Command.REPLY)

    def trouble(self, message: str) -> Shape:
        return {"error": message}


DIALECTS: dict[str, type[Dialect]] = {"deepgram": Deepgram, "voxcli": Voxcli, "plain": Plain, "vosk": Vosk}
"""By the name that a server is given."""

PATHS = {"/v1/listen": "deepgram", "/ws/transcribe": "voxcli", "/": "vosk"}
"""The dialect of a path, for a server that is given none."""


def _flat_word(word: SpokenWord) -> Shape:
    return {"word": word.name, "start": word.start, "end": word.end, "confidence": 0.99}
