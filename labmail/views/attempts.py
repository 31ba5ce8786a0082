"""The attempts at a letter on a line of lab time: how long it waited, when it was tried, what
came of it.

One row for each letter in each queue it lay in.  The bar is the wait, the marks on it are
what happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    "mixed": "◐",
    "relayed": "●",
    "delivered": "●",
    "refused": "■",
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


class Attempts(Picture):
    """Letters and what was tried with them; `parcel` and `host` pick some of them.

    Letters that were handed on at the first try are left out unless nothing else is there.
    """

    def __init__(
        self, trace: Trace, parcel: int | None = None, host: str | None = None, title: str = ""
    ) -> None:
        found = [s for s in stays(trace, host) if s.attempts or s.notes]
        found = [s for s in found if parcel in (None, s.parcel) and s.attempts]
        slow = [s for s in found if any(n.what in ("deferred", "mixed") for n in s.notes)]
        chosen = slow or found
        self.stays = tuple(chosen[:MOST_ROWS])
        self.more = len(chosen) - len(self.stays)
        last = trace.events[-1].at if trace.events else datetime.min
        self.span = Span.around([m for s in chosen for m in _moments(s, last)]) if chosen else None
        self.title = title or "Attempts"

    def label(self, stay: Stay) -> str:
        return f"letter {stay.parcel} at {stay.host}"

    def text(self) -> str:
        if self.span is None:
            return f"{self.title}\n(no letter was tried)"
        head = f"{self.title}, {moment(self.span.start)} to {moment(self.span.end)}"
        lines = [visible(head)]
        for stay in self.stays:
            lines += ["", *self._lines(stay, self.span)]
        if self.more:
            lines += ["", f"and {plural(self.more, 'more letter')}"]
        used = {MARKS[n.what] for s in self.stays for n in s.notes}
        lines += ["", "   ".join(f"{m} {words}" for m, words in MEANING.items() if m in used)]
        return "\n".join(lines)

    def _lines(self, stay: Stay, whole: Span) -> Iterator[str]:
        yield visible(f"{self.label(stay)}, for {', '.join(stay.recipients)}")
        yield f"  {self._bar(stay, whole)}"
        tried = [n.at for n in stay.attempts]
        said = [whole.name(t) for t in tried]
        listed = said if len(said) <= 6 else [*said[:4], "…", said[-1]]
        waits = ", ".join(_waits(tried))
        tail = f"; waits: {waits}" if waits else ""
        yield f"  {plural(len(tried), 'try', 'tries')}: {', '.join(listed)}{tail}"
        yield f"  {shorten(visible(self.end(stay)), 110)}"

    def end(self, stay: Stay) -> str:
        """How it ended, or why not yet."""
        note = next((n for n in reversed(stay.notes) if n.what != "told"), None)
        if note is None:
            return "not tried yet"
        when = moment(note.at)
        if note.what in ("bounced", "refused"):
            return f"given up {when}: {note.words}"
        if note.what == "relayed":
            return f"handed to {note.to} {when}"
        if note.what == "delivered":
            return f"in the mailbox {when}"
        return f"not yet: {note.words}"

    def _bar(self, stay: Stay, whole: Span) -> str:
        def at(when: datetime) -> int:
            return round(whole.place(when) * (_LINE - 1))

        cells = [" "] * _LINE
        end = at(stay.left) if stay.left else _LINE - 1
        for i in range(at(stay.arrived), end + 1):
            cells[i] = "─"
        for note in _in_order(stay.notes):
            cells[at(note.at)] = MARKS[note.what]
        return "".join(cells).rstrip()

    def alt(self) -> str:
        if self.span is None:
            return "No letter was tried."
        told = [
            f"{self.label(s)}: {plural(len(s.attempts), 'try', 'tries')}, {self.end(s)}"
            for s in self.stays[:6]
        ]
        return f"{self.title} on a line of lab time. {'. '.join(told)}."

    def draw(self) -> Paper:
        from labmail.views.attempts_draw import drawn

        return drawn(self)


def _moments(stay: Stay, last: datetime) -> list[datetime]:
    return [stay.arrived, *(n.at for n in stay.notes), stay.left or last]


def _in_order(notes: Sequence[Note]) -> list[Note]:
    """What matters more is drawn later."""
    rank = list(MARKS)
    return sorted(notes, key=lambda n: rank.index(n.what))


def _waits(tried: Sequence[datetime]) -> Iterator[str]:
    """The pauses between attempts: "30 min", "4 h × 28"."""
    pauses = [(b - a).total_seconds() for a, b in pairwise(tried)]
    for seconds, same in groupby(pauses):
        count = len(list(same))
        yield span(seconds) + (f" × {count}" if count > 1 else "")
