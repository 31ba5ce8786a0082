"""Addresses of pieces: RFC 3501 §6.4.5, its own example included."""

from __future__ import annotations

import pytest

from labmail.imap.grammar import Decoder, NotGrammar
from labmail.imap.response import Letter
from labmail.imap.sections import read_section
from labmail.letter.mime import scan

INNER = (
    b"Subject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n"
    b"--i\r\nX-A: 1\r\n\r\nfirst\r\n--i\r\n\r\nsecond\r\n--i--"
)
RAW = (
    b"Subject: outer\r\nX-B: 2\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n"
    b"--o\r\nX-C: 3\r\n\r\none\r\n"
    b"--o\r\nContent-Type: message/rfc822\r\n\r\n" + INNER + b"\r\n"
    b"--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: single\r\n\r\nalone\r\n"
    b"--o--\r\n"
)


def piece(section: str, raw: bytes = RAW) -> bytes | None:
    dec = Decoder(section.encode())
    found = read_section(dec)
    dec.expect_end()
    answer = found.of(scan(raw))
    assert isinstance(answer, Letter) or answer == b"NIL"
    return answer.data if isinstance(answer, Letter) else None


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("[]", RAW),
        ("[1]", b"one"),
        ("[1.MIME]", b"X-C: 3\r\n\r\n"),
        ("[2]", INNER),
        ("[2.HEADER]", INNER.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"),
        ("[2.TEXT]", INNER.partition(b"\r\n\r\n")[2]),
        ("[2.1]", b"first"),
        ("[2.1.MIME]", b"X-A: 1\r\n\r\n"),
        ("[2.2]", b"second"),
        ("[2.HEADER.FIELDS (SUBJECT)]", b"Subject: inner\r\n\r\n"),
        ("[3.1]", b"alone"),
        ("[3.TEXT]", b"alone"),
        ("[3.1.MIME]", b"Subject: single\r\n\r\n"),
        ("[HEADER.FIELDS (x-b subject)]", b"Subject: outer\r\nX-B: 2\r\n\r\n"),
        ("[HEADER.FIELDS.NOT (Content-Type X-B)]", b"Subject: outer\r\n\r\n"),
        ("[HEADER.FIELDS (none)]", b"\r\n"),
        ("[1]<1.1>", b"n"),
        ("[1]<2.99>", b"e"),
        ("[1]<99.1>", b""),
        ("[1.HEADER]", None),
        ("[1.1]", None),
        ("[2.3]", None),
        ("[3.2]", None),
        ("[9]", None),
    ],
)
def test_pieces(section: str, expected: bytes | None) -> None:
    assert piece(section) == expected


def test_what_is_no_multipart_has_one_part() -> None:
    raw = b"A: b\r\n\r\nbody"
    assert piece("[1]", raw) == b"body"
    assert piece("[1.MIME]", raw) == b"A: b\r\n\r\n"
    assert piece("[2]", raw) is None
    assert piece("[TEXT]", raw) == b"body"
    assert piece("[HEADER]", raw) == b"A: b\r\n\r\n"


@pytest.mark.parametrize(
    ("section", "label"),
    [
        ("[]", b"[]"),
        ("[1.2.mime]", b"[1.2.MIME]"),
        ('[header.fields (a "b c")]<5.7>', b'[HEADER.FIELDS (a "b c")]<5>'),
    ],
)
def test_labels(section: str, label: bytes) -> None:
    assert read_section(Decoder(section.encode())).label == label


@pytest.mark.parametrize(
    "section",
    [
        "[",
        "[0]",
        "[1.]",
        "[MIME]",
        "[TEXT",
        "[HEADER.FIELDS]",
        "[HEADER.FIELDS ()]",
        "[]<1>",
        "[]<1.0>",
        "[SUBJECT]",
        "[" + "1." * 100 + "1]",
    ],
)
def test_what_is_no_section(section: str) -> None:
    with pytest.raises(NotGrammar):
        read_section(Decoder(section.encode()))
