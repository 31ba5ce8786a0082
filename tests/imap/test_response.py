"""How the server writes."""

from __future__ import annotations

import pytest

from labmail.imap.response import (
    Answer,
    Refusal,
    astring,
    flag_list,
    mailbox,
    nstring,
    parenthesised,
    status_line,
    string,
)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (b"", b'""'),
        (b'a "b" \\', b'"a \\"b\\" \\\\"'),
        (b"a\r\nb", b"{4}\r\na\r\nb"),
        (b"\xc6\xb0", b"{2}\r\n\xc6\xb0"),
        (b"a\0", b"{1}\r\na"),
        (b"x" * 2000, b"{2000}\r\n" + b"x" * 2000),
    ],
)
def test_strings(value: bytes, written: bytes) -> None:
    assert string(value) == written
    assert nstring(value) == written


def test_nothing_is_nil() -> None:
    assert nstring(None) == b"NIL"
    assert parenthesised([]) == b"()"


def test_astrings_and_names() -> None:
    assert (astring(b"X-A"), astring(b"a b"), astring(b"")) == (b"X-A", b'"a b"', b'""')
    assert mailbox("Thư & co") == b'"Th&AbA- &- co"'


def test_flags_have_an_order() -> None:
    assert flag_list({"b", "\\Seen", "a", "\\Answered"}, recent=True) == (
        b"(\\Answered \\Seen a b \\Recent)"
    )


def test_answers_are_one_line_of_ascii() -> None:
    assert (
        Answer("NO", "no\r\nmore ư", "CANNOT").line("A1") == b"A1 NO [CANNOT] no more \\u01b0\r\n"
    )
    assert status_line("*", "BYE", "x") == b"* BYE x\r\n"
    assert Refusal("why", "LIMIT").answer == Answer("NO", "why", "LIMIT")
