"""BODY and BODYSTRUCTURE."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labmail.imap.structure import structure
from labmail.letter.mime import scan

TEXT = b'"text" "plain" ("charset" "us-ascii") NIL NIL "7bit"'


def body(raw: bytes) -> bytes:
    return structure(scan(raw), extended=False)


def body_structure(raw: bytes) -> bytes:
    return structure(scan(raw), extended=True)


def test_a_plain_letter() -> None:
    raw = b"Subject: x\r\n\r\none\r\ntwo\r\n"
    assert body(raw) == b"(" + TEXT + b" 10 2)"
    assert body_structure(raw) == b"(" + TEXT + b" 10 2 NIL NIL NIL NIL)"


def test_all_that_a_part_may_say() -> None:
    raw = (
        b"Content-Type: image/PNG; name*=utf-8''s%C6%A1n.png\r\n"
        b"Content-ID: <p@x>\r\nContent-Description: =?utf-8?q?=E1=BA=A3nh?=\r\n"
        b"Content-Transfer-Encoding: BASE64 (really)\r\nContent-MD5: abc\r\n"
        b'Content-Disposition: attachment; filename="a b.png"\r\n'
        b"Content-Language: vi, en\r\nContent-Location: x\r\n\r\nAAAA"
    )
    assert body_structure(raw) == (
        b'("image" "png" ("name*" "utf-8\'\'s%C6%A1n.png") "<p@x>" "=?utf-8?q?=E1=BA=A3nh?="'
        b' "base64" 4 "abc" ("attachment" ("filename" "a b.png")) ("vi" "en") "x")'
    )


def test_a_multipart_and_a_message_in_it() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nyes\r\n--b--"
    )
    envelope = b'(NIL "in" NIL NIL NIL NIL NIL NIL NIL NIL)'
    assert body(raw) == (
        b"(("
        + TEXT
        + b' 2 1)("message" "rfc822" NIL NIL NIL "7bit" 18 '
        + envelope
        + b" ("
        + TEXT
        + b' 3 1) 3) "mixed")'
    )
    assert body_structure(raw).endswith(b' "mixed" ("boundary" "b") NIL NIL NIL)')


def test_broken_types_are_text() -> None:
    for kind in (b"nonsense", b"multipart/mixed", b"multipart/mixed; boundary=none", b"/"):
        assert body(b"Content-Type: " + kind + b"\r\n\r\nx").startswith(b'("text" "plain" ')


def test_a_bomb_stays_small() -> None:
    bomb = b"Content-Type: message/rfc822\r\n\r\n" * 10_000
    assert len(body_structure(bomb)) < 10_000


@given(st.text('-b\r\n:;=/"() ', max_size=80))
def test_parentheses_always_balance(text: str) -> None:
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "
    shown = body_structure(head + text.encode())
    assert shown.startswith(b"(") and shown.endswith(b")")
