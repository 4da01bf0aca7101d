"""What a session has to tell: finals in order and once, of interims the newest, never more than a bound."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.server.outbox import Outbox, TooSlow
from voxcli.server.tokens import Tokens, read_tokens, tokens_in


def numbered(seq: int) -> str:
    return f"final {seq}"


@given(st.lists(st.sampled_from(["final", "interim", "tell", "take"]), max_size=60), st.booleans())
def test_a_reader_that_keeps_up_misses_no_final(steps: list[str], forgets: bool) -> None:
    """Whatever comes between; an interim never comes behind the final that took its place."""
    outbox, place, came, told = Outbox(100, forgets=forgets), 0, [], 0
    for step in [*steps, "take"]:
        if step == "final":
            outbox.final(numbered)
        elif step == "interim":
            outbox.interim(f"interim after {outbox.finals}")
        elif step == "tell":
            told += 1
            outbox.tell(f"told {told}")
        else:
            taken = outbox.take(place)
            assert sum(text.startswith("interim") for text in taken) <= 1
            assert all(text == f"interim after {outbox.finals}" for text in taken if text.startswith("interim"))
            came += taken
            place = outbox.end
    assert [text for text in came if text.startswith("final")] == [numbered(n + 1) for n in range(outbox.finals)]
    assert [text for text in came if text.startswith("told")] == [f"told {n + 1}" for n in range(told)]


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 10))
def test_whoever_comes_back_is_told_what_it_missed(finals: int, last_seq: int, kept: int) -> None:
    """As long as it is still there."""
    outbox = Outbox(kept, forgets=False)
    for _ in range(finals):
        outbox.final(numbered)
        outbox.tell("told once")
    if outbox.can_resume(last_seq):
        assert outbox.missed(last_seq) == [numbered(seq) for seq in range(last_seq + 1, finals + 1)]
    else:
        assert last_seq > finals or last_seq < finals - kept // 2


def test_a_reader_that_does_not_keep_up_is_told_so() -> None:
    """Rather than that something were left out."""
    outbox = Outbox(3, forgets=True)
    for _ in range(4):
        outbox.final(numbered)
    with pytest.raises(TooSlow):
        outbox.take(0)


async def test_waiting_ends_when_something_came() -> None:
    """Also when it came before the wait began."""
    outbox = Outbox(3, forgets=True)
    outbox.final(numbered)
    await outbox.wait()
    outbox.wake()
    await outbox.wait()


async def test_whoever_waits_may_take_a_message_at_once() -> None:
    """And is left alone then; what it cannot take wakes it, and so does what is no message."""
    outbox, taken = Outbox(9, forgets=True), []

    def take() -> bool:
        taken.extend(outbox.take(outbox.end - 1))
        return len(taken) < 2

    waiting = asyncio.ensure_future(outbox.wait(take))
    await asyncio.sleep(0)
    outbox.final(numbered)
    await asyncio.sleep(0.01)
    assert not waiting.done()
    outbox.final(numbered)
    await waiting
    outbox.final(numbered)  # nobody waits: it is kept for the next one who comes
    assert taken == ["final 1", "final 2"]
    waiting = asyncio.ensure_future(outbox.wait(take))
    await waiting
    waiting = asyncio.ensure_future(outbox.wait(lambda: True))
    await asyncio.sleep(0)
    outbox.wake()
    await waiting


def test_tokens_in_a_text() -> None:
    """A word a line; what begins with # is none."""
    assert tokens_in("# a\n one \n\ntwo\none\n", "f") == ("one", "two")
    for bad in ("two words", "umlaut-ä", 'quo"te', "com,ma"):
        with pytest.raises(Exception, match="f: token 1 is not one word") as caught:
            tokens_in(bad, "f")
        assert bad not in str(caught.value)


def test_a_file_without_tokens_is_no_file_of_tokens(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Neither is a folder, or what is no text."""
    (tmp_path / "empty").write_text("#\n")
    (tmp_path / "noise").write_bytes(b"\xff\xfe\xff")
    for name in ("empty", "noise", "none", "."):
        with pytest.raises(Exception, match=r"token|text|file|directory"):
            read_tokens(tmp_path / name)


@pytest.mark.parametrize(
    ("authorization", "subprotocols", "is_good"),
    [
        ("Bearer one", (), True), ("token  two ", (), True), ("Bearer three", (), False), ("one", (), False),
        (None, ("voxcli.v1", "token", "one"), True), (None, ("token",), False), (None, (), False),
        (None, ("bearer", "two"), True), ("Basic one", ("token", "one"), True), ("Bearer \udcff", (), False),
    ],
)  # fmt: skip
def test_where_tokens_stand(authorization: str | None, subprotocols: tuple[str, ...], is_good: bool) -> None:
    """In the header, or behind ``token`` among the subprotocols."""
    assert Tokens(("one", "two")).admits(authorization, subprotocols) == is_good
    assert Tokens(()).admits(authorization, subprotocols)
