from hypothesis import given
from hypothesis import strategies as st

from voxcli.printable import printable


def test_control_characters_become_visible() -> None:
    assert printable("\x1b[31mred\x1b[0m\r\n\t\x7f\x9b") == "␛[31mred␛[0m␍␊␉␡\ufffd"
    assert printable("a\u2028b\u2029c") == "a\u2424b\u2424c"


def test_everything_else_stays() -> None:
    assert printable("안녕하세요 [bold]café — ✓ é") == "안녕하세요 [bold]café — ✓ é"


@given(st.text())
def test_nothing_that_moves_a_cursor_is_left(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in shown)
    assert len(shown.splitlines()) <= 1
