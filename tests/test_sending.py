"""The way out of a host: which hop gets the letter, and what counts as an answer."""

import socket
from typing import Any

import pytest

from labmail import Lab
from labmail.trace.events import (
    Attempted,
    Bounced,
    Connected,
    Deferred,
    Relayed,
    Routed,
    TlsStarted,
)

MX1, MX2 = "mx1.saigon.example", "mx2.saigon.example"


def send(lab: Lab) -> Any:
    with lab.record() as trace:
        lab.user("son@hanoi.example").send("minh@saigon.example", "x", "…")
        lab.settle()
    return trace


def test_the_route_is_recorded(lab: Lab) -> None:
    (routed, _) = send(lab).of(Routed)
    assert routed.hops == ((10, MX1, ("198.51.100.25",)), (20, MX2, ("198.51.100.26",)))


def test_between_hosts_the_letter_is_encrypted(lab: Lab) -> None:
    modes = {e.connection.service: e.mode for e in send(lab).of(TlsStarted)}
    assert modes == {"submission": "starttls", "smtp": "starttls"}


def test_a_hop_with_trouble_of_its_own_is_passed_over(lab: Lab) -> None:
    lab.host(MX1).answer("CONNECT", "421 4.3.2 Too busy")
    trace = send(lab)
    assert trace.of(Relayed)[0].to == MX2


@pytest.mark.parametrize("verb", ["CONNECT", "EHLO"])
def test_a_hop_that_takes_no_mail_at_all_is_passed_over(lab: Lab, verb: str) -> None:
    """What is said before MAIL is about the host, not about the letter (RFC 5321 §3.1)."""
    lab.host(MX1).answer(verb, "554 5.3.2 No mail here")
    trace = send(lab)
    assert trace.of(Relayed)[0].to == MX2
    assert {e.host for e in trace.of(Bounced)} == {MX2}  # which then finds nobody to hand it to


def test_where_no_hop_takes_mail_the_letter_goes_back(lab: Lab) -> None:
    for host in (MX1, MX2):
        lab.host(host).answer("CONNECT", "554 5.3.2 No mail here")
    trace = send(lab)
    assert ["554 5.3.2 No mail here" in e.reason for e in trace.of(Bounced)] == [True]
    assert {MX1, MX2} <= {e.connection.server.name for e in trace.of(Connected)}


@pytest.mark.parametrize(("away", "unwilling"), [(MX1, MX2), (MX2, MX1)])
def test_while_one_hop_may_come_back_the_letter_waits(lab: Lab, away: str, unwilling: str) -> None:
    lab.host(away).stop()
    lab.host(unwilling).answer("CONNECT", "554 5.3.2 No mail here")
    trace = send(lab)
    assert trace.of(Bounced) == ()
    assert f"cannot connect to {away}" in trace.of(Deferred)[0].reason


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_not_now_means_later(lab: Lab, verb: str) -> None:
    for host in (MX1, MX2):
        lab.host(host).answer(verb, "451 4.3.0 Come back later")
    trace = send(lab)
    (deferred,) = trace.of(Deferred)
    assert "451 4.3.0 Come back later" in deferred.reason
    assert trace.of(Bounced) == ()


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
def test_never_means_never_and_no_other_hop_is_asked(lab: Lab, verb: str) -> None:
    lab.host(MX1).answer(verb, "554 5.7.1 We do not want this")
    trace = send(lab)
    assert [(e.status, "554" in e.reason) for e in trace.of(Bounced)] == [("5.7.1", True)]
    assert MX2 not in {e.connection.server.name for e in trace.of(Connected)}


def test_no_answer_is_no_refusal(lab: Lab) -> None:
    for name in (MX1, MX2):
        lab.host(name).stop()
    trace = send(lab)
    (attempted,) = trace.of(Attempted)
    assert (attempted.outcome, attempted.to) == ("deferred", MX2)
    assert "cannot connect to mx2.saigon.example [198.51.100.26]" in attempted.reply


def test_each_attempt_calls_from_the_hosts_own_address(lab: Lab) -> None:
    connections = [e.connection for e in send(lab).of(Connected) if e.connection.service == "smtp"]
    assert [(c.client.name, c.client.ip) for c in connections] == [
        ("smtp.hanoi.example", "192.0.2.25")
    ]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((MX2, 143))
