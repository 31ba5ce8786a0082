from __future__ import annotations

from datetime import UTC, datetime

import pytest

from labmail.smtp.submission import completed

DATE = b"Date: Mon, 02 Mar 2026 12:00:00 +0000\r\n"
ID = b"Message-ID: <1@a.example>\r\n"


def complete(content: bytes) -> bytes:
    return completed(
        content,
        now=lambda: datetime(2026, 3, 2, 12, tzinfo=UTC),
        message_id=lambda: "<1@a.example>",
    )


@pytest.mark.parametrize(
    ("content", "added"),
    [
        (b"Subject: x\r\n\r\nbody\r\n", DATE + ID),
        (b"DATE: x\r\n\r\nDate: y\r\n", ID),
        (b"Message-Id: <x>\r\n\r\n", DATE),
        (b"\r\nbody only\r\n", DATE + ID),
        (b"no header at all\r\n", DATE + ID + b"\r\n"),
        (b"", DATE + ID + b"\r\n"),
    ],
)
def test_gaps_are_filled(content, added):
    assert complete(content) == added + content


def test_nothing_is_touched_where_nothing_is_missing():
    content = b"Date: whatever\r\nMessage-ID: <x>\r\n\r\nbody\xff\r\n"
    assert complete(content) is content
