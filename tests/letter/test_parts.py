"""A letter as a mail program reads it, whatever it is made of."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.letter import Part, read
from labmail.letter.outline import as_json, outline
from labmail.paths import data_dir

HEAD = b"Date: x\r\nFrom: a@b.example\r\nMessage-ID: <1@b.example>\r\nMIME-Version: 1.0\r\n"
MIXED = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


def test_a_letter_without_mime() -> None:
    letter = read(b"From: a@b.example\r\n\r\nhello\r\n")
    assert (letter.number, letter.type, letter.charset) == ("", "text/plain", "us-ascii")
    assert (letter.encoding, letter.disposition, letter.filename) == ("7bit", "", None)
    assert (letter.text, letter.octets, letter.size) == ("hello\r\n", b"hello\r\n", 7)
    assert letter.raw[letter.body_at :] == b"hello\r\n" and letter.inner == ()


def test_a_part_with_everything() -> None:
    raw = MIXED + (
        b"--b\r\nContent-Type: image/png; Name=x\r\nContent-Transfer-Encoding: BASE64\r\n"
        b"Content-ID: <p@b.example>\r\n"
        b"Content-Disposition: Inline; filename*=utf-8''%E1%BA%A3nh\r\n"
        b"\r\nQUJD\r\n--b--\r\n"
    )
    (part,) = read(raw).inner
    assert (part.number, part.type, part.encoding) == ("1", "image/png", "base64")
    assert (part.disposition, part.content_id, part.charset) == ("inline", "p@b.example", "")
    assert part.parameters == {"name": "x"}
    assert part.filename is not None and part.filename.text == "ảnh"
    assert (part.size, part.octets, part.text) == (4, b"ABC", "")
    assert raw[part.body_at : part.end] == b"QUJD"


def test_numbers_are_those_of_imap() -> None:
    inner = MIXED.replace(b"=b", b"=c") + b"--c\r\n\r\none\r\n--c\r\n\r\ntwo\r\n--c--"
    forwarded = b"--b\r\nContent-Type: message/rfc822\r\n\r\n"
    plain = forwarded + b"Subject: x\r\n\r\nhello\r\n"
    letter = read(MIXED + b"--b\r\n\r\nhi\r\n" + forwarded + inner + b"\r\n" + plain + b"--b--")
    assert [(part.number, part.type) for part in letter.walk()] == [
        ("", "multipart/mixed"),
        ("1", "text/plain"),
        ("2", "message/rfc822"),
        ("2", "multipart/mixed"),
        ("2.1", "text/plain"),
        ("2.2", "text/plain"),
        ("3", "message/rfc822"),
        ("3.1", "text/plain"),
    ]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (MIXED + b"--b\r\n\r\nx\r\n", "the closing boundary is missing"),
        (
            HEAD + b"Content-Type: multipart/mixed\r\n\r\nx",
            "the type multipart/mixed without parts",
        ),
        (HEAD + b"Content-Type: what?\r\n\r\nx", "the type what? is none"),
        (HEAD + b"Content-Type: text/plain; charset=x-none\r\n\r\nx", "nobody knows the charset"),
        (
            HEAD + b"Content-Transfer-Encoding: 8bit\r\n"
            b"Content-Type: text/plain; charset=utf-8\r\n\r\n\xe0",
            "the text is no UTF-8, though it says so",
        ),
        (
            MIXED.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n")
            + b"--b\r\n\r\nx\r\n--b--\r\n",
            "multipart/mixed in base64",
        ),
        (MIXED + b"--b\r\n\r\n\xe0\r\n--b--\r\n", "part 1: octets above 127"),
        (MIXED + b"--b\r\nX: \xe0\r\n\r\n\r\n--b--\r\n", "part 1: X: raw 8-bit"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(raw: bytes, said: str) -> None:
    assert [text for text in read(raw).all_defects() if said in text], read(raw).all_defects()


def test_nothing_is_wrong_with_a_right_letter() -> None:
    assert read(MIXED + b"--b\r\n\r\nx\r\n--b--\r\n").all_defects() == ()


def test_what_was_cut_off_is_said() -> None:
    deep = b"Content-Type: message/rfc822\r\n\r\n" * 5000
    assert [text for text in read(deep).all_defects() if "nested deeper than 30" in text]
    many = MIXED + b"--b\r\n\r\nx\r\n" * 5000
    assert [text for text in read(many).all_defects() if "more than 2,000 parts" in text]


pieces = st.sampled_from(
    [
        b"--b\r\n", b"--b--\r\n", b"\r\n", b"\n", b"\r", b"\0", b"\xe0", b"x" * 80, MIXED,
        b"Content-Type: message/rfc822\r\n\r\n", b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Type: text/plain; charset=", b"utf-16\r\n", b"=?utf-8?q?", b"?=", b"Subject: ",
        b"Content-Disposition: x; filename*0*=", b"%E1''",
    ]
)  # fmt: skip


@given(st.one_of(st.binary(max_size=300), st.lists(pieces, max_size=30).map(b"".join)))
def test_no_octets_raise(raw: bytes) -> None:
    for start in (b"", MIXED):
        letter = read(start + raw)
        as_json(outline(letter))
        for part in letter.walk():
            assert letter.at <= part.at <= part.body_at <= part.end <= len(start + raw)


def test_a_thousand_letters_are_read_in_no_time() -> None:
    letters = [path.read_bytes() for path in sorted((data_dir() / "messages").glob("*.eml"))]

    def all_of(part: Part) -> int:
        shown = [field.text for field in part.header.fields]
        return len(shown) + len(part.text) + sum(map(all_of, part.inner))

    begun = time.process_time()
    assert sum(all_of(read(raw)) for raw in (letters * 20)[:1000]) > 0
    assert time.process_time() - begun < 5  # 0.3 s on a quiet machine
