"""Octets and characters: Vietnamese in its charsets, and read in the wrong one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.letter import charsets

VIETNAMESE = "àảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵăâêôơưđĂÂÊÔƠƯĐ"


@pytest.mark.parametrize("letter", VIETNAMESE)
def test_every_letter_survives_the_old_charsets(letter: str) -> None:
    assert charsets.nfc(charsets.to_windows_1258(letter).decode("cp1258")) == letter
    assert charsets.from_tcvn3(charsets.to_tcvn3(letter)) == letter


def test_octets_as_the_tables_have_them() -> None:
    assert charsets.to_windows_1258("Phở") == b"Ph\xf5\xd2"
    assert charsets.to_tcvn3("Phở Đà Nẵng") == b"Ph\xeb \xa7\xb5 N\xbdng"
    assert charsets.to_tcvn3("PHỞ") == b"PH\xeb"  # capitals with a tone: a matter of the font
    assert charsets.encode("Phở", "windows-1258") == charsets.to_windows_1258("Phở")
    assert charsets.encode("Phở", "TCVN3") == charsets.to_tcvn3("Phở")


@pytest.mark.parametrize("charset", ["windows-1258", "tcvn3", "latin-1"])
def test_what_a_charset_lacks_is_said(charset: str) -> None:
    with pytest.raises(UnicodeEncodeError):
        charsets.encode("漢", charset)


def test_mojibake() -> None:
    assert charsets.misread("Phở", "utf-8", "windows-1252") == "Phá»Ÿ"
    assert charsets.misread("Phở", "tcvn3", "latin-1") == "Phë"
    assert charsets.misread("Phở", "windows-1258", "utf-8") == "Ph\ufffd\ufffd"


def test_two_spellings_of_one_word() -> None:
    assert charsets.nfd("Phở") != charsets.nfc("Phở")
    assert len(charsets.nfd("Phở")) == 5 and charsets.nfc(charsets.nfd("Phở")) == "Phở"
    assert charsets.fold("PHỞ") == charsets.fold(charsets.nfd("phở"))


@pytest.mark.parametrize("charset", ["unicode_escape", "idna", "undefined", "base64", "x-none", ""])
def test_what_is_no_charset_of_mail_is_read_as_utf_8(charset: str) -> None:
    assert charsets.decode("Phở".encode(), charset) == "Phở"
    assert not charsets.known(charset)


def test_known_and_fitting() -> None:
    assert charsets.known("UTF-8") and charsets.known("windows-1258")
    assert charsets.fits(b"Ch\xc3\xa0o", "utf-8") and not charsets.fits(b"Ch\xe0o", "utf-8")
    assert not charsets.fits(b"", "x-none")


@given(st.binary(max_size=60), st.text(max_size=20))
def test_no_octets_and_no_name_raise(octets: bytes, charset: str) -> None:
    charsets.decode(octets, charset)
    charsets.from_tcvn3(octets)
    charsets.known(charset)
    charsets.fits(octets, charset)
