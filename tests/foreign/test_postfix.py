"""A real Postfix is one of the hosts of the world: letters go there, and come from there.

Postfix works in its own time, so whatever it is to do is waited for in its log.
"""

import smtplib
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy

import pytest

from labmail import Lab
from labmail.dns.zone import parse_zone
from labmail.trace.events import (
    Bounced,
    Command,
    Connected,
    Deferred,
    Delivered,
    LimitReached,
    Relayed,
    Reply,
    TlsStarted,
    WorkFailed,
)
from labmail.trace.recorder import Trace
from tests.foreign.postfix import IP, LOOPBACK, NAME, Postfix

pytestmark = pytest.mark.foreign

SON, MINH = "son@hanoi.example", "minh@saigon.example"
LAN, NGA = "lan@ngoai.example", "nga@ngoai.example"
ZONE = f"""\
$TTL 300
@     SOA ns.lab. hostmaster.ngoai.example. 1 7200 900 1209600 300
@     NS  ns.lab.
@     MX  10 mail
mail  A   {IP}
"""
HEAD = "From: <{}>\r\nTo: <ai-do@{}>\r\nSubject: {}\r\nDate: Mon, 2 Mar 2026 09:00:00 +0700\r\n"
BODIES = {
    "dots": b".\r\n..\r\n.hidden\r\n...\r\n\r\n.",
    "eight bits": "Xin chào, tạm biệt".encode() + bytes(range(128, 256)),
    "long lines": b"x" * 998 + b"\r\n" + b"y" * 998,
    "empty lines": b"\r\n\r\n\r\nend\r\n\r\n",
    "nothing": b"",
    "From at the beginning": b"From Son with love\r\n>From far away",
    "much": b"0123456789" * 7 + b"\r\n" + (b"abcdefghij" * 7 + b"\r\n") * 15_000,
}


@dataclass
class Neighbours:
    """The lab, and the Postfix beside it."""

    lab: Lab
    postfix: Postfix

    def send(self, content: bytes, *recipients: str) -> Trace:
        """Sơn's mail program hands this in; what happens until the lab is at rest."""
        lab = self.lab
        with lab.record() as trace:
            with lab.laptop("son"), smtplib.SMTP("smtp.hanoi.example", 587) as server:
                server.starttls(context=lab.client_context())
                server.login(SON, "hoa-sen-1")
                server.sendmail(SON, recipients, content)
            lab.settle()
        return trace

    def send_from_outside(self, content: bytes, *recipients: str) -> None:
        """Nga hands this to Postfix, which shall see to it."""
        with smtplib.SMTP(LOOPBACK, self.postfix.ports["submission"]) as server:
            server.sendmail(NGA, recipients, content)

    def in_the_lab(self, trace: Trace, recipient: str) -> bytes:
        """The letter as it lies in this person's mailbox."""
        self.lab.settle()
        delivered = next(e for e in trace.of(Delivered) if e.recipient == recipient)
        name = delivered.file.rpartition("/")[2].partition(":")[0]
        return next(self.lab.folder.rglob(f"{name}*")).read_bytes()


@pytest.fixture(scope="module")
def neighbours() -> Iterator[Neighbours]:
    with Lab() as lab:
        hosts = lab.endpoints()["hosts"]
        routes = {
            "saigon.example": hosts["mx1.saigon.example"]["services"]["smtp"]["port"],
            "hanoi.example": hosts["smtp.hanoi.example"]["services"]["smtp"]["port"],
        }
        postfix = Postfix(routes)
        try:
            lab._look(
                lambda w: w.dns.replace(parse_zone(ZONE, "ngoai.example.zone", "ngoai.example"))
            )
            lab.attach(NAME, IP, {"smtp": postfix.ports["smtp"]})
            yield Neighbours(lab, postfix)
            assert lab.trace.of(WorkFailed, LimitReached) == ()
        finally:
            postfix.stop()


def letter(sender: str, subject: str, body: bytes) -> bytes:
    head = HEAD.format(sender, "ngoai.example", subject)
    return f"{head}Message-ID: <{subject.replace(' ', '-')}@test.example>\r\n\r\n".encode() + body


# --- to Postfix -----------------------------------------------------------------------------


@pytest.mark.parametrize("what", BODIES)
def test_a_letter_to_postfix_stays_the_bytes_it_was(neighbours: Neighbours, what: str) -> None:
    content = letter(SON, what, BODIES[what] + b"\r\n")
    before = {who: len(neighbours.postfix.letters(who)) for who in ("lan", "nga")}
    trace = neighbours.send(content, LAN, NGA)
    assert [e.recipient for e in trace.of(Relayed)] == [LAN, NGA]
    for _ in before:
        neighbours.postfix.until("status=sent .delivered to maildir")
    for who, count in before.items():
        new = [x for x in neighbours.postfix.letters(who) if f"Subject: {what}\r\n".encode() in x]
        assert len(neighbours.postfix.letters(who)) == count + 1
        assert new[0].endswith(content)


