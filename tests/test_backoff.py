"""When to try again, how long to wait, and how fast to send."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.backoff import Dwell, Pace, Retries, Retry, Verdict, of_close, of_status, retry_after

NOW = datetime(2026, 11, 25, tzinfo=UTC).timestamp()


def middling() -> float:
    return 0.5


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 520, 524, 529])
def test_a_status_that_may_pass(status: int) -> None:
    assert of_status(status) is Verdict.TRANSIENT


@pytest.mark.parametrize("status", [400, 404, 405, 410, 413, 414, 415, 418, 422, 431, 501, 505, 301])
def test_a_status_that_stays(status: int) -> None:
    assert of_status(status) is Verdict.PERMANENT


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_status_about_who_asks(status: int) -> None:
    assert of_status(status) is Verdict.DENIED


def test_too_many_requests() -> None:
    assert (of_status(429), of_close(4429), of_close(1013)) == (Verdict.LIMITED,) * 3


@pytest.mark.parametrize("code", [1000, 1001, 1005, 1006, 1011, 1012, 1014, 4408, 3000, 4999])
def test_a_close_that_may_pass(code: int) -> None:
    assert of_close(code) is Verdict.TRANSIENT


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 4400, 4404, 4499])
def test_a_close_that_stays(code: int) -> None:
    assert of_close(code) is Verdict.PERMANENT


@pytest.mark.parametrize("code", [4401, 4402, 4403])
def test_a_close_about_who_asks(code: int) -> None:
    assert of_close(code) is Verdict.DENIED


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        (" 0 ", 0.0),
        ("3600", 60.0),
        ("9" * 400, None),
        (format_datetime(datetime(2026, 11, 25, 0, 0, 7, tzinfo=UTC), usegmt=True), 7.0),
        (format_datetime(datetime(2026, 11, 24, tzinfo=UTC), usegmt=True), 0.0),
        (format_datetime(datetime(2027, 11, 24, tzinfo=UTC), usegmt=True), 60.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


@given(st.text())
def test_retry_after_takes_any_text(value: str) -> None:
    wait = retry_after(value, NOW)
    assert wait is None or 0 <= wait <= 60


def test_three_tries_at_growing_distance() -> None:
    retries = Retries(3, 0.1, middling)
    assert [retries.after_failure(None) for _ in range(4)] == [
        Retry(1, pytest.approx(0.1)),
        Retry(2, pytest.approx(0.2)),
        Retry(3, pytest.approx(0.4)),
        None,
    ]
    assert retries.attempts == 4


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 60), st.floats(0.001, 10))
def test_a_delay_is_near_the_plan_and_never_long(chance: float, tries: int, base: float) -> None:
    retries = Retries(tries, base, lambda: chance)
    delays = [retries.after_failure(None) for _ in range(tries)]
    for number, retry in enumerate(delays):
        assert retry is not None
        planned = min(base * 2**number, 5.0)
        assert 0.8 * planned <= retry.delay <= 1.2 * planned
    assert retries.after_failure(None) is None


def test_progress_begins_anew() -> None:
    retries = Retries(1, 0.1, middling)
    for _ in range(10):
        assert retries.after_failure(None) == Retry(1, pytest.approx(0.1))
        assert retries.after_limit(None) == Retry(1, 1.0)
        retries.progressed()
    assert retries.attempts == 0


def test_three_short_lives_in_vain_are_enough() -> None:
    retries = Retries(100, 0.1, middling)
    assert retries.after_failure(0.01) is not None
    assert retries.after_failure(60.0) is not None
    assert retries.after_failure(4.9) is not None
    assert retries.after_failure(0.01) is None


def test_too_many_requests_have_a_budget_of_their_own() -> None:
    retries = Retries(4, 0.1, middling)
    assert [retries.after_limit(None) for _ in range(5)] == [
        Retry(1, 1.0), Retry(2, 2.0), Retry(3, 4.0), Retry(4, 4.0), None,
    ]  # fmt: skip
    assert retries.after_failure(None) == Retry(1, pytest.approx(0.1))


def test_what_the_server_asks_for_is_waited() -> None:
    assert Retries(3, 0.1, middling).after_limit(17.0) == Retry(1, 17.0)


def test_without_retries_the_first_failure_is_the_last() -> None:
    assert Retries(0, 0.1, middling).after_failure(None) is None
    assert Retries(0, 0.1, middling).after_limit(None) is None


def test_a_pace_lets_a_burst_through_and_then_holds() -> None:
    pace = Pace(1.25, burst=1.0)
    assert [pace.delay(10.0, 0.5) for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(0.4)]


def test_a_pace_saves_up_no_more_than_a_burst() -> None:
    pace = Pace(1.0, burst=1.0)
    pace.delay(0.0, 5.0)
    assert pace.delay(100.0, 1.0) == 0.0
    assert pace.delay(100.0, 1.0) == 0.0
    assert pace.delay(100.0, 1.0) == pytest.approx(1.0)


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0.02, 1)), max_size=40), st.floats(0.5, 3))
def test_a_pace_is_kept_over_any_stretch(steps: list[tuple[float, float]], speed: float) -> None:
    pace, now, sent = Pace(speed, burst=1.0), 0.0, 0.0
    for idle, audio in steps:
        now += idle
        now += pace.delay(now, audio)
        assert sent <= now * speed + 1.0 + 1e-6
        sent += audio


def test_a_dwell_doubles_while_it_flaps() -> None:
    dwell = Dwell(10.0, 60.0)
    assert [dwell.next() for _ in range(5)] == [10.0, 20.0, 40.0, 60.0, 60.0]
    dwell.steady()
    assert dwell.next() == 10.0
