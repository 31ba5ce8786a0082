"""Letters that arrive: in the same house, in another city, in two cities at once."""

import email.policy
from email.message import EmailMessage

import pytest

from labmail import Lab
from labmail.trace.events import Accepted, Delivered, Layer, Relayed, Sent
from labmail.user import User


def raw_letter(user: User, uid: int = 1) -> bytes:
    """The octets of a letter as the mailbox has them."""
    server = user.imap()
    try:
        server.select("INBOX", readonly=True)
        _, answer = server.uid("FETCH", str(uid), "(BODY.PEEK[])")
    finally:
        server.logout()
    return next(part[1] for part in answer if isinstance(part, tuple))


def test_a_letter_travels_from_hanoi_to_saigon(lab: Lab, son: User, minh: User) -> None:
    with lab.record() as trace:
        son.send(to=minh, subject="Chào Minh", text="Bao giờ em về?\n")
        lab.settle()
    assert [(e.host, e.role) for e in trace.of(Accepted)] == [
        ("smtp.hanoi.example", "submission"),
        ("mx1.saigon.example", "exchange"),
    ]
    assert [(e.host, e.to) for e in trace.of(Relayed)] == [
        ("smtp.hanoi.example", "mx1.saigon.example")
    ]
    assert [(e.recipient, e.mailbox, e.uid) for e in trace.of(Delivered)] == [
        ("minh@saigon.example", "INBOX", 1)
    ]
    assert len(trace.parcels) == 1
    assert lab.queue("smtp.hanoi.example").rows == lab.queue("mx1.saigon.example").rows == ()


def test_a_letter_to_a_colleague_never_leaves_the_house(lab: Lab, son: User) -> None:
    with lab.record() as trace:
        son.send(to="lan@hanoi.example", subject="Trà?", text="Ba giờ.\n")
        lab.settle()
    assert {e.host for e in trace.of(Delivered)} == {"smtp.hanoi.example"}
    assert trace.of(Relayed) == ()
    assert {c.server.name for c in trace.connections} == {"smtp.hanoi.example"}
    assert lab.user("lan@hanoi.example").inbox().rows[0].subject == "Trà?"


def test_one_letter_to_two_cities(lab: Lab, son: User, minh: User) -> None:
    with lab.record() as trace:
        son.send(to=[minh, "freman.alpha@arrakis.example"], subject="Hai nơi", text="…")
        lab.settle()
    assert {e.recipient for e in trace.of(Delivered)} == {
        "minh@saigon.example",
        "freman.alpha@arrakis.example",
    }
    assert [len(e.envelope.recipients) for e in trace.of(Accepted)] == [2, 1, 1]
    assert len(trace.parcels) == 1


def test_two_people_in_one_city_share_one_transmission(lab: Lab, son: User, minh: User) -> None:
    with lab.record() as trace:
        son.send(to=[minh, "hoa@saigon.example"], subject="Cả hai", text="…")
        lab.settle()
    assert len([c for c in trace.connections if c.service == "smtp"]) == 1
    assert len(trace.of(Delivered)) == 2


def test_a_domain_without_mx_is_reached_at_its_own_address(lab: Lab, son: User) -> None:
    son.send(to="ba@nhaminh.example", subject="Bà ơi", text="Cháu đây.\n")
    lab.settle()
    assert lab.user("ba@nhaminh.example").inbox().rows[0].subject == "Bà ơi"


VIETNAMESE = "Trăm năm trong cõi người ta,\nChữ tài chữ mệnh khéo là ghét nhau.\n"


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit"])
def test_vietnamese_arrives_to_the_letter(lab: Lab, son: User, minh: User, encoding: str) -> None:
    letter = son.compose(minh, "Truyện Kiều: trăm năm trong cõi người ta", VIETNAMESE)
    letter.set_content(VIETNAMESE, cte=encoding)
    with son.smtp() as server:
        server.send_message(letter)
    lab.settle()
    read = minh.read(1)
    assert read["Subject"] == "Truyện Kiều: trăm năm trong cõi người ta"
    assert read.get_content().replace("\r\n", "\n") == VIETNAMESE  # lines end with CRLF in mail
    assert read["From"] == "Nguyễn Văn Sơn <son@hanoi.example>"


def test_a_letter_is_carried_octet_for_octet(lab: Lab, son: User, minh: User) -> None:
    """What a mail program hands in is what the other one gets, below the trace fields."""
    body = b"".join(
        (
            b".\r\n..\r\n.dot at the start\r\n\r\n \t trailing blanks \t \r\n",
            b"From the beginning of a line\r\n>From\r\n",
            "tiếng Việt 8 bit: ơ ư đ\r\n".encode(),
            bytes(range(0x80, 0x100)) + b"\r\n",
            b"x" * 998 + b"\r\n",
            b"=20=\r\n\x7f\x01\x1b\r\n",
        )
    )
    content = (
        b"From: son@hanoi.example\r\nTo: minh@saigon.example\r\nSubject:  two  blanks \r\n"
        b"Date: Mon, 02 Mar 2026 09:00:00 +0700\r\nMessage-ID: <1@hanoi.example>\r\n"
        b"X-Folded: one\r\n\ttwo\r\n   three\r\n\r\n" + body
    )
    with son.smtp() as server:
        server.sendmail(son.address, [minh.address], content, ["BODY=8BITMIME"])
    lab.settle()
    arrived = raw_letter(minh)
    assert arrived.endswith(content)
    added = arrived.removesuffix(content).decode("ascii")
    assert added.startswith("Return-Path: <son@hanoi.example>\r\n")
    assert added.count("Received: from ") == 2


def test_a_great_attachment_arrives_whole(lab: Lab, son: User, minh: User) -> None:
    picture = bytes(range(256)) * 4096
    letter = son.compose(minh, "Ảnh", "Xem ảnh nhé.\n")
    letter.add_attachment(picture, maintype="image", subtype="png", filename="phở.png")
    with son.smtp() as server:
        server.send_message(letter)
    lab.settle()
    read = minh.read(1)
    attached = next(read.iter_attachments())
    assert attached.get_content() == picture
    assert attached.get_filename() == "phở.png"


def test_a_hidden_recipient_gets_the_letter_and_nobody_sees_it(
    lab: Lab, son: User, minh: User
) -> None:
    with lab.record() as trace:
        son.send(to=minh, bcc=["hoa@saigon.example"], subject="Riêng", text="…")
        lab.settle()
    assert len(trace.of(Delivered)) == 2
    assert b"hoa@" not in raw_letter(minh)
    header = b"".join(e.data for e in trace.of(Sent) if e.layer is not Layer.CIPHER)
    assert b"\r\nBcc:" not in header


def test_a_fetched_letter_is_gone_only_after_quit(lab: Lab, son: User, minh: User) -> None:
    son.send(to=minh, subject="Một", text="…")
    lab.settle()
    server = minh.pop3()
    server.dele(1)
    server.close()
    assert len(minh.inbox().rows) == 1
    server = minh.pop3()
    _, lines, _ = server.retr(1)
    letter = email.message_from_bytes(
        b"\r\n".join(lines), _class=EmailMessage, policy=email.policy.default
    )
    assert letter["Subject"] == "Một"
    server.dele(1)
    server.quit()
    assert minh.inbox().rows == ()
