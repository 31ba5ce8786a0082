"""Notebook 08: each exercise refuses what a person might plausibly do, and says why."""

from collections.abc import Callable

import pytest

from labmail import Lab
from labmail.course import check, confirm, stampede, strict_saigon, stuck, twice
from labmail.course.nb08 import (
    EXERCISES,
    HANOI,
    MX1,
    drain_the_queue,
    explain_the_copy,
    make_a_schedule,
    pass_the_greylist,
)

SON, MINH = "son@hanoi.example", "minh@saigon.example"


def said(key: str, answer: object = None) -> str:
    return " ".join(check(key, answer).text().split())


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.key)
def test_the_way_passes(lab: Lab, exercise) -> None:  # type: ignore[no-untyped-def]
    exercise.stage(lab)
    assert "not yet" in said(exercise.key)
    assert f"{exercise.key} done" in said(exercise.key, exercise.solve(lab))


# --- 8.1 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "feedback"),
    [
        ({"first": "5m"}, "pauses are too short, such as one of 5 min"),
        ({"factor": 1.0}, "A dead host was called 241 times"),
        ({"lifetime": "1d"}, "given up after 1 d: too early"),
        ({"lifetime": "7d", "maximum": "6h"}, "Sơn waits 7 d for the bad news"),
        (
            {"lifetime": "30d", "maximum": "12h"},
            "After eight days the letter still lies in the queue",
        ),
        ({"warn_after": None}, "Nobody tells Sơn that his letter is late"),
        ({"warn_after": "3d"}, "Sơn hears that his letter is late after 3 d"),
        ({"warn_after": "1m"}, "alarmed after less than an hour"),
        ({"maximum": "1d"}, "Sài Gòn was back, and the letter waited"),
        ({"factor": 0.5}, "makes no sense: factor 0.5"),
        ({"first": "soon"}, "makes no sense"),
        ({"firstly": "30m"}, "One of the words is unknown"),
        ({"first": 30}, "such as one of 30 s"),
    ],
)
def test_a_schedule(lab: Lab, change: dict[str, object], feedback: str) -> None:
    text = said("8.1", make_a_schedule(lab) | change)
    assert text.startswith("8.1 not yet")
    assert feedback in text


@pytest.mark.parametrize("answer", [None, "30m", {}, ["30m", "4h"]])
def test_what_is_no_schedule(lab: Lab, answer: object) -> None:
    assert "Write the schedule as words" in said("8.1", answer)


def test_other_schedules_will_do(lab: Lab) -> None:
    other = dict(first="45m", factor=1.5, maximum="3h 50m", lifetime="4d 12h", warn_after="12h")
    assert "8.1 done" in said("8.1", other)


# --- 8.2 -----------------------------------------------------------------------------------------


def hammer(lab: Lab) -> None:
    for _ in range(3):
        confirm()


def somebody_else(lab: Lab) -> None:
    lab.advance("30m")
    confirm("robot-2@hanoi.example")


def switch_it_off(lab: Lab) -> None:
    lab.host(MX1).greylist(None)
    confirm()


def too_patient(lab: Lab) -> None:
    lab.advance("5m")
    confirm()
    lab.advance("5m")
    confirm()


def twice_over(lab: Lab) -> None:
    lab.advance("10m")
    confirm()
    confirm()


def another_machine(lab: Lab) -> None:
    lab.advance("30m")
    with lab.laptop("minh"):
        confirm()


@pytest.mark.parametrize(
    ("way", "feedback"),
    [
        (lambda lab: None, "nobody has come again"),
        (hammer, "The last try came too soon. The door opens at Mon 2 Mar 2026, 09:10:00"),
        (somebody_else, "2 different callers or senders have knocked"),
        (another_machine, "2 different callers or senders have knocked"),
        (switch_it_off, "does not greylist in this lab"),
        (too_patient, "It took 3 attempts: impatience gained nothing"),
        (twice_over, "Minh got 2 copies"),
        (lambda lab: lab.advance("1d"), "nobody has come again"),
    ],
)
def test_the_greylist(way: Callable[[Lab], object], feedback: str) -> None:
    with strict_saigon() as lab:
        assert confirm().startswith("450 4.7.1")
        way(lab)
        text = said("8.2")
        assert text.startswith("8.2 not yet")
        assert feedback in text


