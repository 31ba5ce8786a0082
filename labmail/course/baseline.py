"""The concept inventory: fifteen questions, asked on the first day and on the last.

It is not a test.  The first answers are a photograph of what somebody believes before
the course; the last notebook asks the same questions and lays both beside each other.
The questions are data, in English and Vietnamese: ``data/inventory.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from labmail.course.notes import NOTES, read_answers, write_answers
from labmail.course.notice import Notice, Table, Tone
from labmail.paths import data_file
from labmail.views import markup
from labmail.views.view import View


@dataclass(frozen=True, slots=True)
class Item:
    """One question: its text and answers a–d, each as {"en": …, "vi": …}; `key` is the letter
    of the answer that holds, `notebook` where the course shows it."""

    number: int
    text: Mapping[str, str]
    choices: Mapping[str, Mapping[str, str]]
    key: str
    notebook: str


@cache
def items() -> tuple[Item, ...]:
    """The fifteen questions."""
    content = json.loads(data_file("inventory.json").read_text(encoding="utf-8"))
    return tuple(
        Item(row["number"], row["text"], row["choices"], row["key"], row["notebook"])
        for row in content["items"]
    )


class Sheet(View):
    """The questions on paper, in one language."""

    def __init__(self, language: str, last: str) -> None:
        self._language = language
        self._last = last

    def text(self) -> str:
        return "\n\n".join([*("\n".join(self._lines(item)) for item in items()), self._last])

    def _lines(self, item: Item) -> list[str]:
        choices = [f"    {letter}) {c[self._language]}" for letter, c in item.choices.items()]
        return [f"{item.number:>2}. {item.text[self._language]}", *choices]

    def html(self) -> str:
        half = (len(items()) + 1) // 2
        column = "width:50%;vertical-align:top;text-align:left;padding:0 14px 0 0"
        columns = (items()[:half], items()[half:])
        cells = (markup.tag("td", *map(self._block, part), style=column) for part in columns)
        table = markup.tag("table", markup.tag("tr", *cells), style="width:100%;font-size:13px")
        return markup.page(table, markup.tag("p", markup.strong(self._last)))

    def _block(self, item: Item) -> markup.Html:
        head, *choices = self._lines(item)
        parts = [markup.tag("div", c.strip(), style="padding-left:1.4em") for c in choices]
        title = markup.tag("div", markup.strong(head.strip()), style="margin-top:8px")
        return markup.tag("div", title, *parts)


def inventory(answers: object = "", *, language: str = "en") -> View:
    """Show the questions, or keep answers: ``inventory("1b 2c 3a")``.

    Answers may be given in several runs; a later answer replaces an earlier one.
    language: "en" or "vi".
    """
    language = language if language in ("en", "vi") else "en"
    given = _read(answers)
    if not given:
        return Sheet(language, "Not answered." if answers in ("", None, {}) else _UNREADABLE)
    NOTES.inventory.update(given)
    kept = write_answers("inventory", NOTES.inventory)
    missing = [str(item.number) for item in items() if item.number not in NOTES.inventory]
    lines = [f"Still open: {', '.join(missing)}."] if missing else []
    lines.append(
        "The last notebook asks again and lays both beside each other."
        if kept
        else "They could not be written to disk: note them down if you want to compare one day."
    )
    done = f"{len(NOTES.inventory)} of {len(items())} answers are kept."
    return Notice(done, lines, Tone.OPEN if missing else Tone.PLAIN)


_UNREADABLE = 'Not answered: write the number and the letter, as in inventory("1b 2c 3a").'


def _read(answers: object) -> dict[int, str]:
    """Whatever can be understood: "1b 2c", {1: "b"}, ["b", "c"]."""
    pairs: list[tuple[Any, Any]]
    if isinstance(answers, Mapping):
        pairs = list(answers.items())
    elif isinstance(answers, (list, tuple)):
        pairs = list(enumerate(answers, 1))
    else:
        pairs = re.findall(r"(\d+)\W*([a-dA-D])\b", str(answers))
    numbers = {item.number for item in items()}
    read = {str(n).strip(): str(a).strip().lower() for n, a in pairs}
    return {
        int(n): a
        for n, a in read.items()
        if n.isdecimal() and int(n) in numbers and a in set("abcd")
    }


def inventory_review() -> Table:
    """First and last answers beside each other: for the end of the course."""
    before, after = read_answers("inventory"), NOTES.inventory
    rows = [
        (str(i.number), i.text["en"], before.get(i.number, "–"), after.get(i.number, "–"), i.key)
        for i in items()
    ]
    return Table(
        "Fifteen questions, before and after",
        ("", "question", "before", "now", "the lab says"),
        rows,
        limits=(0, 60, 0, 0, 0),
    )
