"""Nothing gets out of its header line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.letter.guards import UnsafeHeader, guarded, guarded_id


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x\r\nBcc: a@b.example", "carriage return"),
        ("x\nBcc: a@b.example", "line feed"),
        ("x\rBcc: a@b.example", "carriage return"),
        ("x\0", "NUL"),
        ("x\u2028Bcc: a@b.example", "U\\+2028"),
        ("x\x85Bcc: a@b.example", "U\\+0085"),
        ("x\x0bBcc: a@b.example", "U\\+000B"),
        ("=?utf-8?q?x=0D=0ABcc:_a=40b?=", "hides a carriage return"),
        ("=?utf-8?b?eA0KQmNjOiBhQGI=?=", "hides a carriage return"),
        ("ok =?utf-8?Q?=0ABcc:_a?= ok", "hides a line feed"),
        ("=?utf-8?q?=00?=", "hides a NUL"),
        ("=?utf-16-le?b?CgA=?=", "hides a line feed"),
    ],
)
def test_line_ends_open_and_hidden_are_refused(text: str, said: str) -> None:
    with pytest.raises(UnsafeHeader, match=f"The subject .*{said}"):
        guarded(text, "subject")


def test_what_may_stand_is_given_back_in_nfc() -> None:
    assert guarded("Cha\u0300o\tMinh", "subject") == "Chào\tMinh"
    assert guarded("=?utf-8?q?Ch=C3=A0o?=", "subject") == "=?utf-8?q?Ch=C3=A0o?="


@pytest.mark.parametrize("text", ["", "a@b", "<a>", "<a b@c>", "<a@b> <c@d>", "<à@b>", "<a@b>\n"])
def test_what_is_no_message_id(text: str) -> None:
    with pytest.raises(UnsafeHeader):
        guarded_id(text, "Message-ID")


def test_a_message_id() -> None:
    assert guarded_id("<1.x@hanoi.example>", "Message-ID") == "<1.x@hanoi.example>"


@given(st.text())
def test_what_passes_is_one_line(text: str) -> None:
    try:
        kept = guarded(text, "subject")
    except UnsafeHeader:
        return
    assert len(kept.splitlines()) <= 1
