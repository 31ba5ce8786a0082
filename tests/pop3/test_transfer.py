"""Letters on the wire: what goes out is what came in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.pop3.transfer import stuffed, top

LINE = st.text(alphabet=".ab\t é", max_size=5).map(str.encode)
LETTER = st.lists(LINE, max_size=8).map(lambda lines: b"".join(line + b"\r\n" for line in lines))


def unstuffed(data: bytes) -> bytes:
    """What a client makes of the lines up to the final dot (RFC 1939 §3)."""
    *lines, last, rest = data.split(b"\r\n")
    assert (last, rest) == (b".", b"")
    assert b"." not in lines
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines)


@given(LETTER)
def test_the_client_gets_the_bytes_that_were_stored(letter: bytes) -> None:
    assert unstuffed(stuffed(letter)) == letter


@pytest.mark.parametrize(
    ("content", "wire"),
    [
        (b"", b".\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n.\r\n"),
        (b"a\n", b"a\n\r\n.\r\n"),
        # Clients that take LF for a line's end must not see the end here.
        (b"a\n.\r\n-ERR fake\r\n", b"a\n..\r\n-ERR fake\r\n.\r\n"),
        (b"\x00\xff\r\n", b"\x00\xff\r\n.\r\n"),
    ],
)
def test_dots_and_ends(content: bytes, wire: bytes) -> None:
    assert stuffed(content) == wire


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (0, b"A: 1\r\nB: 2\r\n\r\n"),
        (1, b"A: 1\r\nB: 2\r\n\r\none\r\n"),
        (2, b"A: 1\r\nB: 2\r\n\r\none\r\n\r\n"),
        (3, b"A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree"),
        (9_999_999_999, b"A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree"),
    ],
)
def test_top_counts_lines_of_the_body(lines: int, expected: bytes) -> None:
    assert top(b"A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree", lines) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", b""), (b"A: 1\r\n", b"A: 1\r\n"), (b"\r\nbody\r\n", b"\r\n"), (b"A: 1", b"A: 1")],
)
def test_top_of_letters_that_lack_a_part(content: bytes, expected: bytes) -> None:
    assert top(content, 0) == expected
