"""A header field by field: what it says, what stands there, who wrote it."""

import pytest

from labmail import Lab, field_list
from labmail.trace.letters import Copy
from labmail.views.fieldlist import FieldList

SON, MINH = "son@hanoi.example", "minh@saigon.example"
LETTER = b"Date: Mon, 02 Mar 2026 09:00:00 +0700\r\nFrom: a@b.example\r\nMessage-ID: <1@b>\r\n\r\n"


def test_who_wrote_which_field(lab: Lab) -> None:
    lab.user(SON).send(MINH, "Chào", "…")
    lab.settle()
    rows = field_list(lab.stored(MINH), lab.trace).rows
    writers = [(row.name, row.writer) for row in rows]
    assert writers[:4] == [
        ("Return-Path", "mx1.saigon.example, at final delivery"),
        ("Received", "mx1.saigon.example (MX), taking the letter in"),
        ("Received", "smtp.hanoi.example (submission server), taking the letter in"),
        ("Date", "the mail program on son-laptop.hanoi.example"),
    ]
    assert {writer for _, writer in writers[3:]} == {writers[3][1]}


def test_what_the_server_added_is_its_own(lab: Lab) -> None:
    with lab.user(SON).smtp() as server:
        server.sendmail(SON, [MINH], b"From: son@hanoi.example\r\n\r\nx\r\n")
    lab.settle()
    writers = {row.name: row.writer for row in field_list(lab.stored(MINH), lab.trace).rows}
    assert writers["Date"].startswith("smtp.hanoi.example")
    assert writers["Message-ID"].startswith("smtp.hanoi.example")
    assert writers["From"].startswith("the mail program")


def test_without_a_trace_nobody_is_named() -> None:
    assert {row.writer for row in field_list(LETTER).rows} == {""}
    assert "mail program" not in field_list(LETTER).html()


def test_no_column_is_pushed_off_the_page() -> None:
    page = field_list(LETTER.replace(b"<1@b>", b"<" + b"x" * 200 + b"@b>")).html()
    assert '<div style="max-width:22em;overflow-wrap:break-word">&lt;xxx' in page
    assert "white-space:nowrap" not in page


def test_a_letter_that_one_server_saw() -> None:
    copies = [Copy("laptop", "mx", "exchange", LETTER)]
    rows = FieldList(b"Return-Path: <>\r\nReceived: x\r\n" + LETTER, copies).rows
    assert rows[0].writer == "mx, at final delivery"
    assert rows[1].writer == "mx (MX), taking the letter in"
    assert rows[2].writer == "the mail program on laptop"


@pytest.mark.parametrize(
    ("field", "shown", "written", "rule"),
    [
        (b"Subject: =?utf-8?q?Ch=C3=A0o?=", "Chào", "encoded word, UTF-8 as Q",
         "RFC 5322 §3.6.5, RFC 2047 §2"),
        ("Subject: Chào".encode(), "Chào", "raw UTF-8", "RFC 5322 §3.6.5, RFC 6532 §3.1"),
        (b"X-Any: a\r\n\tb", "a b", "", "RFC 5322 §3.6.8"),
        (b"To: a\x1b[2J@b", "a\\x1b[2J@b", "", "RFC 5322 §3.6.3"),
    ],
)  # fmt: skip
def test_one_field(field: bytes, shown: str, written: str, rule: str) -> None:
    row = field_list(field + b"\r\n" + LETTER).rows[0]
    assert (row.shown, row.written, row.rule) == (shown, written, rule)
    assert bool(row.raw) == bool(written)


def test_what_is_wrong_is_said() -> None:
    bad = field_list(b"From: a\r\nFrom: b\r\nSubject: Ch\xe0o\r\n\r\n")
    for form in (bad.text(), bad.html()):
        assert "✘ From stands 2 times" in form
        assert "✘ Date is missing" in form
        assert "✘ raw 8-bit octets" in form
