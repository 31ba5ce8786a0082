import re
from datetime import timedelta

import pytest

from labmail.runtime.clock import LAB_MORNING, Clock, RunningClock, duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("80ms", 0.08),
        ("1m 500 ms", 60.5),
        ("30m", 1800),
        ("4h", 14400),
        ("1d 12h", 129600),
        ("1.5h", 5400),
        ("2w", 1209600),
    ],
)
def test_durations_as_people_write_them(text: str, seconds: float) -> None:
    assert duration(text) == timedelta(seconds=seconds)


def test_durations_as_programs_write_them() -> None:
    assert duration(90) == duration(timedelta(seconds=90)) == timedelta(seconds=90)


@pytest.mark.parametrize("text", ["", "soon", "4 hours", "h4", "-4h", "4h later"])
def test_what_is_no_duration_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="write it as"):
        duration(text)


@pytest.mark.parametrize("length", [float("nan"), float("inf"), -float("inf"), 1e300, True, None])
def test_what_is_no_number_of_seconds(length: float) -> None:
    with pytest.raises(
        ValueError, match=rf"{re.escape(str(length))} is not a length of time: write it as '30m'"
    ):
        duration(length)


@pytest.mark.parametrize("length", ["99999999d", 1e11, timedelta(days=36526)])
def test_nobody_waits_for_a_hundred_years(length: str | float | timedelta) -> None:
    """Dates end with the year 9999: beyond it the clock itself would break."""
    with pytest.raises(ValueError, match=r"more than a hundred years: .* like '5d'"):
        duration(length)
    assert duration("5217w") < timedelta(days=36525)


def test_lab_time_never_goes_back() -> None:
    with pytest.raises(ValueError, match="only moves forward"):
        duration(-1)
    with pytest.raises(ValueError, match="cannot go back"):
        Clock().move_to(LAB_MORNING - timedelta(seconds=1))


def test_a_clock_stands_still_until_it_is_moved() -> None:
    clock = Clock()
    assert clock.now() == clock.now() == LAB_MORNING
    clock.move_to(LAB_MORNING + timedelta(hours=1))
    assert clock.now() == LAB_MORNING + timedelta(hours=1)


def test_a_running_clock_runs_and_can_be_moved_ahead() -> None:
    seconds = iter([0.0, 5.0, 5.0, 7.0])
    clock = RunningClock(LAB_MORNING, lambda: next(seconds))
    assert clock.now() == LAB_MORNING + timedelta(seconds=5)
    clock.move_to(LAB_MORNING + timedelta(hours=1))
    assert clock.now() == LAB_MORNING + timedelta(hours=1, seconds=2)
