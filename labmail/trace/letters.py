"""A letter as it was at one hop, put together again from the trace.

What a server accepted is in the bytes its client sent after DATA: the last
`Content` before the `Accepted`.  Dots that were doubled for the way are taken
off, and the final dot is no part of the letter (RFC 5321 §4.5.2).
"""

from __future__ import annotations

from labmail.trace.events import Accepted, Connection, Content, Side
from labmail.trace.recorder import Trace
from labmail.trace.snapshots import EnvelopeCard

END_OF_DATA = b".\r\n"


def card(trace: Trace, parcel: int, host: str | None = None) -> EnvelopeCard:
    """Envelope and letter as `host` accepted them (by default the first host that did).

    Raises LookupError when this letter was not accepted there over a connection.
    """
    for event in trace.of(Accepted):
        if event.parcel == parcel and host in (None, event.host) and event.connection:
            content = _content(trace, event.connection, event.seq)
            where = f"as {event.host} accepted it"
            return EnvelopeCard(event.envelope, content, where, parcel)
    hosts = [e.host for e in trace.of(Accepted) if e.parcel == parcel]
    raise LookupError(
        f"letter {parcel} was not accepted by {host or 'anybody'}; "
        f"in this trace it was accepted by: {', '.join(hosts) or 'nobody'}"
    )


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
    if not found:
        raise LookupError(f"the letter's bytes on connection {connection} are not in this trace")
    last = found[-1]
    said = trace.said(connection, Side.CLIENT)
    return unstuffed(said[last.offset : last.offset + last.size])
