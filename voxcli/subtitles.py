"""Final results as subtitles: cues that are told once each, in order, as soon as nothing can change them any more.

A cue is of one speaker and has no pause in it. It lasts as long as it is spoken, and longer where it could not be read
in that time, into the silence behind it but never into the next cue. So the newest is held back until the next begins
or until finals have covered enough audio. Where the next follows at once, the two are joined if one speaker says both;
else they begin a little earlier or later than they are spoken, so that none flashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from voxcli.events import Event, Gap, Results, Summary, Word
from voxcli.printable import printable
from voxcli.transcript import speech_end, speech_start
from voxcli.typesetting import LEAST_MS, Piece, breakable, cells, cues, fits, lines

PAUSE_MS = 1_000
"""A silence within an utterance that ends a cue."""

CELLS_A_SECOND = 17
"""How fast a cue can be read, in Latin letters; a Chinese, Japanese or Korean character counts as two."""

_MOST_OPEN = 120
"""So many pieces of an utterance that does not end are enough to choose from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """A subtitle: no control characters, and no line wider than 42 cells, the label of its speaker included."""

    start_ms: int
    """Milliseconds from the start of the first source."""
    end_ms: int
    """At least 700 later, and no later than the next cue's start."""
    lines: tuple[str, ...]
    """One or two."""
    speaker: int | None = None
    """Who says it, where speakers are told apart."""


class Subtitles:
    """Feed it every event in order, and the end of each utterance; it returns the cues that have become certain.

    A source's clock begins where the one before ended.
    """

    def __init__(self) -> None:
        self._open: list[Piece] = []
        self._held: Sequence[Piece] = ()
        self._certain: list[Cue] = []
        self._base = 0
        self._heard = 0
        self._newest_start = 0
        self._shown_until = 0
        self._backend = ""
        self._speaker: int | None = None

    def add(self, event: Event) -> list[Cue]:
        """The cues that this event makes certain."""
        match event:
            case Results(is_final=True):
                self._add_final(event)
            case Gap():
                self._end_utterance()
                self._hear(event.end)
            case Summary():
                self._hear(event.audio_seconds)
                self._end_source(event.audio_seconds)
            case _:
                pass
        return self._taken()

    def end_utterance(self) -> list[Cue]:
        """The utterance that is being said has ended; the cues that this makes certain."""
        self._end_utterance()
        self._give_what_is_certain()
        return self._taken()

    def finish(self) -> list[Cue]:
        """The cues that are left when nothing more comes."""
        self._finish()
        return self._taken()

    def _taken(self) -> list[Cue]:
        taken, self._certain = self._certain, []
        return taken

    def _add_final(self, final: Results) -> None:
        if final.backend != self._backend:
            self._end_utterance()
            self._backend = final.backend
        for piece in self._pieces(final):
            self._add_piece(piece)
        if final.speech_final:
            self._end_utterance()
        self._commit()
        self._hear(final.end)

    def _pieces(self, final: Results) -> Iterator[Piece]:
        """What a final says, piece by piece; a word without a speaker goes to who spoke last."""
        for token in _tokens(final):
            self._speaker = self._speaker if token.speaker is None else token.speaker
            parts = breakable(printable(token.text), self._speaker)
            for number, (part, (start, end)) in enumerate(_shared(parts, token.start, token.end)):
                self._newest_start = max(self._newest_start, self._base + _milliseconds(start))
                yield Piece(
                    text=part,
                    start=self._newest_start,
                    end=max(self._newest_start, self._base + _milliseconds(end)),
                    speaker=self._speaker,
                    glued=number > 0 or token.glued,
                    width=cells(part),
                )

    def _add_piece(self, piece: Piece) -> None:
        if self._open:
            last = self._open[-1]
            if piece.speaker != last.speaker or piece.start - last.end >= PAUSE_MS:
                self._end_cues()
        if len(self._open) >= _MOST_OPEN:
            self._commit()
        self._open.append(piece)

    def _commit(self) -> None:
        """Hold the cues of the open utterance that are full."""
        parts = cues(self._open, is_open=True)
        for full in parts[:-1]:
            self._hold(full)
        self._open = [*parts[-1]] if parts else []

    def _end_cues(self) -> None:
        """No cue goes on here."""
        for pieces in cues(self._open):
            self._hold(pieces)
        self._open = []

    def _end_utterance(self) -> None:
        self._end_cues()
        self._speaker = None

    def _end_source(self, audio_seconds: float) -> None:
        self._finish()
        self._base += _milliseconds(audio_seconds)
        self._newest_start = self._base
        self._shown_until = max(self._shown_until, self._base)
        self._backend = ""

    def _finish(self) -> None:
        self._end_utterance()
        if self._held:
            self._give(self._heard)

    def _hear(self, upto: float) -> None:
        """Finals have covered the audio up to here."""
        self._heard = max(self._heard, self._base + _milliseconds(upto))
        if self._open and self._heard - self._open[-1].end >= PAUSE_MS:
            self._end_cues()
        self._give_what_is_certain()

    def _give_what_is_certain(self) -> None:
        if not self._held:
            return
        if not self._open and self._wanted_end() <= self._heard:
            self._give(self._heard)
        elif self._open and not self._is_too_close(self._open[0]):
            self._give(self._open[0].start)

    def _hold(self, pieces: Sequence[Piece]) -> None:
        """Hold a cue back, after giving the one that was held, whose end it decides."""
        if self._held and self._is_too_close(pieces[0]) and self._held[0].speaker == pieces[0].speaker:
            joined = [*self._held, *pieces]
            if fits(joined):
                self._held = joined
                return
        if self._held:
            self._give(pieces[0].start)
        self._held = pieces

    def _is_too_close(self, following: Piece) -> bool:
        """Whether a cue that begins with this piece leaves the one that is held too little time."""
        return following.start - max(self._held[0].start, self._shown_until) < LEAST_MS

    def _wanted_end(self) -> int:
        """Until when the cue that is held should stay."""
        start = max(self._held[0].start, self._shown_until)
        reading = 1_000 * sum(cells(line) for line in lines(self._held)) // CELLS_A_SECOND
        return max(self._held[-1].end, start + max(LEAST_MS, reading))

    def _give(self, upto: int) -> None:
        """Tell the cue that is held, which may stay until ``upto``: earlier or longer where that would be too short."""
        pieces, upto = self._held, max(upto, self._held[0].start)
        start = max(min(pieces[0].start, upto - LEAST_MS), self._shown_until)
        self._shown_until = max(min(self._wanted_end(), upto), start + LEAST_MS)
        self._certain.append(
            Cue(start_ms=start, end_ms=self._shown_until, lines=lines(pieces), speaker=pieces[0].speaker)
        )
        self._held = ()


