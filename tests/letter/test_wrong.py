"""Spoilt letters: one thing is wrong, and the reader names it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from labmail.letter import read, wrong
from labmail.letter.compose import File, compose, octets

GOOD = octets(
    compose(
        date=datetime(2026, 3, 2, tzinfo=UTC),
        message_id="<1@hanoi.example>",
        sender="son@hanoi.example",
        to=["minh@saigon.example"],
        subject="x",
        text="Chào Minh",
        files=[File("Báo cáo.pdf", b"%PDF")],
    )
)
NAME = "Báo cáo quý 1.pdf"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda raw: wrong.without_field(raw, "Date"), "Date is missing"),
        (lambda raw: wrong.without_field(raw, "message-id"), "Message-ID is missing"),
        (lambda raw: wrong.with_raw_subject(raw, "Phở", "windows-1258"), "raw 8-bit octets"),
        (lambda raw: wrong.with_cut_characters(raw, "Những đường tàu"), "cut in two"),
        (lambda raw: wrong.with_encoded_word_name(raw, NAME), "encoded word as a file name"),
        (lambda raw: wrong.with_raw_name(raw, NAME, "windows-1258"), "raw 8-bit octets in a param"),
        (lambda raw: wrong.with_mislabelled_text(raw, "us-ascii"), "the text is no US-ASCII"),
        (lambda raw: wrong.with_duplicate(raw, "From", "b@c.example"), "From stands 2 times"),
        (wrong.with_bare_line_feeds, "a bare CR or LF"),
    ],
)
def test_the_fault_is_named(spoil: Callable[[bytes], bytes], said: str) -> None:
    assert read(GOOD).all_defects() == ()
    assert [text for text in read(spoil(GOOD)).all_defects() if said in text]


def test_only_that_one_thing_is_changed() -> None:
    spoilt = wrong.with_raw_subject(GOOD, "Phở")
    before, after = GOOD.split(b"Subject: x\r\n")
    assert spoilt == before + "Subject: Phở\r\n".encode() + after
    assert read(spoilt).header["Subject"].kind == "raw UTF-8"


def test_a_wrong_label_makes_mojibake() -> None:
    spoilt = read(wrong.with_mislabelled_subject(GOOD, "Phở", "utf-8", "windows-1252"))
    assert spoilt.header.text("Subject") == "Phá»Ÿ"


def test_a_field_that_was_not_there_goes_to_the_end() -> None:
    bare = b"From: a@b.example\r\n\r\nbody"
    spoilt = wrong.with_raw_subject(bare, "x")
    assert spoilt == b"From: a@b.example\r\nSubject: x\r\n\r\nbody"
    assert wrong.without_field(bare, "Cc") == bare


def test_all_fields_of_the_name_go() -> None:
    assert wrong.without_field(b"A: 1\r\nB: 2\r\na: 3\r\n\r\n", "A") == b"B: 2\r\n\r\n"


def test_an_injection_that_nobody_stopped() -> None:
    letter = read(wrong.with_injected_subject(GOOD, "Question", "Bcc: all@spam.example"))
    assert letter.header.text("Bcc") == "all@spam.example"


def test_names_are_as_they_were_asked_for() -> None:
    for spoil in (wrong.with_encoded_word_name, wrong.with_raw_name):
        file = read(spoil(GOOD, NAME)).inner[1].filename
        assert file is not None and file.text == NAME


def test_what_cannot_be_spoilt() -> None:
    plain = b"From: a@b.example\r\n\r\nx"
    with pytest.raises(ValueError, match="no named file"):
        wrong.with_raw_name(plain, "x")
    with pytest.raises(ValueError, match="no text part"):
        wrong.with_mislabelled_text(plain, "utf-8")
