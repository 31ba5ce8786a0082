"""The decision flow: what the DNS says about a domain, and what becomes of the letter.

A letter can end in three ways: handed over, kept in the queue, given up.  Which of them, is
mostly decided before any mail host is called.  The rule behind the nine ways is one question:
does the DNS *know*?  A known "no" is final, and the sender is told at once; "cannot say" is no
answer, so the letter waits (RFC 5321 §5.1).

The ways are fixed; which of them a letter took is read from the trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

from labmail.trace.events import Bounced, Deferred, Relayed
from labmail.trace.recorder import Trace
from labmail.views.chars import pad, text_table, visible
from labmail.views.searches import Search, searches
from labmail.views.view import Picture

if TYPE_CHECKING:
    from labmail.views.paper import Paper


class Fate(StrEnum):
    """The three ends of a letter's search."""

    CALL = "call the hosts, best first"
    WAIT = "keep the letter, ask again later"
    GIVE_UP = "give up now, tell the sender"


class Way(Enum):
    """One way through the decision: (what the DNS says, what that means, where it leads)."""

    HOSTS = ("NOERROR", "MX: hosts that have addresses", Fate.CALL)
    IMPLICIT = ("NODATA", "no MX; the domain has an address itself", Fate.CALL)
    UNSURE = ("NOERROR", "MX: but no address can be had now", Fate.WAIT)
    SILENCE = ("SERVFAIL REFUSED TIMEOUT", "nobody can say", Fate.WAIT)
    NULL = ("NOERROR", "MX 0 . (null MX): takes no mail", Fate.GIVE_UP)
    UNUSABLE = ("NOERROR", "MX: none names a host that can be called", Fate.GIVE_UP)
    LOOP = ("NOERROR", "MX: nobody better than ourselves", Fate.GIVE_UP)
    NOTHING = ("NODATA", "no MX and no address", Fate.GIVE_UP)
    NO_NAME = ("NXDOMAIN", "there is no such domain", Fate.GIVE_UP)

    @property
    def said(self) -> str:
        return self.value[0]

    @property
    def means(self) -> str:
        return self.value[1]

    @property
    def fate(self) -> Fate:
        return self.value[2]


_BY_STATUS = {"5.1.10": Way.NULL, "5.4.6": Way.LOOP}
"""Ways that the enhanced code of the bounce tells (RFC 7505 §4.1; RFC 3463 §3.5)."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A search and the way it took."""

    search: Search
    way: Way

    @property
    def letter(self) -> str:
        return "–" if self.search.parcel is None else str(self.search.parcel)

    @property
    def ended(self) -> str:
        """What became of the letter: the words that were recorded."""
        match self.search.end:
            case Relayed() as end:
                return f"✔ handed over to {visible(end.to)}"
            case Deferred() as end:
                return f"… waits until {end.next_try:%a %H:%M}"
            case Bounced() as end:
                return f"✘ given up, {end.status}"
        return "· still open"


class Decision(Picture):
    """The flow, with the ways marked that the letters of a trace took: the last search of
    each letter, or of one."""

    def __init__(self, trace: Trace, parcel: int | None = None) -> None:
        last = {(s.parcel, s.domain): s for s in searches(trace, parcel)}
        found = ((s, way_of(s)) for s in last.values())
        self.taken = tuple(Taken(s, way) for s, way in found if way is not None)

    def on(self, way: Way) -> tuple[Taken, ...]:
        """The searches that took this way."""
        return tuple(t for t in self.taken if t.way is way)

    def alt(self) -> str:
        if not self.taken:
            return "Decision flow from the DNS's answer to the letter's fate; no letter is marked."
        told = "; ".join(
            f"{visible(t.search.domain)}: {_status(t)}, {t.way.means}, so {t.way.fate}"
            for t in self.taken
        )
        return f"Decision flow from the DNS's answer to the letter's fate. {told}."

    def text(self) -> str:
        lines = ["From the DNS's answer to the letter's fate (MX of the letter's domain?)"]
        for fate in Fate:
            lines.append(f"\n➜ {fate}")
            for way in (way for way in Way if way.fate is fate):
                domains = ", ".join(visible(t.search.domain) for t in self.on(way))
                mark = "●" if domains else "·"
                said = pad(way.said, 26)
                lines.append(f"   {mark} {said}{pad(way.means, 42)}{domains}".rstrip())
        if self.taken:
            lines += ["", self._letters()]
        return "\n".join(lines)

    def _letters(self) -> str:
        rows = [(t.letter, visible(t.search.domain), _status(t), t.ended) for t in self.taken]
        return text_table(("letter", "domain", "MX?", "what became of it"), rows, right=(0,))

    def draw(self) -> Paper:
        from labmail.views.decision_draw import drawn

        return drawn(self)


def _status(taken: Taken) -> str:
    return taken.search.mx.status if taken.search.mx else "–"


def way_of(search: Search) -> Way | None:
    """The way that a search took; None where no DNS was asked (an address in brackets)."""
    if search.mx is None:
        return None
    status = search.mx.status
    if status == "NXDOMAIN":
        return Way.NO_NAME
    if status not in ("NOERROR", "NODATA"):
        return Way.SILENCE
    if search.routed.hops:
        return Way.HOSTS if status == "NOERROR" else Way.IMPLICIT
    if not isinstance(search.end, Bounced):
        return Way.UNSURE
    if status == "NODATA":
        return Way.NOTHING
    return _BY_STATUS.get(search.end.status, Way.UNUSABLE)
