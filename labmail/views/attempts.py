"""The attempts at a letter on a line of lab time: how long it waited, when it was tried, what
came of it.

One row for each recipient of a letter, in each queue it lay in.  The bar is the wait, the marks
on it are what happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from labmail.trace.queues import Note, Stay, stays
from labmail.trace.recorder import Trace
from labmail.views.chars import plural, shorten, visible
from labmail.views.spoken import moment, span
from labmail.views.timeline import Span
from labmail.views.view import Picture

if TYPE_CHECKING:
    from labmail.views.paper import Paper

MARKS = {
    "deferred": "○",
    "relayed": "●",
    "delivered": "●",
    "bounced": "■",
    "told": "▲",
}
"""What happened, as a sign; later ones of this list cover earlier ones."""
MEANING = {
    "○": "tried: not now",
    "●": "handed on",
    "▲": "the sender hears: late",
    "■": "given up: the sender hears: never",
}
MOST_ROWS = 16
_LINE = 66


@dataclass(frozen=True, slots=True)
class Wait:
    """One copy of a letter in a host's queue: what happened to it; `left` is None while it is
    there."""

    host: str
    parcel: int | None
    recipient: str
    arrived: datetime
    notes: tuple[Note, ...]

    @property
    def tried(self) -> tuple[datetime, ...]:
        return tuple(n.at for n in self.notes if n.what == "tried")

    @property
    def marks(self) -> list[Note]:
        """What is marked; what matters more is drawn later."""
        rank = list(MARKS)
        return sorted((n for n in self.notes if n.what in MARKS), key=lambda n: rank.index(n.what))

    @property
    def left(self) -> datetime | None:
        ends = [n.at for n in self.notes if n.what in ("relayed", "delivered", "bounced")]
        return ends[-1] if ends else None


class Attempts(Picture):
    """Letters and what was tried with them; `parcel` and `host` pick some of them.

    Letters that were handed on at the first try are left out unless nothing else is there.
    """

    def __init__(
        self, trace: Trace, parcel: int | None = None, host: str | None = None, title: str = ""
    ) -> None:
        found = [s for s in stays(trace, host) if parcel in (None, s.parcel) and s.attempts]
        slow = [s for s in found if any(n.what == "deferred" for n in s.notes)]
        chosen = [wait for stay in slow or found for wait in _waits_of(stay)]
        self.waits = tuple(chosen[:MOST_ROWS])
        self.more = len(chosen) - len(self.waits)
        last = trace.events[-1].at if trace.events else datetime.min
        self.span = Span.around([m for w in chosen for m in _moments(w, last)]) if chosen else None
        self.title = title or "Attempts"

    def label(self, wait: Wait) -> str:
        return f"letter {wait.parcel} at {wait.host}"

    def text(self) -> str:
        if self.span is None:
            return f"{self.title}\n(no letter was tried)"
        head = f"{self.title}, {moment(self.span.start)} to {moment(self.span.end)}"
        lines = [visible(head)]
        for wait in self.waits:
            lines += ["", *self._lines(wait, self.span)]
        if self.more:
            lines += ["", f"and {self.more} more"]
        lines += ["", "   ".join(f"{m} {words}" for m, words in MEANING.items() if m in self.used)]
        return "\n".join(lines)

    @property
    def used(self) -> set[str]:
        """The signs that occur."""
        return {MARKS[n.what] for wait in self.waits for n in wait.marks}

    def _lines(self, wait: Wait, whole: Span) -> Iterator[str]:
        yield visible(f"{self.label(wait)}, for {wait.recipient}")
        yield f"  {self._bar(wait, whole)}"
        tried = wait.tried
        said = [whole.name(t) for t in tried]
        listed = said if len(said) <= 6 else [*said[:4], "…", said[-1]]
        waits = ", ".join(_waits(tried))
        tail = f"; waits: {waits}" if waits else ""
        yield f"  {plural(len(tried), 'try', 'tries')}: {', '.join(listed)}{tail}"
        yield f"  {shorten(visible(self.end(wait)), 110)}"

    def end(self, wait: Wait) -> str:
        """How it ended, or why not yet."""
        note = next((n for n in reversed(wait.notes) if n.what not in ("told", "tried")), None)
        if note is None:
            return "not tried yet"
        when = moment(note.at)
        if note.what == "bounced":
            return f"given up {when}: {note.words}"
        if note.what == "relayed":
            return f"handed to {note.to} {when}"
        if note.what == "delivered":
            return f"in the mailbox {when}"
        return f"not yet: {note.words}"

    def _bar(self, wait: Wait, whole: Span) -> str:
        def at(when: datetime) -> int:
            return round(whole.place(when) * (_LINE - 1))

        cells = [" "] * _LINE
        end = at(wait.left) if wait.left else _LINE - 1
        for i in range(at(wait.arrived), end + 1):
            cells[i] = "─"
        for note in wait.marks:
            cells[at(note.at)] = MARKS[note.what]
        return "".join(cells).rstrip()

    def alt(self) -> str:
        if self.span is None:
            return "No letter was tried."
        told = [
            f"{self.label(w)}: {plural(len(w.tried), 'try', 'tries')}, {self.end(w)}"
            for w in self.waits[:6]
        ]
        return f"{self.title} on a line of lab time. {'. '.join(told)}."

    def draw(self) -> Paper:
        from labmail.views.attempts_draw import drawn

        return drawn(self)


def _waits_of(stay: Stay) -> Iterator[Wait]:
    for recipient in stay.recipients:
        notes = stay.notes_of(recipient)
        yield Wait(stay.host, stay.parcel, recipient, stay.arrived, notes)


def _moments(wait: Wait, last: datetime) -> list[datetime]:
    return [wait.arrived, *(n.at for n in wait.notes), wait.left or last]


def _waits(tried: Sequence[datetime]) -> Iterator[str]:
    """The pauses between attempts: "30 min", "4 h × 28"."""
    pauses = [(b - a).total_seconds() for a, b in pairwise(tried)]
    for seconds, same in groupby(pauses):
        count = len(list(same))
        yield span(seconds) + (f" × {count}" if count > 1 else "")
