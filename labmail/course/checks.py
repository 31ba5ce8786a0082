"""`check`, `hint`, `solution` and `progress`: what a learner calls."""

from __future__ import annotations

import inspect
import textwrap

from labmail.course import nb00, nb01, nb02, nb03, nb04, nb05, nb08
from labmail.course.exercises import Exercise, Goal, Scene
from labmail.course.notes import NOTES
from labmail.course.notice import Listing, Notice, Table, Tone
from labmail.lab import current_lab

EXERCISES: dict[str, Exercise] = {
    e.key: e for notebook in (nb00, nb01, nb02, nb03, nb04, nb05, nb08) for e in notebook.EXERCISES
}
"""Every exercise of the course by its key."""


def check(key: str, answer: object = None) -> Notice:
    """Look at the world and say how many goals of an exercise are met.

    The lab that is open now is looked at; `answer` is held against its trace where the
    exercise asks for one.  Never raises: whatever is wrong is said.
    """
    exercise = _find(key)
    if exercise is None:
        return _unknown(key)
    lab = current_lab()
    if lab is None:
        return Notice(
            f"{exercise.key} not yet — no lab is running",
            ["Run the cell that says lab = Lab() first."],
            Tone.OPEN,
        )
    try:
        lab.settle()
    except Exception as error:
        title = f"{exercise.key} not yet — the lab did not come to rest: {error}"
        return Notice(title, (), Tone.WRONG)
    return _judged(exercise, Scene(lab, answer))


def _judged(exercise: Exercise, scene: Scene) -> Notice:
    seen = [(goal, _look(goal, scene)) for goal in exercise.goals]
    met = sum(not feedback for _, feedback in seen)
    NOTES.passed[exercise.key] = met == len(seen)
    if met == len(seen):
        title = f"{exercise.key} done — {met} of {met}: {exercise.title}"
        return Notice(title, [*(f"✔ {g.words}" for g in exercise.goals), exercise.done], Tone.GOOD)
    lines, told = [], False
    for goal, feedback in seen:
        if not feedback:
            lines.append(f"✔ {goal.words}")
        elif told:
            lines.append(f"· {goal.words}")
        else:
            lines += [f"… {goal.words}", f"➜ {feedback}"]
            told = True
    return Notice(f"{exercise.key} not yet — {met} of {len(seen)}", lines, Tone.OPEN)


def _look(goal: Goal, scene: Scene) -> str:
    """What the goal says; whatever breaks while looking is said too."""
    try:
        return goal.look(scene)
    except Exception as error:
        return f"This could not be looked at ({type(error).__name__}: {error})."


def hint(key: str, rung: int | None = None) -> Notice:
    """The next hint of an exercise, from a nudge to nearly the answer; `rung` asks for one."""
    exercise = _find(key)
    if exercise is None:
        return _unknown(key)
    last = len(exercise.hints)
    asked = NOTES.hints.get(exercise.key, 0) + 1 if rung is None else rung
    number = min(max(asked, 1), last) if isinstance(asked, int) else 1
    NOTES.hints[exercise.key] = max(number, NOTES.hints.get(exercise.key, 0))
    more = "There is one more after this." if number == last - 1 else ""
    if number == last:
        more = f'This was the last one; solution("{exercise.key}") shows a way.'
    title = f"Hint {number} of {last} for {exercise.key}"
    return Notice(title, [exercise.hints[number - 1], *filter(None, [more])])


def solution(key: str) -> Listing | Notice:
    """The source of a way that works.  There are others."""
    exercise = _find(key)
    if exercise is None:
        return _unknown(key)
    body = _body(exercise)
    where = (
        ""
        if body.startswith(("answer =", "def "))
        else ", below the first lines of the exercise's cell"
    )
    return Listing(f"{exercise.key} {exercise.title}: one way{where}", body)


def _body(exercise: Exercise) -> str:
    """What the reference solution does, without its frame, so that it can be pasted into a cell."""
    source = textwrap.dedent(inspect.getsource(exercise.solve))
    _, _, rest = source.partition('"""')
    _, _, body = rest.partition('"""')
    shown = textwrap.dedent(body.strip("\n")).rstrip()
    name = shown.removeprefix("return ")
    if name.isidentifier():  # the answer is a function: its source is the way
        way = inspect.getsource(exercise.solve.__globals__[name]).rstrip()
        return f'{way}\n\n\ncheck("{exercise.key}", {name})'
    if not shown.startswith("return "):
        return f'{shown}\n\ncheck("{exercise.key}")'
    return f'answer = {shown.removeprefix("return ")}\n\ncheck("{exercise.key}", answer)'


def progress() -> Table:
    """Which exercises have been passed in this kernel."""
    rows = [
        (e.key, e.title, f"{e.minutes} min", "✔ done" if NOTES.passed.get(e.key) else "open")
        for e in EXERCISES.values()
    ]
    done = sum(bool(NOTES.passed.get(key)) for key in EXERCISES)
    title = f"{done} of {len(EXERCISES)} exercises done in this kernel"
    return Table(title, ("", "exercise", "time", "state"), rows)


def _find(key: object) -> Exercise | None:
    return EXERCISES.get(str(key).strip())


def _unknown(key: object) -> Notice:
    known = ", ".join(EXERCISES)
    return Notice(f"There is no exercise {key!r}; there are: {known}.", (), Tone.OPEN)
