"""Encoded words, read leniently and written strictly."""

from __future__ import annotations

import re
import time
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.letter import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?q?Ch=C3=A0o?= Minh", "Chào Minh"),
        (b"a =?utf-8?q?b?=  =?utf-8?b?Yw==?= d", "a bc d"),
        (b"=?utf-8?q?a?= x =?utf-8?q?b?=", "a x b"),
        (b"=?UTF-8?B?Q2jD?= =?UTF-8?B?oG8=?=", "Chào"),  # a character cut in two
        (b"=?utf-8?q?a?= =?iso-8859-1?q?=E0?=", "aà"),
        (b"=?utf-8*vi?q?a_b?=", "a b"),
        (b"=?no-such?q?abc?=", "abc"),
        (b"=?utf-8?q?broken", "=?utf-8?q?broken"),
        ("Phở".encode(), "Phở"),
        (b"\xff", "\ufffd"),
    ],
)
def test_what_a_program_shows(value: bytes, text: str) -> None:
    assert words.decoded(value) == text


def test_a_word_and_its_parts() -> None:
    (word,) = words.words_in(b"Re: =?UTF-8*vi?Q?Ch=C3=A0o?= x")
    assert (word.charset, word.language, word.way) == ("UTF-8", "vi", "Q")
    assert (word.at, word.end, word.octets, word.text) == (4, 28, b"Ch\xc3\xa0o", "Chào")


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (b"=?utf-8?q?" + b"a" * 70 + b"?=", "longer than 75 characters (RFC 2047 §2)"),
        (b"=?x-none?q?a?=", "nobody knows the charset x-none"),
        (b"=?utf-8?q?=E0?=", "the octets are no UTF-8"),
        (b"=?utf-8?q?=C3?= =?utf-8?q?=A0?=", "a character is cut in two"),
        (b"x=?utf-8?q?a?=", "not set apart by space"),
        (b'"=?utf-8?q?a?=" <a@b.example>', "inside quotation marks"),
        (b"=?utf-8?q?a=0D=0AB:_c?=", "hides a line break"),
    ],
)
def test_broken_rules_are_named(value: bytes, rule: str) -> None:
    assert [said for said in words.complaints(value) if rule in said], words.complaints(value)


@pytest.mark.parametrize(
    "value", [b"plain", b"=?utf-8?q?a?= =?utf-8?q?b?=", b"(=?utf-8?q?a?=)", b'"a" =?utf-8?q?b?=']
)
def test_nothing_to_complain_of(value: bytes) -> None:
    assert words.complaints(value) == ()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=120), st.sampled_from("BQ"))
def test_what_is_written_is_read_by_us_and_by_python(text: str, way: words.Way) -> None:
    written = words.encoded(text, "utf-8", way)
    assert all(len(word) <= words.MAX_WORD and word.isascii() for word in written)
    value = " ".join(written)
    assert words.decoded(value.encode()) == text
    assert str(make_header(decode_header(value))) == text
    hidden = "hides a line break"
    assert all(hidden in said for said in words.complaints(value.encode()))


def test_the_shorter_way_is_taken() -> None:
    assert "?q?" in words.encoded("Chao anh à")[0]
    assert "?b?" in words.encoded("Những đường đồng")[0]
    assert re.fullmatch(r"=\?windows-1258\?b\?.*\?=", words.encoded("Phở", "windows-1258", "B")[0])


@given(st.binary(max_size=200))
def test_nothing_raises(value: bytes) -> None:
    for made in (value, b"=?utf-8?b?" + value + b"?=", b'"=?utf-8?q?' + value + b'?="'):
        words.decoded(made)
        words.complaints(made)


@pytest.mark.parametrize(
    "piece", [b"=?a?q?", b"=?utf-8?q?=C3?= ", b'"=?utf-8?q?a?=', b'\\"', b"=?utf-8?b?YQ?=x", b" "]
)
def test_no_header_takes_long(piece: bytes) -> None:
    value = piece * (256 * 1024 // len(piece))
    begun = time.process_time()
    words.decoded(value)
    words.complaints(value)
    assert time.process_time() - begun < 5