@dataclass(frozen=True, slots=True)
class _Token:
    """A word as it stands in a text, with its time."""

    text: str
    start: float
    end: float
    speaker: int | None
    glued: bool


def _tokens(final: Results) -> Iterable[_Token]:
    """The words of a final. Without word times its speech is shared out among them by their characters."""
    texts = final.transcript.split()
    if not texts:
        return []
    whole = Word(word=final.transcript, start=speech_start(final), end=speech_end(final), confidence=0)
    words = final.words or (whole,)
    written = texts if len(texts) == len(words) else [word.punctuated_word or word.word for word in words]
    spoken = [
        (text, span, word.speaker)
        for written_word, word in zip(written, words, strict=True)
        for text, span in _shared(written_word.split(), word.start, word.end)
    ]
    glued = _glued([text for text, _, _ in spoken], final.transcript)
    return [_Token(text, *span, speaker, glue) for (text, span, speaker), glue in zip(spoken, glued, strict=True)]


def _glued(texts: Sequence[str], transcript: str) -> list[bool]:
    """Of each text whether no space is before it in the transcript, if the texts are what that is made of."""
    if "".join(texts) != "".join(transcript.split()):
        return [False] * len(texts)
    glued, rest = [], " " + transcript
    for text in texts:
        glued.append(not rest[0].isspace())
        rest = rest.lstrip()[len(text) :]
    return glued


def _shared(texts: Sequence[str], start: float, end: float) -> Iterator[tuple[str, tuple[float, float]]]:
    """Each text with its part of a span, in proportion to its characters."""
    total, said = sum(map(len, texts)), 0
    for text in texts:
        begin, said = said, said + len(text)
        yield text, (start + (end - start) * begin / total, start + (end - start) * said / total)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1_000)
