"""A million octets of hostile packets: against the server as queries, against the resolver as
replies.  Nothing breaks, nothing grows, nothing takes long, and no lie is believed."""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections.abc import Callable, Iterator

import dns.message
import dns.rcode
import dns.rrset
import pytest

from labmail.dns.answers import Status
from labmail.dns.cache import MAX_FACTS
from labmail.dns.resolver import Resolver
from labmail.dns.server import EDNS_UDP_SIZE, TCP_SIZE, DnsServer
from labmail.dns.zone import parse_zone
from labmail.runtime.clock import Clock
from labmail.runtime.ids import Ids
from labmail.trace.events import LookedUp
from labmail.trace.recorder import Recorder, Trace

OCTETS = 1_000_000
SECONDS = 60
"""Far more than it takes (about 5), and far less than one message that is a bomb would."""

ZONE = """\
$TTL 60
@ SOA ns.lab. h.lab. 1 2 3 4 5
@ NS ns.lab.
@ MX 10 smtp
smtp A 192.0.2.25
loop1 CNAME loop2
loop2 CNAME loop1
""" + "\n".join(f'big TXT "{n:03} {"x" * 90}"' for n in range(30))

NAME = b"\x05hanoi\x07example\x00"
Packet = Callable[[random.Random], bytes]


def header(dice: random.Random, *counts: int, flags: int | None = None) -> bytes:
    said = dice.choice((0x0000, 0x0100, 0x8400, 0x8403, 0x8180)) if flags is None else flags
    return struct.pack("!HHHHHH", dice.randrange(65536), said, *counts)


def noise(dice: random.Random) -> bytes:
    return dice.randbytes(dice.randrange(600))


def noise_behind_a_header(dice: random.Random) -> bytes:
    return header(dice, 1, *(dice.randrange(4) for _ in range(3))) + dice.randbytes(200)


def honest_messages() -> list[bytes]:
    messages = []
    for rtype in ("MX", "A", "ANY"):
        query = dns.message.make_query("hanoi.example", rtype, use_edns=0)
        reply = dns.message.make_response(query)
        record = dns.rrset.from_text("hanoi.example.", 60, "IN", "MX", "10 smtp.hanoi.example.")
        reply.answer.append(record)
        messages += [query.to_wire(), query.to_wire(), reply.to_wire()]
    return messages


HONEST = honest_messages()


def mutant(dice: random.Random) -> bytes:
    """An honest message with some octets changed, and sometimes cut or grown."""
    octets = bytearray(dice.choice(HONEST))
    for _ in range(dice.randrange(3)):
        octets[dice.randrange(len(octets))] = dice.randrange(256)
    if dice.random() < 0.2:
        del octets[dice.randrange(len(octets)) :]
    return bytes(octets) + dice.randbytes(dice.choice((0, 0, 0, 1, 9)))


def pointer_loop(dice: random.Random) -> bytes:
    """Names that point to themselves, forward, or round in a ring."""
    ring = [12 + 2 * dice.randrange(20) for _ in range(20)]
    names = b"".join(struct.pack("!H", 0xC000 | place) for place in ring)
    return header(dice, 1, 1, 0, 0) + names + struct.pack("!HH", 15, 1)


def pointer_bomb(dice: random.Random) -> bytes:
    """Thousands of records whose name is the end of a chain of thousands of pointers."""
    first = b"\x01a\x00" + struct.pack("!HHIH", 65280, 1, 60, 16000)
    start = 12 + len(first)
    places = [12, *range(start, start + 15998, 2)]
    chain = b"".join(struct.pack("!H", 0xC000 | place) for place in places)
    record = struct.pack("!HHHIH", 0xC000 | (start + 15998), 1, 1, 60, 4) + bytes(4)
    count = dice.randrange(100, 3000)
    return header(dice, 0, 1 + count, 0, 0) + first + chain + record * count


