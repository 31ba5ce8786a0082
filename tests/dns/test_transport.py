"""The server on real sockets, asked by dnspython's own client."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.query
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.dns.server import DnsServer
from labmail.dns.transport import (
    DnsDatagramProtocol,
    DnsStreamProtocol,
    Frames,
    framed,
    read_framed,
)
from labmail.dns.zone import parse_zone
from labmail.trace.events import Side

HOST = "127.0.0.1"
BIG = "\n".join(f'big TXT "{number:03} {"x" * 90}"' for number in range(30))
ZONE = f"$TTL 60\n@ SOA ns.lab. h.lab. 1 2 3 4 5\n@ NS ns.lab.\n@ MX 10 smtp\n{BIG}\n"
MX = dns.message.make_query("hanoi.example", "MX", id=1)
HUGE = dns.message.make_query("big.hanoi.example", "TXT", id=2)


class Heard:
    """What the datagram protocol was told to record."""

    def __init__(self) -> None:
        self.datagrams: list[tuple[Side, bytes]] = []
        self.peers: set[tuple[str, int]] = set()
        self.unanswered: list[tuple[str, int]] = []

    def record(self, peer: tuple[str, int], sender: Side, data: bytes) -> None:
        self.peers.add(peer)
        self.datagrams.append((sender, data))


@asynccontextmanager
async def serving(heard: Heard) -> AsyncIterator[int]:
    """A server on UDP and TCP of one free port."""
    server = DnsServer([parse_zone(ZONE, "hanoi.zone", "hanoi.example")])
    loop = asyncio.get_running_loop()
    tcp = await loop.create_server(lambda: DnsStreamProtocol(server.answer), HOST, 0)
    port = tcp.sockets[0].getsockname()[1]
    udp, _ = await loop.create_datagram_endpoint(
        lambda: DnsDatagramProtocol(server.answer, heard.record, heard.unanswered.append),
        (HOST, port),
    )
    try:
        yield port
    finally:
        udp.close()
        tcp.close()
        await tcp.wait_closed()


def run(story: Callable[[int], Awaitable[None]], heard: Heard | None = None) -> None:
    async def scene() -> None:
        async with serving(heard or Heard()) as port:
            await story(port)

    asyncio.run(scene())


def test_a_datagram_is_answered_and_both_are_recorded() -> None:
    heard = Heard()

    async def story(port: int) -> None:
        reply = await asyncio.to_thread(dns.query.udp, MX, HOST, 5, port)
        assert str(reply.answer[0][0]) == "10 smtp.hanoi.example."
        assert [sender for sender, _ in heard.datagrams] == [Side.CLIENT, Side.SERVER]
        assert heard.datagrams[0][1] == MX.to_wire()
        assert dns.message.from_wire(heard.datagrams[1][1]) == reply

    run(story, heard)


def test_what_gets_no_answer_is_recorded_alone() -> None:
    heard = Heard()

    async def story(port: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"junk", (HOST, port))
            peer = client.getsockname()[1]
            await asyncio.to_thread(dns.query.udp, MX, HOST, 5, port)
        assert heard.datagrams[0] == (Side.CLIENT, b"junk")
        assert len(heard.datagrams) == 3
        assert peer in {port for _, port in heard.peers}
        assert [port for _, port in heard.unanswered] == [peer]

    run(story, heard)


def test_truncated_over_udp_then_whole_over_tcp() -> None:
    async def story(port: int) -> None:
        cut = await asyncio.to_thread(dns.query.udp, HUGE, HOST, 5, port)
        assert cut.flags & dns.flags.TC
        whole = await asyncio.to_thread(dns.query.tcp, HUGE, HOST, 5, port)
        assert len(whole.answer[0]) == 30
        both, used_tcp = await asyncio.to_thread(dns.query.udp_with_fallback, HUGE, HOST, 5, port)
        assert used_tcp
        assert both == whole

    run(story)


def test_several_queries_on_one_connection_before_the_first_reply_is_read() -> None:
    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(framed(MX.to_wire()) + framed(HUGE.to_wire()) + framed(MX.to_wire()))
        ids = [dns.message.from_wire(await read_framed(reader)).id for _ in range(3)]
        assert ids == [1, 2, 1]
        writer.close()
        await writer.wait_closed()

    run(story)


@pytest.mark.parametrize("junk", [b"\x00\x00", b"\x00\x04junk", framed(b"\x80" * 12)])
def test_what_gets_no_answer_ends_the_connection(junk: bytes) -> None:
    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(junk)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()

    run(story)


def test_a_stream_that_ends_inside_a_message() -> None:
    async def story(port: int) -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(framed(MX.to_wire())[:-1])
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()

    run(story)


# --- frames ------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=300), max_size=6), st.lists(st.integers(1, 50), min_size=1))
def test_frames_are_the_same_however_they_are_cut(messages: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(framed(message) for message in messages)
    frames, got, turn = Frames(), [], 0
    while stream:
        size = sizes[turn % len(sizes)]
        got += frames.feed(stream[:size])
        stream, turn = stream[size:], turn + 1
    assert got == messages


def test_a_message_too_long_for_its_length() -> None:
    assert len(framed(bytes(65535))) == 65537
    with pytest.raises(OverflowError):
        framed(bytes(65536))


class Slow(asyncio.Transport):
    """A transport that only notes whether it is being read."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


def test_a_client_that_does_not_read_is_not_read() -> None:
    protocol, transport = DnsStreamProtocol(lambda query, udp: None), Slow()
    protocol.connection_made(transport)
    protocol.pause_writing()
    assert not transport.reading
    protocol.resume_writing()
    assert transport.reading
