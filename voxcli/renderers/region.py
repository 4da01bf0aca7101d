"""A few lines at the bottom of a terminal that are drawn again and again, under a scrollback that is never touched.

Between two drawings the cursor rests, hidden, at the start of the first line. So whatever a resize does to the lines
below it (some terminals wrap them anew, some cut them), erasing from the cursor to the end of the screen removes all
of it and nothing else. Rich's own Live keeps the cursor behind its lines and must guess how many rows they have become.
"""

from __future__ import annotations

import os
from contextlib import suppress

from rich.text import Text

from voxcli.renderers import Output

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"
_ERASE = "\r\x1b[2K\x1b7\x1b[B\x1b[J\x1b8"
"""The line of the cursor, then all below it. Erasing all at once from the very top of its screen, tmux would put what
it erases into the scrollback."""
_HOLD, _SHOW = "\x1b[?2026h", "\x1b[?2026l"  # synchronized output: the frame appears at once, where it is known


class Region:
    """Draws rendered lines, each of which must be narrower than ``columns()``.

    Lines that leave a fifth of the width free are best: then a window that is being dragged narrower wraps none of them
    before they are drawn again, and tmux, which moves the screen up for each line it wraps, stays where it is.
    """

    def __init__(self, output: Output) -> None:
        self._output = output
        self._lines: list[str] = []
        self._hidden = False

    def columns(self) -> int:
        """The width of the terminal now."""
        try:
            return os.get_terminal_size(self._output.stream.fileno()).columns or 80
        except OSError:
            return 80

    def draw(self, lines: list[str], *, again: bool = False) -> None:
        """Put these lines in the place of the ones before, if they differ or are wanted ``again``."""
        if again or lines != self._lines:
            self._output.write(self._drawing(lines))
            self._lines = lines

    def print(self, text: str, lines: list[str] | None = None) -> None:
        """Add a line to the scrollback, above the region, whose lines become these, if any are given."""
        if lines is not None:
            self._lines = lines
        self._output.write(f"{_ERASE}{text}\n{self._drawing(self._lines)}")

    def close(self) -> None:
        """Erase the region and give the cursor back."""
        if self._hidden:
            self._lines = []
            self._output.write(f"{_ERASE}{_SHOW_CURSOR}")
            self._hidden = False

    def _drawing(self, lines: list[str]) -> str:
        if not lines:
            return _ERASE
        up = f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
        body = "\n".join(lines)
        # Erased first, since a terminal that wraps anew remembers of a line that it was wrapped until it is erased. Not
        # wrapped, since a frame drawn for the old width would take more lines than ``up`` goes back.
        return f"{_HOLD}{self._hide()}{_ERASE}{_NO_WRAP}{body}{_WRAP}\r{up}{_SHOW}"

    def _hide(self) -> str:
        hide, self._hidden = ("" if self._hidden else _HIDE_CURSOR), True
        return hide

    def abandon(self) -> None:
        """The same as ``close`` in an emergency: from any thread, and on a terminal that takes nothing any more."""
        if self._hidden and hasattr(os, "set_blocking"):
            descriptor = self._output.stream.fileno()
            blocking = os.get_blocking(descriptor)
            os.set_blocking(descriptor, False)
            with suppress(OSError):
                os.write(descriptor, f"{_ERASE}{_SHOW_CURSOR}".encode())
            os.set_blocking(descriptor, blocking)


def newest(text: str, columns: int) -> Text:
    """The end of a text that fits into so many columns, an ellipsis where its beginning was cut off."""
    whole = Text(text)
    if whole.cell_len <= columns:
        return whole
    width, kept = 1, len(text)
    while kept and width + Text(text[kept - 1]).cell_len <= columns:
        kept -= 1
        width += Text(text[kept]).cell_len
    return Text("…" + text[kept:].lstrip())
