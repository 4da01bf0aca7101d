"""The client's half of vosk-server's WebSocket protocol (alphacep/vosk-server, websocket/asr_server.py).

Its replies say nothing of which audio they cover, but each binary message has exactly one, and so have reset and eof:
they are counted off against what was sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from voxcli.audio import SAMPLE_BYTES, seconds
from voxcli.events import Results, Word
from voxcli.protocols import Asked, Finished, Heard, Message
from voxcli.protocols.reading import Fields, as_object, json_object, list_at, text_at, words_at

NAME = "vosk-server"

CONFIG = '{"config": {"sample_rate": 16000, "words": true}}'
# The server compares these two as strings, so the space before the colon counts.
RESET = '{"reset" : 1}'
EOF = '{"eof" : 1}'


def query(asked: Asked) -> list[tuple[str, str]]:
    """What the user names: the server reads no query, but something in front of it may."""
    return list(asked.parameters)


class _Awaited(NamedTuple):
    """A message that will be answered."""

    end: int
    """Samples sent up to and with it."""
    is_last: bool = False


class VoskServerCodec:
    """One connection to a vosk-server, which is one recognizer: its words' times count from the first sample sent."""

    subprotocols: Sequence[str] = ()
    channels = 1
    pace = None
    has_spans = True
    is_talkative = True
    gives_receipt = True
    keep_alive_seconds = None

    def __init__(self) -> None:
        self.sent_samples = self.acknowledged_samples = 0
        self._covered = 0
        self._awaited: deque[_Awaited] = deque()

    def rejoining(self) -> Mapping[str, str]:
        """Nothing: a new connection is a new session."""
        return {}

    def start(self, subprotocol: str | None) -> list[Message]:
        """The configuration, which has no reply. Without it the server expects 8,000 Hz and gives no words."""
        return [CONFIG]

    def audio(self, data: bytes) -> list[Message]:
        """The audio as it is; nothing for no audio."""
        if not data:
            return []
        self.sent_samples += len(data) // SAMPLE_BYTES
        return self._awaiting(data)

    def keep_alive(self) -> list[Message]:
        """Nothing: the server knows no such message, and no limit of idle time."""
        return []

    def finalize(self) -> list[Message]:
        """Reset: a final over what was sent so far."""
        return self._awaiting(RESET)

    def finish(self) -> list[Message]:
        """Eof: the last final, and the end of the connection."""
        return self._awaiting(EOF, is_last=True)

    def receive(self, message: Message) -> list[Heard]:
        """What a reply means; nothing for a binary message. Raises Malformed; that reply is counted off, too."""
        if isinstance(message, bytes):
            return []
        end, is_last = self._awaited.popleft() if self._awaited else _Awaited(self.sent_samples)
        self.acknowledged_samples = end
        heard = self._results(json_object(message), end)
        return [*heard, Finished(seconds(end))] if is_last else heard

    def _awaiting(self, message: Message, *, is_last: bool = False) -> list[Message]:
        self._awaited.append(_Awaited(self.sent_samples, is_last))
        return [message]

    def _results(self, reply: Fields, end: int) -> list[Heard]:
        if "alternatives" in reply:
            return self._final(_first(reply), end)
        if "text" in reply:
            return self._final(reply, end)
        if "partial" in reply:
            return [self._result(text_at(reply, "partial"), end, is_final=False)]
        return []

    def _final(self, reply: Fields, end: int) -> list[Heard]:
        """A final up to ``end``, unless it says nothing about nothing."""
        text, words = text_at(reply, "text"), words_at(reply, "result", confidence="conf")
        if not text and end == self._covered:
            return []
        final = self._result(text, end, is_final=True, words=words)
        self._covered = end
        return [final]

    def _result(self, text: str, end: int, *, is_final: bool, words: tuple[Word, ...] | None = None) -> Results:
        return Results(
            transcript=text,
            is_final=is_final,
            speech_final=is_final,
            start=seconds(self._covered),
            duration=seconds(end - self._covered),
            confidence=round(sum(word.confidence for word in words) / len(words), 4) if words else None,
            words=words,
            backend=NAME,
        )


def _first(reply: Fields) -> Fields:
    """The first alternative, which is the likeliest; an empty text where there is none."""
    alternatives = list_at(reply, "alternatives")
    return as_object(alternatives[0], "an alternative") if alternatives else {"text": ""}
