"""Notebook 02: letters are judged where they arrived; each likely mistake gets its own words."""

from collections.abc import Callable
from email.header import Header
from email.message import EmailMessage
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any

import pytest

from labmail import Lab
from labmail.course import check
from labmail.course.exercises import Scene
from labmail.course.nb02 import EXERCISES, REPORT, conversation, find_the_parent, garbled
from labmail.letter import charsets, words, wrong
from labmail.letter.compose import File, octets

SON, MINH, HOA = "son@hanoi.example", "minh@saigon.example", "hoa@saigon.example"
PDF = b"%PDF-1.7\n% one page\n"
BOTH = "Gửi em báo cáo quý 1.\nHere is the report of the first quarter.\n"


def said(key: str, answer: object = None) -> str:
    return " ".join(check(key, answer).text().split())


def post(lab: Lab, letter: bytes, sender: str = SON, to: str = MINH) -> None:
    with lab.user(sender).smtp() as server:
        server.sendmail(sender, [to], letter)
    lab.settle()


# --- 2.1 ---------------------------------------------------------------------------------------


def report(
    lab: Lab, subject: str = "Báo cáo", text: str = BOTH, name: str = REPORT, pdf: bytes = PDF
) -> bytes:
    """A right answer, or one that is wrong in one place."""
    files = [File(name, pdf, "application/pdf")] if name else []
    return octets(lab.user(SON).compose(MINH, subject, text, files=files))


def by_old_modules(lab: Lab) -> bytes:
    """As many programs still do it: the name of the file as an encoded word."""
    letter = MIMEMultipart()
    letter["From"], letter["To"] = SON, MINH
    letter["Subject"] = Header("Báo cáo", "utf-8").encode()
    letter.attach(MIMEText(BOTH, "plain", "utf-8"))
    file = MIMEApplication(PDF, "pdf")
    coded = Header(REPORT, "utf-8").encode()
    file.add_header("Content-Disposition", "attachment", filename=coded)
    letter.attach(file)
    return letter.as_bytes().replace(b"\n", b"\r\n")


def with_a_text_file(lab: Lab) -> bytes:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = SON, MINH, "Báo cáo"
    letter.set_content(BOTH, cte="base64")
    letter.add_attachment("%PDF", filename=REPORT)
    return letter.as_bytes().replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    ("write", "feedback"),
    [
        (lambda lab: wrong.with_raw_subject(report(lab), "Báo cáo"), "Subject holds octets above"),
        (lambda lab: report(lab, subject="Bao cao quy 1"), "has no Vietnamese letter in it"),
        (lambda lab: report(lab, subject=""), "The letter has no subject"),
        (lambda lab: report(lab, text="Gửi em báo cáo.\n"), "No sentence of the text is English"),
        (lambda lab: report(lab, text="Here is the report.\n"), "No sentence of the text is Viet"),
        (lambda lab: wrong.with_mislabelled_text(report(lab), "us-ascii"), "not labelled right"),
        (lambda lab: report(lab, text=charsets.misread(BOTH, "utf-8", "latin-1")), "as mojibake"),
        (lambda lab: report(lab, name=""), "No file goes with the letter"),
        (lambda lab: report(lab, name="Bao cao quy 1.pdf"), "is called 'Bao cao quy 1.pdf'"),
        (lambda lab: report(lab, pdf=b"a page"), "is no PDF: a PDF begins with %PDF"),
        (by_old_modules, "The name is written as encoded word"),
        (lambda lab: wrong.with_raw_name(report(lab), REPORT), "octets above 127"),
        (with_a_text_file, "says that it is text/plain"),
    ],
)
def test_two_languages_and_a_report(lab: Lab, write: Callable[[Lab], bytes], feedback: str) -> None:
    post(lab, write(lab))
    answer = said("2.1")
    assert answer.startswith("2.1 not yet")
    assert feedback in answer


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Xin chào Minh, báo cáo đây / Hello Minh, here is the report\n", True),
        ("Báo cáo đây. Here is the report.\n", True),
        ("Báo cáo đây - here is the report\n", True),
        ("Báo cáo đây, here is the report\n", False),
        ("Báo cáo đây. The report.\n", False),
    ],
)
def test_both_languages_on_one_line(lab: Lab, text: str, spoken: bool) -> None:
    post(lab, report(lab, text=text))
    assert ("2.1 done" in said("2.1")) == spoken
    assert ("on lines, of its own" in said("2.1")) != spoken


