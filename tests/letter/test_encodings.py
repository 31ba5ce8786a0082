"""What a transfer encoding makes of a text or a file."""

from __future__ import annotations

import base64
import binascii
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.letter import encodings


def test_a_million_octets_as_a_file() -> None:
    cost = encodings.cost(bytes(1_000_000), "base64")
    assert cost.wire == 1_368_424  # 1,333,336 characters in 17,544 lines with CRLF
    assert cost.fits and round(cost.growth, 3) == 1.368


def test_vietnamese_is_dearer_in_quoted_printable() -> None:
    text = "Những đường tàu dài đưa thư đi xa\n" * 30
    seven, eight, quoted, coded = encodings.costs(text)
    assert not seven.fits and seven.why == "octets above 127"
    assert eight.fits and eight.growth == 1.0
    assert quoted.wire > coded.wire > eight.wire
    assert encodings.best(text) == "base64"


def test_english_is_cheap() -> None:
    assert encodings.best("Hello,\n\nSon\n") == "7bit"
    assert encodings.best("Lunch at the café?\n") == "quoted-printable"
    assert encodings.cost("a\n", "7bit").wire == 3  # the line end is two octets


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a\nb", "a bare CR or LF"),
        (b"a\0", "NUL"),
        (b"x" * 999, "a line of more than 998 octets"),
        (b"\xff", "octets above 127"),
        (b"x" * 998 + b"\r\n", ""),
    ],
)
def test_what_cannot_go_as_it_is(content: bytes, why: str) -> None:
    assert encodings.cost(content, "7bit").why == why


def test_a_long_line_needs_an_encoding() -> None:
    assert encodings.best("x" * 2000) == "quoted-printable"


def test_an_encoding_that_is_none() -> None:
    with pytest.raises(KeyError):
        encodings.cost("x", "uuencode")


@given(st.binary(max_size=300))
def test_base64_and_back(octets: bytes) -> None:
    coded = encodings.as_base64(octets)
    assert base64.b64decode(coded) == octets == encodings.undone(coded, "base64")
    assert all(len(line) <= 76 for line in coded.split(b"\r\n"))
    assert encodings.complaints(coded, "base64") == ()


@given(st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), max_size=300))
def test_quoted_printable_and_back(text: str) -> None:
    octets = encodings.lines_in_crlf(text.encode())
    coded = encodings.as_quoted_printable(octets)
    assert encodings.undone(coded, "quoted-printable") == octets
    assert all(len(line) <= 76 for line in coded.split(b"\r\n"))


@given(st.binary(max_size=300))
def test_a_file_as_quoted_printable_keeps_its_line_ends(octets: bytes) -> None:
    cost = encodings.cost(octets, "quoted-printable")
    assert cost.wire >= len(octets)
    coded = binascii.b2a_qp(octets, istext=False)
    assert quopri.decodestring(coded) == octets


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        (b"Ch\xe0o", "7bit", "yet it says 7bit"),
        (b"abc*", "base64", "characters that are no base64"),
        (b"QUJ", "base64", "breaks off"),
        (b"\xff", "quoted-printable", "octets above 127 in quoted-printable"),
        (b"a", "x-uuencode", "nobody knows the transfer encoding x-uuencode"),
        (b"a\nb", "8bit", "a bare CR or LF"),
        (b"a\0", "8bit", "a NUL"),
        (b"x" * 999, "8bit", "a line of more than 998"),
    ],
)
def test_what_does_not_fit_is_named(content: bytes, encoding: str, said: str) -> None:
    assert [text for text in encodings.complaints(content, encoding) if said in text]


def test_what_fits() -> None:
    assert encodings.complaints(b"\xff\n\0", "binary") == ()
    assert encodings.complaints(b"QUI=\r\n", "base64") == ()