def many_promised(dice: random.Random) -> bytes:
    """Counts of records that are not there."""
    return header(dice, *(dice.choice((0, 1, 65535)) for _ in range(4))) + NAME + bytes(4)


def long_names(dice: random.Random) -> bytes:
    """More labels than a name may have, longer ones, and reserved kinds of label."""
    label = dice.choice((b"\x01a", b"\x3f" + b"b" * 63, b"\x40c", b"\x80d"))
    return (
        header(dice, 1, 0, 0, 0)
        + label * dice.randrange(1, 300)
        + b"\x00"
        + struct.pack("!HH", 1, 1)
    )


def chain_of(count: int) -> bytes:
    lines = [f"n{n}.example. 60 IN CNAME n{(n + 1) % count}.example." for n in range(count)]
    text = "id 0\nopcode QUERY\nrcode NOERROR\nflags QR AA\n;QUESTION\nn0.example. IN A\n;ANSWER\n"
    return dns.message.from_text(text + "\n".join(lines)).to_wire()


CHAINS = [chain_of(count) for count in (2, 9, 40, 250)]


def alias_chain(dice: random.Random) -> bytes:
    """A reply of nothing but aliases, each to the next, the last to the first."""
    return dice.choice(CHAINS)


def lying_lengths(dice: random.Random) -> bytes:
    """Data that is longer or shorter than it says, for many types."""
    rtype = dice.choice((1, 2, 5, 6, 12, 15, 16, 28, 33, 41, 46, 250, 65535))
    data = dice.randbytes(dice.randrange(60))
    record = b"\xc0\x0c" + struct.pack("!HHIH", rtype, 1, dice.getrandbits(32), dice.randrange(80))
    return (
        header(dice, 1, 1, 0, dice.randrange(2))
        + NAME
        + struct.pack("!HH", rtype, 1)
        + record
        + data
    )


PACKETS: list[Packet] = [
    noise,
    noise_behind_a_header,
    mutant,
    pointer_loop,
    many_promised,
    long_names,
    alias_chain,
    lying_lengths,
]


def hostile(seed: str) -> Iterator[bytes]:
    """Packets of all kinds until there are a million octets, and a bomb among every hundred."""
    dice = random.Random(seed)
    sent = number = 0
    while sent < OCTETS:
        number += 1
        packet = dice.choice(PACKETS)(dice)
        sent += len(packet)
        yield packet
        if number % 100 == 0:
            yield pointer_bomb(dice)


@pytest.fixture
def not_long() -> Iterator[None]:
    """It does not take long, by the time that this process worked."""
    began = time.process_time()
    yield
    assert time.process_time() - began < SECONDS


def test_the_server(not_long: None) -> None:
    server = DnsServer([parse_zone(ZONE, "hanoi.zone", "hanoi.example")])
    seen = set()
    for number, packet in enumerate(hostile("server")):
        udp = number % 2 == 0
        reply = server.answer(packet, udp)
        if reply is None:
            seen.add("silence")
            continue
        assert len(reply) <= (EDNS_UDP_SIZE if udp else TCP_SIZE)
        assert reply[:2] == packet[:2]
        assert reply[2] & 0x80, "a reply, so that two servers never answer each other"
        seen.add(dns.rcode.to_text(dns.rcode.Rcode(reply[3] & 15)))
    assert {"silence", "FORMERR", "REFUSED", "NOERROR"} <= seen
    honest = dns.message.make_query("hanoi.example", "MX")
    reply = server.answer(honest.to_wire(), True)
    assert "10 smtp.hanoi.example." in str(dns.message.from_wire(reply or b""))


