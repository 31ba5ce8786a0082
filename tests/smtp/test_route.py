from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field

import pytest

from labmail.runtime.ids import Ids
from labmail.smtp.route import Hop, Route, find_route


@dataclass(frozen=True)
class Answer:
    status: str = "NOERROR"
    records: tuple = ()
    cname_followed: bool = False

    def mx(self):
        return [(int(p), h) for p, h in (r.split() for r in self.records)]

    def addresses(self):
        return list(self.records)


@dataclass
class Names:
    """A DNS of a dictionary: {"name type": records, or a status}."""

    zone: dict
    asked: list[str] = field(default_factory=list)

    async def lookup(self, name: str, rtype: str) -> Answer:
        self.asked.append(f"{name} {rtype}")
        key = f"{name} {rtype}"
        if key in self.zone:
            value = self.zone[key]
            if isinstance(value, Answer):
                return value
            return Answer(value) if isinstance(value, str) else Answer(records=tuple(value))
        known = any(k.split()[0] == name for k in self.zone)
        return Answer("NODATA" if known else "NXDOMAIN")


def route(zone: dict, domain: str = "d.example", own: tuple = ("me.example",), seed: str = "s"):
    return asyncio.run(find_route(Names(zone).lookup, domain, own, Ids(seed)))


A, B, C = "192.0.2.1", "192.0.2.2", "192.0.2.3"
HOSTS = {"a.example A": [A], "b.example A": [B], "c.example A": [C]}


def names(found: Route) -> list[str]:
    return [f"{hop.preference} {hop.host}" for hop in found.hops]


def test_lower_preference_first_with_all_addresses():
    found = route(
        {
            "d.example MX": ["20 b.example", "5 a.example."],
            "a.example A": [A, C],
            "a.example AAAA": ["2001:db8::1"],
            "b.example A": [B],
        }
    )
    assert found.hops == (
        Hop(5, "a.example", (A, C, "2001:db8::1")),
        Hop(20, "b.example", (B,)),
    )
    assert (found.failure, found.note) == (None, "")


def test_ties_are_broken_by_the_seed():
    zone = {"d.example MX": ["10 a.example", "10 b.example", "10 c.example"], **HOSTS}
    orders = {seed: names(route(zone, seed=str(seed))) for seed in range(20)}
    assert {tuple(sorted(order)) for order in orders.values()} == {
        ("10 a.example", "10 b.example", "10 c.example")
    }
    assert len({tuple(order) for order in orders.values()}) > 1
    assert names(route(zone, seed="3")) == orders[3]


@pytest.mark.parametrize(
    ("status", "failure", "code"),
    [
        ("NXDOMAIN", "permanent", "5.1.2"),
        ("SERVFAIL", "temporary", "4.4.3"),
        ("REFUSED", "temporary", "4.4.3"),
        ("TIMEOUT", "temporary", "4.4.3"),
    ],
)
def test_no_answer_is_not_an_answer(status, failure, code):
    found = route({"d.example MX": status, "d.example A": [A]})
    assert (found.hops, found.failure, found.status) == ((), failure, code)
    assert "d.example" in found.note


def test_implicit_mx():
    found = route({"d.example A": [A], "d.example AAAA": ["2001:db8::1"]})
    assert found.hops == (Hop(0, "d.example", (A, "2001:db8::1")),)


@pytest.mark.parametrize(
    ("zone", "failure", "code"),
    [
        ({"d.example TXT": ["x"]}, "permanent", "5.4.4"),
        ({"d.example A": "SERVFAIL"}, "temporary", "4.4.3"),
        ({"d.example A": "TIMEOUT", "d.example AAAA": "NODATA"}, "temporary", "4.4.3"),
    ],
)
def test_implicit_mx_without_address(zone, failure, code):
    found = route(zone)
    assert (found.failure, found.status) == (failure, code)


def test_one_family_is_enough():
    found = route({"d.example A": "SERVFAIL", "d.example AAAA": ["2001:db8::1"]})
    assert found.hops == (Hop(0, "d.example", ("2001:db8::1",)),)


@pytest.mark.parametrize("dot", ["0 .", "10 ."])
def test_null_mx(dot):
    found = route({"d.example MX": [dot], "d.example A": [A]})
    assert (found.hops, found.failure, found.status) == ((), "permanent", "5.1.10")


def test_null_mx_beside_others_is_left_out():
    found = route({"d.example MX": ["0 .", "10 a.example"], **HOSTS})
    assert names(found) == ["10 a.example"]
    assert "RFC 7505" in found.note


