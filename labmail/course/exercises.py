"""What an exercise is: goals that look at the world, hints that climb, a way that works.

An exercise is never passed by typing the right words.  Each goal looks at the lab that is open now,
at its trace, queues, boxes and at what listens, and answers with an empty text
when it is met, else with what it saw, in the learner's words and without giving the
way away.  Where an answer is asked for, the goal holds it against the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labmail.lab import Lab
from labmail.trace.events import Accepted, Delivered
from labmail.trace.recorder import Trace


@dataclass(frozen=True, slots=True)
class Scene:
    """What a goal may look at: the lab that is open, and the answer that was given."""

    lab: Lab
    answer: Any = None

    @property
    def trace(self) -> Trace:
        """Everything that has happened since the lab was started or reset."""
        return self.lab.trace

    def handed_in(self) -> tuple[Accepted, ...]:
        """The letters that users have handed in to their servers."""
        return tuple(e for e in self.trace.of(Accepted) if e.role == "submission")

    def delivered_to(self, account: str) -> tuple[Delivered, ...]:
        """The letters that were put into this account's mailboxes."""
        return tuple(e for e in self.trace.of(Delivered) if e.account == account)

    def waiting(self) -> dict[str, int]:
        """How many letters wait in which host's queue; hosts with none are left out."""
        rows = {host.name: len(self.lab.queue(host.name).rows) for host in self.lab.hosts}
        return {name: count for name, count in rows.items() if count}


@dataclass(frozen=True, slots=True)
class Goal:
    """One thing that has to be so.  `words` say what; `look` answers "" when it is."""

    words: str
    look: Callable[[Scene], str]


@dataclass(frozen=True, slots=True)
class Exercise:
    """An exercise of a notebook.

    `minutes` for most people; `hints` from a nudge to nearly the answer; `solve` does
    it in a given lab and returns the answer, if one is asked for; `stage` prepares the lab
    as the notebook's cell does; `done` is said at the end: why it matters.
    """

    key: str
    title: str
    minutes: int
    goals: tuple[Goal, ...]
    hints: tuple[str, ...]
    solve: Callable[[Lab], Any]
    done: str
    stage: Callable[[Lab], None] = lambda lab: None


def as_mapping(answer: object) -> Mapping[Any, Any]:
    """The answer as a mapping, if it is one; else an empty one."""
    return answer if isinstance(answer, Mapping) else {}
