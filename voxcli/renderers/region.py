"""A few lines at the bottom of a terminal that are drawn again and again, under a scrollback that is never touched.

Between two drawings the cursor rests, hidden, at the start of the first line. So whatever a resize does to the lines
below it (some terminals wrap them anew, some cut them), erasing from the cursor to the end of the screen removes all
of it and nothing else. Rich's own Live keeps the cursor behind its lines and must guess how many rows they have become.
"""

from __future__ import annotations

import os
from typing import TextIO

from rich.text import Text

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_ERASE_BELOW, _ERASE_RIGHT = "\x1b[J", "\x1b[K"


class Region:
    """Draws rendered lines, each of which must be narrower than ``columns()``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: list[str] = []
        self._hidden = False

    def columns(self) -> int:
        """The width of the terminal now."""
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except OSError:
            return 80

    def draw(self, lines: list[str]) -> None:
        """Put these lines in the place of the ones before."""
        if lines != self._lines:
            self._write(self._drawing(lines))
            self._lines = lines

    def print(self, text: str) -> None:
        """Add a line to the scrollback, above the region."""
        self._write(f"\r{_ERASE_BELOW}{text}\n{self._drawing(self._lines)}")

    def close(self) -> None:
        """Erase the region and give the cursor back."""
        if self._hidden:
            self._lines = []
            self._write(f"\r{_ERASE_BELOW}{_SHOW_CURSOR}")
            self._hidden = False

    def _drawing(self, lines: list[str]) -> str:
        if not lines:
            return f"\r{_ERASE_BELOW}"
        up = f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
        body = f"{_ERASE_RIGHT}\n".join(lines)
        return f"\r{self._hide()}{body}{_ERASE_RIGHT}{_ERASE_BELOW}\r{up}"

    def _hide(self) -> str:
        hide, self._hidden = ("" if self._hidden else _HIDE_CURSOR), True
        return hide

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


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
