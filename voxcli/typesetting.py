"""Words set in lines: a cue is at most two lines of 42 cells, and is broken where a reader would pause.

A cell is the width of a Latin letter; a Chinese, Japanese or Korean character takes two. Text is broken at its spaces.
Chinese and Japanese, which have none, may be broken between any two characters, though never before a closing mark or
after an opening one; a word that is wider than a line is cut. Times are whole milliseconds, as subtitles have them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

LINE_CELLS = 42
MOST_LINES = 2
LONGEST_MS = 7_000
"""A cue's words span no more than this, unless it is a single one."""
LEAST_MS = 700
"""No cue is shorter than this."""

_SENTENCE_ENDS, _CLAUSE_ENDS = ".?!…。？！", ",;:–—、，；："
_CLOSING_MARKS = "\"'”’)]»」』）"
_BREATH_MS = 300
_NOT_FIRST = {"Pe", "Pf", "Po", "Lm", "Mn", "Mc", "Me", "Cf"}
"""Categories of characters that never begin a line: closing marks, marks of length, what combines with a letter."""
_NOT_LAST = {"Ps", "Pi", "Cf"}
"""Categories of characters that never end one: opening marks, and what joins two characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What is set whole: a word, or a part of one that may be broken."""

    text: str
    start: int
    end: int
    speaker: int | None = None
    glued: bool = False
    """Whether it follows the piece before without a space."""
    width: int
    """Cells, without the space before it."""


def cells(text: str) -> int:
    """How many columns a text takes on a screen."""
    return sum(map(_cells_of, text)) if not text.isascii() else len(text)


def _cells_of(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def label(speaker: int | None) -> str:
    """What stands before the words of a speaker who is known."""
    return "" if speaker is None else f"Speaker {speaker}: "


def breakable(text: str, speaker: int | None) -> list[str]:
    """A word in the parts between which a line may end, each of which fits in a line, even behind the label."""
    room = LINE_CELLS - cells(label(speaker))
    parts: list[str] = []
    width = 0
    for before, character in zip("\0" + text, text, strict=False):
        size = _cells_of(character)
        if not parts or width + size > room or _may_part(before, character):
            parts.append("")
            width = 0
        parts[-1] += character
        width += size
    return parts


def _may_part(before: str, after: str) -> bool:
    """Whether a line may end between two characters that no space parts."""
    return (
        (_is_ideographic(before) or _is_ideographic(after))
        and unicodedata.category(after) not in _NOT_FIRST
        and unicodedata.category(before) not in _NOT_LAST
    )


def _is_ideographic(character: str) -> bool:
    """Whether it belongs to a script without spaces; Korean has them."""
    return _cells_of(character) == 2 and not unicodedata.name(character, "").startswith("HANGUL")


def lines(pieces: Sequence[Piece]) -> tuple[str, ...]:
    """Pieces that fit in a cue in one line, or in two of much the same length, the first after a mark or a breath."""
    width, indent = _width(pieces), cells(label(pieces[0].speaker))
    if indent + width <= LINE_CELLS:
        return (_joined(pieces),)

    def cost(at: int) -> float:
        above, below = indent + _width(pieces[:at]), _width(pieces[at:])
        if max(above, below) > LINE_CELLS:
            return float("inf")
        return abs(above - below) + _break_cost(pieces[at - 1], pieces[at])

    at = min(range(1, len(pieces)), key=cost)
    return _joined(pieces[:at]), _joined(pieces[at:])


def fits(pieces: Sequence[Piece]) -> bool:
    """Whether pieces of one speaker can be one cue."""
    return _reach(pieces, 0) == len(pieces)


def cues(pieces: Sequence[Piece], *, is_open: bool = False) -> list[Sequence[Piece]]:
    """Pieces of one speaker in cues: few, evenly filled, each ending at a mark or a breath where it can be helped.

    ``is_open``: more may follow the last of them, which is a line at least, unless a sentence has ended before it.
    """
    costs, froms = [0.0] + [float("inf")] * len(pieces), [0] * (len(pieces) + 1)
    for first in range(len(pieces)):
        width = 0
        for upto in range(first + 1, _reach(pieces, first) + 1):
            width += _added(pieces, first, upto - 1)
            cost = costs[first] + _cue_cost(pieces, first, upto, width, is_open=is_open)
            if cost <= costs[upto]:
                costs[upto], froms[upto] = cost, first
    parts: list[Sequence[Piece]] = []
    upto = len(pieces)
    while upto:
        parts.insert(0, pieces[froms[upto] : upto])
        upto = froms[upto]
    return parts


def _cue_cost(pieces: Sequence[Piece], first: int, upto: int, width: int, *, is_open: bool) -> float:
    """A cue costs 15; one that is almost empty 40 more, one that ends within a phrase 60."""
    is_last = upto == len(pieces)
    if is_last and is_open:
        return 15 if width >= LINE_CELLS else 75
    room = MOST_LINES * LINE_CELLS - cells(label(pieces[first].speaker))
    cost = 15 + 40 * (1 - width / room) ** 2
    if is_last:
        return cost
    flash = 200 if pieces[upto].start - pieces[first].start < LEAST_MS else 0
    return cost + flash + 3 * _break_cost(pieces[upto - 1], pieces[upto])


def _reach(pieces: Sequence[Piece], first: int) -> int:
    """Where a cue that begins with this piece ends at the latest: it takes one piece at least."""
    upto = _filled(pieces, first, LINE_CELLS - cells(label(pieces[first].speaker)))
    upto = _filled(pieces, upto, LINE_CELLS)
    while upto - first > 1 and pieces[upto - 1].end - pieces[first].start > LONGEST_MS:
        upto -= 1
    return upto


def _filled(pieces: Sequence[Piece], first: int, room: int) -> int:
    """Where a line of so many cells ends that begins with this piece."""
    upto, width = first, 0
    while upto < len(pieces):
        width += _added(pieces, first, upto)
        if width > room:
            break
        upto += 1
    return upto


def _added(pieces: Sequence[Piece], first: int, at: int) -> int:
    """Cells that the piece at this place adds to a line that begins with the first."""
    return pieces[at].width + (at > first and not pieces[at].glued)


def _break_cost(before: Piece, after: Piece) -> float:
    """How much a break between two pieces disturbs, in cells of unevenness."""
    mark = before.text.rstrip(_CLOSING_MARKS)[-1:]
    if mark and mark in _SENTENCE_ENDS:
        return 0
    if (mark and mark in _CLAUSE_ENDS) or after.start - before.end >= _BREATH_MS:
        return 6
    return 30 if after.glued else 20


def _width(pieces: Sequence[Piece]) -> int:
    """Cells of pieces in one line."""
    return sum(_added(pieces, 0, at) for at in range(len(pieces)))


def _joined(pieces: Sequence[Piece]) -> str:
    return pieces[0].text + "".join(piece.text if piece.glued else f" {piece.text}" for piece in pieces[1:])
