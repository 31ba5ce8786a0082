"""When to try again, and when to give up.

A host that could not hand on a letter must wait before it tries again, at least
half an hour, and must not give up before four or five days are over
(RFC 5321 §4.5.4.1).  What lies between is the host's choice; nearly all wait a
little longer after each failure:

    arrival  +30m  +1h  +2h  +4h  +4h  +4h … and one last try when the lifetime ends

A `Schedule` is that choice and nothing else: it holds no clock and draws no lot, it
computes.  `STYLES` has the choices of servers that one meets outside.

*Jitter.*  When a large destination comes back, all letters that failed in the same
minute are tried again in the same minute, and may knock it over once more.  A host
that lengthens or shortens each wait a little, by lot, spreads them.  The lot is
handed in, so that in the lab it comes from the seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from labmail.runtime.clock import duration

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def spell_duration(span: timedelta) -> str:
    """A span of time as people write it: ``"5d"``, ``"1h30m"``; ``"0s"`` for nothing."""
    rest = int(span.total_seconds())
    pieces = []
    for unit, seconds in _UNITS.items():
        number, rest = divmod(rest, seconds)
        if number:
            pieces.append(f"{number}{unit}")
    return "".join(pieces) or "0s"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A retry schedule, in lab time.

    The first wait is `first`, each further one `factor` times the one before,
    none longer than `maximum`.  A letter older than `lifetime` is given up.
    After `warn_after` its sender is told once that it is late; None tells nobody.
    `jitter` is the part by which the lot may lengthen or shorten a wait (0.1: a tenth).
    `most_tries` ends a letter's life after so many attempts, however young it is.

    Raises:
        ValueError: a span is not positive, waits would shrink, the jitter is not between
            0 and 1, or no attempt would be left.
    """

    first: timedelta = timedelta(minutes=30)
    factor: float = 2.0
    maximum: timedelta = timedelta(hours=4)
    lifetime: timedelta = timedelta(days=5)
    warn_after: timedelta | None = None
    jitter: float = 0.0
    most_tries: int | None = None

    def __post_init__(self) -> None:
        for name in ("first", "maximum", "lifetime"):
            if getattr(self, name) <= timedelta():
                raise ValueError(f"the schedule's {name} must be longer than 0s")
        if self.factor < 1:
            raise ValueError(
                f"factor {self.factor} would make waits shorter and shorter; use 1 or more"
            )
        if self.first > self.maximum:
            raise ValueError(
                f"the first wait ({spell_duration(self.first)}) is longer than the maximum "
                f"({spell_duration(self.maximum)}); raise maximum or lower first"
            )
        if not 0 <= self.jitter < 1:
            raise ValueError(f"jitter {self.jitter} is no part of a wait; use 0 up to 0.9")
        if self.most_tries is not None and self.most_tries < 1:
            raise ValueError("most_tries must be 1 or more: nothing is given up untried")

    @classmethod
    def of(
        cls,
        first: str = "30m",
        factor: float = 2.0,
        maximum: str = "4h",
        lifetime: str = "5d",
        warn_after: str | None = None,
        jitter: float = 0.0,
        most_tries: int | None = None,
    ) -> Schedule:
        """A schedule from durations as people write them.

        Raises:
            ValueError: a text is not a duration, or the schedule makes no sense.
        """
        warn = None if warn_after is None else duration(warn_after)
        return cls(
            duration(first), factor, duration(maximum), duration(lifetime), warn, jitter, most_tries
        )

    @classmethod
    def styled(cls, style: str, **changes: Any) -> Schedule:
        """A schedule from `STYLES`, with some of its words changed (see `of`).

        Raises:
            ValueError: there is no such style, or the schedule makes no sense.
        """
        if style not in STYLES:
            raise ValueError(f"there is no style {style!r}; there are: {', '.join(STYLES)}")
        return cls.of(**{**STYLES[style], **changes})

    def wait(self, attempts: int) -> timedelta:
        """How long to wait after this many failed attempts (1 or more), jitter apart."""
        wait = self.first
        for _ in range(attempts - 1):
            if wait >= self.maximum or self.factor == 1:
                break
            wait = min(wait * self.factor, self.maximum)
        return wait

    def expiry(self, arrived: datetime) -> datetime:
        """When a letter that arrived then is given up."""
        return arrived + self.lifetime

    def expired(self, arrived: datetime, now: datetime, attempts: int = 0) -> bool:
        """Whether an attempt that fails now, after so many with it, was the last one."""
        enough = self.most_tries is not None and attempts >= self.most_tries
        return enough or now >= self.expiry(arrived)

    def next_try(
        self, arrived: datetime, attempts: int, now: datetime, lot: float = 0.5
    ) -> datetime:
        """When to try again after this many attempts, the last of which failed now.

        lot: 0 to 1, draws the wait within its jitter; 0.5 is the plain wait.
        The end of the lifetime is never slept through: it is the moment of the last try.
        """
        drawn = self.wait(attempts) * (1 + self.jitter * (2 * lot - 1))
        again, end = now + drawn, self.expiry(arrived)
        return end if now < end < again else again

    def late(self, arrived: datetime, now: datetime) -> bool:
        """Whether the sender should hear by now that the letter is late."""
        return self.warn_after is not None and now >= arrived + self.warn_after

    def tries(self, arrived: datetime) -> tuple[datetime, ...]:
        """All attempts at a letter that nobody ever takes, the first and the last included."""
        return tuple(self._tries(arrived))

    def _tries(self, arrived: datetime) -> Iterator[datetime]:
        moment = arrived
        for attempts in count(1):
            yield moment
            if self.expired(arrived, moment, attempts):
                return
            moment = self.next_try(arrived, attempts, moment)


STYLES: dict[str, dict[str, Any]] = {
    "standard": {},
    "postfix": {"first": "5m", "maximum": "66m 40s"},
    "mox": {"first": "7.5m", "maximum": "8h", "most_tries": 8},
    "sendmail": {"first": "30m", "factor": 1.0, "maximum": "30m", "warn_after": "4h"},
}
"""Schedules like those of servers outside, in the words of `Schedule.of`.

standard   the lab's own: what RFC 5321 §4.5.4.1 asks for
postfix    minimal_backoff_time 300 s, doubled up to maximal_backoff_time 4000 s, for 5 days
mox        7.5 minutes, doubled each time; given up after eight tries, in 16 hours
sendmail   every half hour, as a queue run comes by; a word to the sender after 4 hours
"""
