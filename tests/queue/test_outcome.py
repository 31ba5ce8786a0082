"""Outcomes: exactly one for each recipient, and what follows for a copy."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.queue.letter import Copy, State
from labmail.queue.outcome import Outcome, Result, failed_attempt, one_each, settle, summary
from labmail.queue.schedule import Schedule
from labmail.runtime.clock import LAB_MORNING
from labmail.trace.parcel import Recipient

COPY = Copy(Recipient("a@x.example"), next_try=LAB_MORNING)
NAMES = st.sampled_from([f"{n}@x.example" for n in "abcd"])


def outcome(result: Result, recipient: str = "a@x.example") -> Outcome:
    return Outcome(recipient, result, "reply", "4.2.1", "mx", "ip")


@given(st.lists(NAMES, unique=True), st.lists(NAMES))
def test_one_outcome_each_whatever_was_reported(tried: list[str], reported: list[str]) -> None:
    found = one_each(tried, [outcome("relayed", name) for name in reported])
    assert [o.recipient for o in found] == tried
    assert all((o.result == "relayed") == (o.recipient in reported) for o in found)


def test_of_two_reports_the_first_counts() -> None:
    assert (
        one_each(["a@x.example"], [outcome("relayed"), outcome("refused")])[0].result == "relayed"
    )


def test_an_error_defers_everybody() -> None:
    found = failed_attempt(["a@x.example"], ZeroDivisionError("by zero"))
    assert [(o.result, o.reply) for o in found] == [
        ("deferred", "local error: ZeroDivisionError: by zero")
    ]
    assert failed_attempt(["a@x.example"], KeyError())[0].reply == "local error: KeyError"


@pytest.mark.parametrize(
    ("result", "age", "state"),
    [
        ("relayed", "0d", State.RELAYED),
        ("delivered", "0d", State.DELIVERED),
        ("refused", "0d", State.BOUNCED),
        ("deferred", "0d", State.WAITING),
        ("deferred", "4d", State.WAITING),
        ("deferred", "5d", State.BOUNCED),
        ("relayed", "5d", State.RELAYED),
    ],
)
def test_states_after_an_outcome(result: Result, age: str, state: State) -> None:
    now = LAB_MORNING + timedelta(days=int(age[0]))
    after = settle(COPY, outcome(result), arrived=LAB_MORNING, now=now, schedule=Schedule())
    assert (after.state, after.attempts, after.last_try, after.to) == (state, 1, now, "mx")
    assert after.waiting == (after.next_try > now)


def test_who_is_given_up_hears_the_last_answer() -> None:
    now = LAB_MORNING + timedelta(days=5)
    after = settle(COPY, outcome("deferred"), arrived=LAB_MORNING, now=now, schedule=Schedule())
    assert (after.status, after.reply) == ("4.2.1", "not delivered within 5d; last: reply")


@pytest.mark.parametrize("vague", ["", "4.0.0"])
def test_who_is_given_up_for_no_known_reason_is_out_of_time(vague: str) -> None:
    now = LAB_MORNING + timedelta(days=5)
    last = replace(outcome("deferred"), status=vague)
    after = settle(COPY, last, arrived=LAB_MORNING, now=now, schedule=Schedule())
    assert after.status == "4.4.7"


def test_one_word_for_an_attempt() -> None:
    assert summary([outcome("relayed"), outcome("relayed")]) == "relayed"
    assert summary([outcome("relayed"), outcome("refused")]) == "mixed"


def test_who_was_tried_often_enough_hears_so() -> None:
    schedule = Schedule(most_tries=3)
    copy = COPY
    for _ in range(3):
        copy = settle(
            copy, outcome("deferred"), arrived=LAB_MORNING, now=LAB_MORNING, schedule=schedule
        )
    assert copy.state is State.BOUNCED
    assert copy.reply == "not delivered after 3 tries; last: reply"
