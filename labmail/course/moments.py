"""The logbook: the moments of a journey, numbered, one line each.

Bytes are left out here (the transcript has them); what remains is who did what, in the
order in which it happened.  The numbers are the same each time the same letter travels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labmail.course.notice import Table
from labmail.trace.events import (
    Accepted,
    Bounced,
    Connected,
    ConnectFailed,
    Deferred,
    Delivered,
    Dequeued,
    Event,
    Expunged,
    Fetched,
    FlagsChanged,
    LoggedIn,
    LoginFailed,
    LookedUp,
    Queued,
    RecipientRefused,
    Relayed,
    Routed,
)
from labmail.trace.recorder import Trace
from labmail.views.view import View


def _looked_up(e: LookedUp) -> str:
    said = ", ".join(e.answers) or e.status
    remembered = " (remembered)" if e.server == "cache" else ""
    return f"asks the DNS for {e.name} {e.rtype}: {said}{remembered}"


def _routed(e: Routed) -> str:
    if e.local:
        return f"decides: {e.domain} is at home here"
    hops = ", then ".join(f"{host} ({number})" for number, host, _ in e.hops)
    return f"decides: {e.domain} is elsewhere; try {hops}" if hops else f"finds no way: {e.note}"


def _accepted(e: Accepted) -> str:
    if e.connection is None:
        return "writes a notification: somebody has to be told"
    return f"takes the letter and will say 250 ({e.role})"


_WORDS: dict[type[Event], tuple[Callable[[Any], str], Callable[[Any], str]]] = {
    Connected: (
        lambda e: e.connection.client.name,
        lambda e: (
            f"opens connection #{e.connection.number} to {e.connection.server.name}, "
            f"port {e.connection.server.port}"
        ),
    ),
    ConnectFailed: (
        lambda e: e.client.name,
        lambda e: f"cannot connect to {e.server.name}, port {e.server.port}: {e.reason}",
    ),
    LoggedIn: (lambda e: e.host, lambda e: f"lets {e.account} in: the password is right"),
    LoginFailed: (lambda e: e.host, lambda e: f"does not let {e.account} in"),
    RecipientRefused: (lambda e: e.host, lambda e: f"refuses {e.recipient}: {e.reply}"),
    Accepted: (lambda e: e.host, _accepted),
    Queued: (lambda e: e.host, lambda e: f"puts the letter into its queue as {e.queue_id}"),
    LookedUp: (lambda e: e.host, _looked_up),
    Routed: (lambda e: e.host, _routed),
    Relayed: (lambda e: e.host, lambda e: f"has handed the letter to {e.to}"),
    Deferred: (
        lambda e: e.host,
        lambda e: f"could not pass the letter on; next try {e.next_try:%a %H:%M}",
    ),
    Bounced: (lambda e: e.host, lambda e: f"gives up on {e.recipient}: {e.reason}"),
    Dequeued: (lambda e: e.host, lambda e: f"takes {e.queue_id} out of its queue"),
    Delivered: (
        lambda e: e.host,
        lambda e: f"puts the letter into {e.account}'s {e.mailbox} as UID {e.uid}",
    ),
    Fetched: (lambda e: e.host, lambda e: f"gives UID {e.uid} of {e.account} out ({e.how})"),
    FlagsChanged: (
        lambda e: e.host,
        lambda e: f"marks UID {e.uid} of {e.account}: {', '.join(e.after) or 'no flags'}",
    ),
    Expunged: (lambda e: e.host, lambda e: f"removes UID {e.uid} of {e.account}"),
}
"""Who did it, and what it was, for each kind of event that is a moment of a journey."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A numbered line: `host` did what `words` say."""

    number: int
    host: str
    words: str
    event: Event


class Logbook(View):
    """The moments of a trace."""

    def __init__(self, trace: Trace) -> None:
        told = [event for event in trace if type(event) in _WORDS]
        self.moments = tuple(_moment(n, event) for n, event in enumerate(told, 1))
        self._same_day = len({m.event.at.date() for m in self.moments}) <= 1

    def __len__(self) -> int:
        return len(self.moments)

    def event(self, number: int) -> Event | None:
        """The event that has this number; None when there is none."""
        return next((m.event for m in self.moments if m.number == number), None)

    def _table(self) -> Table:
        time = "%H:%M" if self._same_day else "%a %H:%M"
        rows = [(str(m.number), f"{m.event.at:{time}}", m.host, m.words) for m in self.moments]
        head = ("no.", "time", "who", "what")
        return Table("Logbook", head, rows, right=(0,), whole=(1, 2), limits=(0, 0, 0, 64))

    def text(self) -> str:
        return self._table().text()

    def html(self) -> str:
        return self._table().html()


def _moment(number: int, event: Event) -> Moment:
    host, words = _WORDS[type(event)]
    return Moment(number, host(event), words(event), event)


def logbook(trace: Trace) -> Logbook:
    """The numbered moments of this trace."""
    return Logbook(trace)
