"""Notebook 01: answers are held against the trace, and each likely mistake gets its own words."""

from collections.abc import Callable
from typing import Any

import pytest

from labmail import Lab
from labmail.course import check
from labmail.course.moments import logbook
from labmail.course.nb01 import (
    EXERCISES,
    ROLES,
    journey,
    map_the_steps,
    name_the_roles,
    role_of,
    tell_push_from_pull,
    ways,
)

SON, MINH, HOA = "son@hanoi.example", "minh@saigon.example", "hoa@saigon.example"


def said(key: str, answer: object = None) -> str:
    return " ".join(check(key, answer).text().split())


def roles(lab: Lab, **other: Any) -> dict[Any, Any]:
    """The right roles, with some of them exchanged: ``roles(lab, _4="MTA")``."""
    return name_the_roles(lab) | {int(name[1:]): role for name, role in other.items()}


@pytest.mark.parametrize(
    ("other", "feedback"),
    [
        ({"_4": "MTA"}, "9 of 10 fit. Look at 4: This one took the letter from a user"),
        ({"_4": "MX"}, "not from another domain"),
        ({"_13": "MTA"}, "one with a narrower name"),
        ({"_12": "MX"}, "The MX is at the other end"),
        ({"_18": "store"}, "Who carries it in?"),
        ({"_24": "MUA"}, "Who has the letter and gives it out?"),
        ({"_6": "mx"}, "An MX record is only what was asked for"),
        ({"_1": "MDA"}, "who acts, and for whom?"),
        ({"_1": "DNS"}, "The DNS is who is asked"),
        ({"_2": "postman"}, "'postman' is none of the seven names"),
        ({"_2": ""}, "Still without a role: 2"),
    ],
)
def test_roles(staged: Callable[[str], Lab], other: dict[str, str], feedback: str) -> None:
    lab = staged("1.1")
    answer = said("1.1", roles(lab, **other))
    assert answer.startswith("1.1 not yet")
    assert feedback in answer


def test_untouched_roles_and_a_journey_that_was_not_made(lab: Lab) -> None:
    assert "No letter has reached Minh" in said("1.1", name_the_roles(lab))
    lab.user(SON).send(to=MINH, subject="Chào", text="…")
    assert "nobody has opened it" in said("1.1", name_the_roles(lab))


def test_roles_may_be_written_in_other_ways(staged: Callable[[str], Lab]) -> None:
    answer = roles(
        staged("1.1"), _1="DNS resolver", _6="bộ phân giải", _13="mail exchanger", _24="kho thư"
    )
    assert "1.1 done" in said("1.1", answer)


def test_every_role_has_its_moment(lab: Lab) -> None:
    assert {role_of(m.event) for m in logbook(journey(lab)).moments} == {*ROLES, ""}


def send(lab: Lab, sender: str, *to: str) -> None:
    lab.user(sender).send(to=to, subject="Ăn trưa", text="…")
    lab.settle()


def with_mx1_away(lab: Lab) -> None:
    lab.host("mx1.saigon.example").stop("smtp")
    send(lab, SON, HOA)


@pytest.mark.parametrize(
    ("wrong", "feedback"),
    [
        (lambda lab: None, "Nothing has been handed in yet"),
        (lambda lab: send(lab, SON, HOA), "smtp.hanoi.example asked the DNS for saigon.example MX"),
        (lambda lab: send(lab, MINH, SON), "it was not for Hoa"),
        (with_mx1_away, "waits in the queue of mx2.saigon.example"),
    ],
)
def test_nobody_asks(lab: Lab, wrong: Callable[[Lab], None], feedback: str) -> None:
    wrong(lab)
    answer = said("1.2")
    assert answer.startswith("1.2 not yet")
    assert feedback in answer


def test_two_servers_are_one_too_many(lab: Lab) -> None:
    send(lab, "freman.alpha@arrakis.example", HOA)
    assert "0 of 3" not in said("1.2")
    assert "that is two servers" in EXERCISES[1].goals[2].look(_scene(lab))


def _scene(lab: Lab) -> Any:
    from labmail.course.exercises import Scene

    return Scene(lab)


def steps(lab: Lab, other: dict[Any, Any]) -> dict[Any, Any]:
    return map_the_steps(lab) | other


@pytest.mark.parametrize(
    ("other", "feedback"),
    [
        (dict.fromkeys(range(1, 7)), "No step has a number yet"),
        ({5: None}, "Step 5 has no number"),
        ({1: 12, 5: 2}, "Line 12 is not step 1"),
        ({2: 3}, "which line says that the server took the letter?"),
        ({3: 6}, "Step 3 is a decision"),
        ({4: 1}, "a question of the server (not of the laptop)"),
        ({6: 5}, "Step 6 happens on the recipient's server"),
        ({6: 99}, "There is no line 99 in the logbook: it ends at 24"),
        ({"nobody tells": [3]}, "Name two different lines"),
        ({"nobody tells": [3, 12]}, "Line 12 does not count: step 5 tells it"),
        ({"nobody tells": [3, 24]}, "Line 24 does not count"),
        ({"nobody tells": [3, 77]}, "There is no line 77"),
    ],
)
def test_six_steps(staged: Callable[[str], Lab], other: dict[Any, Any], feedback: str) -> None:
    answer = said("1.3", steps(staged("1.3"), other))
    assert answer.startswith("1.3 not yet")
    assert feedback in answer


@pytest.mark.parametrize("other", [{4: 8, 6: 13}, {6: 17, "nobody tells": (1, 22)}])
def test_six_steps_have_more_than_one_answer(
    staged: Callable[[str], Lab], other: dict[Any, Any]
) -> None:
    assert "1.3 done" in said("1.3", steps(staged("1.3"), other))


@pytest.mark.parametrize(
    ("answer", "feedback"),
    [
        ({1: "", 2: "", 3: ""}, "Nothing has been written yet"),
        ({1: "push", 2: "push", 3: "push"}, "which did not have the letter at that moment"),
        ({1: "push", 2: "pull", 3: "pull"}, "#2 was opened by smtp.hanoi.example, which had"),
        ({1: "pull", 2: "pull", 3: "push"}, "0 of 3 fit"),
        ({1: "push", 2: "push"}, "Still open: #3"),
        ({1: "push", 2: "push", 3: "down"}, "'down' is neither"),
    ],
)
def test_push_and_pull(staged: Callable[[str], Lab], answer: dict[int, str], feedback: str) -> None:
    staged("1.4")
    assert said("1.4", answer).startswith("1.4 not yet")
    assert feedback in said("1.4", answer)


def test_push_and_pull_in_vietnamese(staged: Callable[[str], Lab]) -> None:
    staged("1.4")
    assert "1.4 done" in said("1.4", {"#1": "Đẩy", "#2": "đẩy", "#3": "kéo"})


def test_the_ways_are_read_from_the_trace(lab: Lab) -> None:
    assert ways(journey(lab)) == tell_push_from_pull(lab)
