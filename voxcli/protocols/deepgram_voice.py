"""One channel of a ``/v1/listen`` stream: when speech has started, when it ends, and what answers a Finalize.

Source: Deepgram's documentation of endpointing, interim results, UtteranceEnd, SpeechStarted and Finalize.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from voxcli.audio import samples, seconds
from voxcli.events import Results
from voxcli.protocols import deepgram_server
from voxcli.protocols.deepgram_server import ListenWish

MOST_MARKS = 100
"""Finalize messages that wait for their finals."""

TOLERANCE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Naming:
    """What every message of a stream says of it."""

    request_id: str
    model: str
    channels: int


class Voice:
    """Results in, messages out, in their order. ``kept``: whether a message must arrive, as an interim need not."""

    def __init__(self, wish: ListenWish, channel: int = 0) -> None:
        self.channel = channel
        self._wish = wish
        self._marks: deque[int] = deque(maxlen=MOST_MARKS)
        self._is_speaking = False
        self._last_word_end: float | None = None
        self._has_open_words = False

    def finalize(self, head: int, covered: int) -> bool:
        """A final over the first ``head`` samples is wanted; whether one will come by itself."""
        if covered >= head:
            return False
        self._marks.append(head)
        return True

    def nothing_to_finalize(self, head: int, naming: Naming, backend: str) -> str:
        """The answer where all is final already: an empty one."""
        empty = Results(
            transcript="", is_final=True, speech_final=True, start=seconds(head), duration=0.0, backend=backend,
            channel=self.channel,
        )  # fmt: skip
        return self._message(empty, naming, speech_final=True, from_finalize=True)

    def hear(self, result: Results, naming: Naming) -> list[tuple[str, bool]]:
        """Each message, and whether it is an interim, which only the newest of counts."""
        messages = self._started(result, naming)
        if not result.is_final:
            self._has_open_words = bool(result.transcript) or self._has_open_words
            text = self._message(result, naming, speech_final=False, from_finalize=False)
            return messages + ([(text, True)] if self._wish.interim else [])
        self._note_words(result)
        is_asked = self._is_asked_for(result)
        text = self._message(
            result, naming, speech_final=is_asked or self._ends_utterance(result), from_finalize=is_asked
        )
        return [*messages, (text, False), *[(end, False) for end in self.progress(result.end, naming)]]

    def progress(self, upto: float, naming: Naming) -> list[str]:
        """The audio up to there was heard: whether an utterance has ended in it."""
        last, patience = self._last_word_end, self._wish.utterance_end
        if last is None or self._has_open_words or (patience is not None and upto - last < patience):
            return []
        if patience is None:
            return []
        self._last_word_end, self._is_speaking = None, False
        return [deepgram_server.utterance_end(last, self.channel, naming.channels)]

    def _started(self, result: Results, naming: Naming) -> list[tuple[str, bool]]:
        if not result.transcript or self._is_speaking:
            return []
        self._is_speaking = True
        if not self._wish.vad_events:
            return []
        begin = result.words[0].start if result.words else result.speech_start
        at = result.start if begin is None else begin
        return [(deepgram_server.speech_started(at, self.channel, naming.channels), False)]

    def _note_words(self, final: Results) -> None:
        self._has_open_words = False
        if final.transcript:
            self._last_word_end = _speech_end(final)
        if self._ends_utterance(final):
            self._is_speaking = False

    def _ends_utterance(self, final: Results) -> bool:
        """``speech_final``: after so much silence as was asked for, where it is known how much there was."""
        silence = self._wish.endpointing
        if silence is None or not final.speech_final:
            return False
        return not final.words or final.end - final.words[-1].end >= silence

    def _is_asked_for(self, final: Results) -> bool:
        """Whether this final answers a Finalize."""
        answered = False
        while self._marks and samples(final.end + TOLERANCE_SECONDS) >= self._marks[0]:
            self._marks.popleft()
            answered = True
        return answered

    def _message(self, result: Results, naming: Naming, *, speech_final: bool, from_finalize: bool) -> str:
        return deepgram_server.results(
            result,
            request_id=naming.request_id,
            model=naming.model,
            channels=naming.channels,
            speech_final=speech_final,
            from_finalize=from_finalize,
        )


def _speech_end(final: Results) -> float:
    if final.words:
        return final.words[-1].end
    return final.end if final.speech_end is None else final.speech_end
