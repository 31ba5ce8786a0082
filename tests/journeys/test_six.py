"""A domain that can be reached over IPv6 only, and hosts with addresses of both kinds."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from labmail import Lab
from labmail.paths import data_file
from labmail.trace.events import Accepted, ConnectFailed, Delivered, Routed

SAU = """
[hosts."mail.sau.example"]
address = "2001:db8::25"
domains = ["sau.example"]
services = ["smtp", "submission", "imap", "imaps"]

[accounts."sau@sau.example"]
name = "Sáu"
password = "sau-1"
"""
ZONE = """\
$ORIGIN sau.example.
$TTL 3600
@     SOA   ns.lab. hostmaster.sau.example. 1 7200 900 1209600 300
      NS    ns.lab.
      MX    10 mail.sau.example.
mail  AAAA  2001:db8::25
"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    world = tmp_path / "sau.toml"
    text = data_file("worlds", "course.toml").read_text("utf-8")
    world.write_text(text + SAU, encoding="utf-8")
    with Lab(world) as lab:
        lab.dns.load(ZONE)
        yield lab


def test_a_letter_there_and_back(lab: Lab) -> None:
    """RFC 5321 §4.1.3: the address stands in the Received field as [IPv6:…]."""
    son, sau = lab.user("son@hanoi.example"), lab.user("sau@sau.example")
    with lab.record() as trace:
        son.send("sau@sau.example", "Chào", "…")
        lab.settle()
        sau.send("son@hanoi.example", "Chào", "…")
        lab.settle()
    assert [e.account for e in trace.of(Delivered)] == ["sau@sau.example", "son@hanoi.example"]
    box = next(iter((lab.folder / "smtp.hanoi.example").rglob("new/*")))
    assert b"from mail.sau.example (mail.sau.example [IPv6:2001:db8::25])" in box.read_bytes()


def test_all_addresses_are_tried_ipv4_first(lab: Lab) -> None:
    """RFC 5321 §5.1: every address of a host, one after the other."""
    lab.dns.edit(
        "sau.example", "mail AAAA 2001:db8::25", "mail AAAA 2001:db8::25\n A 203.0.113.199"
    )
    with lab.record() as trace:
        lab.user("son@hanoi.example").send("sau@sau.example", "Chào", "…")
        lab.settle()
    (route,) = [e for e in trace.of(Routed) if not e.local]
    assert route.hops[0][2] == ("203.0.113.199", "2001:db8::25")
    assert [e.server.ip for e in trace.of(ConnectFailed)] == ["203.0.113.199"]
    assert [e.host for e in trace.of(Accepted)] == ["smtp.hanoi.example", "mail.sau.example"]


def test_a_program_of_the_notebook_tries_them_too(lab: Lab) -> None:
    new = "mx1 A 203.0.113.199\n A 198.51.100.25"
    lab.dns.edit("saigon.example", "mx1 A 198.51.100.25", new)
    with lab.record() as trace:
        socket.create_connection(("mx1.saigon.example", 25)).close()
    assert len(trace.of(ConnectFailed)) == len(trace.connections) == 1
