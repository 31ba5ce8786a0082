"""The schedule: waits as tables, the last try at the end of the lifetime."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.queue.schedule import Schedule, spell_duration
from labmail.runtime.clock import LAB_MORNING, duration


def waits(schedule: Schedule) -> list[str]:
    return [spell_duration(b - a) for a, b in pairwise(schedule.tries(LAB_MORNING))]


def test_the_default_waits_half_an_hour_first_and_four_hours_at_most() -> None:
    found = waits(Schedule())
    assert found[:5] == ["30m", "1h", "2h", "4h", "4h"]
    assert set(found[3:-1]) == {"4h"}


def test_the_last_try_is_at_the_end_of_the_lifetime() -> None:
    assert Schedule().tries(LAB_MORNING)[-1] == LAB_MORNING + timedelta(days=5)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule.of("1h", 1, "1h", "3h"), ["1h", "1h", "1h"]),
        (Schedule.of("10m", 3, "1d", "2h"), ["10m", "30m", "1h20m"]),
        (Schedule.of("1h", 2, "4h", "20m"), ["20m"]),
    ],
)
def test_waits(schedule: Schedule, expected: list[str]) -> None:
    assert waits(schedule) == expected


def test_after_the_lifetime_the_next_try_still_lies_in_the_future() -> None:
    late = LAB_MORNING + timedelta(days=9)
    assert Schedule().next_try(LAB_MORNING, 40, late) == late + timedelta(hours=4)


def test_a_schedule_from_words() -> None:
    words = Schedule.of("30m", 2, "4h", "5d", warn_after="4h")
    assert words == Schedule(warn_after=timedelta(hours=4))
    assert not words.late(LAB_MORNING, LAB_MORNING + timedelta(hours=3))
    assert words.late(LAB_MORNING, LAB_MORNING + timedelta(hours=4))
    assert not Schedule().late(LAB_MORNING, LAB_MORNING + timedelta(days=4))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"first": "soon"}, "'soon' is not a length of time"),
        ({"first": "0s"}, "first must be longer than 0s"),
        ({"factor": 0.5}, "factor 0.5"),
        ({"first": "5h"}, "first wait \\(5h\\) is longer than the maximum \\(4h\\)"),
    ],
)
def test_senseless_schedules_say_what_is_wrong(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Schedule.of(**wrong)  # type: ignore[arg-type]


@given(st.integers(0, 10**8))
def test_spelled_durations_can_be_read_again(seconds: int) -> None:
    span = timedelta(seconds=seconds)
    assert duration(spell_duration(span)) == span


def test_styles_are_schedules_of_servers_outside() -> None:
    assert waits(Schedule.styled("standard")) == waits(Schedule())
    assert waits(Schedule.styled("postfix"))[:6] == [
        "5m",
        "10m",
        "20m",
        "40m",
        "1h6m40s",
        "1h6m40s",
    ]
    mox = Schedule.styled("mox")
    assert waits(mox) == ["7m30s", "15m", "30m", "1h", "2h", "4h", "8h"]
    assert set(waits(Schedule.styled("sendmail"))) == {"30m"}


def test_a_style_can_be_changed_word_by_word() -> None:
    assert Schedule.styled("postfix", lifetime="1d").lifetime == timedelta(days=1)
    with pytest.raises(ValueError, match=r"no style 'exim'; there are: standard, postfix"):
        Schedule.styled("exim")


def test_jitter_draws_the_wait_by_lot() -> None:
    schedule = Schedule(jitter=0.1)
    drawn = [schedule.next_try(LAB_MORNING, 1, LAB_MORNING, lot) for lot in (0, 0.5, 1)]
    assert [spell_duration(m - LAB_MORNING) for m in drawn] == ["27m", "30m", "33m"]


def test_enough_tries_end_a_young_letter() -> None:
    schedule = Schedule(most_tries=2)
    assert not schedule.expired(LAB_MORNING, LAB_MORNING, 1)
    assert schedule.expired(LAB_MORNING, LAB_MORNING, 2)


@pytest.mark.parametrize(
    ("wrong", "words"), [({"jitter": 1.0}, "jitter 1.0"), ({"most_tries": 0}, "most_tries")]
)
def test_jitter_and_tries_have_their_bounds(wrong: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Schedule(**wrong)  # type: ignore[arg-type]
