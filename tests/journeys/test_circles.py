"""A backup that stands in the list itself: why a host leaves out itself and what is not better."""

from collections.abc import Iterator

import pytest

from labmail import Lab
from labmail.smtp.trace_fields import MAX_HOPS
from labmail.trace.events import Accepted, Bounced, Delivered, Routed


@pytest.fixture
def vong() -> Iterator[Lab]:
    with Lab("vong") as lab:
        lab.host("mx1.vong.example").stop()
        yield lab


def send(lab: Lab) -> None:
    lab.user("son@hanoi.example").send("tron@vong.example", "Chào", "…")
    lab.settle()


def test_a_backup_that_does_not_know_itself_sends_in_a_circle(vong: Lab) -> None:
    """RFC 5321 §6.3: what ends it is the number of Received fields."""
    with vong.record() as trace:
        send(vong)
    taken = [e for e in trace.of(Accepted) if e.host == "mx2.vong.example" and e.connection]
    assert len(taken) == MAX_HOPS
    (bounced,) = trace.of(Bounced)
    assert (bounced.host, bounced.status) == ("mx2.vong.example", "5.4.6")
    assert [e.account for e in trace.of(Delivered)] == ["son@hanoi.example"]


def call_it_by_its_name(lab: Lab) -> None:
    lab.dns.edit("vong.example", "MX 20 backup.vong.example.", "MX 20 mx2.vong.example.")
    lab.dns.edit("vong.example", "backup A", "mx2 A")


def give_its_own_address(lab: Lab) -> None:
    lab.dns.edit("vong.example", "203.0.113.96", "192.0.2.96")


@pytest.mark.parametrize("repair", [call_it_by_its_name, give_its_own_address])
def test_one_that_knows_itself_waits_for_the_primary(vong: Lab, repair) -> None:  # type: ignore[no-untyped-def]
    repair(vong)
    with vong.record() as trace:
        send(vong)
        routes = [e for e in trace.of(Routed) if e.host == "mx2.vong.example"]
        assert [hop[1] for hop in routes[0].hops] == ["mx1.vong.example"]
        assert "left out" in routes[0].note
        vong.host("mx1.vong.example").start()
        vong.advance("30m")
    assert [e.account for e in trace.of(Delivered)] == ["tron@vong.example"]


def test_the_only_one_in_the_list_gives_up_at_once(vong: Lab) -> None:
    call_it_by_its_name(vong)
    vong.dns.edit("vong.example", "MX 10 mx1.vong.example.", "TXT gone")
    with vong.record() as trace:
        send(vong)
    (bounced,) = trace.of(Bounced)
    assert (bounced.status, bounced.host) == ("5.4.6", "mx2.vong.example")
    assert "loops back to us" in bounced.reason
