"""The hex strip: every octet is there once, in its place, with its sign."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail import Lab, hex_strip
from labmail.views.hexstrip import Fold, HexStrip, Kind, Row, Zone

LETTER = (
    b"Subject: =?utf-8?q?Ch=C3=A0o?= Minh\r\n"
    b"Comments: a long one,\r\n\tfolded\r\n"
    b"\r\n"
    b"B\xc3\xa0o\r\n"
    b".dot\r\n"
)


def zones(strip: HexStrip) -> dict[Zone, bytes]:
    found: dict[Zone, bytes] = {}
    for row in strip.rows:
        assert isinstance(row, Row)
        found[row.zone] = found.get(row.zone, b"") + row.octets
    return found


def test_header_blank_line_and_body_are_told_apart() -> None:
    header, _, body = LETTER.partition(b"\r\n\r\n")
    assert zones(hex_strip(LETTER)) == {
        Zone.HEADER: header + b"\r\n", Zone.BLANK: b"\r\n", Zone.BODY: body
    }  # fmt: skip


def test_what_it_looks_like() -> None:
    text = hex_strip(LETTER, "Chào").text()
    assert text.splitlines()[0] == "Chào: 83 octets in 6 lines"
    assert "header  0  53 75 62 6a 65 63 74 3a 20[3d 3f" in text
    assert "UTF-8 by Q: Chào" in text
    assert "→folded←↓" in text and "the field goes on" in text
    assert "a line with nothing in it: the header ends here" in text
    assert "Bà▒o←↓" in text and "2 octets above 127, UTF-8" in text
    assert "begins with a dot: SMTP sends two" in text
    assert text.endswith(
        "  ←↓ line end: CR and LF · ▒ octet above 127 · dot at the beginning of a line · "
        "[ ] encoded word"
    )


@pytest.mark.parametrize(
    ("octets", "sign", "kind"),
    [
        (b"\r\n", "←↓", Kind.LINE_END),
        (b"a\nb", "a↓", Kind.BARE),
        (b"a\rb", "a←b", Kind.BARE),
        (b"\x00\x1b\x7f", "¤¤¤", Kind.CONTROL),
        (b"\xff", "▒", Kind.HIGH),
        (b"\xe2\x80\xae", "▒▒▒", Kind.HIGH),  # it would turn the reading direction round
        (b"o\xcc\x82", "o◌̂▒", Kind.HIGH),
        (b".", ".", Kind.DOT),
    ],
)
def test_signs(octets: bytes, sign: str, kind: Kind) -> None:
    strip = hex_strip(octets, as_letter=False)
    row = strip.rows[0]
    assert isinstance(row, Row)
    assert "".join(row.signs) == sign
    assert kind in row.kinds


@given(st.binary(max_size=300), st.booleans())
def test_every_octet_is_there_once(octets: bytes, as_letter: bool) -> None:
    strip = hex_strip(octets, as_letter=as_letter, most=1000)
    assert b"".join(row.octets for row in strip.rows if isinstance(row, Row)) == octets
    assert all(len(row.octets) <= 18 for row in strip.rows if isinstance(row, Row))
    assert all(len(row.signs) == len(row.octets) for row in strip.rows if isinstance(row, Row))
    shown = re.sub(r"\s", " ", strip.text())
    assert all(ord(char) >= 0x20 for char in shown)
    strip.html()


def test_long_letters_are_folded_and_say_how_much_is_missing() -> None:
    letter = LETTER + b"x" * 100_000 + b"\r\n"
    strip = hex_strip(letter, most=10)
    (fold,) = [row for row in strip.rows if isinstance(row, Fold)]
    told = sum(len(row.octets) for row in strip.rows if isinstance(row, Row))
    assert told + fold.octets == len(letter)
    assert f"… {fold.octets:,} octets …" in strip.text()
    assert f"… {fold.octets:,} octets …" in strip.html()
    assert "100,000 octets in one line, 998 are allowed" in hex_strip(letter, most=100_000).text()


def test_only_some_fields() -> None:
    strip = hex_strip(LETTER, only=["comments", "body"])
    first = strip.rows[0]
    assert isinstance(first, Fold) and first.octets == LETTER.index(b"Comments")
    shown = b"".join(row.octets for row in strip.rows if isinstance(row, Row))
    assert shown.startswith(b"Comments") and shown.endswith(b".dot\r\n")
    assert len([row for row in strip.rows if isinstance(row, Fold)]) == 2


def test_colour_is_never_alone() -> None:
    html = hex_strip(LETTER).html()
    for word in ("header", "blank", "body", "line end", "encoded word", "←↓"):
        assert word in html


def test_a_card_names_its_hop(lab: Lab) -> None:
    lab.user("son@hanoi.example").send("minh@saigon.example", "Chào Minh", "Bao giờ em về?\n")
    lab.settle()
    assert hex_strip(lab.card(1)).text().startswith("Letter 1, as smtp.hanoi.example accepted it: ")
