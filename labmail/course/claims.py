"""Statements that are held to what just happened.

A course about mail repeats what "everybody knows" at its own risk.  So each statement
of fact stands beside a cell that shows it, and passes through `claim`: if the prose is wrong,
the cell fails, and with it the validation of the notebook.

``data/claims.csv`` lists what the five articles of the course's beginning say, in our words,
with a verdict and the experiment that shows it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

from labmail.course.notice import Notice, Tone
from labmail.paths import data_file

VERDICTS = {
    "R": "right",
    "S": "simplified",
    "O": "outdated",
    "W": "wrong",
    "C": "context",
}
"""What the course says about a statement of an article."""


def claim(statement: str, holds: object, source: str = "") -> Notice:
    """State a fact about mail that what just ran must bear out.

    holds: the condition, computed from the trace; source: the RFC section.
    Raises AssertionError with the statement when the condition does not hold.
    """
    if not holds:
        raise AssertionError(
            f"this statement is not true in this lab now: {statement}\n"
            "If a cell was left out or run twice, run the cells above again."
        )
    return Notice(f"✔ {statement}", [source] if source else (), Tone.GOOD)


def facts(*stated: Notice) -> Notice:
    """Several claims in one frame: ``facts(claim(…), claim(…))``."""
    lines = [" — ".join([notice.title, *notice.lines]) for notice in stated]
    return Notice("What this shows", lines, Tone.GOOD)


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement of an article and where the course tries it.

    `article` is the number of the article ("000" to "004"), `verdict` a key of
    `VERDICTS`, `notebook` its two digits, `experiment` a heading's id ("E1.2").
    """

    number: int
    article: str
    term: str
    statement: str
    verdict: str
    why: str
    notebook: str
    experiment: str


def claims(notebook: str = "") -> tuple[Claim, ...]:
    """The statements and their experiments, of one notebook or of all."""
    with data_file("claims.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            Claim(
                number=int(row["no"]),
                article=row["article"],
                term=row["term_vi"],
                statement=row["statement"],
                verdict=row["verdict"],
                why=row["why"],
                notebook=row["notebook"],
                experiment=row["experiment"],
            )
            for row in csv.DictReader(file)
        ]
    return tuple(row for row in rows if notebook in ("", row.notebook))
