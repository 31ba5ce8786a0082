"""The forecast: exact where letters do not compete, fair where they do, conserved always."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labmail.queue.schedule import STYLES, Schedule
from labmail.queue.simulation import MINUTE, Outage, simulate
from labmail.runtime.clock import LAB_MORNING


def one_by_one(schedule: Schedule, letters: int, outage: Outage) -> tuple[Counter[int], int]:
    """Every letter by itself: how many attempts in which minute, and how many were given up."""
    attempts: Counter[int] = Counter()
    expired = 0
    for _ in range(letters):
        minute = tries = 0
        while True:
            now, tries = LAB_MORNING + minute * MINUTE, tries + 1
            attempts[minute] += 1
            if outage.room(minute, 1):
                break
            if schedule.expired(LAB_MORNING, now, tries):
                expired += 1
                break
            again = schedule.next_try(LAB_MORNING, tries, now)
            minute = -((LAB_MORNING - again) // MINUTE)  # the minute that has begun by then
    return attempts, expired


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("ends", [0, 29, 31, 480, 5 * 1440, 6 * 1440])
def test_without_a_crowd_it_is_what_each_letter_does_by_itself(style: str, ends: int) -> None:
    schedule, outage = Schedule.styled(style), Outage(0, ends)
    forecast = simulate(schedule, 3, 1, outage)
    attempts, expired = one_by_one(schedule, 3, outage)
    assert Counter({m: n for m, n in enumerate(forecast.attempts) if n}) == attempts
    assert forecast.expired == expired


schedules = st.builds(
    Schedule,
    first=st.integers(1, 90).map(lambda m: timedelta(minutes=m)),
    factor=st.floats(1, 3),
    maximum=st.integers(90, 600).map(lambda m: timedelta(minutes=m)),
    lifetime=st.integers(60, 2000).map(lambda m: timedelta(minutes=m)),
    jitter=st.floats(0, 0.9),
)
outages = st.builds(Outage, st.integers(0, 90), st.integers(0, 900), st.integers(1, 900))


@settings(deadline=None, max_examples=60)
@given(schedules, st.integers(1, 5000), st.integers(1, 200), outages)
def test_no_letter_is_lost_or_made(
    schedule: Schedule, letters: int, arriving: int, outage: Outage
) -> None:
    forecast = simulate(schedule, letters, arriving, outage)
    assert sum(forecast.taken) + forecast.expired == letters
    assert forecast.waits.total() == sum(forecast.taken)
    assert forecast.waiting[-1] == 0
    assert min(forecast.waiting) >= 0
    assert all(taken <= outage.room(m, letters) for m, taken in enumerate(forecast.taken))


def test_a_crowd_that_knocks_in_step_mostly_gives_up() -> None:
    """A million letters at once, and a destination that comes back with room for 5,000 a minute:
    in step, all knock in one minute of four hours, and nearly all are sent away again."""
    outage = Outage(0, 480, per_minute=5000)
    in_step = simulate(Schedule(), 1_000_000, 1, outage)
    spread = simulate(Schedule(jitter=0.25), 1_000_000, 1, outage)
    assert in_step.expired > 800_000
    assert spread.expired == 0
    assert spread.empty_at < 24 * 60
    assert max(spread.attempts[480:]) < in_step.peak // 10


def test_fixed_waits_knock_more_often_than_growing_ones() -> None:
    outage = Outage(0, 480, per_minute=5000)
    fixed = simulate(Schedule.of("30m", 1, "30m"), 1_000_000, 360, outage)
    growing = simulate(Schedule(), 1_000_000, 360, outage)
    assert sum(fixed.attempts) > 2 * sum(growing.attempts)
    assert fixed.waited(0.5) < growing.waited(0.5)


def test_how_long_letters_waited() -> None:
    forecast = simulate(Schedule(), 100, 1, Outage(0, 60))
    assert forecast.waits == Counter({90: 100})
    assert forecast.waited(0) == forecast.waited(0.5) == forecast.waited(1) == 90


def test_nobody_taken_is_no_wait() -> None:
    forecast = simulate(Schedule.of(lifetime="1h"), 5, 1, Outage(0, 90))
    assert forecast.expired == 5
    with pytest.raises(ValueError, match=r"of 0 letters"):
        forecast.waited(0.5)


@pytest.mark.parametrize(("letters", "arriving", "room"), [(0, 1, 5), (1, 0, 5), (1, 1, 0)])
def test_what_cannot_be_forecast(letters: int, arriving: int, room: int) -> None:
    with pytest.raises(ValueError, match="needs a letter"):
        simulate(Schedule(), letters, arriving, Outage(0, 1, room))
