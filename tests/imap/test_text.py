"""What a message says, however it travelled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.imap.text import body_texts, field_text, fold, header_text
from labmail.letter.mime import scan


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?q?Ch=C3=A0o?= Minh", "Chào Minh"),
        (b"=?UTF-8?B?Q2g=?= =?UTF-8?B?w6Bv?=", "Chào"),
        (b"=?utf-8*vi?q?a_b?=", "a b"),
        (b"=?windows-1258?q?Vi=EA?=", "Viê"),
        (b"=?no-such?q?abc?=", "abc"),
        (b"=?utf-8?b?Q2g?=", "Ch"),
        (b"=?utf-8?b?!?=", ""),
        (b"=?base64?q?abc?=", "abc"),
        (b"=?unicode_escape?q?a\\d?=", "a\\d"),
        (b"=?us-ascii?q?Ch=C3=A0o?=", "Chào"),
        ("Phở".encode(), "Phở"),
        (b"\xff", "\ufffd"),
    ],
)
def test_fields(value: bytes, text: str) -> None:
    assert field_text(value) == text


def test_bodies() -> None:
    raw = (
        b"Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"Q2jDoG8=\r\n--b\r\n"
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"Ph=E1=BB=\r\n=9F\r\n--b\r\nContent-Type: image/png\r\n\r\nsecret\r\n--b--"
    )
    texts = list(body_texts(scan(raw)))
    assert "Chào" in texts and "Phở" in texts
    assert not any("secret" in text for text in texts)
    assert any("image/png" in text for text in texts)
    assert header_text(scan(raw)).startswith("Subject: s\n")


def test_folding() -> None:
    assert fold("PHỞ") == fold("pho\u031b\u0309")


@given(st.binary(max_size=80))
def test_nothing_raises(data: bytes) -> None:
    field_text(b"=?utf-8?b?" + data + b"?=")
    list(body_texts(scan(b"Content-Transfer-Encoding: base64\r\n\r\n" + data)))
