"""The custody line: who holds the letter, since when, and on what promise.

Mail works because at every moment somebody is responsible.  A server that says 250 to the
final dot has promised to deliver the letter or to report that it could not
(RFC 5321 §4.2.5), and only then may the one before it forget its copy.  So custody passes
in small overlaps: for an instant two hosts hold the letter, never none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from labmail.trace.events import (
    Accepted,
    Bounced,
    Deferred,
    Delivered,
    Dequeued,
    Expunged,
    Fetched,
    PostEvent,
    Relayed,
    Stored,
)
from labmail.trace.recorder import Trace
from labmail.views.chars import plural, text_table, visible
from labmail.views.spoken import clock, listed, moment
from labmail.views.view import Picture

if TYPE_CHECKING:
    from labmail.views.paper import Paper


class Mark(StrEnum):
    """What a moment on the line is."""

    WRITTEN = "written"
    ACCEPTED = "accepted"
    RELAYED = "relayed"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    DELIVERED = "delivered"
    STORED = "stored"
    FETCHED = "copy fetched"
    READ = "looked at"
    LEFT = "let go"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that changed, or did not change, who holds the letter."""

    at: datetime
    holder: str
    mark: Mark
    words: str


@dataclass(slots=True)
class Holding:
    """One holder's time with the letter: moments `start` to `end` (None: still holds it)."""

    holder: str
    start: int
    promised: bool
    end: int | None = None
    marks: list[tuple[int, Mark]] = field(default_factory=list)


class Custody(Picture):
    """The custody line of one letter: by default the first one of the trace."""

    def __init__(self, trace: Trace, parcel: int | None = None) -> None:
        numbers = trace.parcels
        if parcel is not None and parcel not in numbers:
            have = ", ".join(map(str, numbers)) or "none"
            raise ValueError(f"this trace has no letter {parcel}; it has {have}")
        self.parcel = parcel if parcel is not None else (numbers[0] if numbers else None)
        story = _Story()
        for event in trace.parcel(self.parcel) if self.parcel is not None else ():
            if isinstance(event, PostEvent):
                story.read(event)
        self.moments = tuple(story.moments)
        self.holdings = tuple(story.holdings)

    @property
    def holders(self) -> tuple[str, ...]:
        """Who holds the letter at the end of the trace."""
        return tuple(h.holder for h in self.holdings if h.end is None)

    @property
    def ending(self) -> str:
        """Who holds the letter at the end of the trace, in words."""
        if self.holders:
            return " and ".join(self.holders)
        told = any(m.mark is Mark.BOUNCED for m in self.moments)
        return "nobody: given up, see the bounce" if told else "nobody: the letter is gone"

    def alt(self) -> str:
        if not self.moments:
            return "Custody line: no letter in this trace."
        path = listed(dict.fromkeys(h.holder for h in self.holdings), 8).replace(", ", ", then ")
        return f"Custody of letter {self.parcel}: {path}. Held at the end by {self.ending}."

    def text(self) -> str:
        if not self.moments:
            return "(no letter in this trace)"
        first = self.moments[0].at
        rows = [
            (clock(m.at, first), m.holder, _SIGN[m.mark] + " " + m.mark, m.words)
            for m in self.moments
        ]
        grid = text_table(("lab time", "who", "what", "on what words"), rows, limits=(0, 0, 0, 64))
        title = f"Custody of letter {self.parcel}, {moment(first)}"
        return f"{title}\n{grid}\nHeld at the end by: {self.ending}"

    def draw(self) -> Paper:
        from labmail.views.custody_draw import drawn

        return drawn(self)


_SIGN = {
    Mark.WRITTEN: "○",
    Mark.ACCEPTED: "●",
    Mark.RELAYED: "→",
    Mark.DEFERRED: "…",
    Mark.BOUNCED: "✘",
    Mark.DELIVERED: "✔",
    Mark.STORED: "✔",
    Mark.FETCHED: "⇩",
    Mark.READ: "·",
    Mark.LEFT: "│",
    Mark.REMOVED: "✘",
}


