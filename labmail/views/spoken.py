"""Small readings of the trace that several views share.

Which host is meant by an address, what one side said at an offset, when a time is
worth printing, which way a letter went on a connection.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from labmail.trace.events import (
    Accepted,
    Connection,
    Content,
    Event,
    HostStarted,
    Layer,
    Sent,
    Side,
    Span,
)
from labmail.trace.recorder import Trace

PROTOCOLS = {
    "smtp": "SMTP",
    "submission": "SMTP submission",
    "submissions": "SMTP submission",
    "lmtp": "LMTP",
    "pop3": "POP3",
    "pop3s": "POP3",
    "imap": "IMAP",
    "imaps": "IMAP",
    "domain": "DNS",
    "http": "HTTP",
}
IMPLICIT_TLS = frozenset({"submissions", "pop3s", "imaps", "https"})  # RFC 8314 §3


class Way(StrEnum):
    """Which way a letter goes on a connection, seen from who opened it."""

    PUSH = "push"
    """The client opened the connection and gave a letter."""
    PULL = "pull"
    """The client opened the connection and took a letter."""
    NONE = "no letter"


def protocol(connection: Connection) -> str:
    """What is spoken on the connection: "SMTP", "POP3", …"""
    return PROTOCOLS.get(connection.service, connection.service)


def is_smtp(connection: Connection) -> bool:
    return connection.service in {"smtp", "submission", "submissions", "lmtp"}


def everything(trace: Trace) -> tuple[Event, ...]:
    """What came before the stretch, and the stretch."""
    return (*trace.earlier, *trace.events)


def names_by_address(trace: Trace) -> dict[str, str]:
    """Host names by their addresses, as the world's hosts said when they started."""
    known: dict[str, str] = {}
    for event in everything(trace):
        if isinstance(event, HostStarted):
            known.update(dict.fromkeys(event.addresses, event.host))
    return known


def way(trace: Trace, connection: Connection) -> Way:
    """Whether a letter was pushed or pulled on this connection.

    A push sends the envelope with it (SMTP); what an IMAP client uploads to its own
    mailbox is a push as well: it opened, and it gave.
    """
    for event in trace.events:
        if isinstance(event, Content) and event.connection.number == connection.number:
            return Way.PUSH if event.sender is Side.CLIENT else Way.PULL
    return Way.NONE


def parcels_on(trace: Trace) -> dict[int, list[int]]:
    """The letters that were accepted on each connection: {connection number: parcels}."""
    found: dict[int, list[int]] = {}
    for event in trace.events:
        if isinstance(event, Accepted) and event.connection and event.parcel is not None:
            found.setdefault(event.connection.number, []).append(event.parcel)
    return found


def chosen(trace: Trace, connection: Connection | int | None) -> tuple[Connection, ...]:
    """The connection that is meant, by itself or by its number; all of the trace for None.

    Raises ValueError when the trace has no connection of that number.
    """
    wanted = connection.number if isinstance(connection, Connection) else connection
    found = tuple(c for c in trace.connections if wanted is None or c.number == wanted)
    if wanted is not None and not found:
        have = ", ".join(f"#{c.number}" for c in trace.connections) or "none"
        raise ValueError(f"this trace has no connection #{wanted}; it has {have}")
    return found


def said_at(
    trace: Trace, connection: Connection, sender: Side, offset: int, size: int
) -> tuple[bytes, tuple[Span, ...]]:
    """Bytes offset..offset+size of what `sender` said, and the secret spans among them.

    Bytes that were said before the trace began are missing at the front.
    """
    data, secrets = bytearray(), []
    for event in trace.events:
        if not isinstance(event, Sent) or event.layer is Layer.CIPHER:
            continue
        if event.connection.number != connection.number or event.sender is not sender:
            continue
        start = max(offset, event.offset) - event.offset
        end = min(offset + size, event.offset + len(event.data)) - event.offset
        if start >= end:
            continue
        shift = len(data) - start
        data += event.data[start:end]
        secrets += [
            (max(a, start) + shift, min(b, end) + shift)
            for a, b in event.secrets
            if a < end and b > start
        ]
    return bytes(data), tuple(secrets)


def moment(when: datetime) -> str:
    """A lab time: "Mon 5 Jan 2026, 09:00:00"."""
    days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    date = f"{days[when.weekday()]} {when.day} {months[when.month - 1]} {when.year}"
    return f"{date}, {when:%H:%M:%S}"


def clock(when: datetime, beside: datetime) -> str:
    """A lab time next to another one: the date is said only where it differs."""
    return f"{when:%H:%M:%S}" if when.date() == beside.date() else moment(when)


def span(seconds: float) -> str:
    """A length of lab time: "80 ms", "45 s", "30 min", "4 h", "1 d 2 h"."""
    if 0 < seconds < 1:
        return f"{round(seconds * 1000)} ms"
    whole = int(seconds)
    units = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
    parts = []
    for unit, name in units:
        count, whole = divmod(whole, unit)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"


def listed(items: Iterable[str], most: int = 3) -> str:
    """ "a, b, c and 4 more"."""
    all_items = list(items)
    rest = len(all_items) - most
    if rest <= 0:
        return ", ".join(all_items)
    return f"{', '.join(all_items[:most])} and {rest} more"
