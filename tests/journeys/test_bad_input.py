"""Clients that break the rules, or break off: they are answered, and the next one is served."""

import smtplib
import socket
from collections.abc import Iterator

import pytest

from labmail import Lab
from labmail.trace.events import Accepted, Closed, LimitReached, Side

SERVERS = [("smtp", 25), ("pop3", 110), ("imap", 143)]
HELLO = (
    b"EHLO test.example\r\n",
    b"MAIL FROM:<a@b.example>\r\n",
    b"RCPT TO:<son@hanoi.example>\r\n",
)


@pytest.fixture(params=SERVERS, ids=[name for name, _ in SERVERS])
def sock(lab: Lab, request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """A bare connection to one of the services that speak in lines."""
    with socket.create_connection(("smtp.hanoi.example", request.param[1]), timeout=10) as sock:
        assert sock.recv(1000).endswith(b"\r\n")
        yield sock


@pytest.fixture
def smtp(lab: Lab) -> Iterator[socket.socket]:
    with socket.create_connection(("smtp.hanoi.example", 25), timeout=10) as sock:
        sock.recv(1000)
        yield sock


def until_closed(sock: socket.socket) -> bytes:
    """All that the server still says."""
    received = b""
    try:
        while piece := sock.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def the_next_client_is_served(lab: Lab) -> None:
    with smtplib.SMTP("smtp.hanoi.example", 25) as server:
        assert server.noop()[0] == 250
    with socket.create_connection(("smtp.hanoi.example", 110), timeout=10) as sock:
        assert sock.recv(100).startswith(b"+OK")
    with socket.create_connection(("smtp.hanoi.example", 143), timeout=10) as sock:
        assert sock.recv(100).startswith(b"* OK")


REFUSALS = (b"5", b"421", b"-ERR", b"* BAD", b"* BYE")


@pytest.mark.parametrize(
    "line",
    [b"WHAT IS THIS\r\n", b"NO\xffOP \xc3\xa9\x80\r\n", b"\x00\x01\x02\r\n", b"A\rB\r\n"],
    ids=["unknown", "8-bit", "controls", "bare CR"],
)
def test_a_line_that_makes_no_sense(lab: Lab, sock: socket.socket, line: bytes) -> None:
    sock.sendall(line)
    answer = sock.recv(1000)
    assert answer.startswith(REFUSALS) or b" BAD " in answer
    sock.sendall(line)
    assert sock.recv(1000).startswith(answer[:4])
    the_next_client_is_served(lab)


def test_an_empty_line_does_no_harm(lab: Lab, sock: socket.socket) -> None:
    sock.sendall(b"\r\n")
    sock.sendall(b"a NOOP\r\n")
    assert sock.recv(1000)
    the_next_client_is_served(lab)


def test_a_line_without_end(lab: Lab, sock: socket.socket) -> None:
    with lab.record() as trace:
        try:
            for _ in range(64):
                sock.sendall(b"x" * 65536)
        except OSError:  # the server has had enough
            pass
        answer = until_closed(sock)
    assert answer == b"" or answer.startswith(REFUSALS)
    assert trace.of(LimitReached)
    assert [e.by for e in trace.of(Closed)] == [Side.SERVER]
    the_next_client_is_served(lab)


@pytest.mark.parametrize("said", [1, 2, 3, 4, 5], ids=["EHLO", "MAIL", "RCPT", "DATA", "letter"])
@pytest.mark.parametrize("how", ["closed", "reset"])
def test_a_client_that_hangs_up_too_early_leaves_no_letter(
    lab: Lab, smtp: socket.socket, said: int, how: str
) -> None:
    lines = (*HELLO, b"DATA\r\n", b"Subject: x\r\n\r\nnever finished\r\n")
    with lab.record() as trace:
        for line in lines[:said]:
            smtp.sendall(line)
            if said < 5 or line != lines[-1]:
                assert smtp.recv(1000)[:1] in (b"2", b"3")
        if how == "reset":
            linger = b"\x01\0\0\0\0\0\0\0"
            smtp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        smtp.close()
        lab.settle()
    assert trace.of(Accepted) == ()
    assert [e.by for e in trace.of(Closed)] == [Side.CLIENT]
    assert lab.queue("smtp.hanoi.example").rows == ()
    assert lab.box("son@hanoi.example").rows == ()
    the_next_client_is_served(lab)


def test_what_was_asked_before_the_end_is_still_answered(lab: Lab, smtp: socket.socket) -> None:
    """``printf 'NOOP\\r\\nQUIT\\r\\n' | nc``: the client says all at once and waits."""
    smtp.sendall(b"NOOP\r\nNOOP\r\nQUIT\r\n")
    smtp.shutdown(socket.SHUT_WR)
    replies = until_closed(smtp).split(b"\r\n")
    assert [reply[:3] for reply in replies] == [b"250", b"250", b"221", b""]
    lab.settle()
    connection = lab.trace.connections[-1]
    assert lab.trace.said(connection, "server").endswith(b"\r\n".join(replies))


def test_http_is_told_what_this_is(lab: Lab, smtp: socket.socket) -> None:
    smtp.sendall(b"GET / HTTP/1.1\r\nHost: smtp.hanoi.example\r\n\r\n")
    assert until_closed(smtp)[:1] in (b"4", b"5")
    the_next_client_is_served(lab)


@pytest.mark.parametrize("port", [465, 993, 995])
@pytest.mark.parametrize(
    "data",
    [b"EHLO x\r\n" * 3, b"\x16\x03\x01\x00\x05hello", b"\x80" * 50],
    ids=["smtp", "half", "noise"],
)
def test_what_is_no_tls_is_turned_away(lab: Lab, port: int, data: bytes) -> None:
    with socket.create_connection(("smtp.hanoi.example", port), timeout=10) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        answer = until_closed(sock)
    lab.settle()
    assert answer == b"" or answer[0] == 21  # a TLS alert
    connection = lab.trace.connections[-1]
    assert lab.trace.overheard(connection, "client") == data
    assert lab.health().rows[0].ok
