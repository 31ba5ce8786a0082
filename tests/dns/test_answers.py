"""Answers say what their records mean."""

from __future__ import annotations

import pytest

from labmail.dns.answers import Answer, Status


def answer(rtype: str, *records: str) -> Answer:
    return Answer("hanoi.example", rtype, Status.NOERROR, records, 60, "hanoi.example")


def test_mx() -> None:
    got = answer("MX", "10 mx1.saigon.example.", "20 mx2.saigon.example.").mx()
    assert got == [(10, "mx1.saigon.example"), (20, "mx2.saigon.example")]


def test_the_host_of_a_null_mx_is_a_dot() -> None:
    assert answer("MX", "0 .").mx() == [(0, ".")]


@pytest.mark.parametrize(("rtype", "address"), [("A", "192.0.2.25"), ("AAAA", "2001:db8::25")])
def test_addresses(rtype: str, address: str) -> None:
    assert answer(rtype, address).addresses() == [address]


@pytest.mark.parametrize("rtype", ["PTR", "NS", "CNAME"])
def test_names(rtype: str) -> None:
    assert answer(rtype, "smtp.hanoi.example.").names() == ["smtp.hanoi.example"]


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ('"v=spf1 mx -all"', "v=spf1 mx -all"),
        ('"v=spf1 mx" " -all"', "v=spf1 mx -all"),
        (r'"say \"no\"; \092"', 'say "no"; \\'),
        (r'"ph\225\187\159"', "phở"),
        (r'"\255"', "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_text(record: str, text: str) -> None:
    assert answer("TXT", record).text() == [text]


def test_the_wrong_question_gives_nothing() -> None:
    txt, a = answer("TXT", '"10 x"'), answer("A", "192.0.2.25")
    assert (txt.mx(), txt.addresses(), txt.names(), a.text()) == ([], [], [], [])


def test_what_the_dns_knows_and_what_nobody_knows() -> None:
    assert {status.value for status in Status if status.known} == {"NOERROR", "NODATA", "NXDOMAIN"}


def test_a_status_compares_with_its_name() -> None:
    assert answer("A").status == "NOERROR"
