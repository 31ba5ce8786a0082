"""A person with a mail program: letters as a good program writes and reads them."""

import imaplib
import smtplib
from email.message import EmailMessage

import pytest

from labmail import Lab
from labmail.lab import LabClosed
from labmail.letter.compose import File
from labmail.trace.events import LoggedIn
from labmail.user import User


@pytest.fixture
def son(lab: Lab) -> User:
    return lab.user("son@hanoi.example")


def test_who_it_is(son: User) -> None:
    assert repr(son) == "Nguyễn Văn Sơn <son@hanoi.example>"
    assert [son.server(role) for role in ("smtp", "imap", "pop")] == [
        "smtp.hanoi.example",
        "imap.hanoi.example",
        "pop.hanoi.example",
    ]


def test_a_host_with_one_name_serves_under_that(lab: Lab) -> None:
    assert lab.user("ba@nhaminh.example").server("imap") == "nhaminh.example"


def test_a_letter_has_what_the_standard_wants(lab: Lab, son: User) -> None:
    letter = son.compose("minh@saigon.example", "Chủ đề", "…")
    assert letter["Date"] == "Mon, 02 Mar 2026 09:00:00 +0700"
    assert letter["From"] == "Nguyễn Văn Sơn <son@hanoi.example>"
    assert letter["Message-ID"].endswith("@hanoi.example>")
    assert son.compose("x@y.example", "", "")["Message-ID"] != letter["Message-ID"]


def test_all_kinds_of_recipients(lab: Lab, son: User) -> None:
    minh = lab.user("minh@saigon.example")
    letter = son.compose(
        [minh, "lan@hanoi.example"],
        "x",
        "…",
        cc=[minh],
        bcc=["a@b.example"],
        reply_to="c@d.example",
    )
    assert letter["To"] == "Lê Quang Minh <minh@saigon.example>, lan@hanoi.example"
    assert (letter["Bcc"], letter["Reply-To"]) == ("a@b.example", "c@d.example")


@pytest.mark.parametrize(
    "subject",
    [
        "x\r\nBcc: spam@spam.example",
        "x\nBcc: a@b.example",
        "=?utf-8?q?x=0D=0ABcc:_spam=40spam.example?=",
    ],
)
def test_no_line_can_be_smuggled_into_a_header(son: User, subject: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)header|linefeed|newline"):
        son.compose("minh@saigon.example", subject, "…")


def test_no_address_can_carry_a_second_line(lab: Lab, son: User) -> None:
    with pytest.raises(ValueError):
        son.compose("minh@saigon.example\r\nBcc: spam@spam.example", "x", "…")


def test_it_uses_its_own_laptop_and_says_who_it_is(lab: Lab) -> None:
    minh = lab.user("minh@saigon.example")
    with lab.record() as trace:
        minh.inbox()
        minh.send("hoa@saigon.example", "x", "…")
    assert {c.client.name for c in trace.connections} == {"minh-laptop.saigon.example"}
    assert [e.account for e in trace.of(LoggedIn)] == [minh.address, minh.address]
    assert lab.current_laptop.owner == "son@hanoi.example"


def test_looking_does_not_mark_and_reading_does(lab: Lab, son: User) -> None:
    son.send(son, "Gửi chính mình", "…")
    lab.settle()
    son.inbox()
    assert "\\Seen" not in son.inbox().rows[0].flags
    son.read(1)
    (row,) = son.inbox().rows
    assert "\\Seen" in row.flags
    assert row.sender == "Nguyễn Văn Sơn <son@hanoi.example>"


def test_an_empty_box_and_a_letter_that_is_not_there(son: User) -> None:
    assert son.inbox().rows == ()
    with pytest.raises(LookupError, match="no letter with UID 7 in INBOX"):
        son.read(7)


