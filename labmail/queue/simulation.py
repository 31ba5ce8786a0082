"""What a schedule does to a million letters, without a letter.

A large destination is away for some hours, and comes back able to take so many
letters a minute.  What does the queue look like meanwhile, how hard is the
destination knocked at, and how long do letters wait?  That depends on the
schedule; `simulate` computes it with the very `Schedule` that a running queue
obeys.

Letters that came in the same slice of time and have been tried equally often are
alike.  So they are counted, not kept: a *cohort* is a number.  A cohort that
fails moves on as a whole to its next minute; with jitter it is spread evenly over
the minutes that the lot could draw, which is what a million lots come to.  So
nothing is random, and a million letters cost as much as a thousand.

What does not fit: a minute is the smallest step, and a destination that can take
only some of those who knock takes a fair share of each cohort.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil

from labmail.queue.schedule import Schedule
from labmail.runtime.clock import LAB_MORNING

MINUTE = timedelta(minutes=1)
SLICES = 12
"""Into how many slices of time the arrival of the letters is cut."""
SPREAD = 48
"""Over how many minutes, at the most, the jitter spreads a cohort."""


@dataclass(frozen=True, slots=True)
class Outage:
    """A destination that takes nothing from minute `begins` to minute `ends`, and at any other
    time `per_minute` letters a minute; None: all that come."""

    begins: int
    ends: int
    per_minute: int | None = None

    def room(self, minute: int, knocking: int) -> int:
        """How many of those who knock in this minute are taken."""
        if self.begins <= minute < self.ends:
            return 0
        return knocking if self.per_minute is None else min(knocking, self.per_minute)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What came of it, minute by minute from the beginning.

    `waiting` letters are in the queue when the minute ends; `attempts` were made
    in it; `taken` left the queue for the destination.  `expired` letters were given
    up; `waits` counts letters by the minutes between arrival and being taken (to
    one slice of arrival exactly).
    """

    waiting: tuple[int, ...]
    attempts: tuple[int, ...]
    taken: tuple[int, ...]
    expired: int
    waits: Counter[int]

    @property
    def peak(self) -> int:
        """The most attempts in one minute: how hard the destination is knocked at."""
        return max(self.attempts, default=0)

    @property
    def empty_at(self) -> int:
        """The minute at whose end the queue was empty for good."""
        return len(self.waiting) - 1

    def waited(self, share: float) -> int:
        """Minutes within which this share (0 to 1) of the letters taken was there.

        Raises:
            ValueError: no letter was taken, or the share is not a share.
        """
        if not 0 <= share <= 1 or not self.waits:
            raise ValueError(f"{share} of {self.waits.total()} letters is no number of letters")
        wanted, seen = share * self.waits.total(), 0
        for minutes in sorted(self.waits):
            seen += self.waits[minutes]
            if seen >= wanted:
                break
        return minutes


@dataclass(frozen=True, slots=True)
class _Cohort:
    """Letters that are alike: when they came (a minute), and how often they have been tried."""

    arrived: int
    attempts: int


_Due = defaultdict[int, Counter[_Cohort]]
"""{minute: {cohort: letters}}: who knocks when."""


def simulate(schedule: Schedule, letters: int, arriving: int, outage: Outage) -> Forecast:
    """Let `letters` arrive evenly in the first `arriving` minutes (1: all at once), each tried
    at once and then as the schedule says, until none is left.

    Raises:
        ValueError: there is no letter, or no minute to arrive in, or the destination
            takes none when it is back.
    """
    if letters < 1 or arriving < 1 or outage.per_minute == 0:
        raise ValueError(
            "a forecast needs a letter, a minute to arrive in, and somebody who takes letters"
        )
    due = _arrivals(letters, arriving)
    waiting, attempts, taken = [], [], []
    waits: Counter[int] = Counter()
    expired = left = minute = 0
    while due:
        knocking = due.pop(minute, Counter())
        left += sum(n for cohort, n in knocking.items() if cohort.attempts == 0)
        total = knocking.total()
        room = outage.room(minute, total)
        for cohort, count, lucky in _shares(knocking, total, room):
            if lucky:
                waits[minute - cohort.arrived] += lucky
            expired += _put_off(schedule, due, cohort, minute, count - lucky)
        left -= room
        attempts.append(total)
        taken.append(room)
        waiting.append(left - expired)
        minute += 1
    return Forecast(tuple(waiting), tuple(attempts), tuple(taken), expired, waits)


def _arrivals(letters: int, arriving: int) -> _Due:
    """Minute by minute; all of a slice count as having come at its beginning."""
    due: _Due = defaultdict(Counter)
    for minute, count in enumerate(_even(letters, arriving)):
        slice_ = max(1, arriving // SLICES)
        if count:
            due[minute][_Cohort(minute // slice_ * slice_, 0)] += count
    return due


def _shares(
    knocking: Counter[_Cohort], total: int, room: int
) -> Iterator[tuple[_Cohort, int, int]]:
    """(cohort, letters, how many of them are taken): a fair share for each, exact in sum."""
    before = 0
    for cohort, count in knocking.items():
        after = before + count
        yield cohort, count, after * room // total - before * room // total
        before = after


def _put_off(schedule: Schedule, due: _Due, cohort: _Cohort, minute: int, count: int) -> int:
    """Write down when these letters, who have just failed, knock again; how many are given up."""
    if not count:
        return 0
    tried = cohort.attempts + 1
    if schedule.expired(_moment(cohort.arrived), _moment(minute), tried):
        return count
    following = _Cohort(cohort.arrived, tried)
    minutes = _next_minutes(schedule, following, minute)
    for again, share in zip(minutes, _even(count, len(minutes)), strict=True):
        if share:
            due[again][following] += share
    return 0


def _next_minutes(schedule: Schedule, cohort: _Cohort, minute: int) -> list[int]:
    """The minutes that the lot could draw, or `SPREAD` of them at equal distances."""

    def drawn(lot: float) -> int:
        arrived, now = _moment(cohort.arrived), _moment(minute)
        again = schedule.next_try(arrived, cohort.attempts, now, lot)
        return max(minute + 1, ceil((again - LAB_MORNING) / MINUTE))

    if not schedule.jitter:
        return [drawn(0.5)]
    first, last = drawn(0.0), drawn(1.0)
    steps = max(1, min(SPREAD, last - first))
    edges = [first + (last - first) * i // steps for i in range(steps + 1)]
    return [(a + b) // 2 for a, b in pairwise(edges)]


def _even(count: int, parts: int) -> list[int]:
    """`count` things in `parts` parts, as equal as can be."""
    return [count * (i + 1) // parts - count * i // parts for i in range(parts)]


def _moment(minute: int) -> datetime:
    return LAB_MORNING + minute * MINUTE
