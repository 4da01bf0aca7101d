"""How long to wait, and whether to try again: pure decisions over given times and a given source of chance.

Times are seconds on any one clock that does not run backwards. ``chance`` gives numbers from 0 up to 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from math import isfinite

JITTER = 0.2
"""A delay differs from the plan by up to this part of it, so that many clients do not come back at once."""

MOST_DELAY = 5.0
"""However many retries are allowed, none waits longer."""

SHORT_LIFE, SHORT_LIVES = 5.0, 3
"""So many connections that ended so soon and brought nothing are enough, whatever ``retries`` says."""

LIMITED_DELAYS = (1.0, 2.0, 4.0)
MOST_RETRY_AFTER = 60.0


class Verdict(Enum):
    """What an answer of a server means for the next try."""

    TRANSIENT = "transient"
    LIMITED = "limited"
    DENIED = "denied"
    PERMANENT = "permanent"


def of_status(status: int) -> Verdict:
    """An HTTP status that refused the upgrade (RFC 9110, section 15; RFC 6585)."""
    if status == 429:
        return Verdict.LIMITED
    if status in (401, 402, 403):
        return Verdict.DENIED
    if status in (408, 425):
        return Verdict.TRANSIENT
    return Verdict.TRANSIENT if 500 <= status <= 599 and status not in (501, 505) else Verdict.PERMANENT


def of_close(code: int) -> Verdict:
    """A close code that a server sent (RFC 6455, section 7.4.1; 44xx are our own, after HTTP's statuses)."""
    if code in (1013, 4429):
        return Verdict.LIMITED
    if code in (1002, 1003, 1007, 1008, 1009):
        return Verdict.PERMANENT
    if code in (4401, 4402, 4403):
        return Verdict.DENIED
    return Verdict.PERMANENT if 4400 <= code <= 4499 and code != 4408 else Verdict.TRANSIENT


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait from a Retry-After header, seconds or a date (RFC 9110, section 10.2.3), at most 60.

    ``now`` is the time in seconds since 1970. None for no header, or one that says nothing.
    """
    if value is None:
        return None
    try:
        wait = float(value) if value.strip().isdigit() else parsedate_to_datetime(value).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, 0.0), MOST_RETRY_AFTER) if isfinite(wait) else None


@dataclass(frozen=True, slots=True)
class Retry:
    """The next try: its number, counted from 1, and the seconds until then."""

    attempt: int
    delay: float


class Retries:
    """Counts tries in vain since the last progress. Progress is a final over new audio, never a handshake."""

    def __init__(self, retries: int, base: float, chance: Callable[[], float]) -> None:
        self._retries = retries
        self._base = base
        self._chance = chance
        self._failed = self._limited = self._short_lives = 0

    @property
    def attempts(self) -> int:
        """How many tries there were since the last progress."""
        return self._failed + self._limited

    def progressed(self) -> None:
        """New audio was covered."""
        self._failed = self._limited = self._short_lives = 0

    def after_failure(self, lived: float | None) -> Retry | None:
        """The next try after a failure, or None to give up.

        ``lived``: how long a connection stood that brought nothing; None if there was none, or it did.
        """
        self._failed += 1
        self._short_lives += lived is not None and lived < SHORT_LIFE
        if self._failed > self._retries or self._short_lives >= SHORT_LIVES:
            return None
        return Retry(self._failed, self._jittered(min(self._base * 2 ** (self._failed - 1), MOST_DELAY)))

    def after_limit(self, asked: float | None) -> Retry | None:
        """The next try after the server said that there is too much at once; ``asked`` is what it asks to wait."""
        self._limited += 1
        if self._limited > self._retries:
            return None
        planned = LIMITED_DELAYS[min(self._limited, len(LIMITED_DELAYS)) - 1]
        return Retry(self._limited, planned if asked is None else asked)

    def _jittered(self, delay: float) -> float:
        return delay * (1 - JITTER + 2 * JITTER * self._chance())


class Pace:
    """How fast audio may be sent: ``speed`` audio seconds a second, and ``burst`` audio seconds at once."""

    def __init__(self, speed: float, burst: float = 1.0) -> None:
        self._speed = speed
        self._burst = burst
        self._free_at: float | None = None

    def delay(self, now: float, audio_seconds: float) -> float:
        """Seconds to wait before that much more audio is sent. Counts it as sent."""
        earliest = now - self._burst / self._speed
        begin = earliest if self._free_at is None else max(self._free_at, earliest)
        self._free_at = begin + audio_seconds / self._speed
        return max(0.0, begin - now)


class Dwell:
    """How long to stay with another recognizer before the first one is tried again: doubled while it flaps."""

    def __init__(self, least: float, most: float) -> None:
        self._least = least
        self._most = most
        self._times = 0

    def next(self) -> float:
        """Seconds to stay this time."""
        dwell = min(self._least * 2.0**self._times, self._most)
        self._times += 1
        return dwell

    def steady(self) -> None:
        """The first one has been well for long enough: begin anew."""
        self._times = 0
