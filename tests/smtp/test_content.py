"""What is refused about a letter: at its end, by the reply that fits."""

from __future__ import annotations

import pytest

from labmail.letter.fields import MAX_HEADER
from labmail.smtp import replies
from labmail.smtp.content import MAX_FIELDS, checked
from labmail.smtp.dotreader import DotReader
from labmail.smtp.replies import Refusal
from labmail.smtp.trace_fields import MAX_HOPS

LINE = b"X-Long: " + b"x" * 990 + b"\r\n"
MEGABYTE = 1024 * 1024


def read(content: bytes, limit: int = 16 * MEGABYTE) -> DotReader:
    letter = DotReader(limit)
    assert letter.feed(content + b".\r\n") == b""
    return letter


@pytest.mark.parametrize(
    ("content", "reply"),
    [
        (b"A: b\n\r\n", replies.BARE_NEWLINE_IN_CONTENT),
        (b"x" * 3000 + b"\r\n", replies.CONTENT_LINE_TOO_LONG),
        (b"\0\r\n", replies.NUL_IN_CONTENT),
        (b"Received: x\r\n" * (MAX_HOPS + 1), replies.TOO_MANY_HOPS),
        (b"no field\r\n" + b"Received: x\r\n" * (MAX_HOPS + 1), replies.TOO_MANY_HOPS),
        (b"a:\r\n" * (MAX_FIELDS + 1) + b"\r\n", replies.HEADER_TOO_BIG),
        (b"a:\r\n" * (MEGABYTE // 4), replies.HEADER_TOO_BIG),
        (b"Received: x\r\n" * MEGABYTE, replies.HEADER_TOO_BIG),  # seen before hops are counted
        (LINE * (MAX_HEADER // len(LINE) + 1) + b"\r\nbody\r\n", replies.HEADER_TOO_BIG),
        (b"A:\r\n" + b" (((((((\r\n" * 500_000, replies.HEADER_TOO_BIG),
        (b"A: b\r\n\r\n" + b"x\r\n" * 6 * MEGABYTE, replies.TOO_BIG),
    ],
)
def test_what_nobody_can_take(content: bytes, reply: replies.Reply) -> None:
    with pytest.raises(Refusal) as refused:
        checked(read(content))
    assert refused.value.reply == reply


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"words only\r\n",
        b"Received: x\r\n" * MAX_HOPS + b"\r\n" + b"Received: x\r\n" * MAX_HOPS,
        b"a:\r\n" * MAX_FIELDS + b"\r\n" + b"a:\r\n" * MAX_FIELDS,
        LINE * (MAX_HEADER // len(LINE)) + b"\r\n" + LINE * (MEGABYTE // len(LINE)),
    ],
)
def test_what_is_taken_is_what_came(content: bytes) -> None:
    assert checked(read(content)) == content


def test_a_weakness_lets_lone_newlines_through() -> None:
    assert checked(read(b"A: b\n\r\n"), lone_newlines=True) == b"A: b\n\r\n"
