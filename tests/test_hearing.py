"""What samples give away of a microphone, said once each."""

from __future__ import annotations

import pytest

from voxcli.hearing import FLOOR_DB, Hearing, decibels


def codes(hearing: Hearing, *blocks: tuple[int, float]) -> list[tuple[float, str]]:
    """What is said of tenths of a second, given as (peak, share that clips)."""
    told = []
    for number, (peak, share) in enumerate(blocks):
        told += [(notice.at, notice.code) for notice in hearing.note(number / 10, 0.1, peak, share / 10)]
    return told


def test_three_seconds_of_zeros_are_said_once() -> None:
    hearing = Hearing()
    assert codes(hearing, *[(0, 0.0)] * 100) == [(pytest.approx(2.9, abs=0.11), "muted")]
    assert codes(hearing, (5, 0.0), *[(0, 0.0)] * 100) == []


def test_a_quiet_room_is_not_muted() -> None:
    assert codes(Hearing(), *([(0, 0.0)] * 29 + [(1, 0.0)]) * 4) == []


def test_a_second_with_much_clipping_is_said_once() -> None:
    hearing = Hearing()
    assert [code for _, code in codes(hearing, *[(32_768, 0.02)] * 40)] == ["clipping"]
    assert codes(hearing, *[(32_768, 0.5)] * 40) == []


def test_a_peak_now_and_then_is_no_clipping() -> None:
    assert codes(Hearing(), *([(32_768, 0.05)] + [(9_000, 0.0)] * 9) * 5) == []


def test_an_overrun_is_said_once() -> None:
    hearing = Hearing()
    assert [notice.code for notice in hearing.overrun(4.0)] == ["overrun"]
    assert hearing.overrun(5.0) == []


def test_decibels() -> None:
    assert decibels(1.0) == 0.0
    assert decibels(0.1) == pytest.approx(-20)
    assert decibels(0.0) == decibels(1e-9) == FLOOR_DB
