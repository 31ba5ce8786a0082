"""Callers: a name counts only when it leads back to the address."""

import smtplib

import pytest

from labmail import Lab
from labmail.course import callers
from labmail.course.reverse import Caller, reverse_name
from labmail.trace.recorder import Trace

MINH = "minh@saigon.example"


def called(lab: Lab, sender: str) -> Trace:
    with lab.record() as trace:
        lab.user(sender).send(to=MINH, subject="Ai đó?", text="…")
        lab.settle()
    return trace


def the_one(lab: Lab, trace: Trace) -> Caller:
    (caller,) = callers(lab, trace).callers
    return caller


def test_a_caller_in_order(lab: Lab) -> None:
    caller = the_one(lab, called(lab, "son@hanoi.example"))
    assert caller == Caller("192.0.2.25", "smtp.hanoi.example", "smtp.hanoi.example",
                            ("192.0.2.25",))  # fmt: skip
    assert caller.confirmed and caller.says_so


def test_a_fine_name_in_the_reverse_zone_is_not_enough(lab: Lab) -> None:
    lab.dns.edit(
        "113.0.203.in-addr.arpa", "66 PTR mail.spam.example.", "66 PTR mx1.saigon.example."
    )
    caller = the_one(lab, called(lab, "spam@spam.example"))
    assert not caller.confirmed
    assert caller.verdict == "✘ not confirmed: mx1.saigon.example is at 198.51.100.25"


def test_an_address_without_a_name(lab: Lab) -> None:
    lab.dns.edit("113.0.203.in-addr.arpa", "66 PTR mail.spam.example.", "")
    table = callers(lab, called(lab, "spam@spam.example"))
    assert "no PTR: the address has no name" in table.text()


def test_a_name_that_leads_nowhere(lab: Lab) -> None:
    lab.dns.edit("113.0.203.in-addr.arpa", "66 PTR mail.spam.example.", "66 PTR khong-co.example.")
    caller = the_one(lab, called(lab, "spam@spam.example"))
    assert caller.verdict == "✘ not confirmed: khong-co.example is at nowhere"


def test_what_was_said_is_told_from_what_is_confirmed(lab: Lab) -> None:
    with lab.record() as trace, smtplib.SMTP(
        "mx1.saigon.example", 25, local_hostname="mail.arrakis.example"
    ) as program:  # fmt: skip
        program.helo()
    caller = the_one(lab, trace)
    assert (caller.helo, caller.ptr) == ("mail.arrakis.example", "son-laptop.hanoi.example")
    assert caller.confirmed and not caller.says_so


def test_submission_is_no_call_between_servers(lab: Lab) -> None:
    with lab.record() as trace:
        lab.user("son@hanoi.example").send(to="lan@hanoi.example", subject="Gần", text="…")
    assert callers(lab, trace).callers == ()


@pytest.mark.parametrize(
    ("ip", "name"),
    [
        ("192.0.2.25", "25.2.0.192.in-addr.arpa"),
        ("2001:db8::1", "1." + "0." * 23 + "8.b.d.0.1.0.0.2.ip6.arpa"),
    ],
)
def test_reverse_names(ip: str, name: str) -> None:
    assert reverse_name(ip) == name
