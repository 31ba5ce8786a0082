"""What every exercise of the course is made of."""

from datetime import timedelta

import pytest

from labmail import Lab
from labmail.course.checks import EXERCISES
from labmail.course.exercises import Exercise, Scene, as_mapping

every_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES.keys())


@every_exercise
def test_it_has_goals_hints_minutes_and_a_closing_word(exercise: Exercise) -> None:
    assert len(exercise.goals) >= 3
    assert len(exercise.hints) >= 2
    assert 1 <= exercise.minutes <= 20
    assert exercise.done.endswith(".")
    assert exercise.solve.__doc__ == f"The way of exercise {exercise.key}."


@every_exercise
def test_goals_do_not_give_the_way_away(exercise: Exercise) -> None:
    assert not any("(" in goal.words and ")." in goal.words for goal in exercise.goals)
    assert not any("lab." in goal.words for goal in exercise.goals)


def test_a_scene_tells_who_holds_what(lab: Lab) -> None:
    son = lab.user("son@hanoi.example")
    lab.host("mx1.saigon.example").stop("smtp")
    son.send(to=["minh@saigon.example", "lan@hanoi.example"], subject="Hai", text="…")
    scene = Scene(lab)
    assert scene.waiting() == {"mx2.saigon.example": 1}
    assert [e.host for e in scene.handed_in()] == ["smtp.hanoi.example"]
    assert len(scene.delivered_to("lan@hanoi.example")) == 1
    lab.host("mx1.saigon.example").start()
    lab.advance(timedelta(hours=1))
    assert len(scene.delivered_to("minh@saigon.example")) == 1


def test_only_a_mapping_is_one() -> None:
    assert as_mapping({1: 2}) == {1: 2}
    assert as_mapping("1: 2") == {}
