"""Letters that do not arrive, or not yet: retries, refusals, bounces."""

import email.policy
import smtplib
import socket
from email.message import EmailMessage

import pytest

from labmail import Lab
from labmail.trace.events import (
    Accepted,
    Bounced,
    ConnectFailed,
    Deferred,
    Delivered,
    RecipientRefused,
    Relayed,
)
from labmail.user import User

SAIGON = ("mx1.saigon.example", "mx2.saigon.example")


def notification(user: User) -> dict[str, str]:
    """What the newest letter of the inbox, a DSN, says for programs (RFC 3464)."""
    letter = user.read(user.inbox().rows[-1].uid)
    assert letter.get_content_type() == "multipart/report"
    status = next(p for p in letter.walk() if p.get_content_type() == "message/delivery-status")
    groups = status.get_payload()
    return {name: str(value) for group in groups for name, value in group.items()}


def test_the_backup_keeps_a_letter_until_the_primary_is_back(
    lab: Lab, son: User, minh: User
) -> None:
    mx1, mx2 = map(lab.host, SAIGON)
    mx1.stop()
    with lab.record() as trace:
        son.send(to=minh, subject="Qua mx2", text="…")
        lab.settle()
    assert [e.to for e in trace.of(Relayed)] == [mx2.name]
    assert [e.host for e in trace.of(Deferred)] == [mx2.name]
    assert lab.queue("smtp.hanoi.example").rows == ()
    assert [r.recipient for r in lab.queue(mx2.name).rows] == [minh.address]

    mx1.start()
    with lab.record() as trace:
        lab.advance("1h")
    assert [(e.host, e.to) for e in trace.of(Relayed)] == [(mx2.name, mx1.name)]
    assert [e.recipient for e in trace.of(Delivered)] == [minh.address]
    assert lab.queue(mx2.name).rows == ()


def test_the_backup_never_hands_a_letter_to_itself(lab: Lab, son: User, minh: User) -> None:
    lab.host(SAIGON[0]).stop()
    son.send(to=minh, subject="x", text="…")
    with lab.record() as trace:
        lab.advance("1d")
    assert {e.server.name for e in trace.of(ConnectFailed)} == {SAIGON[0]}
    assert len(lab.queue(SAIGON[1]).rows) == 1


def test_a_letter_waits_while_nobody_listens(lab: Lab, son: User, minh: User) -> None:
    hosts = [lab.host(name) for name in SAIGON]
    for host in hosts:
        host.stop()
    son.send(to=minh, subject="Chờ", text="…")
    lab.settle()
    (row,) = lab.queue("smtp.hanoi.example").rows
    assert (row.recipient, row.attempts) == (minh.address, 1)
    assert row.next_try is not None
    assert (row.next_try - lab.now()).total_seconds() == 30 * 60
    for host in hosts:
        host.start()
    lab.advance("4h")
    assert lab.queue("smtp.hanoi.example").rows == ()
    assert [r.subject for r in minh.inbox().rows] == ["Chờ"]


def test_an_unknown_neighbour_is_refused_while_the_sender_listens(lab: Lab, son: User) -> None:
    with lab.record() as trace, pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        son.send(to="khongco@hanoi.example", subject="?", text="…")
    assert refused.value.recipients["khongco@hanoi.example"][0] == 550
    assert trace.of(RecipientRefused)[0].recipient == "khongco@hanoi.example"
    assert trace.of(Accepted) == ()


def test_of_an_unknown_stranger_the_sender_hears_later(lab: Lab, son: User) -> None:
    with lab.record() as trace:
        son.send(to="khongco@saigon.example", subject="Có ai không?", text="…")
        lab.settle()
    (bounced,) = trace.of(Bounced)
    assert (bounced.host, bounced.status) == ("smtp.hanoi.example", "5.1.1")
    told = notification(son)
    assert told["Status"] == "5.1.1"
    assert told["Action"] == "failed"
    assert "khongco@saigon.example" in told["Final-Recipient"]
    assert "550" in told["Diagnostic-Code"]
    assert told["Reporting-MTA"] == "dns; smtp.hanoi.example"


def test_the_known_one_of_two_still_gets_it(lab: Lab, son: User, minh: User) -> None:
    with lab.record() as trace:
        son.send(to=[minh, "khongco@saigon.example"], subject="Một trong hai", text="…")
        lab.settle()
    assert [e.recipient for e in trace.of(Delivered)] == [minh.address, son.address]
    assert [e.recipient for e in trace.of(Bounced)] == ["khongco@saigon.example"]


def test_a_server_relays_for_no_stranger(lab: Lab) -> None:
    with smtplib.SMTP("mx1.saigon.example", 25) as server:
        server.ehlo()
        assert server.mail("spam@spam.example")[0] == 250
        for victim in (
            "son@hanoi.example",
            "son%hanoi.example@arrakis.example",
            '"son@hanoi.example"@arrakis.example',
            "@saigon.example:son@hanoi.example",
        ):
            code, text = server.docmd("RCPT", f"TO:<{victim}>")
            assert 500 <= code < 600, (victim, text)
        assert server.docmd("RCPT", "TO:<minh@saigon.example>")[0] == 250


