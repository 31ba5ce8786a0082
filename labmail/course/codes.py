"""Reply codes: what they mean, who has to act, and how to hear them in the lab.

``data/reply_codes.csv`` has a row for each pair of code and enhanced code that the lab's
servers can answer.  Its last columns say how to provoke it: which server, what to plan there,
what to say.  `provoke` does that; so the list is tried, row by row, by a test.
"""

from __future__ import annotations

import base64
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from labmail.course.byhand import Talk, talk
from labmail.course.notice import Notice, Table
from labmail.lab import Lab
from labmail.paths import data_file
from labmail.smtp.replies import Reply
from labmail.views import explain, explain_smtp

SEPARATOR = " | "
_REPEATED = re.compile(r"\{(.+?)\*(\d+)\}", re.DOTALL)
_TIMES = re.compile(r"(\d+)× ")
_ESCAPES = {r"\r": "\r", r"\n": "\n", r"\0": "\0"}


@dataclass(frozen=True, slots=True)
class ReplyCode:
    """One row.  `where` is "host:port"; `plan` is "VERB=reply" or empty; `say` are the client's
    lines."""

    code: int
    enhanced: str
    meaning: str
    who_acts: str
    where: str
    plan: str
    say: tuple[str, ...]

    @property
    def key(self) -> tuple[int, str]:
        return self.code, self.enhanced


@cache
def codes() -> tuple[ReplyCode, ...]:
    """All replies that the lab's servers can answer."""
    with data_file("reply_codes.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            ReplyCode(
                code=int(row["code"]),
                enhanced=row["enhanced"],
                meaning=row["meaning"],
                who_acts=row["who_acts"],
                where=row["where"],
                plan=row["plan"],
                say=tuple(filter(None, row["say"].split(SEPARATOR))),
            )
            for row in csv.DictReader(file)
        )


def known(reply: str | int) -> ReplyCode | None:
    """The row of a reply; where the enhanced code is not listed, one of the same number."""
    heard = _heard(reply)
    if heard is None:
        return None
    same = [row for row in codes() if row.code == heard.code]
    exact = (row for row in same if row.enhanced == heard.enhanced)
    return next(exact, next(iter(same), None))


def explain_code(reply: str | int) -> Notice:
    """What a reply says, digit by digit, and who has to act: ``explain_code("450 4.2.1 …")``, or
    ``explain_code(450)``."""
    heard = _heard(reply)
    if heard is None:
        return Notice(f"{reply!r} is no reply: it begins with three digits, as in '450 4.2.1 …'.")
    code, row = str(heard.code), known(reply)
    second = explain_smtp.SECOND_DIGIT.get(code[1], ("not assigned", ""))[0]
    extra = explain.enhanced(f"{heard.enhanced} ")
    lines = [
        f"{code[0]}xx  {explain_smtp.FIRST_DIGIT[code[0]]}",
        f"x{code[1]}x  {second}",
        *([f"{extra[0]}  [{extra[1]}]"] if extra else []),
        *([f"here: {row.meaning}", f"who acts: {row.who_acts}"] if row else []),
    ]
    return Notice(f"{code} {heard.enhanced}".rstrip(), lines)


def decoded(replies: Sequence[str], title: str = "Replies, taken apart") -> Table:
    """Replies beside each other: class, enhanced code, meaning."""
    rows = [(str(n), *_row(reply)) for n, reply in enumerate(replies, 1)]
    head = ("", "reply", "first digit", "the enhanced code")
    return Table(title, head, rows, right=(0,), limits=(0, 38, 26, 40))


def _row(reply: str) -> tuple[str, str, str]:
    heard = _heard(reply)
    if heard is None:
        return reply, "–", "–"
    extra = explain.enhanced(f"{heard.enhanced} ")
    first = explain_smtp.FIRST_DIGIT[str(heard.code)[0]]
    return str(heard), f"{str(heard.code)[0]}: {first}", extra[0] if extra else "–"


def _heard(reply: str | int) -> Reply | None:
    said = str(reply)
    code = said[:3]
    if not code.isdecimal() or not 200 <= int(code) <= 599:
        return None
    return Reply.heard(int(code), said[4:].partition("\n")[0])


# --- how to hear them ---------------------------------------------------------------------------


def provoke(lab: Lab, row: ReplyCode) -> Talk:
    """Do what the row says; the last reply is the one that it is about."""
    host, _, port = row.where.partition(":")
    handle = lab.host(host)
    if row.plan:
        verb, _, reply = row.plan.partition("=")
        handle.answer(verb, reply, times=1)
    lines = [line for step in row.say for line in _lines(lab, step)]
    return talk(host, *lines, port=int(port))


def _lines(lab: Lab, step: str) -> list[str]:
    """What a step of the list stands for: ``{A*500}`` and ``1001× …`` repeat, ``{son}`` is his
    login."""
    for sign, char in _ESCAPES.items():
        step = step.replace(sign, char)
    son = lab.world.accounts["son@hanoi.example"]
    login = base64.b64encode(f"\0{son.address}\0{son.password}".encode()).decode()
    step = step.replace("{son}", login)
    step = _REPEATED.sub(lambda found: found[1] * int(found[2]), step)
    times = _TIMES.match(step)
    return [step[times.end() :]] * int(times[1]) if times else [step]
