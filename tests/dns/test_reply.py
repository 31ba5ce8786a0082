"""A reply is believed as far as it answers the question, and no further."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labmail.dns.answers import Status
from labmail.dns.reply import MAX_NEGATIVE_TTL, MAX_POSITIVE_TTL, Lesson, read_reply

QUERY = dns.message.make_query("a.example", "A", id=7, use_edns=0, flags=0)
SOA = "example. 900 IN SOA ns.lab. h.lab. 1 2 3 4 300"


def reply(
    *answer: str, authority: tuple[str, ...] = (), additional: tuple[str, ...] = (), rcode: int = 0
) -> dns.message.Message:
    message = dns.message.make_response(QUERY)
    message.answer = [record(text) for text in answer]
    message.authority = [record(text) for text in authority]
    message.additional = [record(text) for text in additional]
    message.set_rcode(dns.rcode.Rcode.make(rcode))
    return message


def record(text: str) -> dns.rrset.RRset:
    name, ttl, _, rtype, data = text.split(" ", 4)
    return dns.rrset.from_text(name, int(ttl), "IN", rtype, data)


def taught(message: dns.message.Message) -> tuple[str, list[str]]:
    """The reply's status and its facts: "a.example. A NOERROR 60 192.0.2.1"."""
    lesson = read_reply(QUERY, message.to_wire())
    return lesson.status.value, [
        " ".join(
            [
                str(fact.name),
                dns.rdatatype.to_text(fact.rdtype) if fact.rdtype else "*",
                fact.status.value,
                str(fact.ttl),
                *fact.records,
            ]
        )
        for fact in lesson.facts
    ]


NXDOMAIN, SERVFAIL, REFUSED, NOTIMP = 3, 2, 5, 4
LESSONS = {
    "an address": (
        reply("a.example. 60 IN A 192.0.2.1"),
        ("NOERROR", ["a.example. A NOERROR 60 192.0.2.1"]),
    ),
    "an alias and an address": (
        reply("a.example. 60 IN CNAME b.example.", "b.example. 30 IN A 192.0.2.1"),
        (
            "NOERROR",
            [
                "a.example. CNAME NOERROR 60 b.example.",
                "b.example. A NOERROR 30 192.0.2.1",
            ],
        ),
    ),
    "in whatever order they come": (
        reply("b.example. 30 IN A 192.0.2.1", "a.example. 60 IN CNAME b.example."),
        (
            "NOERROR",
            [
                "a.example. CNAME NOERROR 60 b.example.",
                "b.example. A NOERROR 30 192.0.2.1",
            ],
        ),
    ),
    "an alias that leads elsewhere": (
        reply("a.example. 60 IN CNAME b.test."),
        ("NOERROR", ["a.example. CNAME NOERROR 60 b.test."]),
    ),
    "the SOA of another zone is no word about the target": (
        reply("a.example. 60 IN CNAME b.test.", authority=(SOA,)),
        ("NOERROR", ["a.example. CNAME NOERROR 60 b.test."]),
    ),
    "an alias loop": (
        reply("a.example. 60 IN CNAME b.example.", "b.example. 60 IN CNAME a.example."),
        (
            "NOERROR",
            [
                "a.example. CNAME NOERROR 60 b.example.",
                "b.example. CNAME NOERROR 60 a.example.",
            ],
        ),
    ),
    "no such name": (
        reply(authority=(SOA,), rcode=NXDOMAIN),
        ("NXDOMAIN", ["a.example. * NXDOMAIN 300"]),
    ),
    "no such name, by nobody's authority": (
        reply(rcode=NXDOMAIN),
        ("NXDOMAIN", ["a.example. * NXDOMAIN 0"]),
    ),
    "an alias of no such name": (
        reply("a.example. 60 IN CNAME b.example.", authority=(SOA,), rcode=NXDOMAIN),
        (
            "NXDOMAIN",
            ["a.example. CNAME NOERROR 60 b.example.", "b.example. * NXDOMAIN 300"],
        ),
    ),
    "no such type": (reply(authority=(SOA,)), ("NODATA", ["a.example. A NODATA 300"])),
    "nothing at all": (reply(), ("NODATA", ["a.example. A NODATA 0"])),
    "a no for too long": (
        reply(authority=("example. 999999 IN SOA ns.lab. h.lab. 1 2 3 4 999999",)),
        ("NODATA", [f"a.example. A NODATA {MAX_NEGATIVE_TTL}"]),
    ),
    "a yes for too long": (
        reply("a.example. 99999999 IN A 192.0.2.1"),
        ("NOERROR", [f"a.example. A NOERROR {MAX_POSITIVE_TTL} 192.0.2.1"]),
    ),
    "a referral": (reply(authority=("example. 60 IN NS ns.example.",)), ("SERVFAIL", [])),
    "records nobody asked for are left": (
        reply(
            "a.example. 60 IN A 192.0.2.1",
            "bank.example. 60 IN A 192.0.2.66",
            additional=("bank.example. 60 IN A 192.0.2.66",),
        ),
        ("NOERROR", ["a.example. A NOERROR 60 192.0.2.1"]),
    ),
    "SERVFAIL": (reply(rcode=SERVFAIL), ("SERVFAIL", [])),
    "REFUSED": (reply(rcode=REFUSED), ("REFUSED", [])),
    "NOTIMP": (reply(rcode=NOTIMP), ("SERVFAIL", [])),
}


@pytest.mark.parametrize(("message", "expected"), LESSONS.values(), ids=LESSONS)
def test_teaches(message: dns.message.Message, expected: tuple[str, list[str]]) -> None:
    assert taught(message) == expected


def forged(**changes: object) -> bytes:
    message = reply("a.example. 60 IN A 192.0.2.66")
    for name, value in changes.items():
        setattr(message, name, value)
    return message.to_wire()


@pytest.mark.parametrize(
    "wire",
    [
        forged(id=8),
        forged(question=[dns.rrset.from_text("b.example.", 0, "IN", "A")]),
        forged(question=[dns.rrset.from_text("a.example.", 0, "IN", "MX")]),
        forged(question=[]),
        forged(flags=0),
        b"",
        b"junk",
    ],
    ids=["other id", "other name", "other type", "no question", "a query", "nothing", "junk"],
)
def test_what_is_not_our_reply_teaches_nothing(wire: bytes) -> None:
    assert read_reply(QUERY, wire) == Lesson(Status.TIMEOUT)


def test_our_reply_that_cannot_be_read() -> None:
    wire = reply("a.example. 60 IN A 192.0.2.1").to_wire()
    assert read_reply(QUERY, wire[:-3]) == Lesson(Status.SERVFAIL)


def test_truncated() -> None:
    message = reply("a.example. 60 IN A 192.0.2.1")
    message.flags |= dns.flags.TC
    assert read_reply(QUERY, message.to_wire()).truncated


def test_a_lesson_lasts_as_long_as_its_shortest_fact() -> None:
    wire = reply("a.example. 60 IN CNAME b.example.", "b.example. 30 IN A 192.0.2.1").to_wire()
    lesson = read_reply(QUERY, wire)
    assert (lesson.ttl, lesson.records) == (30, ("b.example.", "192.0.2.1"))


WIRE = reply("a.example. 60 IN CNAME b.example.", "b.example. 30 IN A 192.0.2.1").to_wire()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(2, len(WIRE) - 1), st.integers(0, 255)), max_size=5))
def test_any_bytes(changes: list[tuple[int, int]]) -> None:
    octets = bytearray(WIRE)
    for place, value in changes:
        octets[place] = value
    assert read_reply(QUERY, bytes(octets)).status in Status
