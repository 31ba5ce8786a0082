"""The trace tells the truth: octet for octet what the client's own socket sent and received."""

import imaplib
import poplib
import re
import smtplib
import ssl
from typing import Any

import pytest

from labmail import Lab
from labmail.trace.events import Layer, LoggedIn, Sent, TlsStarted
from labmail.user import User

LETTER = b"Subject: so sanh\r\n\r\n" + b".dots\r\n..\r\n" + (b"0123456789" * 7 + b"\r\n") * 1300


class Spoken:
    """What a client program wrote into its TLS socket and read from it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.octets = {"client": bytearray(), "server": bytearray()}
        octets = self.octets

        class Listening(ssl.SSLSocket):
            def send(self, data: Any, flags: int = 0) -> int:
                sent = super().send(data, flags)
                octets["client"] += bytes(data[:sent])
                return sent

            def read(self, size: int = 1024, buffer: Any = None) -> Any:
                got = super().read(size, buffer)
                octets["server"] += got if buffer is None else bytes(buffer[:got])
                return got

        context.sslsocket_class = Listening
        self.context = context


def by_smtp(lab: Lab, son: User, tls: ssl.SSLContext) -> None:
    with smtplib.SMTP("mx1.saigon.example", 25) as server:
        server.sendmail(son.address, ["minh@saigon.example"], LETTER)


def by_smtp_starttls(lab: Lab, son: User, tls: ssl.SSLContext) -> None:
    with smtplib.SMTP("mx1.saigon.example", 25) as server:
        server.starttls(context=tls)
        server.sendmail(son.address, ["minh@saigon.example"], LETTER)


def by_submission(lab: Lab, son: User, tls: ssl.SSLContext) -> None:
    with smtplib.SMTP("smtp.hanoi.example", 587) as server:
        server.starttls(context=tls)
        server.login(son.address, son.password)
        server.sendmail(son.address, ["lan@hanoi.example"], LETTER)


def by_submissions(lab: Lab, son: User, tls: ssl.SSLContext) -> None:
    with smtplib.SMTP_SSL("smtp.hanoi.example", 465, context=tls) as server:
        server.login(son.address, son.password)
        server.sendmail(son.address, ["lan@hanoi.example"], LETTER)


def fetch_by_pop3(server: poplib.POP3, son: User) -> None:
    server.user(son.address)
    server.pass_(son.password)
    assert server.retr(1)[2] > 90_000
    server.dele(1)
    server.quit()


def by_pop3(lab: Lab, son: User, tls: ssl.SSLContext) -> None:
    server = poplib.POP3("smtp.hanoi.example")
    server.capa()
    with pytest.raises(poplib.error_proto):
        server.user("nobody")
    server.quit()


def by_pop3_stls(lab: Lab, son: User, tls: ssl.SSLContext) -> None:
    server = poplib.POP3("smtp.hanoi.example")
    server.stls(context=tls)
    fetch_by_pop3(server, son)


def by_pop3s(lab: Lab, son: User, tls: ssl.SSLContext) -> None:
    fetch_by_pop3(poplib.POP3_SSL("smtp.hanoi.example", context=tls), son)


def read_by_imap(server: imaplib.IMAP4, son: User) -> None:
    server.login(son.address, son.password)
    server.select("INBOX")
    server.append("INBOX", "(\\Seen)", None, LETTER)
    _, answer = server.fetch("1", "(BODY[])")
    assert len(answer[0][1]) > 90_000
    server.logout()


def by_imap(lab: Lab, son: User, tls: ssl.SSLContext) -> None:
    server = imaplib.IMAP4("smtp.hanoi.example")
    server.noop()
    server.logout()


def by_imap_starttls(lab: Lab, son: User, tls: ssl.SSLContext) -> None:
    server = imaplib.IMAP4("smtp.hanoi.example")
    server.starttls(ssl_context=tls)
    read_by_imap(server, son)


def by_imaps(lab: Lab, son: User, tls: ssl.SSLContext) -> None:
    read_by_imap(imaplib.IMAP4_SSL("smtp.hanoi.example", ssl_context=tls), son)


IN_THE_OPEN = [by_smtp, by_pop3, by_imap]
INSIDE_TLS = [by_submissions, by_pop3s, by_imaps]
UPGRADED = [by_smtp_starttls, by_submission, by_pop3_stls, by_imap_starttls]


def run(way: Any, lab: Lab, son: User, taps: Any) -> tuple[Any, Spoken, Any]:
    """Go this way once; the trace of it, what was spoken inside TLS, and what the tap saw."""
    with smtplib.SMTP("smtp.hanoi.example", 25) as server:
        server.sendmail("", [son.address], LETTER)
    taps.pop().until_hung_up()
    lab.settle()
    spoken = Spoken(lab.client_context())
    with lab.record() as trace:
        way(lab, son, spoken.context)
        (tap,) = taps
        tap.until_hung_up()
        lab.settle()
    return trace, spoken, tap


@pytest.mark.parametrize("way", IN_THE_OPEN + INSIDE_TLS + UPGRADED)
@pytest.mark.parametrize("sender", ["client", "server"])
def test_what_crossed_the_network_is_in_the_trace(
    way: Any, sender: str, lab: Lab, son: User, taps: Any
) -> None:
    trace, _, tap = run(way, lab, son, taps)
    overheard = trace.overheard(trace.connections[0], sender)
    assert overheard == bytes(tap.octets[sender])
    assert overheard


@pytest.mark.parametrize("way", IN_THE_OPEN)
def test_what_is_said_in_the_open_is_what_crosses(way: Any, lab: Lab, son: User, taps: Any) -> None:
    trace, _, tap = run(way, lab, son, taps)
    for sender in ("client", "server"):
        assert trace.said(trace.connections[0], sender) == bytes(tap.octets[sender])


@pytest.mark.parametrize("way", INSIDE_TLS + UPGRADED)
def test_what_is_said_inside_tls_is_in_the_trace(way: Any, lab: Lab, son: User, taps: Any) -> None:
    trace, spoken, _ = run(way, lab, son, taps)
    (started,) = (e for e in trace.of(TlsStarted) if e.connection == trace.connections[0])
    assert started.mode == ("implicit" if way in INSIDE_TLS else "starttls")
    for sender in ("client", "server"):
        inside = [
            e.data
            for e in trace.of(Sent)
            if (e.connection, e.sender, e.layer) == (started.connection, sender, Layer.INSIDE)
        ]
        unread = b"".join(inside).removeprefix(bytes(spoken.octets[sender]))
        # imaplib hangs up when it has read BYE, and does not read the OK behind it
        assert re.fullmatch(rb"(\w+ OK Logged out\r\n)?", unread), unread
        said = trace.said(started.connection, sender)
        assert said.endswith(b"".join(inside))
        assert son.password.encode() not in trace.overheard(started.connection, sender)


@pytest.mark.parametrize("way", INSIDE_TLS + UPGRADED)
def test_offsets_name_every_octet_once(way: Any, lab: Lab, son: User, taps: Any) -> None:
    trace, _, _ = run(way, lab, son, taps)
    counted: dict[tuple[str, bool], int] = {}
    for event in trace.of(Sent):
        if event.connection == trace.connections[0]:
            key = (event.sender, event.layer is Layer.CIPHER)
            assert event.offset == counted.get(key, 0)
            counted[key] = event.offset + len(event.data)


@pytest.mark.parametrize("way", [by_submission, by_submissions, by_pop3_stls, by_imap_starttls])
def test_the_password_is_marked_wherever_it_was_said(
    way: Any, lab: Lab, son: User, taps: Any
) -> None:
    trace, _, _ = run(way, lab, son, taps)
    assert [e.account for e in trace.of(LoggedIn)] == [son.address]
    marked = [
        e.data[a:b] for e in trace.of(Sent) for a, b in e.secrets if e.layer is not Layer.CIPHER
    ]
    assert marked
    for event in trace.of(Sent):
        shown = bytearray(event.data)
        for start, end in event.secrets:
            shown[start:end] = b"*" * (end - start)
        assert son.password.encode() not in shown