def test_what_is_said_to_postfix_is_heard_until_tls_begins(neighbours: Neighbours) -> None:
    trace = neighbours.send(letter(SON, "heard", b"x\r\n"), LAN)
    neighbours.postfix.until("status=sent")
    there = next(e.connection for e in trace.of(Connected) if e.connection.server.name == NAME)
    verbs = [e.verb for e in trace.of(Command) if e.connection == there]
    codes = [e.code for e in trace.of(Reply) if e.connection == there]
    assert (verbs, codes) == (["EHLO", "STARTTLS"], ["220", "250", "220"])
    greeting = next(e for e in trace.of(Reply) if e.connection == there)
    assert greeting.lines == (f"220 {NAME} ESMTP Postfix".encode(),)
    started = next(e for e in trace.of(TlsStarted) if e.connection == there)
    assert (started.mode, started.version) == ("starttls", "TLSv1.3")


def test_whom_postfix_does_not_know_the_lab_tells_its_sender(neighbours: Neighbours) -> None:
    trace = neighbours.send(letter(SON, "unknown there", b"x\r\n"), LAN, "khongco@ngoai.example")
    neighbours.postfix.until("status=sent")
    assert [e.recipient for e in trace.of(Relayed)] == [LAN]
    bounced = trace.of(Bounced)[0]
    assert (bounced.recipient, bounced.status) == ("khongco@ngoai.example", "5.1.1")
    notice = message_from_bytes(neighbours.in_the_lab(trace, SON), policy=policy.default)
    report = notice.as_string()
    assert f"Remote-MTA: dns; {NAME}" in report
    assert "User unknown in virtual mailbox table" in report


def test_when_postfix_is_away_the_letter_waits_for_it(neighbours: Neighbours) -> None:
    neighbours.postfix.pause()
    try:
        trace = neighbours.send(letter(SON, "patience", b"x\r\n"), LAN)
        assert "refused" in trace.of(Deferred)[0].reason
    finally:
        neighbours.postfix.start()
    with neighbours.lab.record() as later:
        neighbours.lab.advance("1h")
    assert [e.recipient for e in later.of(Relayed)] == [LAN]
    neighbours.postfix.until("status=sent")
    assert any(b"Subject: patience" in x for x in neighbours.postfix.letters("lan"))


# --- from Postfix ---------------------------------------------------------------------------


@pytest.mark.parametrize("what", BODIES)
def test_a_letter_from_postfix_stays_the_bytes_it_was(neighbours: Neighbours, what: str) -> None:
    content = letter(NGA, f"{what} back", BODIES[what] + b"\r\n")
    with neighbours.lab.record() as trace:
        neighbours.send_from_outside(content, MINH, SON)
        for _ in (MINH, SON):
            said = neighbours.postfix.until("status=(sent|bounced|deferred)")
            assert "250 2.0.0 Ok: queued" in said
        neighbours.lab.settle()
    assert {e.connection.client.name for e in trace.of(Connected)} == {"outside"}
    assert len(trace.of(TlsStarted)) == 2  # Postfix saw STARTTLS offered, and took it
    for recipient in (MINH, SON):
        assert neighbours.in_the_lab(trace, recipient).endswith(content)


def test_whom_the_lab_does_not_know_postfix_tells_its_sender(neighbours: Neighbours) -> None:
    content = letter(NGA, "unknown here", b"x\r\n")
    neighbours.send_from_outside(content, MINH, "khongco@saigon.example")
    lines = [neighbours.postfix.until("dsn=") for _ in range(3)]  # two copies, and the notice
    assert sorted(x.partition("status=")[2].split()[0] for x in lines) == [
        "bounced",
        "sent",
        "sent",
    ]
    notice = next(x for x in neighbours.postfix.letters("nga") if b"unknown here" in x)
    assert b"Return-Path: <>" in notice
    assert b"550 5.1.1 <khongco@saigon.example>" in notice.replace(b"\r\n    ", b" ")


def test_nothing_is_left_in_the_queue_of_either(neighbours: Neighbours) -> None:
    neighbours.postfix.rest()
    assert "Mail queue is empty" in neighbours.postfix.waiting()
    for host in neighbours.lab.hosts:
        assert neighbours.lab.queue(host.name).rows == ()
