"""Audio that carries its own clock, ears that read it, and the judge of what a transcript lost or doubled.

Samples come in pairs: an even one is positive, the odd one behind it negative, and together they say at which sample
of the stream they stand. So the ears know the place of everything they are fed, however it was cut, paced, replayed
or dropped. The clock is exact and lasts for 37 hours; no sample is 0, so digital silence has no place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

RATE = 16_000
_LOW_VALUES = 32_767
_LONGEST_PAIRS = _LOW_VALUES * 32_768
_UNKNOWN = -9
_SHORTEST_RUN = 4  # samples; where two runs meet, a pair can be put together from both

Samples = npt.NDArray[np.int64]


class SpokenWord(NamedTuple):
    """A word and its time in seconds."""

    name: str
    start: float
    end: float


class Run(NamedTuple):
    """Fed samples that follow each other in the stream too."""

    fed: int
    """The index of the first one among all samples fed."""
    place: int
    """Its place in the stream."""
    length: int


def clocked_samples(first: int, samples: int) -> bytes:
    """The samples ``first`` to ``first + samples`` of the stream: linear16, one channel, 16 kHz."""
    if first < 0 or first + samples > 2 * _LONGEST_PAIRS:
        raise ValueError("the clock runs from 0 to 37 hours")
    return _values_at(np.arange(first, first + samples)).astype("<i2").tobytes()


def clocked_audio(seconds: float, start: float = 0.0) -> bytes:
    """``seconds`` of the stream, from ``start`` on."""
    first = round(start * RATE)
    return clocked_samples(first, round((start + seconds) * RATE) - first)


def silence(seconds: float) -> bytes:
    """Digital silence: it has no place and carries no words."""
    return bytes(2 * round(seconds * RATE))


@dataclass(frozen=True)
class Script:
    """What is spoken when: word ``k`` in the middle of the k-th ``word_every`` seconds, unless a silence is there."""

    word_every: float = 0.5
    word_length: float = 0.4
    silences: tuple[tuple[float, float], ...] = ()

    def words(self, seconds: float) -> list[SpokenWord]:
        """The words of the first seconds of the stream; the last one may end a little behind them."""
        return self.words_at(0, round(seconds * RATE))

    def words_at(self, first: int, behind: int) -> list[SpokenWord]:
        """The words whose midpoint is one of the samples from ``first`` to before ``behind``."""
        words: list[SpokenWord] = []
        for number in count(max(0, int(first / RATE / self.word_every) - 1)):
            middle = self._middle(number)
            if middle >= behind:
                return words
            word = self._word(number)
            if middle >= first and not self._is_silent(word):
                words.append(word)
        raise AssertionError("numbers do not end")

    def _middle(self, number: int) -> int:
        return round((number + 0.5) * self.word_every * RATE)

    def _word(self, number: int) -> SpokenWord:
        middle, half = (number + 0.5) * self.word_every, self.word_length / 2
        return SpokenWord(f"w{number:04d}", round(middle - half, 6), round(middle + half, 6))

    def _is_silent(self, word: SpokenWord) -> bool:
        return any(word.start < end and start < word.end for start, end in self.silences)


def expected(script: Script, seconds: float) -> list[str]:
    """The names of all words of the first seconds, in order."""
    return [word.name for word in script.words(seconds)]


class Ears:
    """A recognizer that knows exactly which words it was fed."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script or Script()
        self._fed = bytearray()

    @property
    def heard(self) -> int:
        """Whole samples fed so far."""
        return len(self._fed) // 2

    def feed(self, data: bytes) -> None:
        """Hear linear16 audio, cut anywhere, in the middle of a sample too."""
        self._fed += data

    def place(self, index: int) -> int | None:
        """Which sample of the stream the fed sample ``index`` is; None where that cannot be known."""
        return next((place + index - fed for fed, place, length in self.runs(index, index + 1) if length), None)

    def runs(self, start: int = 0, end: int | None = None) -> list[Run]:
        """The fed samples from ``start`` to before ``end`` in as few runs as there are; what has no place is left out.

        More than one run means that something was skipped, repeated or silent.
        """
        end = self.heard if end is None else min(end, self.heard)
        begin = max(0, start - _SHORTEST_RUN)
        values = np.frombuffer(bytes(self._fed[2 * begin : 2 * min(end + _SHORTEST_RUN, self.heard)]), "<i2")
        whole = [Run(begin + at, place, length) for at, place, length in _runs(_places_of(values.astype(np.int64)))]
        return [run for run in (_clipped(run, start, end) for run in whole) if run.length > 0]

    def words_between(self, start: int, end: int) -> list[SpokenWord]:
        """The words whose midpoint is among the fed samples from ``start`` to before ``end``.

        Their times are seconds on the clock of what was fed; they never lie outside of it.
        """
        words = []
        for fed, place, length in self.runs(start, end):
            shift = (fed - place) / RATE
            for name, begins, ends in self.script.words_at(place, place + length):
                clipped = max(0.0, begins + shift), min(ends + shift, self.heard / RATE)
                words.append(SpokenWord(name, round(clipped[0], 6), round(clipped[1], 6)))
        return words


