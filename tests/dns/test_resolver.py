"""The resolver asks what it must, believes what it may, and remembers in lab time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta

import dns.flags
import dns.message
import dns.rdatatype
import pytest

from labmail.dns.answers import Answer, Status
from labmail.dns.resolver import MAX_ALIASES, Resolver
from labmail.dns.server import DnsServer
from labmail.dns.zone import parse_zone
from labmail.runtime.clock import Clock
from labmail.runtime.ids import Ids
from labmail.trace.events import LookedUp
from labmail.trace.recorder import Recorder

SOA = "@ SOA ns.lab. h.lab. 1 2 3 4 30\n@ NS ns.lab.\n"
CHAIN = "".join(f"c{n} CNAME c{n + 1}\n" for n in range(20))
HANOI = f"""$TTL 60
{SOA}
@      MX     10 smtp
smtp   A      192.0.2.25
mail   20 CNAME smtp
gone   CNAME  nothing
notype CNAME  smtp
across CNAME  web.saigon.example.
away   CNAME  www.elsewhere.example.
loop1  CNAME  loop2
loop2  CNAME  loop1
short  0 A    192.0.2.1
zero   0 CNAME short
c20    A      192.0.2.20
{CHAIN}"""
SAIGON = f"$TTL 60\n{SOA}web A 198.51.100.80\n"
BIG = "\n".join(f'big TXT "{number:03} {"x" * 90}"' for number in range(30))


class World:
    """A resolver whose questions go straight to a server, written down on the way."""

    def __init__(self, *zones: tuple[str, str]) -> None:
        self.server = DnsServer(parse_zone(text, f"{name}.zone", name) for name, text in zones)
        self.clock = Clock()
        self.recorder = Recorder(self.clock.now)
        self.asked: list[str] = []
        self.ids: list[int] = []
        self.spoil = lambda reply: reply
        self.resolver = Resolver(
            "smtp.hanoi.example", self.ask, self.clock.now, self.recorder.emit, Ids("test")
        )

    async def ask(self, query: bytes, tcp: bool) -> bytes:
        message = dns.message.from_wire(query)
        question = message.question[0]
        name, rtype = question.name.to_text(True), dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{name} {rtype} over {'TCP' if tcp else 'UDP'}")
        self.ids.append(message.id)
        reply = self.server.answer(query, not tcp)
        if reply is None:
            raise TimeoutError
        return self.spoil(reply)

    def lookup(self, name: str, rtype: str, parcel: int | None = None) -> Answer:
        return asyncio.run(self.resolver.lookup(name, rtype, parcel))

    def advance(self, seconds: int) -> None:
        self.clock.move_to(self.clock.now() + timedelta(seconds=seconds))

    @property
    def events(self) -> list[LookedUp]:
        events = self.recorder.events()
        assert all(isinstance(event, LookedUp) for event in events)
        return [event for event in events if isinstance(event, LookedUp)]


def world() -> World:
    return World(("hanoi.example", f"{HANOI}{BIG}\n"), ("saigon.example", SAIGON))


ANSWERS = {
    # question: status, records, ttl, canonical name
    "hanoi.example MX": ("NOERROR", ["10 smtp.hanoi.example."], 60, "hanoi.example"),
    "HANOI.Example. mx": ("NOERROR", ["10 smtp.hanoi.example."], 60, "hanoi.example"),
    "smtp.hanoi.example A": ("NOERROR", ["192.0.2.25"], 60, "smtp.hanoi.example"),
    "mail.hanoi.example A": ("NOERROR", ["192.0.2.25"], 20, "smtp.hanoi.example"),
    "mail.hanoi.example CNAME": ("NOERROR", ["smtp.hanoi.example."], 20, "mail.hanoi.example"),
    "across.hanoi.example A": ("NOERROR", ["198.51.100.80"], 60, "web.saigon.example"),
    "smtp.hanoi.example MX": ("NODATA", [], 30, "smtp.hanoi.example"),
    "notype.hanoi.example MX": ("NODATA", [], 30, "smtp.hanoi.example"),
    "nothing.hanoi.example A": ("NXDOMAIN", [], 30, "nothing.hanoi.example"),
    "gone.hanoi.example A": ("NXDOMAIN", [], 30, "nothing.hanoi.example"),
    "short.hanoi.example A": ("NOERROR", ["192.0.2.1"], 0, "short.hanoi.example"),
    "zero.hanoi.example A": ("NOERROR", ["192.0.2.1"], 0, "short.hanoi.example"),
    "elsewhere.example MX": ("REFUSED", [], None, "elsewhere.example"),
    "away.hanoi.example A": ("REFUSED", [], None, "www.elsewhere.example"),
    "loop1.hanoi.example A": ("SERVFAIL", [], None, "loop2.hanoi.example"),
    "c0.hanoi.example A": ("SERVFAIL", [], None, f"c{MAX_ALIASES + 1}.hanoi.example"),
    "c15.hanoi.example A": ("NOERROR", ["192.0.2.20"], 60, "c20.hanoi.example"),
    f"c{20 - MAX_ALIASES}.hanoi.example A": ("NOERROR", ["192.0.2.20"], 60, "c20.hanoi.example"),
    "a..b A": ("NXDOMAIN", [], None, "a..b"),
    f"{'x' * 64}.example MX": ("NXDOMAIN", [], None, f"{'x' * 64}.example"),
}


@pytest.mark.parametrize(("question", "expected"), ANSWERS.items(), ids=ANSWERS)
def test_answers(question: str, expected: tuple[str, list[str], int | None, str]) -> None:
    name, rtype = question.split()
    answer = world().lookup(name, rtype)
    got = (answer.status.value, list(answer.records), answer.ttl, answer.canonical)
    if expected[0] == "SERVFAIL":  # where an endless walk stopped is of no interest
        assert got[:3] == expected[:3]
    else:
        assert got == expected
    assert answer.name == name.lower().removesuffix(".")
    assert answer.rtype == rtype.upper()


def test_an_alias_says_so() -> None:
    assert world().lookup("mail.hanoi.example", "A").cname_followed
    assert not world().lookup("mail.hanoi.example", "CNAME").cname_followed
    assert not world().lookup("Smtp.hanoi.example", "A").cname_followed


@pytest.mark.parametrize("rtype", ["MXX", "ANY", "AXFR", ""])
def test_what_is_no_record_type_is_not_asked(rtype: str) -> None:
    with pytest.raises(ValueError, match=r"record type"):
        world().lookup("hanoi.example", rtype)


@pytest.mark.parametrize("status", ["SERVFAIL", "REFUSED", "TIMEOUT"])
def test_a_failure_is_not_remembered(status: str) -> None:
    one = world()
    one.server.fail("hanoi.example", "MX", status, times=1)
    assert one.lookup("hanoi.example", "MX").status == status
    assert one.lookup("hanoi.example", "MX").status == "NOERROR"
    assert [event.status for event in one.events] == [status, "NOERROR"]


@pytest.mark.parametrize("error", [TimeoutError, ConnectionRefusedError, EOFError])
def test_nobody_answers(error: type[Exception]) -> None:
    async def ask(query: bytes, tcp: bool) -> bytes:
        raise error

    clock = Clock()
    recorder = Recorder(clock.now)
    resolver = Resolver("h.example", ask, clock.now, recorder.emit, Ids("test"))
    assert asyncio.run(resolver.lookup("hanoi.example", "MX")).status is Status.TIMEOUT


def test_a_forged_reply_is_not_believed() -> None:
    one = world()
    one.spoil = lambda reply: bytes([reply[0], reply[1] ^ 1]) + reply[2:]
    assert one.lookup("hanoi.example", "MX").status is Status.TIMEOUT
    assert one.resolver.known() == ()


# --- TCP -----------------------------------------------------------------------------------


def test_truncated_then_asked_again_over_tcp() -> None:
    one = world()
    assert len(one.lookup("big.hanoi.example", "TXT").text()) == 30
    assert one.asked == ["big.hanoi.example TXT over UDP", "big.hanoi.example TXT over TCP"]
    assert len(one.events) == 1


def test_truncated_even_over_tcp() -> None:
    one = world()
    one.spoil = lambda reply: reply[:2] + bytes([reply[2] | dns.flags.TC >> 8]) + reply[3:]
    assert one.lookup("hanoi.example", "MX").status is Status.SERVFAIL
    assert len(one.asked) == 2


# --- memory ----------------------------------------------------------------------------------

LIFE = {
    # question: how many seconds nobody is asked again
    "smtp.hanoi.example A": 60,
    "mail.hanoi.example A": 20,
    "nothing.hanoi.example A": 30,
    "smtp.hanoi.example MX": 30,
    "gone.hanoi.example A": 30,
}


@pytest.mark.parametrize(("question", "seconds"), LIFE.items(), ids=LIFE)
def test_remembers_until_the_ttl_is_over(question: str, seconds: int) -> None:
    one, (name, rtype) = world(), question.split()
    first = one.lookup(name, rtype)
    one.advance(seconds - 1)
    again = one.lookup(name, rtype)
    assert (again.status, again.records, again.ttl) == (first.status, first.records, 1)
    assert again.canonical == first.canonical
    assert len(one.asked) == 1
    one.advance(1)
    assert one.lookup(name, rtype) == first
    assert len(one.asked) == 2


def test_a_ttl_of_zero_is_not_remembered() -> None:
    one = world()
    one.lookup("short.hanoi.example", "A")
    one.lookup("short.hanoi.example", "A")
    assert len(one.asked) == 2


def test_nxdomain_holds_for_every_type_and_nodata_for_one() -> None:
    one = world()
    for rtype in ("A", "MX", "TXT"):
        assert one.lookup("nothing.hanoi.example", rtype).status is Status.NXDOMAIN
    assert len(one.asked) == 1
    assert one.lookup("smtp.hanoi.example", "MX").status is Status.NODATA
    assert one.lookup("smtp.hanoi.example", "TXT").status is Status.NODATA
    assert len(one.asked) == 3


def test_that_a_name_is_no_alias_says_nothing_about_its_address() -> None:
    world = World(("hanoi.example", HANOI))
    assert world.lookup("smtp.hanoi.example", "CNAME").status == Status.NODATA
    assert world.lookup("smtp.hanoi.example", "A").addresses() == ["192.0.2.25"]


def test_an_alias_shares_what_is_known_of_its_target() -> None:
    one = world()
    one.lookup("mail.hanoi.example", "A")
    one.lookup("smtp.hanoi.example", "A")
    assert one.asked == ["mail.hanoi.example A over UDP"]


def test_only_the_unknown_part_of_a_chain_is_asked() -> None:
    one = world()
    one.lookup("away.hanoi.example", "CNAME")
    one.lookup("away.hanoi.example", "A")
    assert one.asked[1:] == ["www.elsewhere.example A over UDP"]


def test_a_chain_across_servers_costs_a_question_each() -> None:
    one = World(("hanoi.example", HANOI))
    elsewhere = DnsServer([parse_zone(SAIGON, "saigon.zone", "saigon.example")])
    hanoi = one.server

    class Both(DnsServer):
        def answer(self, query: bytes, udp: bool) -> bytes | None:
            name = str(dns.message.from_wire(query).question[0].name)
            return (hanoi if name.endswith("hanoi.example.") else elsewhere).answer(query, udp)

    one.server = Both([])
    answer = one.lookup("across.hanoi.example", "A")
    assert (answer.addresses(), answer.canonical) == (["198.51.100.80"], "web.saigon.example")
    assert one.asked == ["across.hanoi.example A over UDP", "web.saigon.example A over UDP"]
    assert [(e.name, e.answers) for e in one.events] == [
        ("across.hanoi.example", ("web.saigon.example.",)),
        ("web.saigon.example", ("198.51.100.80",)),
    ]


def test_a_change_in_the_zone_is_not_seen_before_the_ttl_is_over() -> None:
    one = world()
    one.lookup("smtp.hanoi.example", "A")
    moved = f"$TTL 60\n{SOA}smtp A 192.0.2.99\n"
    one.server.replace(parse_zone(moved, "hanoi.zone", "hanoi.example"))
    assert one.lookup("smtp.hanoi.example", "A").addresses() == ["192.0.2.25"]
    one.advance(60)
    assert one.lookup("smtp.hanoi.example", "A").addresses() == ["192.0.2.99"]


def test_flush_forgets() -> None:
    one = world()
    one.lookup("smtp.hanoi.example", "A")
    one.resolver.flush()
    assert one.resolver.known() == ()
    one.lookup("smtp.hanoi.example", "A")
    assert len(one.asked) == 2


def test_the_cache_can_be_looked_at() -> None:
    one = world()
    one.lookup("gone.hanoi.example", "A")
    one.advance(10)
    assert [(k.name, k.rtype, k.status, k.records, k.ttl) for k in one.resolver.known()] == [
        ("gone.hanoi.example", "CNAME", "NOERROR", ("nothing.hanoi.example.",), 50),
        ("nothing.hanoi.example", "ANY", "NXDOMAIN", (), 20),
    ]


def test_the_address_that_came_along_with_an_mx_is_asked_for_all_the_same() -> None:
    one = world()
    one.lookup("hanoi.example", "MX")
    one.lookup("smtp.hanoi.example", "A")
    assert one.asked == ["hanoi.example MX over UDP", "smtp.hanoi.example A over UDP"]


# --- the trace ---------------------------------------------------------------------------------


def test_one_event_for_each_question_and_one_for_the_cache() -> None:
    one = world()
    one.lookup("mail.hanoi.example", "A", parcel=3)
    one.advance(5)
    one.lookup("mail.hanoi.example", "A", parcel=4)
    one.lookup("nothing.hanoi.example", "A")
    chain = ("smtp.hanoi.example.", "192.0.2.25")
    shown = [(e.parcel, e.name, e.status, e.answers, e.ttl, e.server) for e in one.events]
    assert shown == [
        (3, "mail.hanoi.example", "NOERROR", chain, 20, "ns.lab"),
        (4, "mail.hanoi.example", "NOERROR", chain, 15, "cache"),
        (None, "nothing.hanoi.example", "NXDOMAIN", (), 30, "ns.lab"),
    ]
    assert {(e.host, e.rtype) for e in one.events} == {("smtp.hanoi.example", "A")}


def test_a_name_that_cannot_be_one_is_asked_of_nobody() -> None:
    one = world()
    one.lookup("a..b", "MX")
    assert one.asked == []
    assert [(e.name, e.status, e.server) for e in one.events] == [("a..b", "NXDOMAIN", "nobody")]


def test_query_ids_are_the_same_in_every_run() -> None:
    first, second = world(), world()
    for one in (first, second):
        one.lookup("hanoi.example", "MX")
        one.lookup("smtp.hanoi.example", "A")
    assert first.ids == second.ids
    assert len(set(first.ids)) == 2


def test_the_machines_resolver_is_never_loaded() -> None:
    """Neither dnspython's resolver (it reads the machine's settings) nor its sockets."""
    code = (
        "import sys, labmail.dns.resolver, labmail.dns.server, labmail.dns.transport;"
        "print(*{'dns.resolver', 'dns.asyncresolver', 'dns.query'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
