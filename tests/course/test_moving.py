"""A day by a plan: what is counted as lost and late, and what a plan may say."""

from datetime import timedelta

import pytest

from labmail.course.moving import Step, moved, read_plan


def steps(*plan: tuple[str, str]) -> tuple[Step, ...]:
    read, problem = read_plan(list(plan))
    assert problem == ""
    return read


def test_a_plan_is_read_in_the_order_of_its_times() -> None:
    assert steps(("13:00", "MX  moi"), ("9:30", "ttl 300")) == (
        Step(timedelta(minutes=30), "ttl 300"),
        Step(timedelta(hours=4), "mx moi"),
    )


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (None, "There are no steps yet"),
        ([], "There are no steps yet"),
        ("09:00 ttl 300", "There are no steps yet"),
        (["stop mx1"], "'stop mx1' is no step"),
        ([("08:59", "stop mx1")], "'08:59' is no time between 09:00 and 21:00"),
        ([("10:75", "stop mx1")], "is no time"),
        ([("noon", "stop mx1")], "is no time"),
        ([("10:00", "stop mx2")], "'stop mx2' cannot be done here. What can: 'ttl 300'"),
        ([("10:00", "mx arrakis")], "cannot be done here"),
    ],
)
def test_what_is_no_plan_says_why(plan: object, words: str) -> None:
    read, problem = read_plan(plan)
    assert read == ()
    assert words in problem


def test_a_good_day_loses_nothing() -> None:
    move = moved(steps(("09:00", "ttl 300"), ("13:00", "mx moi"), ("13:10", "stop mx1")))
    assert (move.lost, move.late, move.old_is_off) == (0, 0, True)
    assert move.sent == 98
    assert move.last_at == "moi.caphe.example"
    assert move.overlap == timedelta(minutes=10)
    assert move.first_trouble == ""


@pytest.mark.parametrize(
    ("mx", "stop", "late"),
    [("10:00", "11:00", 8), ("12:00", "13:00", 4), ("20:00", "21:00", 4)],
)
def test_without_a_short_ttl_no_hour_is_right(mx: str, stop: str, late: int) -> None:
    move = moved(steps((mx, "mx moi"), (stop, "stop mx1")))
    assert (move.lost, move.late) == (0, late)
    assert "it remembered the old answer" in move.first_trouble


def test_who_stops_the_old_machine_at_once_makes_letters_late() -> None:
    move = moved(steps(("10:00", "mx moi"), ("10:00", "stop mx1")))
    assert move.lost == 0 and move.late > 10
    assert move.first_trouble == (
        "The first: at 10:00 smtp.hanoi.example called mx1.caphe.example, for it remembered "
        "the old answer for 3 h more."
    )


def test_a_machine_that_is_stopped_and_not_replaced() -> None:
    move = moved((Step(timedelta(hours=11), "stop mx1"),))
    assert move.lost > 0
    assert (move.last_at, move.overlap) == ("", None)