def test_the_backup_relays_for_its_domain_only(lab: Lab) -> None:
    with smtplib.SMTP("mx2.saigon.example", 25) as server:
        server.ehlo()
        server.mail("son@hanoi.example")
        assert server.rcpt("minh@saigon.example")[0] == 250
        assert server.rcpt("son@hanoi.example")[0] == 550


def test_submission_wants_to_know_who_it_is(lab: Lab) -> None:
    with smtplib.SMTP("smtp.hanoi.example", 587) as server:
        server.ehlo()
        assert server.mail("son@hanoi.example")[0] == 530
        server.starttls(context=lab.client_context())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            server.login("son@hanoi.example", "sai")


@pytest.mark.parametrize(
    ("address", "status"),
    [("ai@khongco.example", "5.1.2"), ("ai@khongthu.example", "5.1.10")],
    ids=["no such domain", "null MX"],
)
def test_a_domain_that_takes_no_mail_bounces_at_once(
    lab: Lab, son: User, address: str, status: str
) -> None:
    with lab.record() as trace:
        son.send(to=address, subject="?", text="…")
        lab.settle()
    assert [e.status for e in trace.of(Bounced)] == [status]
    assert trace.of(ConnectFailed, Relayed) == ()
    assert notification(son)["Status"] == status


def test_a_letter_is_given_up_after_five_days(lab: Lab, son: User, minh: User) -> None:
    for name in SAIGON:
        lab.host(name).stop()
    with lab.record() as trace:
        son.send(to=minh, subject="Năm ngày", text="…")
        lab.advance("4d 23h")
        assert trace.of(Bounced) == ()
        lab.advance("2h")
    (bounced,) = trace.of(Bounced)
    assert (bounced.at - trace.of(Accepted)[0].at).days == 5
    waits = [e.next_try - e.at for e in trace.of(Deferred)]
    assert [w.total_seconds() / 60 for w in waits[:5]] == [30, 60, 120, 240, 240]
    assert notification(son)["Action"] == "failed"
    assert "khongco" not in str(notification(son))


def test_nothing_with_the_null_sender_is_answered(lab: Lab) -> None:
    """RFC 5321 §4.5.5: else two servers could send each other bounces for ever."""
    with lab.record() as trace:
        with smtplib.SMTP("mx2.saigon.example", 25) as server:
            server.sendmail("", ["khongco@saigon.example"], "Subject: bounce\r\n\r\nx\r\n")
        lab.settle()
    (bounced,) = trace.of(Bounced)
    assert bounced.dsn is None
    assert len(trace.of(Accepted)) == 1


def test_a_bounce_to_a_sender_who_is_not_there_ends_quietly(lab: Lab) -> None:
    with lab.record() as trace:
        with smtplib.SMTP("mx2.saigon.example", 25) as server:
            server.sendmail("ma@hanoi.example", ["khongco@saigon.example"], "Subject: x\r\n\r\nx")
        lab.advance("6d")
    assert [e.dsn is None for e in trace.of(Bounced)] == [False, True]
    assert all(lab.queue(name).rows == () for name in lab.world.hosts)


def test_dns_silence_is_trouble_not_refusal(lab: Lab, son: User, minh: User) -> None:
    """A name server that does not answer proves nothing about the name."""
    son.send(to="lan@hanoi.example", subject="warm", text="…")
    lab.host("ns.lab").stop()
    server = smtplib.SMTP()
    with pytest.raises(socket.gaierror):
        server.connect("smtp.arrakis.example", 25)
    with smtplib.SMTP("192.0.2.25", 587) as server:
        server.starttls()
        server.login(son.address, son.password)
        server.send_message(son.compose(minh, "Sau", "…"))
    with lab.record() as trace:
        lab.settle()
    assert trace.of(Bounced) == ()
    assert [row.state for row in lab.queue("smtp.hanoi.example").rows] == ["waiting"]
    lab.host("ns.lab").start()
    lab.advance("1h")
    assert [row.subject for row in minh.inbox().rows] == ["Sau"]


def test_the_letter_comes_back_with_the_bounce(lab: Lab, son: User) -> None:
    son.send(to="khongco@saigon.example", subject="Trả lại", text="Nội dung cũ.\n")
    lab.settle()
    letter = son.read(1)
    returned = next(p for p in letter.walk() if p.get_content_type() == "message/rfc822")
    original = returned.get_payload(0)
    again = email.message_from_bytes(
        original.as_bytes(), _class=EmailMessage, policy=email.policy.default
    )
    assert again["Subject"] == "Trả lại"
    assert again.get_content().splitlines() == ["Nội dung cũ."]
