"""Header fields: folded, malformed, hostile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.letter.fields import MAX_HEADER, fields_of, first, strip_comments, valued


def test_fields_folded_and_not() -> None:
    header = b"Subject: one\r\n two\r\nnot a field\r\nX-Empty:\r\nTo : minh\nLast: x"
    found = fields_of(header)
    assert [f.name for f in found] == [b"Subject", b"X-Empty", b"To", b"Last"]
    assert [f.value for f in found] == [b"one two", b"", b"minh", b"x"]
    assert found[0].raw == b"Subject: one\r\n two\r\n"
    assert first(found, b"subject") == b"one two"
    assert first(found, b"cc") is None


def test_a_huge_header_is_read_up_to_its_limit() -> None:
    assert len(fields_of(b"A: b\r\n" * MAX_HEADER)) <= MAX_HEADER // 6 + 1
    assert len(fields_of(b"x" * 3 * MAX_HEADER)) == 0


@pytest.mark.parametrize(
    ("text", "value", "parameters"),
    [
        (b"text/plain", b"text/plain", ()),
        (b"Text / HTML; Charset=UTF-8", b"text/html", ((b"charset", b"UTF-8"),)),
        (b'a/b; n="x;\\"y"; m=2', b"a/b", ((b"n", b'x;"y'), (b"m", b"2"))),
        (b"a/b (note; c=d); e=f", b"a/b", ((b"e", b"f"),)),
        (b"a/b; filename*0*=utf-8''Ph%E1;", b"a/b", ((b"filename*0*", b"utf-8''Ph%E1"),)),
        (b"a/b;;; =x; y; z=", b"a/b", ((b"z", b""),)),
        (b'a/b; n="open', b"a/b", ((b"n", b"open"),)),
        (b"", b"", ()),
    ],
)
def test_values_with_parameters(
    text: bytes, value: bytes, parameters: tuple[tuple[bytes, bytes], ...]
) -> None:
    found = valued(text)
    assert (found.value, found.parameters) == (value, parameters)


def test_the_first_of_two_parameters_counts() -> None:
    assert valued(b"a/b; c=1; c=2").get(b"c") == b"1"


def test_comments() -> None:
    assert strip_comments(b'a (b (c) \\) d) e "(f)" (g') == b'a  e "(f)" '


@given(st.binary(max_size=200))
def test_nothing_raises(data: bytes) -> None:
    for field in fields_of(data):
        assert b"\n" not in field.value or b"\n" in field.raw
    valued(data)
    strip_comments(data)