@dataclass(frozen=True)
class Loss:
    """What is wrong with a transcript; ``check(...) == Loss()`` when nothing is."""

    lost: list[str] = field(default_factory=list)
    """Spoken and not in the transcript."""
    doubled: list[str] = field(default_factory=list)
    """In the transcript more often than once; as often as it is too much."""
    out_of_order: list[str] = field(default_factory=list)
    """First come behind a later word."""
    misplaced: list[str] = field(default_factory=list)
    """At the wrong time."""
    invented: list[str] = field(default_factory=list)
    """Never spoken."""


def check(
    words: Iterable[tuple[str, float, float]],
    script: Script,
    seconds: float,
    *,
    gaps: Sequence[tuple[float, float]] = (),
    tolerance: float = 0.1,
) -> Loss:
    """Compare the words of a transcript, with absolute times, with what was spoken in the first seconds.

    A word that touches one of the ``gaps`` may be missing, or be anywhere: what is left of it was heard beside what is
    not beside it. A word may have been cut at its beginning or at its end, as
    far as its midpoint, by the audio that was heard; otherwise it has to be where it was spoken.
    """
    given = [SpokenWord(*word) for word in words]
    truth = {word.name: word for word in script.words(seconds)}
    verdict = check_names([word.name for word in given], script, seconds, gaps=gaps)
    wrong = [
        word.name
        for word in given
        if word.name in truth and not _touches(truth[word.name], gaps) and not _fits(word, truth[word.name], tolerance)
    ]
    verdict.misplaced.extend(wrong)
    return verdict


def check_names(
    names: Sequence[str], script: Script, seconds: float, *, gaps: Sequence[tuple[float, float]] = ()
) -> Loss:
    """Compare the words of a transcript that has no times; best effort."""
    truth = script.words(seconds)
    order = {word.name: number for number, word in enumerate(truth)}
    firsts = list(dict.fromkeys(name for name in names if name in order))
    excused = {word.name for word in truth if _touches(word, gaps)}
    return Loss(
        lost=[word.name for word in truth if word.name not in excused.union(firsts)],
        doubled=[name for number, name in enumerate(names) if name in names[:number]],
        out_of_order=_behind_a_later_one(firsts, order.__getitem__),
        invented=[name for name in names if name not in order],
    )


def words_of(results: Iterable[Mapping[str, Any]]) -> list[SpokenWord]:
    """The words of the final results among lines of JSON or messages of ``/ws/transcribe``."""
    finals = (result for result in results if result.get("is_final"))
    return [SpokenWord(word["word"], word["start"], word["end"]) for final in finals for word in final.get("words", ())]


def names_of(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names in the transcripts of the final results among them."""
    return [name for result in results if result.get("is_final") for name in result["transcript"].split()]


def _touches(word: SpokenWord, gaps: Sequence[tuple[float, float]]) -> bool:
    return any(word.start < end and start < word.end for start, end in gaps)


def _fits(word: SpokenWord, truth: SpokenWord, tolerance: float) -> bool:
    middle = (truth.start + truth.end) / 2
    lies_inside = truth.start - tolerance <= word.start <= middle <= word.end <= truth.end + tolerance
    return lies_inside and (word.start <= truth.start + tolerance or word.end >= truth.end - tolerance)


def _behind_a_later_one(names: Iterable[str], number: Callable[[str], int]) -> list[str]:
    latest, behind = -1, []
    for name in names:
        if number(name) < latest:
            behind.append(name)
        latest = max(latest, number(name))
    return behind


def _values_at(places: Samples) -> Samples:
    high, low = np.divmod(places // 2, _LOW_VALUES)
    return np.where(places % 2 == 0, low + 1, -(high + 1))


def _places_of(values: Samples) -> Samples:
    """The place of each sample, or that it cannot be known."""
    places = np.full(len(values), _UNKNOWN)
    pairs = np.flatnonzero((values[:-1] > 0) & (values[1:] < 0))
    places[pairs] = 2 * ((-values[pairs + 1] - 1) * _LOW_VALUES + values[pairs] - 1)
    places[pairs + 1] = places[pairs] + 1
    for step in (1, -1):  # a run may begin or end in the middle of a pair
        neighbours = np.roll(np.append(places, _UNKNOWN), step)[: len(places)]
        guesses = np.maximum(neighbours + step, 0)
        fits = (places == _UNKNOWN) & (neighbours >= 0) & (_values_at(guesses) == values)
        places[fits] = guesses[fits]
    return places


def _runs(places: Samples) -> list[Run]:
    if not len(places):
        return []
    begins = np.flatnonzero(np.diff(places, prepend=_UNKNOWN) != 1)
    lengths = np.diff(np.append(begins, len(places)))
    found = zip(begins.tolist(), places[begins].tolist(), lengths.tolist(), strict=True)
    return [Run(*run) for run in found if run[1] >= 0 and run[2] >= _SHORTEST_RUN]


def _clipped(run: Run, start: int, end: int) -> Run:
    skipped = max(0, start - run.fed)
    return Run(run.fed + skipped, run.place + skipped, min(run.fed + run.length, end) - run.fed - skipped)
