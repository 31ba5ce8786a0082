"""Predictions: said before anything runs, met again at the end.

A question has four answers, and each wrong one is what many people believe.  An answer
is kept and not judged: being surprised by what one sees is the point.  `review` puts what
was predicted beside what was seen.  The questions are data:
``data/course/predictions.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from labmail.course.notes import NOTES
from labmail.course.notice import Notice, Table, Tone
from labmail.paths import data_file

LETTERS = "abcd"


@dataclass(frozen=True, slots=True)
class Question:
    """One prediction.

    `choices` are the answers a–d; `misconception` names the belief it is about;
    `seen` is the letter of what the lab shows in `experiment`, `why` says it in a sentence.
    """

    key: str
    text: str
    choices: Mapping[str, str]
    misconception: str
    seen: str
    why: str
    experiment: str

    @property
    def notebook(self) -> str:
        """The two digits of the notebook that asks it: "P1.2" belongs to "01"."""
        return self.key[1:].partition(".")[0].zfill(2)


@cache
def questions() -> Mapping[str, Question]:
    """All questions by their keys."""
    content = tomllib.loads(data_file("course", "predictions.toml").read_text(encoding="utf-8"))
    return {key: _question(key, fields) for key, fields in content.items()}


def _question(key: str, fields: Mapping[str, Any]) -> Question:
    choices = {letter: fields[letter] for letter in LETTERS}
    rest = {name: fields[name] for name in ("text", "misconception", "seen", "why", "experiment")}
    return Question(key=key, choices=choices, **rest)


def predict(key: str, answer: object = None) -> Notice:
    """Ask a prediction, or keep the answer: ``predict("P1.1")``, ``predict("P1.1", "b")``.

    Without an answer it shows the question, whatever was answered before.
    """
    question = questions().get(_spelled(key))
    if question is None:
        return Notice(f"There is no prediction {key!r}; there are: {', '.join(questions())}.")
    if answer in (None, "", ...):
        return _asked(
            question,
            "Nothing predicted yet: run the cell again with your letter, "
            f'as in predict("{question.key}", "a").',
        )
    letter = str(answer).strip().strip("().").casefold()
    if letter not in question.choices:
        return _asked(question, f"{answer!r} is none of the answers: give a, b, c or d.")
    NOTES.predictions[question.key] = letter
    kept = f"{letter}) {question.choices[letter]}"
    title = f"{question.key}: your prediction is kept"
    return Notice(title, [kept, "You meet it again at the end."])


def _spelled(key: object) -> str:
    text = str(key).strip().upper()
    return text if text.startswith("P") else f"P{text}"


def _asked(question: Question, last: str) -> Notice:
    choices = [f"{letter}) {choice}" for letter, choice in question.choices.items()]
    return Notice(f"{question.key}: {question.text}", [*choices, f"➜ {last}"], Tone.OPEN)


def review(notebook: str) -> Table:
    """What was predicted beside what was seen, for a notebook: ``review("01")``."""
    number = str(notebook).strip().zfill(2)
    asked = [q for q in questions().values() if q.notebook == number]
    rows = [
        (q.key, _predicted(q), f"{q.seen}) {q.choices[q.seen]}", f"{q.why} ({q.experiment})")
        for q in asked
    ]
    return Table(
        "What you predicted, and what you saw",
        ("", "predicted", "seen", "because"),
        rows,
        note=_closing(asked),
        limits=(0, 26, 26, 40),
    )


def _predicted(question: Question) -> str:
    letter = NOTES.predictions.get(question.key)
    return f"{letter}) {question.choices[letter]}" if letter else "(nothing)"


def _closing(asked: list[Question]) -> str:
    given = {q.key: NOTES.predictions.get(q.key) for q in asked}
    if not any(given.values()):
        return "Nothing was predicted. The notebook teaches more when you bet before you look."
    same = sum(given[q.key] == q.seen for q in asked)
    surprise = "" if same == len(asked) else " Where they differ, you have learned something."
    return f"{same} of {len(asked)} as you predicted.{surprise}"