def test_a_mail_server_passes_it_by_itself() -> None:
    """The other way: hand the letter to who has a queue."""
    with strict_saigon() as lab:
        confirm()
        lab.user(SON).send(to=MINH, subject="Your order", text="Thank you.")
        lab.advance("1h")
        assert "8.2 done" in said("8.2")


def test_without_a_first_try_there_is_nothing_to_see() -> None:
    with strict_saigon() as lab:
        assert "Nobody has tried to write to Minh yet" in said("8.2")
        pass_the_greylist(lab)
        assert "8.2 not yet" in said("8.2"), "that was the first attempt, not the second"


def test_the_stage_is_the_cell_of_the_notebook(lab: Lab) -> None:
    exercise = next(e for e in EXERCISES if e.key == "8.2")
    exercise.stage(lab)
    staged = lab.fingerprint()
    with strict_saigon() as other:
        confirm()
        assert other.fingerprint() == staged


# --- 8.3 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "feedback"),
    [
        ({"copies": (0, 0)}, "Name the UIDs of the two copies"),
        ({"copies": (1, 2)}, "they are two letters. What tells letters apart?"),
        ({"copies": (4, 5)}, "compare their Message-IDs"),
        ({"copies": 3}, "Name the UIDs of the two copies"),
        ({"taken": 0}, "Name the number of the line in which mx1 took the first copy"),
        ({"taken": 25}, "but another time or another server"),
        ({"taken": 15}, "but another time or another server"),
        ({"taken": 18}, "There it was put into the mailbox. Who had taken it before"),
        ({"taken": 2}, "In that line no server takes a copy of that letter"),
        ({"put_off": 14}, "for a good reason: mx1 had said 450"),
        ({"put_off": 26}, "In that line nothing is put off"),
        ({"put_off": 99}, "Name the line in which the sender decided to try again"),
    ],
)
def test_the_copy(change: dict[str, object], feedback: str) -> None:
    with twice() as lab:
        text = said("8.3", explain_the_copy(lab) | change)
        assert text.startswith("8.3 not yet")
        assert feedback in text


def test_the_copy_in_any_lab_and_order(lab: Lab) -> None:
    assert "Run the cell with twice() again" in said("8.3", explain_the_copy(lab))
    with twice() as staged:
        answer = explain_the_copy(staged) | {"copies": [5, 3]}
        assert "8.3 done" in said("8.3", answer)


# --- 8.4 -----------------------------------------------------------------------------------------


def only_flush(lab: Lab) -> None:
    lab.host(HANOI).queue.flush()


def only_mend(lab: Lab) -> None:
    lab.network.mend()
    only_flush(lab)


def forget_the_held(lab: Lab) -> None:
    lab.dns.heal()
    only_mend(lab)


def give_up_one(lab: Lab) -> None:
    lab.host(HANOI).queue.bounce(lab.queue(HANOI).rows[0].queue_id)
    drain_the_queue(lab)


def wait_for_it(lab: Lab) -> None:
    lab.network.mend()
    lab.dns.heal()
    for row in lab.queue(HANOI).rows:
        lab.host(HANOI).queue.release(row.queue_id)
    lab.advance("4h")


@pytest.mark.parametrize(
    ("way", "feedback"),
    [
        (lambda lab: None, "Nothing has been tried since noon"),
        (only_flush, "each failed: "),
        (only_mend, "5 of 12 letters have not arrived. One for minh@saigon.example: it is on"),
        (
            forget_the_held,
            "2 of 12 letters have not arrived. One for minh@saigon.example: it is on",
        ),
        (give_up_one, "1 of 12 letters have not arrived, and no queue has them any more"),
        (wait_for_it, "It did not have to wait for its next try"),
        (lambda lab: lab.advance("6d"), "attempts since noon, and each failed"),
    ],
)
def test_the_stuck_queue(way: Callable[[Lab], object], feedback: str) -> None:
    with stuck() as lab:
        way(lab)
        text = said("8.4")
        assert text.startswith("8.4 not yet")
        assert feedback in text


def test_another_lab_is_no_stuck_queue(lab: Lab) -> None:
    assert "Run the cell with stuck() again" in said("8.4")


def test_the_forecast_says_what_the_notebook_says() -> None:
    fixed, doubled, jitter = stampede().forecasts.values()
    assert fixed.expired == doubled.expired == jitter.expired == 0
    assert max(doubled.attempts[150:]) == 100_000
    assert jitter.empty_at < doubled.empty_at
