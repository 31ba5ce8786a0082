"""The decision flow: each way is taken by a real letter, and the picture says which."""

import pytest

from labmail import Lab, decision
from labmail.trace.recorder import Trace
from labmail.views.decision import Decision, Fate, Taken, Way

SON = "son@hanoi.example"


def sent(lab: Lab, *to: str) -> Trace:
    with lab.record() as trace:
        for recipient in to:
            lab.user(SON).send(to=recipient, subject="Có tới không?", text="…")
        lab.settle()
    return trace


def the_one(flow: Decision) -> Taken:
    (taken,) = flow.taken
    return taken


@pytest.mark.parametrize(
    ("to", "way", "ended"),
    [
        ("minh@saigon.example", Way.HOSTS, "✔ handed over to mx1.saigon.example"),
        ("ba@nhaminh.example", Way.IMPLICIT, "✔ handed over to nhaminh.example"),
        ("ai@khongthu.example", Way.NULL, "✘ given up, 5.1.10"),
        ("ai@khong-co.example", Way.NO_NAME, "✘ given up, 5.1.2"),
    ],
)
def test_ways_that_zones_make(lab: Lab, to: str, way: Way, ended: str) -> None:
    taken = the_one(decision(sent(lab, to)))
    assert (taken.way, taken.ended) == (way, ended)


def test_a_zone_with_nothing_for_mail(lab: Lab) -> None:
    lab.dns.load("$ORIGIN rong.example.\n$TTL 3600\n@ SOA ns.lab. a.lab. 1 1 1 1 1\n@ NS ns.lab.\n")
    taken = the_one(decision(sent(lab, "ai@rong.example")))
    assert (taken.way, taken.ended) == (Way.NOTHING, "✘ given up, 5.4.4")


@pytest.mark.parametrize("status", ["SERVFAIL", "REFUSED"])
def test_who_cannot_say_makes_the_letter_wait(lab: Lab, status: str) -> None:
    lab.dns.fail("saigon.example", "MX", status)
    taken = the_one(decision(sent(lab, "minh@saigon.example")))
    assert (taken.way, taken.way.fate) == (Way.SILENCE, Fate.WAIT)
    assert taken.ended == "… waits until Mon 09:30"


def test_hosts_without_addresses_for_now(lab: Lab) -> None:
    for host in ("mx1", "mx2"):
        lab.dns.fail(f"{host}.saigon.example", "A", "SERVFAIL")
    assert the_one(decision(sent(lab, "minh@saigon.example"))).way is Way.UNSURE


def test_all_letters_of_a_trace_are_marked(lab: Lab) -> None:
    flow = decision(sent(lab, "minh@saigon.example", "ai@khongthu.example", "ai@khong-co.example"))
    text = flow.text()
    assert "● NXDOMAIN                  there is no such domain" in text
    assert "· NODATA                    no MX and no address" in text
    assert "khongthu.example: NOERROR, MX 0 . (null MX): takes no mail, so give up" in flow.alt()
    assert "khong-co.example" in flow.svg()
    one = decision(lab.trace, lab.trace.parcels[0])
    assert [t.search.domain for t in one.taken] == ["saigon.example"]


def test_the_last_attempt_counts(lab: Lab) -> None:
    lab.dns.fail("saigon.example", "MX", "SERVFAIL", times=1)
    sent(lab, "minh@saigon.example")
    lab.advance("1h")
    assert the_one(decision(lab.trace)).way is Way.HOSTS


def test_every_fate_has_its_ways() -> None:
    assert {way.fate for way in Way} == set(Fate)
    assert len({way.means for way in Way}) == len(Way)
