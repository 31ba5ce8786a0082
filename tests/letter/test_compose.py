"""A letter with everything it needs: read back by us, by Python, and attacked."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labmail.letter import Part, read
from labmail.letter.compose import File, UnsafeHeader, compose, mailbox, octets

NOON = datetime(2026, 3, 2, 12, tzinfo=timezone(timedelta(hours=7)))
SON = mailbox("Nguyễn Văn Sơn", "son@hanoi.example")
PICTURE = File("hồ.png", b"\x89PNG", content_id="<lake@hanoi.example>")
REPORT = File("Báo cáo quý 1.pdf", b"%PDF-1.4\n")


def made(**given: Any) -> bytes:
    rest = {"date": NOON, "message_id": "<1@hanoi.example>", "sender": SON, "to": ["m@b.example"]}
    return octets(compose(**(rest | given)))


def written(**given: Any) -> Part:
    return read(made(**given))


def test_the_same_call_gives_the_same_octets() -> None:
    everything = {"text": "x", "html": "<p>x</p>", "pictures": [PICTURE], "files": [REPORT]}
    assert made(**everything) == made(**everything)
    assert made(**everything, message_id="<2@hanoi.example>") != made(**everything)


def test_all_that_a_letter_needs() -> None:
    letter = written(subject="Báo cáo", text="Chào\n", cc=["c@d.example"], reply_to="r@b.example")
    assert letter.all_defects() == ()
    assert letter.header.text("Date") == "Mon, 02 Mar 2026 12:00:00 +0700"
    assert letter.header.text("From") == "Nguyễn Văn Sơn <son@hanoi.example>"
    assert (letter.header.text("Cc"), letter.header.text("Reply-To")) == (
        "c@d.example",
        "r@b.example",
    )
    assert (letter.header.text("Subject"), letter.text) == ("Báo cáo", "Chào\r\n")


def test_the_tree_of_a_rich_letter() -> None:
    letter = written(text="Hồ", html="<img src='cid:lake@hanoi.example'>", pictures=[PICTURE],
                     files=[REPORT])  # fmt: skip
    assert [(part.number, part.type) for part in letter.walk()] == [
        ("", "multipart/mixed"),
        ("1", "multipart/alternative"),
        ("1.1", "text/plain"),
        ("1.2", "multipart/related"),
        ("1.2.1", "text/html"),
        ("1.2.2", "image/png"),
        ("2", "application/pdf"),
    ]
    picture, report = list(letter.walk())[-2:]
    assert picture.filename and report.filename
    assert (picture.content_id, picture.disposition) == ("lake@hanoi.example", "inline")
    assert (report.filename.text, report.filename.way) == (REPORT.name, "RFC 2231")
    assert report.octets == REPORT.content and letter.all_defects() == ()


def test_an_answer_knows_what_it_answers() -> None:
    answer = written(in_reply_to="<2@b.example>", references=["<1@b.example>"])
    assert answer.header.text("In-Reply-To") == "<2@b.example>"
    assert answer.header.text("References") == "<1@b.example> <2@b.example>"


def test_nobody_sees_bcc() -> None:
    letter = compose(date=NOON, message_id="<1@b.example>", sender=SON, to=[], bcc=["x@y.example"])
    assert letter["Bcc"] == "x@y.example"
    assert b"x@y.example" not in octets(letter) and letter["Bcc"] == "x@y.example"


def test_a_space_between_two_words_is_not_lost() -> None:
    """Python 3.11.7 drops one of them when it folds."""
    subject = "Báo cáo quý một, gửi anh xem trước rồi mình bàn thêm vào thứ hai nhé, cảm ơn anh"
    assert written(subject=subject).header.text("Subject") == subject


def test_an_address_that_is_not_ascii_makes_the_header_utf_8() -> None:
    letter = written(to=["tèo@saigon.example"], subject="Chào")
    assert letter.header["To"].kind == letter.header["Subject"].kind == "raw UTF-8"


letters = st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp", "Cs"])
names = st.text(st.sampled_from("aăâđêôơưọềứ  ,.=?_-1"), min_size=1, max_size=90)


@given(subject=names, text=st.text(letters, max_size=200), name=names)
def test_what_is_written_is_read(subject: str, text: str, name: str) -> None:
    letter = written(subject=subject, text=text, files=[File(f"{name}.pdf", b"1")])
    shown = letter.header.text("Subject")
    assert " ".join(shown.split()) == " ".join(subject.split())
    file = letter.inner[1].filename
    assert file is not None and file.text == f"{name}.pdf"
    assert letter.all_defects() == ()
    assert all(len(line) <= 76 for line in letter.raw.split(b"\r\n"))


@given(st.lists(names.filter(str.strip), min_size=1, max_size=4))
def test_names_of_people_are_read(people: list[str]) -> None:
    letter = written(to=[mailbox(each, "a@b.example") for each in people])
    shown = letter.header.text("To")
    for each in people:
        assert "".join(each.split()) in "".join(shown.replace('"', "").split())
    assert shown.count("<a@b.example>") == len(people)


INJECTED = ["x\r\nBcc: e@spam.example", "x\nBcc: e@spam.example", "x\0",
            "=?utf-8?q?x=0D=0ABcc:_e=40spam.example?="]  # fmt: skip


@pytest.mark.parametrize("bad", INJECTED)
@pytest.mark.parametrize(
    "place",
    ["subject", "sender", "reply_to", "to", "cc", "bcc", "message_id", "in_reply_to", "references"],
)
def test_no_field_can_be_broken_out_of(place: str, bad: str) -> None:
    several = place in ("to", "cc", "bcc", "references")
    with pytest.raises(UnsafeHeader):
        made(**{place: [bad] if several else bad})


@pytest.mark.parametrize("bad", INJECTED)
def test_nor_a_name_a_type_or_a_content_id(bad: str) -> None:
    for file in (File(bad, b""), File("a", b"", type=f"a/{bad}")):
        with pytest.raises(UnsafeHeader):
            made(files=[file])
    with pytest.raises(UnsafeHeader):
        made(html="x", pictures=[File("a.png", b"", content_id=f"<{bad}@b.example>")])
    for name, address in ((bad, "a@b.example"), ("x", f"{bad}@b.example")):
        with pytest.raises(UnsafeHeader):
            mailbox(name, address)


def test_what_is_no_file_and_no_picture() -> None:
    for kind in ("multipart/mixed", "message/rfc822", "pdf"):
        with pytest.raises(ValueError, match="cannot have the type"):
            made(files=[File("x.pdf", b"", type=kind)])
    with pytest.raises(ValueError, match="Pictures need an html text"):
        made(pictures=[PICTURE])


def test_a_boundary_stands_nowhere_in_the_letter() -> None:
    plain = written(text="x", files=[REPORT]).parameters["boundary"]
    again = written(text=f"--{plain}", files=[REPORT])
    assert again.parameters["boundary"] != plain and len(again.inner) == 2