def test_a_name_in_nfd_is_another_name(lab: Lab) -> None:
    decomposed = "utf-8''" + "".join(f"%{o:02X}" for o in charsets.nfd(REPORT).encode())
    letter = report(lab, name="x.pdf").replace(
        b'filename="x.pdf"', f"filename*={decomposed}".encode()
    )
    post(lab, letter)
    assert "its marks are characters of their own" in said("2.1")


def test_a_letter_of_somebody_else_is_not_sons(lab: Lab) -> None:
    lab.user(HOA).send(MINH, "Báo cáo", BOTH)
    assert "Sơn has not written to Minh yet" in said("2.1")
    lab.host("mx1.saigon.example").stop()
    lab.host("mx2.saigon.example").stop()
    post(lab, report(lab))
    assert "waits in the queue of smtp.hanoi.example" in said("2.1")


def test_the_last_letter_counts(lab: Lab) -> None:
    post(lab, report(lab, name=""))
    post(lab, report(lab))
    assert "2.1 done" in said("2.1")


# --- 2.2 ---------------------------------------------------------------------------------------

MEANT = ("Hóa đơn tháng tư", "Tiền điện tháng tư", "Báo giá đã sửa")


def pass_on(lab: Lab, *subjects: str) -> None:
    for subject in subjects:
        lab.user(MINH).send(HOA, subject, "Đây.")


def with_subject(lab: Lab, subject: bytes) -> None:
    """A subject that no good program would write."""
    plain = octets(lab.user(MINH).compose(HOA, "x", "Đây.\n"))
    post(lab, plain.replace(b"Subject: x", b"Subject: " + subject), MINH, HOA)


def as_they_came(lab: Lab) -> None:
    pass_on(lab, *(row.subject for row in lab.user(MINH).inbox().rows))


def in_nfd(lab: Lab) -> None:
    pass_on(lab, *MEANT[1:])
    with_subject(lab, " ".join(words.encoded(charsets.nfd(MEANT[0]))).encode("ascii"))


def in_raw_octets(lab: Lab) -> None:
    pass_on(lab, *MEANT[1:])
    with_subject(lab, MEANT[0].encode("utf-8"))


@pytest.mark.parametrize(
    ("wrong_way", "feedback"),
    [
        (lambda lab: pass_on(lab, *MEANT[:2]), "Hoa has 2 of the three"),
        (as_they_came, "0 of 3 are right. Letter 1: which charset"),
        (lambda lab: pass_on(lab, "Hoa don thang tu", *MEANT[1:]), "has lost its marks"),
        (lambda lab: pass_on(lab, *MEANT[:2], "B¸o gi¸ ®· söa"), "2 of 3 are right. Letter 3"),
        (in_nfd, "'Hóa đơn tháng tư' looks right, but is not in NFC"),
        (in_raw_octets, "A subject went out in raw octets"),
    ],
)
def test_garbled_subjects(
    staged: Callable[[str], Lab], wrong_way: Callable[[Lab], None], feedback: str
) -> None:
    lab = staged("2.2")
    wrong_way(lab)
    answer = said("2.2")
    assert answer.startswith("2.2 not yet")
    assert feedback in charsets.nfc(answer)


def test_the_garbled_letters_are_needed(lab: Lab) -> None:
    pass_on(lab, *MEANT)
    assert "run the cell with garbled(lab) again" in said("2.2")


def test_garbled_subjects_look_garbled_and_their_octets_are_whole(lab: Lab) -> None:
    garbled(lab)
    shown = [row.subject for row in lab.user(MINH).inbox().rows]
    assert not set(shown) & set(MEANT)
    assert shown[0].encode("windows-1252").decode("utf-8") == MEANT[0]


# --- 2.3 ---------------------------------------------------------------------------------------


def with_a_file(lab: Lab, size: int) -> None:
    son = lab.user(SON)
    post(
        lab, octets(son.compose(SON, "Phim", "Đây.\n", files=[File("a.bin", bytes(size))])), to=SON
    )


