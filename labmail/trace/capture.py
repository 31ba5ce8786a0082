"""The trace as a packet sniffer would have caught it.

    lab.trace.to_pcapng("letter.pcapng")

Open the file in Wireshark: File ▸ Open; then look for ``smtp``, ``dns`` or ``imap`` in the
filter line, or choose Follow ▸ TCP Stream on any packet.  View ▸ Name Resolution ▸ Resolve
Network Addresses shows the lab's names in place of addresses.  The same in a terminal:
``tshark -r letter.pcapng -Y smtp``.

The trace knows which bytes were sent, by whom, and in what order.  A sniffer sees packets.
Between the two lies TCP, and this file is what the two TCPs of a conversation would have done::

    Connected      SYN →, ← SYN ACK, ACK →           both sides tell where they begin to count
    Sent           segments, and ACKs of who hears   each byte has a number, and is acknowledged
    Closed         FIN, ACK, FIN, ACK                each side says that it will say no more
    ConnectFailed  SYN →, ← RST ACK                  nobody listens (without a route: silence)
    Datagram       one UDP packet

Three things to know:

- Addresses, ports and times are the lab's.  Lab time stands still while much happens, so each
  packet is a microsecond later than the one before it, at least.
- Of TLS the records are written, as they crossed the network, and the session's keys into the
  file: whoever has it reads everything.  Passwords that were said in the clear are in it too.
- A connection that began before the stretch is written from its beginning, as far as that is
  still remembered: nobody can read TLS who has not seen the handshake.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from labmail.trace import packets, pcapng
from labmail.trace.events import (
    Accepted,
    Closed,
    Connected,
    ConnectFailed,
    Connection,
    Datagram,
    Event,
    Layer,
    Sent,
    Side,
    TlsFailed,
    TlsStarted,
)
from labmail.trace.packets import Flag

APPLICATION = "Mail Lab"
INTERFACE = "lab"
ACK_EVERY = 2
"""Full segments after which whoever hears acknowledges at the latest (RFC 9293 §3.8.6.3)."""
NUMBERS = 1 << 32
"""A stream's numbers begin again at 0 after so many bytes (RFC 9293 §3.4)."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def capture(earlier: Iterable[Event], events: Iterable[Event]) -> bytes:
    """A pcapng file of what happened in `events`; `earlier` is what came before."""
    story = _whole_conversations(earlier, tuple(events))
    blocks = [pcapng.section(APPLICATION), pcapng.interface(INTERFACE)]
    if hosts := _hosts(story):
        blocks.append(pcapng.names(hosts))
    if keys := key_log(story):
        blocks.append(pcapng.secrets(keys))
    return b"".join([*blocks, *_Sniffer(story).blocks()])


def key_log(events: Iterable[Event]) -> str:
    """The keys of the TLS sessions that began in these events, in the form that Wireshark and
    others read (draft-ietf-tls-keylogfile)."""
    return "".join(e.keys for e in events if isinstance(e, TlsStarted | TlsFailed))


def _whole_conversations(earlier: Iterable[Event], events: tuple[Event, ...]) -> list[Event]:
    begun = {e.connection.number for e in events if isinstance(e, Connected)}
    going = {e.connection.number for e in events if isinstance(e, Sent | Closed)} - begun
    return [*(e for e in earlier if _number(e) in going), *events]


def _number(event: Event) -> int | None:
    """The number of the connection that this event belongs to."""
    connection: Connection | None = getattr(event, "connection", None)
    return connection.number if connection else None


def _hosts(story: Iterable[Event]) -> dict[str, str]:
    """{address: name} of everybody who called or was called."""
    hosts: dict[str, str] = {}
    for event in story:
        ends: Any = getattr(event, "connection", None) or event
        if isinstance(ends, Connection | ConnectFailed | Datagram):
            hosts |= {place.ip: place.name for place in (ends.client, ends.server)}
    return {ip: name for ip, name in hosts.items() if name != ip}