def test_an_answer_with_a_file_and_a_picture(lab: Lab, son: User) -> None:
    minh = lab.user("minh@saigon.example")
    minh.send(son, "Hỏi", "…")
    lab.settle()
    lake = File("hồ.png", b"\x89PNG", content_id="<lake@hanoi.example>")
    letter = son.compose(
        minh, "Re: Hỏi", "…", html="<img src='cid:lake@hanoi.example'>", pictures=[lake],
        files=[File("Báo cáo.pdf", b"%PDF")], answers=son.read(1),
    )  # fmt: skip
    assert letter["In-Reply-To"] == letter["References"] == minh_id(son)
    assert [file.get_filename() for file in letter.iter_attachments()] == ["Báo cáo.pdf"]
    again = son.compose(minh, "Re: Re: Hỏi", "…", answers=letter)
    assert str(again["References"]).split() == [minh_id(son), letter["Message-ID"]]


def minh_id(son: User) -> str:
    return str(son.read(1)["Message-ID"])


@pytest.mark.parametrize("mailbox", ["Khong co", "Thư nháp cũ"])
def test_a_mailbox_that_is_not_there(son: User, mailbox: str) -> None:
    for look in (lambda: son.inbox(mailbox), lambda: son.read(1, mailbox)):
        with pytest.raises(LookupError, match=mailbox):
            look()


def test_a_mailbox_with_letters_of_its_own(lab: Lab, son: User) -> None:
    server = son.imap()
    server.create('"&ARAA4A- l&AOA-m"')
    server.append('"&ARAA4A- l&AOA-m"', None, None, b"Subject: xong\r\n\r\nx\r\n")
    server.logout()
    assert [row.subject for row in son.inbox("Đà làm").rows] == ["xong"]
    assert son.read(1, "Đà làm")["Subject"] == "xong"


def test_a_wrong_password_is_said_as_the_library_says_it(lab: Lab, son: User) -> None:
    son.password = "sai"
    with pytest.raises(smtplib.SMTPAuthenticationError):
        son.smtp()
    with pytest.raises(imaplib.IMAP4.error):
        son.imap()


def test_a_refusal_leaves_no_connection_open(lab: Lab, son: User) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        son.send("khongco@hanoi.example", "x", "…")
    son.password = "sai"
    with pytest.raises(smtplib.SMTPAuthenticationError):
        son.send("lan@hanoi.example", "x", "…")
    lab.settle()
    assert lab._look(lambda world: len(world.network._lines)) == 0


def test_a_reply_goes_where_replies_are_wanted_and_names_what_it_answers(lab: Lab) -> None:
    son, minh = lab.user("son@hanoi.example"), lab.user("minh@saigon.example")
    letter = son.compose(
        minh, "Họp", "Ai đến?", cc=["hoa@saigon.example"], reply_to="Lan <lan@hanoi.example>"
    )
    with son.smtp() as server:
        server.send_message(letter)
    first = minh.reply(minh.read(1), "Tôi.")
    assert (first["To"], first["Subject"]) == ("lan@hanoi.example", "Re: Họp")
    assert first["In-Reply-To"] == first["References"] == letter["Message-ID"]
    lan = lab.user("lan@hanoi.example")
    second = lan.reply(lan.read(1), "Tốt.", everybody=True)
    assert (second["To"], second["Subject"]) == ("minh@saigon.example", "Re: Họp")
    assert second["References"] == f"{letter['Message-ID']} {first['Message-ID']}"
    everybody = minh.reply(minh.read(1), "Tôi.", everybody=True)
    assert (everybody["To"], everybody["Cc"]) == ("lan@hanoi.example", "hoa@saigon.example")


def test_nobody_to_reply_to(lab: Lab) -> None:
    with pytest.raises(ValueError, match="cannot reply: the letter names no author"):
        lab.user("minh@saigon.example").reply(EmailMessage(), "Ai đó?")


def test_whose_lab_is_closed_is_told_so(lab: Lab, son: User) -> None:
    lab.close()
    with Lab():
        for connect in (son.smtp, son.imap, son.pop3, son.inbox):
            with pytest.raises(LabClosed, match=r'take the .* lab\.user\("son@hanoi\.example"\)'):
                connect()


def test_peeking_leaves_a_letter_unread(lab: Lab) -> None:
    minh = lab.user("minh@saigon.example")
    lab.user("son@hanoi.example").send(minh, "Một", "…")
    assert minh.peek(1)["Subject"] == "Một"
    assert minh.inbox().rows[0].flags == ()
    with pytest.raises(LookupError, match="no letter with UID 9"):
        minh.peek(9)