def test_the_resolver(not_long: None) -> None:
    """The liar knows the id of the question and sends it back: the rest of what it says is junk."""
    recorder = Recorder(Clock().now, max_bytes=4_000_000)
    packets = hostile("resolver")
    ended: list[bool] = []

    async def ask(query: bytes, tcp: bool) -> bytes:
        packet = next(packets, b"")
        ended.append(packet == b"")
        return query[:2] + packet[2:]

    resolver = Resolver("smtp.hanoi.example", ask, Clock().now, recorder.emit, Ids("hostile"))

    async def story() -> set[Status]:
        seen = set()
        number = 0
        while not (ended and ended[-1]):
            number += 1
            answer = await resolver.lookup(
                f"n{number % 50}.example", ("MX", "A", "TXT")[number % 3]
            )
            assert isinstance(answer.records, tuple)
            seen.add(answer.status)
        return seen

    seen = asyncio.run(story())
    assert {Status.TIMEOUT, Status.SERVFAIL} <= seen
    assert all(known.name.endswith("example") for known in resolver.known())
    assert len(resolver.known()) < MAX_FACTS
    assert Trace(recorder).of(LookedUp)


@pytest.mark.parametrize("tcp", [False, True])
def test_a_bomb_of_pointers_is_no_work(tcp: bool) -> None:
    """64 KiB that an unguarded reader works on for minutes."""
    bomb = pointer_bomb(random.Random(1))
    server = DnsServer([parse_zone(ZONE, "hanoi.zone", "hanoi.example")])
    began = time.process_time()
    query = bomb[:2] + b"\x00\x00" + bomb[4:]
    reply = server.answer(query, not tcp)
    assert reply is not None
    assert dns.message.from_wire(reply).rcode() == dns.rcode.FORMERR
    assert time.process_time() - began < 5


LONG_NAME = b"\x01a" * 120 + b"\x00"


def same_name_bomb(questions: int, answers: int, authority: int, additional: int) -> bytes:
    """Records whose names, and those in their data, are pointers to one name of 120 labels:
    5 KB as a query with 299 of them, and no pointer leads to another."""
    question = struct.pack("!HH", 15, 1)
    names = [LONG_NAME, *[b"\xc0\x0c"] * (questions - 1)]
    records = b"".join(
        b"\xc0\x0c" + struct.pack("!HHIHH", 15, 1, 60, 4, number) + b"\xc0\x0c"
        for number in range(answers + authority + additional)
    )
    head = header(random.Random(1), questions, answers, authority, additional, flags=0)
    return head + b"".join(name + question for name in names) + records


@pytest.mark.parametrize(
    "counts", [(1, 0, 0, 299), (1, 0, 299, 0), (1, 299, 0, 0), (1, 100, 100, 99), (800, 0, 0, 0)]
)
@pytest.mark.parametrize("udp", [True, False])
def test_a_bomb_of_one_long_name_is_no_work(counts: tuple[int, ...], udp: bool) -> None:
    """An unguarded reader works on the first of them for nearly two seconds; here are twenty."""
    bomb = same_name_bomb(*counts)
    assert len(bomb) < 6000
    server = DnsServer([parse_zone(ZONE, "hanoi.zone", "hanoi.example")])
    began = time.process_time()
    replies = {server.answer(bomb, udp) for _ in range(20)}
    assert time.process_time() - began < 2
    assert [dns.message.from_wire(reply or b"").rcode() for reply in replies] == [dns.rcode.FORMERR]


def test_what_may_stand_beside_a_question_is_read() -> None:
    """A client that asks what is new in a zone sends the SOA that it has (RFC 1995 §3): it hears
    no for being who it is, and not for how it asks."""
    server = DnsServer([parse_zone(ZONE, "hanoi.zone", "hanoi.example")])
    query = dns.message.make_query("hanoi.example", "IXFR", use_edns=0)
    soa = dns.rrset.from_text("hanoi.example.", 0, "IN", "SOA", "ns.lab. h.lab. 1 2 3 4 5")
    query.authority.append(soa)
    reply = server.answer(query.to_wire(), True)
    assert dns.message.from_wire(reply or b"").rcode() == dns.rcode.REFUSED
