"""A letter as it was at one hop, put together again from the trace.

What a server accepted is in the bytes its client sent after DATA: the last
`Content` before the `Accepted`.  Dots that were doubled for the way are taken
off, and the final dot is no part of the letter (RFC 5321 §4.5.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from labmail.trace.events import Accepted, Connection, Content, Layer, Sent, Side
from labmail.trace.recorder import Trace
from labmail.trace.snapshots import EnvelopeCard

END_OF_DATA = b".\r\n"


def card(trace: Trace, parcel: int, host: str | None = None) -> EnvelopeCard:
    """Envelope and letter as `host` accepted them (by default the first host that did).

    Raises LookupError when this letter was not accepted there over a connection, or
    when its bytes are not in this trace (any more).
    """
    for event in trace.of(Accepted):
        if event.parcel == parcel and host in (None, event.host) and event.connection:
            content = _content(trace, event.connection, event.seq)
            where = f"as {event.host} accepted it"
            return EnvelopeCard(event.envelope, content, where, parcel, event.host)
    hosts = [e.host for e in trace.of(Accepted) if e.parcel == parcel]
    raise LookupError(
        f"letter {parcel} was not accepted by {host or 'anybody'}; "
        f"in this trace it was accepted by: {', '.join(hosts) or 'nobody'}"
    )


@dataclass(frozen=True, slots=True)
class Copy:
    """A letter as it was when one server accepted it: `client` gave it, `host` took it, as
    "submission" or "exchange"."""

    client: str
    host: str
    role: str
    content: bytes


def copies(trace: Trace, parcel: int) -> tuple[Copy, ...]:
    """A letter at each of its hops, in order.

    A server that took it without a connection, or whose bytes are not in this trace (any
    more), is left out.
    """
    found: dict[str, Copy] = {}
    for event in trace.of(Accepted):
        if event.parcel != parcel or event.connection is None or event.host in found:
            continue
        try:
            content = _content(trace, event.connection, event.seq)
        except LookupError:
            continue
        client = event.connection.client.name
        found[event.host] = Copy(client, event.host, event.role, content)
    return tuple(found.values())


def unstuffed(data: bytes) -> bytes:
    """The letter in the bytes that followed DATA."""
    lines = data.removesuffix(END_OF_DATA).split(b"\r\n")
    return b"\r\n".join(line[1:] if line.startswith(b".") else line for line in lines)


def _content(trace: Trace, connection: Connection, before: int) -> bytes:
    found = [
        e
        for e in trace.of(Content)
        if e.connection == connection and e.sender is Side.CLIENT and e.seq < before
    ]
    stuffed = _said(trace, found[-1]) if found else b""
    if not found or len(stuffed) < found[-1].size:
        raise LookupError(
            f"the letter's bytes on connection {connection} are not in this trace: "
            "look at one that begins before the letter was sent"
        )
    return unstuffed(stuffed)


def _said(trace: Trace, content: Content) -> bytes:
    """The bytes of a letter, as far as they are in this trace: it may have begun when the
    connection was open already."""
    begin, end = content.offset, content.offset + content.size
    return b"".join(
        e.data[max(0, begin - e.offset) : max(0, end - e.offset)]
        for e in trace.of(Sent)
        if e.connection == content.connection
        and e.sender is content.sender
        and e.layer is not Layer.CIPHER
    )
