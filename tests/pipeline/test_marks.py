"""Where finals were asked for: in order, once each, no more than there may be, and never where one covers all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxcli.coverage import Coverage
from voxcli.pipeline.marks import MOST, Marks


def places(marks: Marks) -> list[int]:
    found, at = [], -1
    while (place := marks.first_after(at)) is not None:
        found.append(at := place)
    return found


@given(
    st.lists(st.one_of(st.integers(0, 5).map(lambda by: ("come", by)), st.just(("ask", 0)), st.just(("cover", 0)))),
    st.integers(0, 100),
)
def test_what_is_left_is_what_was_asked_for_and_is_not_covered(steps: list[tuple[str, int]], cut: int) -> None:
    settled, head, asked = Coverage(), 0, set[int]()
    marks = Marks(settled)
    for what, by in steps:
        if what == "come":
            head += by
        elif what == "ask":
            marks.add(head)
            asked.add(head)
        else:
            settled.add(0, head * cut // 100)
    assert places(marks) == [place for place in sorted(asked) if place > settled.first_uncovered]


@given(st.integers(1, 3 * MOST))
def test_of_too_many_the_first_and_the_newest_stay(count: int) -> None:
    marks = Marks(Coverage())
    for place in range(1, count + 1):
        marks.add(place)
    left = places(marks)
    assert len(left) == min(count, MOST)
    assert left[:-1] == list(range(1, min(count, MOST)))
    assert left[-1] == count
