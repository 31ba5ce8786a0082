"""A header as a mail program shows it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.letter.fields import MAX_HEADER
from labmail.letter.header import Header
from labmail.letter.mime import scan

GOOD = b"Date: x\r\nFrom: a@b.example\r\nMessage-ID: <1@b.example>\r\n"


def header(raw: bytes) -> Header:
    return Header(scan(raw).header, 0)


def test_every_octet_has_its_place() -> None:
    raw = b"A: 1\r\nSubject: =?utf-8?q?Ch=C3=A0o?=\r\n\tMinh\r\n\r\nbody"
    found = header(raw)
    subject = found["subject"]
    assert subject.raw == raw[subject.at : subject.end] == raw[6 : raw.index(b"\r\n\r\n") + 2]
    assert raw[subject.value_at :].startswith(b" =?utf-8")
    assert (subject.text, subject.folded, subject.name) == ("Chào\tMinh", 2, "Subject")
    assert raw[found.body_at :] == b"body"
    assert found.fields[-1].end == len(raw) - len(b"\r\nbody")


@pytest.mark.parametrize(
    ("value", "kind", "written"),
    [
        (b"plain", "ASCII", "ASCII"),
        (b"=?utf-8?q?a?=", "encoded word", "encoded word, UTF-8 as Q"),
        (
            b"=?utf-8?q?a?= =?windows-1258?b?YQ==?=",
            "encoded word",
            "encoded words, UTF-8 as Q and WINDOWS-1258 as B",
        ),
        ("Chào".encode(), "raw UTF-8", "raw UTF-8"),
        (b"Ch\xe0o", "raw 8-bit", "raw 8-bit bytes, no UTF-8"),
    ],
)
def test_how_a_field_was_written(value: bytes, kind: str, written: str) -> None:
    field = header(b"Subject: " + value + b"\r\n\r\n")["Subject"]
    assert (field.kind, field.written) == (kind, written)


def test_fields_by_name() -> None:
    found = header(b"To: a\r\nTO: b\r\n\r\n")
    assert [field.text for field in found.all("to")] == ["a", "b"]
    assert "Cc" not in found and found.get("Cc") is None and found.text("Cc") == ""
    with pytest.raises(KeyError, match="no field Cc"):
        found["Cc"]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (GOOD + b"From: c@d.example\r\n\r\n", "From stands 2 times (RFC 5322 §3.6)"),
        (GOOD + b"Content-Type: a/b\r\n\r\n", "without MIME-Version (RFC 2045 §4)"),
        (GOOD + b"stray\r\n\r\n", "a line in the header that is no field"),
        (GOOD + b"stray\r\nmore\r\n\r\n", "2 lines in the header"),
        (GOOD, "no empty line ends the header"),
        (b"From: a\r\n\r\n", "Date is missing"),
        (b"Date: a\r\n\r\n", "From is missing"),
        (b"Date: a\r\nFrom: b\r\n\r\n", "Message-ID is missing"),
        (GOOD + b"X: y\r\n" * (MAX_HEADER // 6 + 1) + b"\r\n", "only these were read"),
    ],
)
def test_what_is_wrong_with_a_header(raw: bytes, said: str) -> None:
    assert [text for text in header(raw).defects() if said in text], header(raw).defects()


def test_a_part_needs_less() -> None:
    assert header(b"\r\n").defects("part") == ()
    assert header(GOOD + b"\r\n").defects() == ()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"X : y\r\n\r\n", "space before the colon"),
        (b"X: " + b"y" * 999 + b"\r\n\r\n", "a line of more than 998 octets"),
        (b"X: a\0b\r\n\r\n", "a NUL octet"),
        (b"X: a\rb\r\n\r\n", "a bare CR or LF"),
        (b"X: \xe0\r\n\r\n", "raw 8-bit octets that are no UTF-8"),
        (b'Content-Type: a/b; name="=?utf-8?q?a?="\r\n\r\n', "an encoded word in a parameter"),
    ],
)
def test_what_is_wrong_with_a_field(raw: bytes, said: str) -> None:
    (field,) = header(raw).fields
    assert [text for text in field.defects if said in text], field.defects


@given(st.lists(st.sampled_from([b"A", b":", b" ", b"\r\n", b"\n", b"=?utf-8?q?", b"?=", b"\xe0"])))
def test_any_octets_make_a_header(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    found = header(raw)
    found.defects()
    assert len(found.strays) <= raw.count(b"\n") + 1
    for field in found.fields:
        assert raw[field.at : field.end] == field.raw
        assert isinstance(field.text + field.written, str) and field.defects is not None
