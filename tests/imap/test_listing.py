"""Wildcards, and names that exist only because of what lies below them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.imap.listing import Listed, listed, matches, subscribed
from tests.imap.house import House


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "a/b", True),
        ("%", "a/b", False),
        ("%/%", "a/b", True),
        ("a%", "a", True),
        ("a%", "ab/c", False),
        ("a*c", "a/b/c", True),
        ("", "a", False),
        ("iNb%", "INBOX", True),
        ("a", "A", False),
        ("*%*%*x", "a/b", False),
        ("x" * 2000, "x", False),
    ],
)
def test_wildcards(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name) == expected


@given(st.text("ab/*%", max_size=8), st.text("ab/", min_size=1, max_size=8))
def test_as_a_regular_expression_would(pattern: str, name: str) -> None:
    meant = re.escape(pattern).replace(r"\*", ".*").replace("%", "[^/]*")
    assert matches(pattern, name) == bool(re.fullmatch(meant, name))


def test_no_pattern_is_slow() -> None:
    assert not matches("*a" * 500, "a" * 499 + "b")


def test_names_without_mailbox(house: House) -> None:
    house.account.create("work/2026")
    house.account.delete("work")
    found = {one.name: one.attributes for one in listed(house.account, "w*")}
    assert found == {
        "work": ("\\Noselect", "\\HasChildren"),
        "work/2026": ("\\HasNoChildren",),
    }


def test_subscriptions_outlive_mailboxes(house: House) -> None:
    house.account.create("a/b")
    house.account.subscribe("a/b", True)
    house.account.delete("a/b")
    assert subscribed(house.account, "a*") == [Listed("a/b", ())]
    assert subscribed(house.account, "a%") == [Listed("a", ("\\Noselect",))]
