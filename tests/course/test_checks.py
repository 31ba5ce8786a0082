"""What a learner calls: never raises, never gives away, climbs slowly."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from labmail import Lab
from labmail.course import check, checks, hint, journey, progress, solution, talk
from labmail.course.checks import EXERCISES

every_exercise = pytest.mark.parametrize("key", EXERCISES)


@every_exercise
def test_the_untouched_exercise_does_not_pass(staged: Callable[[str], Lab], key: str) -> None:
    staged(key)
    assert check(key).text().startswith(f"{key} not yet")


@every_exercise
def test_the_reference_solution_passes(staged: Callable[[str], Lab], key: str) -> None:
    answer = EXERCISES[key].solve(staged(key))
    said = check(key, answer).text()
    assert said.startswith(f"{key} done")
    assert EXERCISES[key].done in " ".join(said.split())
    assert f"1 of {len(EXERCISES)} " in progress().text()


@every_exercise
def test_the_solution_that_is_shown_runs_as_it_stands(
    staged: Callable[[str], Lab], key: str
) -> None:
    seen: list[Any] = []
    names = {"lab": staged(key), "check": lambda *given: seen.append(check(*given))}
    names |= {"socket": socket, "talk": talk}  # what notebooks import at their beginning
    exec(solution(key).source, names)
    assert seen[0].text().startswith(f"{key} done")


@every_exercise
@pytest.mark.parametrize(
    "answer",
    [None, "", 0, -1, 3.5, "abc", [], [1, "x"], {}, {1: None}, {"x": object()}, {None: 1}, object(),
     {1: [2]}, {"nobody tells": 7}, {"nobody tells": {"a": 1}}, b"\xff", lambda: 1, range(3)],
    ids=lambda answer: type(answer).__name__,
)  # fmt: skip
def test_no_answer_makes_a_check_raise(
    answered: Callable[[str, object], str], key: str, answer: object
) -> None:
    assert answered(key, answer).startswith(f"{key} not yet — ")


@pytest.fixture(scope="module")
def answered() -> Any:
    with Lab() as lab:
        journey(lab)
        yield lambda key, answer: check(key, answer).text()


def test_without_a_lab_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "current_lab", lambda: None)
    assert "lab = Lab()" in check("0.1").text()


@pytest.mark.parametrize("key", ["9.9", "", None, 0.1, "0.1 "])
def test_an_unknown_exercise_is_named(key: Any) -> None:
    for notice in (check(key), hint(key), solution(key)):
        assert str(key).strip() in EXERCISES or "There is no exercise" in notice.text()


@every_exercise
def test_hints_climb_and_stay_at_the_top(key: str) -> None:
    count = len(EXERCISES[key].hints)
    assert count >= 2
    climbed = [hint(key).text() for _ in range(count + 1)]
    assert climbed[0].startswith(f"Hint 1 of {count}")
    assert climbed[-1] == climbed[-2]
    assert "solution(" in climbed[-1]
    assert hint(key, 1).text() == climbed[0]


@every_exercise
@pytest.mark.parametrize("rung", [0, -3, 99, "two", 1.5])
def test_a_strange_rung_is_one_of_the_ladder(key: str, rung: Any) -> None:
    assert hint(key, rung).text().startswith("Hint ")


def test_something_broken_in_the_world_is_said(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError("no disk")

    monkeypatch.setattr(Lab, "box", broken)
    lab.user("son@hanoi.example").send(to="minh@saigon.example", subject="Một", text="…")
    assert "no disk" in check("0.1").text()
    monkeypatch.setattr(Lab, "settle", broken)
    assert "did not come to rest" in check("0.1").text()


def test_both_forms_say_the_same(lab: Lab) -> None:
    notice = check("0.1")
    for words in ("0.1 not yet — 0 of 3", "No letter has been handed in"):
        assert words in notice.text()
        assert words in notice.html()
