"""The DNS server on asyncio: one port, two ways in (RFC 1035 §4.2).

Over UDP one datagram is one message.  Over TCP, a stream without borders, each
message has its length in front, two octets; a client may send several queries
before it reads the first reply (RFC 7766 §6.2.1.1).

The protocols are handed ``answer``, a function of bytes (`DnsServer.answer`),
and know no zones; the datagram protocol tells ``record`` what it heard and said, and
``silent`` whom it leaves without an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from labmail.trace.events import Side

LENGTH_SIZE = 2
"""Octets of the length in front of each message over TCP (RFC 1035 §4.2.2)."""

AnswerQuery = Callable[[bytes, bool], bytes | None]
"""``answer(query, udp)``: the reply, or None for silence."""

Peer = tuple[str, int]
"""The other end's real address and port; IPv6 sockets add two numbers that nobody needs."""

RecordDatagram = Callable[[Peer, Side, bytes], None]
"""``record(peer, sender, data)``: called for each datagram in either direction."""


def framed(message: bytes) -> bytes:
    """A message as it goes over TCP: its length in front.  Raises OverflowError over 65535."""
    return len(message).to_bytes(LENGTH_SIZE, "big") + message


async def read_framed(reader: asyncio.StreamReader) -> bytes:
    """The next message from a TCP stream; raises asyncio.IncompleteReadError if it ends before."""
    length = int.from_bytes(await reader.readexactly(LENGTH_SIZE), "big")
    return await reader.readexactly(length)


KeepSilent = Callable[[Peer], None]
"""``silent(peer)``: called where a datagram will never be answered."""


class Frames:
    """Cuts a stream into messages: bytes go in, however they were cut; whole messages come out."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take these bytes; return the messages that are complete now."""
        self._buffer += data
        messages = []
        start = 0
        while len(self._buffer) - start >= LENGTH_SIZE:
            body = start + LENGTH_SIZE
            end = body + int.from_bytes(self._buffer[start:body], "big")
            if end > len(self._buffer):
                break
            messages.append(bytes(self._buffer[body:end]))
            start = end
        del self._buffer[:start]
        return messages


class DnsDatagramProtocol(asyncio.DatagramProtocol):
    """UDP: every datagram is a query of its own."""

    def __init__(
        self,
        answer: AnswerQuery,
        record: RecordDatagram,
        silent: KeepSilent = lambda _peer: None,
    ) -> None:
        self._answer = answer
        self._record = record
        self._silent = silent
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        peer = addr[:2]
        self._record(peer, Side.CLIENT, data)
        reply = self._answer(data, True)
        if reply is None:
            self._silent(peer)
        elif self._transport is not None:
            self._record(peer, Side.SERVER, reply)
            self._transport.sendto(reply, addr)


class DnsStreamProtocol(asyncio.Protocol):
    """TCP: queries with their length in front, answered in order.

    A query that must not be answered ends the connection: silence would leave
    the client waiting.  While a client does not read its replies, its queries
    are not read either.
    """

    def __init__(self, answer: AnswerQuery) -> None:
        self._answer = answer
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        for query in self._frames.feed(data):
            reply = self._answer(query, False)
            if reply is None:
                transport.close()
                return
            transport.write(framed(reply))

    def pause_writing(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()
