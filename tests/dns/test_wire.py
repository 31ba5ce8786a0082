"""What makes much work of few octets is not read; what is honest is."""

from __future__ import annotations

import struct

import dns.message
import pytest

from labmail.dns.wire import MAX_CHAIN, MAX_RECORDS, too_much, too_much_for_a_query


def chained(links: int, records: int = 0) -> bytes:
    """A reply with a chain of pointers in it, and records whose names are its last one."""
    name = b"\x01a\x00"
    start = 12 + len(name) + 10
    places = [12, *range(start, start + 2 * (links - 1), 2)]
    chain = b"".join(struct.pack("!H", 0xC000 | place) for place in places)
    first = name + struct.pack("!HHIH", 65280, 1, 60, len(chain)) + chain
    last = struct.pack("!H", 0xC000 | (start + 2 * (links - 1)))
    more = (last + struct.pack("!HHIH", 1, 1, 60, 4) + bytes(4)) * records
    return struct.pack("!HHHHHH", 7, 0x8400, 0, 1 + records, 0, 0) + first + more


@pytest.mark.parametrize(
    ("links", "refused"), [(1, False), (MAX_CHAIN, False), (MAX_CHAIN + 1, True)]
)
def test_a_chain_of_pointers(links: int, refused: bool) -> None:
    assert too_much(chained(links)) is refused


def test_pointers_that_lead_forward_or_to_themselves_are_no_chain() -> None:
    """They end nowhere, and the reader refuses them by itself."""
    head = struct.pack("!HHHHHH", 7, 0x8400, 1, 0, 0, 0)
    for pointer in (0xC00C, 0xC00E, 0xFFFF):
        message = head + struct.pack("!HHH", pointer, 1, 1)
        assert not too_much(message)
        with pytest.raises(dns.exception.DNSException):
            dns.message.from_wire(message)


@pytest.mark.parametrize(("records", "refused"), [(MAX_RECORDS, False), (MAX_RECORDS + 1, True)])
def test_more_records_than_any_answer_has(records: int, refused: bool) -> None:
    assert too_much(struct.pack("!HHHHHH", 7, 0x8400, 1, records - 2, 1, 1)) is refused


def test_an_honest_long_reply_is_read() -> None:
    lines = [f"d.example. 60 IN MX {n} mx{n}.hosts{n % 9}.d.example." for n in range(MAX_RECORDS)]
    reply = dns.message.from_text(
        "id 7\nopcode QUERY\nrcode NOERROR\nflags QR AA\n;QUESTION\nd.example. IN MX\n;ANSWER\n"
        + "\n".join(lines)
    )
    assert not too_much(reply.to_wire())


QUERIES = {
    "a question": ((1, 0, 0, 0), False),
    "no question": ((0, 0, 0, 0), False),
    "OPT and TSIG": ((1, 0, 0, 2), False),
    "the SOA of an IXFR, and OPT": ((1, 0, 1, 1), False),
    "two questions": ((2, 0, 0, 0), True),
    "an answer": ((1, 1, 0, 0), True),
    "two authority records": ((1, 0, 2, 0), True),
    "three additional records": ((1, 0, 0, 3), True),
}


@pytest.mark.parametrize(("counts", "refused"), QUERIES.values(), ids=QUERIES)
def test_a_query_has_little_beside_its_question(counts: tuple[int, ...], refused: bool) -> None:
    assert too_much_for_a_query(struct.pack("!HHHHHH", 7, 0, *counts)) is refused


def test_a_chain_of_pointers_is_no_query_either() -> None:
    links = chained(MAX_CHAIN + 1)
    query = links[:2] + struct.pack("!HHHHH", 0, 1, 0, 0, 1) + links[12:]
    assert too_much_for_a_query(query)


@pytest.mark.parametrize("wire", [b"", b"\xc0", b"\xff" * 11, b"\xff" * 13])
def test_less_than_a_message(wire: bytes) -> None:
    too_much(wire)
    too_much_for_a_query(wire)
