"""One host: who may do what, and what it does with a letter."""

import asyncio
import smtplib
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from labmail import Lab
from labmail.host import MailHost
from labmail.net.addresses import SERVICES
from labmail.trace.events import (
    Bounced,
    Closed,
    Deferred,
    Delivered,
    HostStarted,
    HostStopped,
    LimitReached,
    Routed,
    WorkFailed,
)

HANOI, BACKUP = "smtp.hanoi.example", "mx2.saigon.example"


@pytest.fixture
def on(lab: Lab) -> Callable[..., Any]:
    """Ask a host something, on the lab's own thread."""

    def ask(name: str, question: Callable[[MailHost], Any]) -> Any:
        return lab._look(lambda world: question(world.hosts[name]))

    return ask


@pytest.mark.parametrize(
    ("user", "password", "account"),
    [
        ("son@hanoi.example", "hoa-sen-1", "son@hanoi.example"),
        ("son", "hoa-sen-1", "son@hanoi.example"),
        ("SON@Hanoi.example", "hoa-sen-1", "son@hanoi.example"),
        ("son", "hoa-sen-2", None),
        ("son", "", None),
        ("", "", None),
        ("nobody", "nobody has this password", None),
        ("minh@saigon.example", "hoa-mai-1", None),
        ("son@hanoi.example", "hoa-sen-1\x00", None),
        ("sơn", "mật khẩu", None),
    ],
)
def test_who_is_let_in(on: Any, user: str, password: str, account: str | None) -> None:
    assert on(HANOI, lambda host: host.login(user, password)) == account


def test_a_host_without_accounts_lets_nobody_in(on: Any) -> None:
    assert on(BACKUP, lambda host: host.login("nobody", "nobody has this password")) is None


@pytest.mark.parametrize(
    ("host", "recipient", "code"),
    [
        (HANOI, "son@hanoi.example", None),
        (HANOI, "SON@HANOI.EXAMPLE", None),
        (HANOI, "postmaster@hanoi.example", None),
        (HANOI, "Postmaster", None),
        (HANOI, "postmaster@smtp.hanoi.example", None),
        (HANOI, "son@smtp.hanoi.example", 550),
        (BACKUP, "postmaster@mx2.saigon.example", None),
        (HANOI, "khongco@hanoi.example", 550),
        (HANOI, "minh@saigon.example", 550),
        (BACKUP, "minh@saigon.example", None),
        (BACKUP, "son@hanoi.example", 550),
    ],
)
def test_whom_it_takes_mail_for(lab: Lab, host: str, recipient: str, code: int | None) -> None:
    with smtplib.SMTP(host, 25) as server:
        server.ehlo()
        server.mail("a@spam.example")
        answer = server.docmd("RCPT", f"TO:<{recipient}>")[0]
    assert answer == (code or 250)


def test_services_stop_and_start_and_it_is_recorded(lab: Lab) -> None:
    handle = lab.host(HANOI)
    with lab.record() as trace:
        handle.stop("imap", "imaps")
        handle.stop("imap")
        handle.start()
    assert [e.services for e in trace.of(HostStopped)] == [(("imap", 143), ("imaps", 993))]
    assert [e.services for e in trace.of(HostStarted)] == [(("imap", 143), ("imaps", 993))]


def test_one_certificate_bears_all_its_names(lab: Lab, on: Any) -> None:
    assert on(HANOI, lambda h: h.certificate()) is on(HANOI, lambda h: h.certificate())
    for name in (HANOI, "mail.hanoi.example", "imap.hanoi.example", "pop.hanoi.example"):
        with smtplib.SMTP_SSL(name, 465, context=lab.client_context()) as server:
            assert server.noop()[0] == 250


def test_mail_for_the_postmaster_is_read_by_somebody(lab: Lab) -> None:
    with lab.record() as trace:
        with smtplib.SMTP(HANOI, 25) as server:
            server.sendmail("", ["postmaster@hanoi.example"], "Subject: x\r\n\r\nx")
        lab.settle()
    assert [e.account for e in trace.of(Delivered)] == ["son@hanoi.example"]
    assert [e.local for e in trace.of(Routed)] == [True]


