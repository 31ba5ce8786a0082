"""ENVELOPE: what the header says, as it says it."""

from __future__ import annotations

import pytest

from labmail.imap.envelope import envelope
from labmail.letter.mime import scan

SON = b'(("=?utf-8?q?S=C6=A1n?=" NIL "son" "hanoi.example"))'
EIGHT_BIT = "Chào".encode()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"", b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"),
        (
            b"From: =?utf-8?q?S=C6=A1n?= <son@hanoi.example>\r\n"
            b"Subject: =?utf-8?q?Ph=E1?=\r\n =?b?=",
            b'(NIL "=?utf-8?q?Ph=E1?= =?b?=" %s %s %s NIL NIL NIL NIL NIL)' % (SON, SON, SON),
        ),
        (
            b"From: a@b\r\nSender: c@d\r\nReply-To: \r\nTo: x@y, z\r\nCc: g:;\r\nBcc: <e@f>",
            b'(NIL NIL ((NIL NIL "a" "b")) ((NIL NIL "c" "d")) ((NIL NIL "a" "b"))'
            b' ((NIL NIL "x" "y")(NIL NIL "z" "")) ((NIL NIL "g" NIL)(NIL NIL NIL NIL))'
            b' ((NIL NIL "e" "f")) NIL NIL)',
        ),
        (
            b'Date: today\r\nMessage-ID: <1@b>\r\nIn-Reply-To: <0@b>\r\nSubject: a "b" \\c',
            b'("today" "a \\"b\\" \\\\c" NIL NIL NIL NIL NIL NIL "<0@b>" "<1@b>")',
        ),
        (
            b"Subject: " + EIGHT_BIT + b"\0",
            b"(NIL {5}\r\n" + EIGHT_BIT + b" NIL NIL NIL NIL NIL NIL NIL NIL)",
        ),
    ],
)
def test_envelope(header: bytes, expected: bytes) -> None:
    assert envelope(scan(header + b"\r\n\r\nbody")) == expected