def ask_for(lab: Lab, size: int) -> None:
    """Declare a letter of this size, and be refused."""
    with lab.user(SON).smtp() as server:
        server.ehlo()
        assert server.mail(SON, [f"SIZE={size}"])[0] == 552


@pytest.mark.parametrize(
    ("wrong_way", "feedback"),
    [
        (lambda lab: None, "its limit stands in the answer to EHLO"),
        (lambda lab: lab.user(SON).send(SON, "Nhỏ", "…"), "No letter from Sơn to himself with"),
        (lambda lab: post(lab, report(lab)), "No letter from Sơn to himself with a file"),
        (lambda lab: with_a_file(lab, 30_000), "There is room left"),
        (lambda lab: with_a_file(lab, 30_001), "base64 takes three at once"),
    ],
)
def test_the_largest_file(lab: Lab, wrong_way: Callable[[Lab], None], feedback: str) -> None:
    wrong_way(lab)
    answer = said("2.3")
    assert answer.startswith("2.3 not yet")
    assert feedback in answer


def test_what_is_refused_has_to_be_near(lab: Lab) -> None:
    with_a_file(lab, 57)
    ask_for(lab, 30_000_000)
    (answer,) = {goal.look(Scene(lab)) for goal in EXERCISES[2].goals[2:]}
    assert "3,785,600 too many" in answer
    assert said("2.3").startswith("2.3 not yet — 1 of 3")


# --- 2.4 ---------------------------------------------------------------------------------------


def by_subject(letter: EmailMessage) -> str | None:
    first = "<85b360dfa4bad9655879@hanoi.example>"
    return first if str(letter["Subject"]).startswith("Re:") else None


@pytest.mark.parametrize(
    ("answer", "feedback"),
    [
        (None, "Give check a function"),
        (lambda letter: None, "Nothing hangs below anything yet"),
        (by_subject, "hang right. Look at UID"),
        (lambda letter: letter["In-Reply-To"], "5 of 6 hang right. Look at UID 4"),
        (lambda letter: (letter["References"] or "").split()[-1], "function raised IndexError"),
        (lambda letter: str(letter["References"] or letter["In-Reply-To"] or "").split(" ")[0],
         "which is not what it answers"),
        (lambda letter: letter["Message-ID"], "0 of 6 hang right"),
    ],
)  # fmt: skip
def test_the_conversation(staged: Callable[[str], Lab], answer: Any, feedback: str) -> None:
    staged("2.4")
    told = said("2.4", answer)
    assert told.startswith("2.4 not yet")
    assert feedback in told


def test_the_conversation_may_not_be_there(lab: Lab) -> None:
    assert "run the cell with conversation(lab) again" in said("2.4", find_the_parent(lab))


def looking_at_the_subject(letter: EmailMessage) -> str | None:
    """Right for the letters that came, as long as nobody changes a subject."""
    if letter["Subject"] == "Liên hoan cuối tuần":
        return None
    known = find_the_parent(None)(letter)  # type: ignore[arg-type]
    return known if str(letter["Subject"]).startswith(("Re: Liên", "Re: Ăn", "Ăn")) else "<x@y>"


def for_single_spaces_only(letter: EmailMessage) -> str | None:
    return (letter["References"] or letter["In-Reply-To"] or "").split(" ")[-1] or None


@pytest.mark.parametrize(
    ("answer", "feedback"),
    [
        (looking_at_the_subject, "With one and the same subject in all letters"),
        (for_single_spaces_only, "With References over several lines"),
    ],
)
def test_what_works_by_accident(staged: Callable[[str], Lab], answer: Any, feedback: str) -> None:
    staged("2.4")
    told = said("2.4", answer)
    assert told.startswith("2.4 not yet")
    assert feedback in told


def test_the_conversation_has_gaps(lab: Lab) -> None:
    conversation(lab)
    letters = [lab.stored("lan@hanoi.example", uid) for uid in range(1, 7)]
    assert sum(b"In-Reply-To:" in letter for letter in letters) == 4
    assert sum(b"References:" in letter for letter in letters) == 4