def test_who_is_named_in_many_ways_gets_one_letter(lab: Lab, on: Any) -> None:
    names = (
        "minh@saigon.example",
        "MINH@Saigon.Example",
        '"minh"@saigon.example',
        "MinH@SAIGON.example",
    )
    with lab.record() as trace, smtplib.SMTP("mx1.saigon.example", 25) as server:
        server.ehlo()
        server.mail("a@spam.example")
        for name in (*names, "hoa@saigon.example"):
            assert server.docmd("RCPT", f"TO:<{name}>")[0] == 250
        server.data(b"Subject: x\r\n\r\n")
        lab.settle()
    assert len(lab.user("minh@saigon.example").inbox().rows) == 1
    assert len(lab.user("hoa@saigon.example").inbox().rows) == 1
    assert len(trace.of(Delivered)) == 2
    assert trace.of(Bounced, Deferred) == ()
    assert on("mx1.saigon.example", lambda host: host.queue.rows()) == ()


def test_an_account_that_went_away_is_a_refusal_not_a_loss(lab: Lab) -> None:
    """Between RCPT and delivery the world may change: then the sender is told."""
    son = lab.user("son@hanoi.example")
    son.send("lan@hanoi.example", "x", "…")

    def forget(host: MailHost) -> None:
        host._account_for = lambda recipient: None  # type: ignore[method-assign]

    lab._look(lambda world: forget(world.hosts[HANOI]))
    lab.settle()
    assert lab.queue(HANOI).rows == ()


def test_a_disk_that_is_full_is_trouble_for_now(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    host = lab._running.hosts[HANOI]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(host.queue._spool, "add", full)
        with smtplib.SMTP(HANOI, 25) as server:
            with pytest.raises(smtplib.SMTPDataError) as refused:
                server.sendmail("", ["son@hanoi.example"], "Subject: x\r\n\r\nx")
            assert refused.value.smtp_code == 452
            assert server.noop()[0] == 250
    lab.settle()
    assert lab.box("son@hanoi.example").rows == ()


def test_it_says_nothing_in_the_loops_error_log(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    lab.user("son@hanoi.example").send("minh@saigon.example", "x", "…")
    lab.host(HANOI).stop()
    lab.settle()
    assert [r for r in caplog.records if r.name != asyncio.__name__ or r.levelno > 10] == []


@pytest.mark.parametrize("half", [b"", b"\x16\x03\x01\x02\x00\x01\x00"])
@pytest.mark.parametrize(
    ("name", "service", "talk"),
    [
        ("mx1.saigon.example", "smtp", (b"EHLO x\r\n", b"STARTTLS\r\n")),
        (HANOI, "submission", (b"EHLO x\r\n", b"STARTTLS\r\n")),
        (HANOI, "submissions", ()),
        (HANOI, "pop3", (b"STLS\r\n",)),
        (HANOI, "pop3s", ()),
        (HANOI, "imap", (b"a STARTTLS\r\n",)),
        (HANOI, "imaps", ()),
    ],
)
def test_who_falls_silent_in_the_handshake_is_hung_up_on(
    lab: Lab, on: Any, name: str, service: str, talk: tuple[bytes, ...], half: bytes
) -> None:
    def hurry(host: MailHost) -> None:
        listener = host._listeners[service]
        listener.limits = replace(listener.limits, idle_seconds=0.2)

    on(name, hurry)
    with lab.record() as trace, socket.create_connection((name, SERVICES[service])) as sock:
        sock.settimeout(10)
        for line in talk:
            sock.recv(4096)  # the greeting, or the answer to the line before
            sock.sendall(line)
        if talk:
            assert sock.recv(4096)
        sock.sendall(half)
        assert sock.recv(1) == b""
    lab.settle()
    assert trace.of(WorkFailed) == ()
    assert {e.limit for e in trace.of(LimitReached)} <= {"idle time", "command time"}
    assert [e.action for e in trace.of(LimitReached)] == ["closed"]
    assert len(trace.of(Closed)) == 1
