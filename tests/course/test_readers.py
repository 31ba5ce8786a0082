"""Kinds of programs: how they read a header, name a file, find a word, build a subject."""

import unicodedata

import pytest

from labmail.course import attempts, names_read, readings, searches
from labmail.letter.charsets import nfd


def letter(subject: bytes, disposition: bytes = b"attachment") -> bytes:
    return b"Subject: " + subject + b"\r\nContent-Disposition: " + disposition + b"\r\n\r\nx\r\n"


@pytest.mark.parametrize(
    ("subject", "old", "strict", "guesser"),
    [
        (b"Lunch", "Lunch", "Lunch", "Lunch"),
        ("Chào".encode(), "Ch??o", "Ch??o", "Chào"),
        (b"=?utf-8?q?Ch=C3=A0o?=", "=?utf-8?q?Ch=C3=A0o?=", "Chào", "Chào"),
        (b"=?windows-1252?b?Q2jDoW8=?=", "=?windows-1252?b?Q2jDoW8=?=", "ChÃ¡o", "ChÃ¡o"),
        (b"caf\xe9", "caf?", "caf?", "café"),
        (b"a\x1b[2J", "a\\x1b[2J", "a\\x1b[2J", "a\\x1b[2J"),
    ],
)
def test_three_readers_of_a_header(subject: bytes, old: str, strict: str, guesser: str) -> None:
    view = readings({"this": letter(subject)})
    assert list(view.shown["this"].values()) == [old, strict, guesser]
    assert ("(the code itself)" in view.text()) == ("=?" in old)


@pytest.mark.parametrize(
    ("parameter", "old", "strict", "guesser"),
    [
        ("filename=a.pdf", "a.pdf", "a.pdf", "a.pdf"),
        ("filename*=utf-8''B%C3%A1o.pdf", "(no name)", "Báo.pdf", "Báo.pdf"),
        ("filename=Bao.pdf; filename*=utf-8''B%C3%A1o.pdf", "Bao.pdf", "Báo.pdf", "Báo.pdf"),
        ('filename="=?utf-8?q?B=C3=A1o?="', "=?utf-8?q?B=C3=A1o?=", "=?utf-8?q?B=C3=A1o?=", "Báo"),
        ('filename="Báo"', "B??o", "B??o", "Báo"),
        ("size=7", "(no name)", "(no name)", "(no name)"),
    ],
)
def test_three_readers_of_a_name(parameter: str, old: str, strict: str, guesser: str) -> None:
    view = names_read({"this": letter(b"x", f"attachment; {parameter}".encode())})
    assert list(view.shown["this"].values()) == [old, strict, guesser]
    assert view.stands["this"] == parameter


def test_without_an_attachment_it_says_what_to_do() -> None:
    with pytest.raises(LookupError, match=r"files=\[File"):
        names_read({"this": letter(b"x", b"inline")})


def test_long_codes_are_broken_and_whole() -> None:
    view = readings({"this": letter(b"=?utf-8?q?" + b"a" * 60 + b"?=")})
    assert max(map(len, view.text().splitlines())) < 120
    assert "=?utf-8?q?" + "a" * 24 + " " in view.text()
    assert "white-space" in view.html()


def test_a_search_compares_characters() -> None:
    found = searches("Việt", {"NFC": "Tiếng Việt", "NFD": nfd("Tiếng Việt"), "none": "Viet"})
    assert found.plain == ["NFC"]
    assert found.in_nfc == ["NFC", "NFD"]
    assert "✘ missed" in found.text() and "✘ missed" in found.html()
    assert searches(nfd("Việt"), {"NFC": "Việt"}).in_nfc == ["NFC"]
    assert unicodedata.is_normalized("NFC", found.title)


def refusing(subject: str) -> bytes:
    raise ValueError(subject)


def test_attempts_tell_who_refused() -> None:
    tried = attempts(
        {"pasted": lambda s: f"Subject: {s}\r\n\r\n".encode(), "no": refusing}, "a\r\nb: c"
    )
    assert tried.letters == {"pasted": b"Subject: a\r\nb: c\r\n\r\n", "no": None}
    assert "✘ written  Subject, b" in tried.text()
    assert "✔ refused" in tried.html()
