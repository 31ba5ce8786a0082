"""Slips of the pen are seen, and what is meant as it stands is left in peace."""

from __future__ import annotations

import pytest

from labmail.dns.slips import slips, told
from labmail.dns.zone import load_zone, parse_zone
from labmail.paths import data_dir

HEAD = "$TTL 60\n@ SOA ns.lab. h.lab. 1 2 3 4 5\n  NS ns.lab.\n"
FORWARD, REVERSE = "foo.example", "2.0.192.in-addr.arpa"


def seen(text: str, origin: str = FORWARD) -> str:
    return told(slips(parse_zone(text, "a.zone", origin), "ns.lab"))


SLIPS = {
    "a whole name behind MX": (FORWARD, "@ MX 10 mx1.saigon.example", "mx1.saigon.example"),
    "the domain twice": (FORWARD, "@ MX 10 mx1.Foo.example", "mx1.Foo.example"),
    "the name of a record": (FORWARD, "www.foo.example A 192.0.2.1", "www.foo.example"),
    "an alias": (FORWARD, "a CNAME b.foo.example", "b.foo.example"),
    "a service": (FORWARD, "_imap._tcp SRV 0 1 143 imap.foo.example", "imap.foo.example"),
    "the name server": (FORWARD, "sub NS ns.lab", "ns.lab"),
    "a host of an address": (REVERSE, "7 PTR smtp.hanoi.example", "smtp.hanoi.example"),
    "an address backwards": (REVERSE, f"7.{REVERSE} PTR a.example.", f"7.{REVERSE}"),
    "octets that are no letters": (FORWARD, "a\\255.foo.example A 192.0.2.1", "a\\255.foo.example"),
}


@pytest.mark.parametrize(("origin", "line", "written"), SLIPS.values(), ids=SLIPS)
def test_a_dot_is_missing(origin: str, line: str, written: str) -> None:
    found = seen(f"{HEAD}{line}\n", origin)
    assert found == (
        f"line 4: {written}.{origin}. is the name here, because {written} has no dot at its end: "
        f"write {written}. (RFC 1035 §5.1)"
    )


@pytest.mark.parametrize(
    ("line", "rtype", "name"),
    [
        ("@ MX 10 192.0.2.3", "MX", "192.0.2.3.foo.example."),
        ("@ MX 10 192.0.2.3.", "MX", "192.0.2.3."),
        ("@ NS 192.0.2.3", "NS", "192.0.2.3.foo.example."),
        ("_imap._tcp SRV 0 1 143 192.0.2.3", "SRV", "192.0.2.3.foo.example."),
    ],
)
def test_an_address_where_a_host_belongs(line: str, rtype: str, name: str) -> None:
    assert seen(f"{HEAD}{line}\n").startswith(
        f"line 4: {rtype} names a host, so 192.0.2.3 was read as the name {name}: give"
    )


@pytest.mark.parametrize("head", [f"$ORIGIN foo.example\n{HEAD}", HEAD.replace("@", "foo.example")])
def test_the_zone_itself_has_no_dot(head: str) -> None:
    """Then every name in it is wrong; it is said once."""
    found = seen(f"{head}www.foo.example MX 10 mx1.foo.example\n")
    assert found.count("dot at its end") == 1
    assert "this is the zone of foo.example.foo.example, because foo.example has" in found


GOOD = {
    "short names": "www A 192.0.2.1\nmail CNAME www",
    "whole names": "@ MX 10 mx1.saigon.example.\nwww.foo.example. A 192.0.2.1",
    "a host that is called example": "example A 192.0.2.1",
    "a room that is called lab": "pc1.lab A 192.0.2.1\nns A 192.0.2.2\n@ NS ns",
    "no mail at all": "@ MX 0 .",
    "numbers that are no address": "@ MX 10 1.2.3\n@ MX 10 192.0.2.256",
    "words in a text": '@ TXT "ask www.foo.example or 192.0.2.3"',
}


@pytest.mark.parametrize("lines", GOOD.values(), ids=GOOD)
def test_what_is_meant_as_it_stands(lines: str) -> None:
    assert seen(f"{HEAD}{lines}\n") == ""


def test_the_zones_of_the_world_have_none() -> None:
    for path in sorted((data_dir() / "zones").glob("*.zone")):
        assert slips(load_zone(path), "ns.lab") == (), path.name


def test_each_name_is_told_once_and_not_too_many() -> None:
    lines = "".join(f"@ MX 10 mx{n}.foo.example\n" for n in (1, 1, 2, 3, 4, 5))
    found = seen(HEAD + lines)
    assert found.count("line ") == 3
    assert found.endswith("; 2 more like these")