class _Sniffer:
    """Goes through the story and writes down the packets."""

    def __init__(self, story: Iterable[Event]) -> None:
        self._story = story
        self._at = 0
        self._conversations: dict[int, Conversation] = {}
        self._remarks: dict[int, str] = {}
        """What is to be remarked on the next packet of a connection."""

    def blocks(self) -> Iterator[bytes]:
        """One block of the file for each packet."""
        for event in self._story:
            remark = self._remark(event)
            for packet in self._packets(event):
                yield pcapng.packet(self._time(event), packet, remark)
                remark = ""

    def _time(self, event: Event) -> int:
        """Microseconds since 1970; no two packets have the same."""
        self._at = max(self._at + 1, (event.at - _EPOCH) // _MICROSECOND)
        return self._at

    def _packets(self, event: Event) -> Iterator[bytes]:
        match event:
            case Connected():
                yield from self._conversation(event.connection).open()
            case Sent() if event.layer is not Layer.INSIDE:  # what is inside is no packet
                yield from self._conversation(event.connection).say(event.sender, event.data)
            case Closed():
                yield from self._conversation(event.connection).close(event.by)
            case ConnectFailed():
                yield from _unanswered(event)
            case Datagram():
                ends = (event.client, event.server)
                source, target = ends if event.sender is Side.CLIENT else ends[::-1]
                yield packets.udp(source, target, event.data)

    def _conversation(self, connection: Connection) -> Conversation:
        return self._conversations.setdefault(connection.number, Conversation(connection))

    def _remark(self, event: Event) -> str:
        """What the lab knows and no packet says; it stands at the event's first packet."""
        match event:
            case Connected():
                return str(event.connection)
            case Closed():
                return event.reason
            case ConnectFailed():
                return event.reason + (f", parcel {event.parcel}" if event.parcel else "")
            case Sent() if event.layer is not Layer.INSIDE:
                return self._remarks.pop(event.connection.number, "")
            case Accepted(connection=Connection(number=number)):  # then comes the 250
                self._remarks[number] = f"parcel {event.parcel}, accepted as {event.queue_id}"
            case TlsFailed():
                self._remarks[event.connection.number] = f"TLS failed: {event.reason}"
        return ""


class Conversation:
    """One TCP connection, as its two ends keep count of it.

    Every byte of a stream has a number (RFC 9293 §3.4), and so have SYN and FIN.  Each end tells
    in every segment the number of what it sends and of what it waits for.
    """

    def __init__(self, connection: Connection) -> None:
        self._ends = {Side.CLIENT: connection.client, Side.SERVER: connection.server}
        self._room = packets.segment_size(connection.client, connection.server)
        # RFC 9293 §3.4.1: where to begin cannot be guessed by strangers.  Here it is at least
        # another number for each stream, and the same whenever the file is written.
        self._next = {side: crc32(f"{connection} {side}".encode()) for side in Side}
        self._unacknowledged = {side: 0 for side in Side}
        """How many segments of this side the other has not acknowledged yet."""

    def open(self) -> Iterator[bytes]:
        """Three segments, and both know where the other begins (RFC 9293 §3.5)."""
        yield self._segment(Side.CLIENT, Flag.SYN)
        yield self._segment(Side.SERVER, Flag.SYN | Flag.ACK)
        yield self._segment(Side.CLIENT, Flag.ACK)

    def say(self, sender: Side, data: bytes) -> Iterator[bytes]:
        """The bytes, in segments; who hears acknowledges with the next thing it says, or after
        some segments (RFC 9293 §3.8.6.3)."""
        for start in range(0, len(data), self._room):
            if self._unacknowledged[sender] == ACK_EVERY:
                yield self._segment(_other(sender), Flag.ACK)
            piece = data[start : start + self._room]
            last = start + self._room >= len(data)
            yield self._segment(sender, Flag.ACK | (Flag.PSH if last else Flag(0)), piece)

    def close(self, by: Side) -> Iterator[bytes]:
        """Each side ends its own stream (RFC 9293 §3.6)."""
        yield self._segment(by, Flag.FIN | Flag.ACK)
        yield self._segment(_other(by), Flag.FIN | Flag.ACK)
        yield self._segment(by, Flag.ACK)

    def _segment(self, sender: Side, flags: Flag, data: bytes = b"") -> bytes:
        hearer = _other(sender)
        ack = self._next[hearer] if Flag.ACK in flags else 0
        segment = packets.tcp(
            self._ends[sender], self._ends[hearer], flags, self._next[sender], ack, data
        )
        counted = len(data) + (Flag.SYN in flags) + (Flag.FIN in flags)
        self._next[sender] = (self._next[sender] + counted) % NUMBERS
        self._unacknowledged[sender] += bool(data)
        self._unacknowledged[hearer] = 0
        return segment


def _unanswered(event: ConnectFailed) -> Iterator[bytes]:
    """Where nobody listens the host says so (RFC 9293 §3.10.7.1); where there is no host,
    nobody says anything."""
    begin = crc32(f"{event.client} {event.server}".encode())
    yield packets.tcp(event.client, event.server, Flag.SYN, begin, 0)
    if "refused" in event.reason:
        nothing_to_count = 0
        flags = Flag.RST | Flag.ACK
        yield packets.tcp(
            event.server, event.client, flags, nothing_to_count, (begin + 1) % NUMBERS
        )


def _other(side: Side) -> Side:
    return Side.SERVER if side is Side.CLIENT else Side.CLIENT