class _Story:
    """Follows one letter through its post events."""

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self.holdings: list[Holding] = []
        self._more: dict[str, int] = {}

    def read(self, event: PostEvent) -> None:
        reader = _READERS.get(type(event))
        if reader is not None:
            reader(self, event)

    def _note(self, event: PostEvent, holder: str, mark: Mark, words: str) -> int:
        self.moments.append(Moment(event.at, holder, mark, words))
        index = len(self.moments) - 1
        held = self._held(holder)
        if held is not None:
            held.marks.append((index, mark))
        return index

    def _held(self, holder: str) -> Holding | None:
        return next((h for h in self.holdings if h.holder == holder and h.end is None), None)

    def _take(self, holder: str, index: int, promised: bool, mark: Mark) -> None:
        if self._held(holder) is None:
            self.holdings.append(Holding(holder, index, promised, marks=[(index, mark)]))

    def _let_go(self, holder: str, index: int) -> None:
        held = self._held(holder)
        if held is not None:
            held.end = index

    def accepted(self, e: Accepted) -> None:
        sender = e.connection.client.name if e.connection else None
        if not self.moments and sender:
            index = self._note(e, sender, Mark.WRITTEN, "nobody has promised anything yet")
            self._take(sender, index, False, Mark.WRITTEN)
        words = f"250, accepted as {e.queue_id}: deliver, or tell {_told(e)}"
        if e.connection is None:
            words = f"wrote it itself, as {e.queue_id}"
        index = self._note(e, e.host, Mark.ACCEPTED, words)
        self._take(e.host, index, True, Mark.ACCEPTED)
        if sender and e.role == "submission":
            self._let_go(sender, index)

    def relayed(self, e: Relayed) -> None:
        self._note(e, e.host, Mark.RELAYED, f"{visible(e.to)} took it: {visible(e.reply)}")

    def deferred(self, e: Deferred) -> None:
        words = f"keeps it, next try {clock(e.next_try, e.at)}: {visible(e.reason)}"
        run = self.moments[-3:]
        if len(run) == 3 and all(_deferred_at(m, e.host) for m in run):
            # Of many attempts in a row the first and the last are told, the rest counted.
            self._more[e.host] = self._more.get(e.host, 0) + 1
            count = f"… {plural(self._more[e.host] + 1, 'time')} …"
            self.moments[-2] = replace(self.moments[-2], words=count)
            self.moments[-1] = Moment(e.at, e.host, Mark.DEFERRED, words)
            return
        self._more.pop(e.host, None)
        self._note(e, e.host, Mark.DEFERRED, words)

    def bounced(self, e: Bounced) -> None:
        told = f"the sender is told by letter {e.dsn}" if e.dsn is not None else "nobody is told"
        self._note(e, e.host, Mark.BOUNCED, f"gave up: {visible(e.reason)}; {told}")

    def dequeued(self, e: Dequeued) -> None:
        index = self._note(e, e.host, Mark.LEFT, f"{e.queue_id} leaves the queue: promise kept")
        self._let_go(e.host, index)

    def delivered(self, e: Delivered | Stored) -> None:
        box = _box(e)
        mark = Mark.DELIVERED if isinstance(e, Delivered) else Mark.STORED
        index = self._note(e, box, mark, f"in the mailbox at {e.host}, UID {e.uid}")
        self._take(box, index, True, mark)

    def fetched(self, e: Fetched) -> None:
        how = visible(e.how)
        if how.endswith(("RETR", "[]", "RFC822")):
            words = f"a program took a copy ({how}); the mailbox still has it"
            self._note(e, _box(e), Mark.FETCHED, words)
        else:
            self._note(e, _box(e), Mark.READ, f"a program read part of it ({how})")

    def expunged(self, e: Expunged) -> None:
        index = self._note(e, _box(e), Mark.REMOVED, f"removed by {visible(e.how)}")
        self._let_go(_box(e), index)


def _deferred_at(moment_: Moment, host: str) -> bool:
    return moment_.mark is Mark.DEFERRED and moment_.holder == host


def _told(event: Accepted) -> str:
    return visible(event.envelope.reverse_path) or "nobody (null reverse-path)"


def _box(event: Delivered | Stored | Fetched | Expunged) -> str:
    return f"{visible(event.mailbox)} of {visible(event.account)}"


_READERS: dict[type[PostEvent], Callable[[_Story, Any], None]] = {
    Accepted: _Story.accepted,
    Relayed: _Story.relayed,
    Deferred: _Story.deferred,
    Bounced: _Story.bounced,
    Dequeued: _Story.dequeued,
    Delivered: _Story.delivered,
    Stored: _Story.delivered,
    Fetched: _Story.fetched,
    Expunged: _Story.expunged,
}
