"""Lab time.

Everything in a world of mail that has a date or waits for a time asks one
clock.  The clock of a notebook's lab stands still unless it is moved, so that
five days of retries pass in a second and every run shows the same dates.  The
clock of ``labmail up`` runs with real time, so that queues retry by themselves.

Sockets do not ask this clock: bytes move in real time.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

LAB_ZONE = timezone(timedelta(hours=7))
"""The lab's time zone: Hà Nội and Sài Gòn are seven hours ahead of UTC."""

LAB_MORNING = datetime(2026, 3, 2, 9, 0, tzinfo=LAB_ZONE)
"""When every lab begins: a Monday morning."""

LONGEST = timedelta(days=36525)
"""The longest time that lab time moves at once; dates end with the year 9999."""

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def duration(text: str | float | timedelta) -> timedelta:
    """Read a length of time: ``"4h"``, ``"80ms"``, ``"1d 12h"``, seconds, or a timedelta.

    Raises ValueError, naming the text, when it is not a length of time, or is negative or longer
    than `LONGEST`.
    """
    try:
        length = text if isinstance(text, timedelta) else timedelta(seconds=_seconds(text))
    except (OverflowError, ValueError) as error:
        problem = f"{text!r} is not a length of time: write it as '30m', '4h' or '1d 12h'"
        raise ValueError(problem) from error
    if length < timedelta(0):
        raise ValueError(f"lab time only moves forward, so {text!r} cannot be used")
    if length > LONGEST:
        raise ValueError(
            f"{text!r} is more than a hundred years: a letter is given up after days, so write a "
            "length like '5d'"
        )
    return length


def _seconds(text: str | float) -> float:
    """Raises ValueError, without words, for what is no number of seconds."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return text
    if not isinstance(text, str):
        raise ValueError
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])", text)
    if not parts or re.sub(r"\d+(?:\.\d+)?\s*(?:ms|[smhdw])|\s", "", text):
        raise ValueError
    return sum(float(n) * _UNITS[u] for n, u in parts)


class Clock:
    """Lab time that stands still unless `move_to` is called."""

    runs = False
    """Whether time passes by itself."""

    def __init__(self, start: datetime = LAB_MORNING) -> None:
        self._now = start

    def now(self) -> datetime:
        """Lab time now, with its zone."""
        return self._now

    def move_to(self, when: datetime) -> None:
        """Move lab time to `when`; raises ValueError when that lies in the past."""
        if when < self._now:
            raise ValueError(f"lab time is {self._now}: it cannot go back to {when}")
        self._now = when


class RunningClock(Clock):
    """Lab time that runs with real time, from real now."""

    runs = True

    def __init__(
        self, start: datetime | None = None, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(start or datetime.now(LAB_ZONE))
        self._ticks = ticks
        self._started = ticks()

    def now(self) -> datetime:
        return self._now + timedelta(seconds=self._ticks() - self._started)

    def move_to(self, when: datetime) -> None:
        ahead = when - self.now()
        if ahead < timedelta(0):
            raise ValueError(f"lab time is {self.now()}: it cannot go back to {when}")
        self._now += ahead
