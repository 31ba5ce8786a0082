"""The resolution tree: from a letter's domain to the host that took it.

The tree has three levels, and each is a question of its own (RFC 5321 §5.1).  The domain
is asked for its MX records: they name hosts and put them in order.  Each host is asked for
its addresses.  The addresses are called, best first, until one takes the letter.  What was
left out stays in the tree, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from labmail.trace.events import Bounced, Deferred, LookedUp, Relayed
from labmail.trace.recorder import Trace
from labmail.views.chars import visible
from labmail.views.searches import ADDRESSES, Call, Fate, Search, plain, searches
from labmail.views.spoken import clock, moment, span
from labmail.views.view import Picture

if TYPE_CHECKING:
    from labmail.views.paper import Paper

SIGNS: dict[Fate, str] = {
    "took it": "✔",
    "not now": "…",
    "refused": "✘",
    "no connection": "✘",
    "": "·",
}
"""One mark for each thing that can come of a call."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One host of the tree: `questions` are those about its addresses, `calls` what came of
    each address; `left_out` says that the route does not lead over it."""

    host: str
    preference: int | None
    questions: tuple[LookedUp, ...]
    calls: tuple[tuple[str, Call | None], ...]
    left_out: bool

    @property
    def name(self) -> str:
        """As it stands in the MX record: "10 mx1.saigon.example"."""
        if self.preference is None:
            return visible(self.host)
        return visible(f"{self.preference} {self.host or '.'}")


class Resolution(Picture):
    """The tree of one search: the first of a letter, or a later `attempt` (from 1)."""

    def __init__(self, trace: Trace, parcel: int | None = None, attempt: int = 1) -> None:
        found = searches(trace, parcel)
        if parcel is None and found:
            found = tuple(s for s in found if s.parcel == found[0].parcel)
        if found and not 1 <= attempt <= len(found):
            raise ValueError(
                f"letter {found[0].parcel} has {len(found)} searches here; there is no {attempt}"
            )
        if not found and parcel is not None:
            raise ValueError(f"no host looked for the way of a letter {parcel} in this trace")
        self.search: Search | None = found[attempt - 1] if found else None
        self.branches = _branches(self.search) if self.search else ()

    @property
    def title(self) -> str:
        if self.search is None:
            return "(no host looked for a way in this trace)"
        letter = "" if self.search.parcel is None else f" for letter {self.search.parcel}"
        return visible(f"How {self.search.host} looked for {self.search.domain}{letter}")

    @property
    def note(self) -> str:
        """What the route left out and why, unless the ending says it already."""
        note = visible(self.search.routed.note) if self.search else ""
        return "" if not note or note in self.ending else f"Note: {note}"

    @property
    def ending(self) -> str:
        """What came of the search, in a sentence."""
        return _ending(self.search) if self.search else ""

    def alt(self) -> str:
        hosts = ", then ".join(b.name for b in self.branches if not b.left_out)
        return " ".join(filter(None, [f"{self.title}: {hosts or 'no host'}.", self.ending]))

    def text(self) -> str:
        if self.search is None:
            return self.title
        title = f"{self.title}, {moment(self.search.routed.at)}"
        lines = [title, "", visible(self.search.domain)]
        if self.search.mx:
            lines.append(f"│  {_question(self.search.mx)}")
        for i, branch in enumerate(self.branches):
            last = i == len(self.branches) - 1
            lines.append(f"{'└─' if last else '├─'} {_headed(branch)}")
            lines += [f"{'  ' if last else '│ '}    {line}" for line in _details(branch)]
        return "\n".join([*lines, "", *filter(None, (self.note, self.ending))]).rstrip()

    def draw(self) -> Paper:
        from labmail.views.resolution_draw import drawn

        return drawn(self)


def _branches(search: Search) -> tuple[Branch, ...]:
    """The hosts in the order of their preferences, equals in the order of the lot."""
    hops = {plain(host): ips for _, host, ips in search.routed.hops}
    records = {host: number for number, host in reversed(search.records)}
    places = {host: place for place, host in enumerate(hops)}
    named = sorted(records, key=lambda host: (records[host], places.get(host, len(places))))
    if not named and (hops or search.asked(search.domain, "A")):
        named = list(hops) or [search.domain]  # the implicit MX, or an address in brackets
    return tuple(_branch(search, host, records.get(host), hops) for host in named)


def _branch(
    search: Search, host: str, preference: int | None, hops: dict[str, tuple[str, ...]]
) -> Branch:
    asked = (search.asked(host, rtype) for rtype in ADDRESSES)
    calls = tuple((ip, search.called(ip)) for ip in hops.get(host, ()))
    return Branch(host, preference, tuple(filter(None, asked)), calls, host not in hops)


def who_knew(lookup: LookedUp) -> str:
    """Who answered, and how long the answer may be remembered: "ns.lab, 1 h"."""
    by = "remembered" if lookup.server == "cache" else lookup.server
    if lookup.ttl is None:
        return by
    left = (
        f"for {span(lookup.ttl)} more" if lookup.server == "cache" else f"keep {span(lookup.ttl)}"
    )
    return f"{by}, {left}"


def said(lookup: LookedUp) -> str:
    """What was answered: the records, or how there are none."""
    return " · ".join(map(visible, lookup.answers)) or lookup.status


def call_words(call: Call | None) -> str:
    """What came of one address, in short."""
    if call is None:
        return "not called"
    words = {"took it": "took the letter", "": "called"}.get(call.fate, call.fate)
    return f"{words}: {visible(call.words)}" if call.words else words


def _question(lookup: LookedUp) -> str:
    return f"{lookup.rtype}?".ljust(7) + f"{said(lookup)}   ({who_knew(lookup)})"


def _headed(branch: Branch) -> str:
    if branch.preference is None:
        return f"{branch.name} (no MX: the domain itself)"
    return f"{branch.name}   ✘ left out" if branch.left_out else branch.name


def _details(branch: Branch) -> list[str]:
    questions = [_question(lookup) for lookup in branch.questions]
    calls = [f"{SIGNS[c.fate if c else '']} {ip} {call_words(c)}" for ip, c in branch.calls]
    return questions + calls


def _ending(search: Search) -> str:
    match search.end:
        case Relayed() as end:
            return f"{visible(end.to)} took the letter."
        case Deferred() as end:
            when = clock(end.next_try, end.at)
            return f"Not now, next try {when}: {visible(end.reason)}"
        case Bounced() as end:
            told = "the sender is told" if end.dsn is not None else "nobody is told"
            return f"Never ({end.status}), {told}: {visible(end.reason)}"
    return ""
