"""Text that is safe to print: control characters become visible symbols, everything else stays as it is.

A transcript, a file name or a server's words may hold escape sequences; none of them may reach a terminal.
"""

from __future__ import annotations

_SYMBOLS = {code: chr(0x2400 + code) for code in range(0x20)}  # U+2400: the Control Pictures block of Unicode
_SYMBOLS[0x7F] = "\u2421"
_SYMBOLS.update(dict.fromkeys(range(0x80, 0xA0), "\ufffd"))
_SYMBOLS.update({0x2028: "\u2424", 0x2029: "\u2424"})


def printable(text: str) -> str:
    """The text in one line, each control character as a visible symbol (ESC as ␛, a line feed as ␊)."""
    return text if text.isprintable() else text.translate(_SYMBOLS)