@pytest.mark.parametrize(
    ("mx", "zone", "reason"),
    [
        ("10 alias.example", {"alias.example A": Answer("NOERROR", (A,), True)}, "CNAME"),
        ("10 192.0.2.1", {}, "address"),
        ("10 gone.example", {}, "does not exist"),
        ("10 empty.example", {"empty.example TXT": ["x"]}, "no address"),
    ],
)
def test_useless_mx_is_refused_with_the_reason(mx, zone, reason):
    alone = route({"d.example MX": [mx], "d.example A": [B], **zone})
    assert (alone.hops, alone.failure, alone.status) == ((), "permanent", "5.4.4")
    assert reason in alone.note
    beside = route({"d.example MX": [mx, "20 a.example"], **HOSTS, **zone})
    assert names(beside) == ["20 a.example"]
    assert reason in beside.note


def test_addresses_that_cannot_be_had_now():
    zone = {"d.example MX": ["10 a.example", "20 b.example"], "a.example A": "TIMEOUT"}
    assert route(zone).failure == "temporary"
    found = route({**zone, "b.example A": [B]})
    assert names(found) == ["20 b.example"]
    assert "TIMEOUT" in found.note


LADDER = ["10 a.example", "20 ME.example.", "20 b.example", "30 c.example"]


def test_ourselves_and_worse_are_left_out():
    found = route({"d.example MX": LADDER, **HOSTS})
    assert names(found) == ["10 a.example"]
    assert "20 me.example" in found.note
    assert "30 c.example" in found.note


def test_we_are_known_by_our_address_as_well():
    """RFC 5321 §5.1: "names or addresses by which it might be known"; a zone may call us
    something that we never heard of."""
    zone = {"d.example MX": ["10 a.example", "20 b.example", "20 c.example"], **HOSTS}
    found = asyncio.run(find_route(Names(zone).lookup, "d.example", (), Ids("s"), (C,)))
    assert names(found) == ["10 a.example"]
    assert "c.example, whose address is ours" in found.note


@pytest.mark.parametrize("mx", [["10 c.example"], ["10 c.example", "20 a.example"], None])
def test_an_address_of_ours_as_the_best_would_loop(mx):
    zone = {"d.example MX": mx, **HOSTS} if mx else {"d.example A": [C]}
    found = asyncio.run(find_route(Names(zone).lookup, "d.example", (), Ids("s"), (C,)))
    assert (found.hops, found.failure, found.status) == ((), "permanent", "5.4.6")
    assert "loops back to us" in found.note


def test_equals_share_the_work():
    """Drawn anew for each letter: of 1,000 letters, each of two equals gets about half (at
    most 4.4 standard deviations from it, which the seed decides once and for all)."""
    dns, ids = Names({"d.example MX": ["10 a.example", "10 b.example"], **HOSTS}), Ids("s")

    def first() -> str:
        return asyncio.run(find_route(dns.lookup, "d.example", (), ids)).hops[0].host

    firsts = [first() for _ in range(1000)]
    assert 430 < firsts.count("a.example") < 570
    runs = sum(one != other for one, other in itertools.pairwise(firsts))
    assert 430 < runs < 570, "they do not take turns: it is a lot that is drawn"


def test_an_alias_of_the_domain_is_followed():
    """RFC 5321 §5.1: the name that a CNAME leads to is treated as if it were the first one."""
    aliased = Answer("NOERROR", ("10 a.example",), cname_followed=True)
    assert names(route({"d.example MX": aliased, **HOSTS})) == ["10 a.example"]


def test_if_we_are_the_best_it_would_loop():
    found = route({"d.example MX": LADDER[1:], **HOSTS})
    assert (found.hops, found.failure, found.status) == ((), "permanent", "5.4.6")


def test_without_mx_and_under_our_own_name_it_would_loop():
    found = route({"Me.example A": [A]}, domain="Me.example")
    assert (found.hops, found.failure, found.status) == ((), "permanent", "5.4.6")


def test_no_mx_lookup_beside_an_unusable_mx():
    dns = Names({"d.example MX": ["10 gone.example"], "d.example A": [A]})
    asyncio.run(find_route(dns.lookup, "d.example", (), Ids("s")))
    assert dns.asked == ["d.example MX", "gone.example A"]


@pytest.mark.parametrize(
    ("domain", "address"),
    [("[192.0.2.1]", "192.0.2.1"), ("[IPv6:2001:db8::1]", "2001:db8::1"), ("[x]", None)],
)
def test_literals_need_no_dns(domain, address):
    dns = Names({})
    found = asyncio.run(find_route(dns.lookup, domain, (), Ids("s")))
    assert dns.asked == []
    assert found.failure == (None if address else "permanent")
    assert [hop.addresses for hop in found.hops] == ([(address,)] if address else [])


def test_the_same_host_twice_is_one_hop():
    assert names(route({"d.example MX": ["10 a.example", "10 A.example."], **HOSTS})) == [
        "10 a.example"
    ]
