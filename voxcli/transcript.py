"""Results folded into utterances: what one person would call a sentence, complete and in order.

An utterance ends at ``speech_final``, at an UtteranceEnd, at a Gap, where another recognizer takes over, at the end of
the source, or when three seconds of audio bring no new words (a server's ``speech_final`` may never come).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby

from voxcli.events import Event, Gap, Results, UtteranceEnd

QUIET_SECONDS = 3.0
"""Seconds of audio without new words after which an utterance counts as ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """What was said between two endpoints."""

    text: str
    start: float
    """Seconds from the start of the source, where its speech begins as far as is known."""
    end: float
    """Seconds from the start of the source."""
    backend: str
    """The recognizer that heard it."""
    speaker: int | None = None
    """Who said it, where speakers are told apart."""


class Transcript:
    """Feed it every event in order; it returns the utterances that have ended with it."""

    def __init__(self) -> None:
        self._finals: list[Results] = []
        self._said = ""
        self._interim = ""
        self._news_at = 0.0

    @property
    def open_text(self) -> str:
        """The utterance being said, as far as it is known: its finals and the newest interim."""
        return f"{self._said} {self._interim}".strip()

    def add(self, event: Event | UtteranceEnd) -> list[Utterance]:
        """The utterances that this event ends, oldest first; several where the speaker changes."""
        if isinstance(event, Gap):
            return self.finish()
        if isinstance(event, UtteranceEnd):
            return self._finish_confirmed()
        if not isinstance(event, Results):
            return []
        ended: list[Utterance] = []
        if self._finals and self._finals[-1].backend != event.backend:
            ended += self.finish()
        ended += self._add_final(event) if event.is_final else self._add_interim(event)
        return ended

    def finish(self) -> list[Utterance]:
        """End the open utterance here. An interim that no final confirmed is dropped."""
        finals, self._finals, self._said, self._interim = self._finals, [], "", ""
        return _by_speaker([part for final in finals for part in _parts(final)])

    def _add_final(self, final: Results) -> list[Utterance]:
        self._interim = ""
        if final.transcript:
            self._finals.append(final)
            self._said = f"{self._said} {final.transcript}".lstrip()
            self._news_at = final.end
        return self.finish() if final.speech_final or self._quiet_at(final.end) else []

    def _add_interim(self, interim: Results) -> list[Utterance]:
        if interim.transcript != self._interim:
            self._interim = interim.transcript
            self._news_at = interim.end
            return []
        return self._finish_confirmed() if self._quiet_at(interim.end) else []

    def _finish_confirmed(self) -> list[Utterance]:
        """End the open utterance here; an interim is of the next."""
        unconfirmed, ended = self._interim, self.finish()
        self._interim = unconfirmed
        return ended

    def _quiet_at(self, at: float) -> bool:
        return at - self._news_at >= QUIET_SECONDS


def _parts(final: Results) -> list[Utterance]:
    """What a final says, speaker by speaker; in one piece where its words name none."""
    words = final.words or ()
    if all(word.speaker is None for word in words):
        return [
            Utterance(text=final.transcript, start=speech_start(final), end=speech_end(final), backend=final.backend)
        ]
    return [
        Utterance(
            text=" ".join(word.punctuated_word or word.word for word in said),
            start=said[0].start,
            end=said[-1].end,
            backend=final.backend,
            speaker=speaker,
        )
        for speaker, said in ((speaker, list(run)) for speaker, run in groupby(words, lambda word: word.speaker))
    ]


def _by_speaker(parts: list[Utterance]) -> list[Utterance]:
    """Parts in order, joined where the same speaker goes on; a part without one goes to who spoke last."""
    joined: list[Utterance] = []
    for part in parts:
        last = joined[-1] if joined else None
        if last is not None and part.speaker in (last.speaker, None):
            joined[-1] = replace(last, text=f"{last.text} {part.text}", end=part.end, backend=part.backend)
        else:
            joined.append(part)
    return joined


def speech_start(result: Results) -> float:
    """Where the words of a result begin: its first word, its speech, or else its span."""
    if result.words:
        return result.words[0].start
    return result.start if result.speech_start is None else result.speech_start


def speech_end(result: Results) -> float:
    """Where the words of a result end: its last word, its speech, or else its span."""
    if result.words:
        return result.words[-1].end
    return result.end if result.speech_end is None else result.speech_end
