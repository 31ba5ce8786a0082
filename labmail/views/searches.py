"""How a host looked for the way to a domain, read from the trace.

A search is one attempt of one letter: the questions it put to the DNS, the route that came
of them, the addresses that were called, and how it ended.  The next attempt of the same
letter is a search of its own, for by then the DNS may say something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from labmail.trace.events import (
    Attempted,
    Bounced,
    Connected,
    ConnectFailed,
    Deferred,
    Event,
    LookedUp,
    Relayed,
    Reply,
    Routed,
)
from labmail.trace.recorder import Trace

Fate = Literal["took it", "not now", "refused", "no connection", ""]
"""What came of calling an address; "" when the trace does not say."""

ADDRESSES = ("A", "AAAA")
"""The record types that hold addresses."""

_FATES: dict[str, Fate] = {"relayed": "took it", "deferred": "not now", "refused": "refused"}


@dataclass(slots=True)
class Call:
    """One address that was called, and what came of it."""

    ip: str
    fate: Fate = ""
    words: str = ""


@dataclass(slots=True)
class Search:
    """One attempt to find and reach the hosts of a domain.

    `lookups` are the questions in the order in which they were asked; `calls` the addresses
    that were dialled; `end` the event that closed it (Relayed, Deferred, Bounced), None when
    the trace ends before.
    """

    routed: Routed
    lookups: tuple[LookedUp, ...] = ()
    calls: list[Call] = field(default_factory=list)
    end: Relayed | Deferred | Bounced | None = None

    @property
    def host(self) -> str:
        return self.routed.host

    @property
    def domain(self) -> str:
        return self.routed.domain

    @property
    def parcel(self) -> int | None:
        return self.routed.parcel

    @property
    def mx(self) -> LookedUp | None:
        """The question for the domain's MX records, and what was answered."""
        return next((e for e in self.lookups if e.rtype == "MX"), None)

    @property
    def records(self) -> tuple[tuple[int, str], ...]:
        """(preference, host) of the MX records, sorted; the host of a null MX is ""."""
        answers = self.mx.answers if self.mx else ()
        pairs = (answer.split(" ", 1) for answer in answers if " " in answer)
        return tuple(sorted((int(number), plain(host)) for number, host in pairs))

    def asked(self, name: str, rtype: str) -> LookedUp | None:
        """The lookup of this name and type."""
        found = (e for e in self.lookups if e.rtype == rtype and plain(e.name) == name)
        return next(found, None)

    def called(self, ip: str) -> Call | None:
        """What came of this address; None when it was not called."""
        return next((call for call in self.calls if call.ip == ip), None)

    def _call(self, ip: str) -> Call:
        """The call to this address, begun now if there is none."""
        call = self.called(ip)
        if call is None:
            call = Call(ip)
            self.calls.append(call)
        return call


def plain(name: str) -> str:
    """A name as it is compared: without its final dot, in small letters."""
    return name.rstrip(".").lower()


def searches(trace: Trace, parcel: int | None = None) -> tuple[Search, ...]:
    """Every search in this trace, or those of one letter.  A host that delivers by itself
    searches for nothing."""
    reader = _Reader()
    for event in trace:
        reader.read(event)
    return tuple(s for s in reader.searches if parcel in (None, s.parcel))


class _Reader:
    """Puts the events of each search together: letters may be under way side by side."""

    def __init__(self) -> None:
        self.searches: list[Search] = []
        self._questions: dict[tuple[str, int | None], list[LookedUp]] = {}
        self._last_no: dict[int, str] = {}
        self._on_line: dict[int, Call] = {}

    def read(self, event: Event) -> None:
        match event:
            case LookedUp():
                self._questions.setdefault((event.host, event.parcel), []).append(event)
            case Routed():
                asked = self._questions.pop((event.host, event.parcel), [])
                if not event.local:
                    self.searches.append(Search(event, tuple(asked)))
            case ConnectFailed():
                self._unreachable(event)
            case Connected():
                self._answered(event)
            case Reply(code=code) if code[:1] in ("4", "5"):
                self._said_no(event)
            case Attempted(ip=ip) if ip:
                self._attempted(event)
            case Relayed() | Deferred() | Bounced():
                self._ended(event)

    def _open(self, host: str, ip: str) -> Iterable[Search]:
        """The searches of a host that may be calling this address now."""
        for search in self.searches:
            addresses = (a for _, _, hop in search.routed.hops for a in hop)
            if search.host == host and search.end is None and ip in addresses:
                yield search

    def _unreachable(self, event: ConnectFailed) -> None:
        for search in self._open(event.client.name, event.server.ip):
            if search.parcel == event.parcel:
                call = search._call(event.server.ip)
                call.fate, call.words = "no connection", event.reason

    def _answered(self, event: Connected) -> None:
        connection = event.connection
        possible = list(self._open(connection.client.name, connection.server.ip))
        if connection.service == "smtp" and len(possible) == 1:  # else nobody can say for whom
            self._on_line[connection.number] = possible[0]._call(connection.server.ip)

    def _said_no(self, event: Reply) -> None:
        call = self._on_line.get(event.connection.number)
        if call is not None:
            call.fate = "not now" if event.code.startswith("4") else "refused"
            call.words = event.lines[-1].decode("utf-8", "replace") if event.lines else event.code

    def _attempted(self, event: Attempted) -> None:
        for search in self._open(event.host, event.ip):
            call = search.called(event.ip)
            if search.parcel != event.parcel or (call and call.fate == "no connection"):
                continue
            call = search._call(event.ip)
            call.fate, call.words = _FATES.get(event.outcome, "took it"), event.reply

    def _ended(self, event: Relayed | Deferred | Bounced) -> None:
        domain = event.recipient.rpartition("@")[2].lower()
        for search in reversed(self.searches):
            if (search.host, search.parcel, search.domain) == (event.host, event.parcel, domain):
                search.end = event
                return
