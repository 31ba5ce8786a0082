import asyncio
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from labmail.net.connection import COMMAND_KEPT
from labmail.net.limits import Limits
from labmail.trace.events import (
    Closed,
    Command,
    Connected,
    Content,
    LimitReached,
    Reply,
    Sent,
    Side,
    TlsFailed,
    TlsStarted,
)

MakeTown = Callable[..., Any]
BIG = 1_000_000


def read_line(sock: Any) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        piece = sock.recv(1)
        assert piece, f"the server hung up after {line!r}"
        line += piece
    return line


def test_what_is_said_is_recorded_on_all_levels(make_town: MakeTown) -> None:
    town = make_town()
    with town.dial() as sock:
        assert read_line(sock) == b"hello\r\n"
        sock.sendall(b"ECHO me\r\nQUIT\r\n")
        assert read_line(sock) == b"ECHO me\r\n"
        assert read_line(sock) == b"bye\r\n"
        assert sock.recv(1) == b""
    town.rest()
    connection = town.trace.connections[0]
    assert (connection.client.name, connection.server.port) == ("son-laptop.hanoi.example", 110)
    assert town.trace.said(connection, "client") == b"ECHO me\r\nQUIT\r\n"
    assert town.trace.said(connection, "server") == b"hello\r\nECHO me\r\nbye\r\n"
    assert [c.verb for c in town.trace.of(Command)] == ["ECHO", "QUIT"]
    assert [r.lines for r in town.trace.of(Reply)] == [(b"hello",), (b"ECHO me",), (b"bye",)]
    assert town.trace.of(Closed)[0].by is Side.SERVER


def test_starttls_in_the_middle(make_town: MakeTown) -> None:
    town = make_town()
    sock = town.dial()
    read_line(sock)
    sock.sendall(b"TLS\r\nINJECTED\r\n")  # said in the clear, behind the command
    assert read_line(sock) == b"go on\r\n"
    with town.authority.client_context().wrap_socket(
        sock, server_hostname="echo.hanoi.example"
    ) as tls:
        tls.sendall(b"ECHO quietly\r\nQUIT\r\n")
        assert read_line(tls) == b"ECHO quietly\r\n"
        assert read_line(tls) == b"bye\r\n"
    town.rest()
    connection = town.trace.connections[0]
    started = town.trace.of(TlsStarted)[0]
    assert (started.mode, started.version) == ("starttls", "TLSv1.3")
    assert [c.verb for c in town.trace.of(Command)] == ["TLS", "ECHO", "QUIT"]
    overheard = town.trace.overheard(connection, "client")
    assert overheard.startswith(b"TLS\r\n") and b"quietly" not in overheard
    assert town.trace.said(connection, "client") == b"TLS\r\nINJECTED\r\nECHO quietly\r\nQUIT\r\n"


def test_implicit_tls_greets_inside(make_town: MakeTown) -> None:
    town = make_town(implicit_tls=True)
    context = town.authority.client_context()
    with context.wrap_socket(town.dial(), server_hostname="echo.hanoi.example") as tls:
        assert read_line(tls) == b"hello\r\n"
        tls.sendall(b"x" * 100_000 + b"\r\nQUIT\r\n")
        assert read_line(tls) == b"x" * 100_000 + b"\r\n"
    town.until_closed()
    assert town.trace.of(TlsStarted)[0].mode == "implicit"
    assert b"hello" not in town.trace.overheard(1, "server")


def test_a_client_that_speaks_plainly_to_tls_is_told_apart(make_town: MakeTown) -> None:
    town = make_town(implicit_tls=True)
    with town.dial() as sock:
        sock.sendall(b"EHLO laptop\r\n")
        while True:  # an alert may come, then the end
            try:
                if not sock.recv(100):
                    break
            except ConnectionResetError:
                break
    town.until_closed()
    assert town.trace.of(TlsFailed)[0].reason
    assert town.trace.of(Closed)[0].reason.startswith("TLS failed")


def test_passwords_are_marked_in_the_bytes_even_when_they_came_in_pieces(
    make_town: MakeTown,
) -> None:
    town = make_town()
    with town.dial() as sock:
        read_line(sock)
        for piece in (b"PA", b"SS hoa", b"-sen\r\nQUIT\r\n"):
            sock.sendall(piece)
            town.rest()
        read_line(sock)
        read_line(sock)
    town.rest()
    secret = b"".join(
        event.data[start:end]
        for event in town.trace.of(Sent)
        if event.sender is Side.CLIENT
        for start, end in event.secrets
    )
    assert secret == b"hoa-sen"
    command = town.trace.of(Command)[0]
    assert [command.line[a:b] for a, b in command.secrets] == [b"hoa-sen"]


def test_letters_are_marked_as_content(make_town: MakeTown) -> None:
    town = make_town()
    with town.dial() as sock:
        read_line(sock)
        sock.sendall(b"LETTER\r\nQUIT\r\n")
        while sock.recv(100):
            pass
    town.rest()
    content = town.trace.of(Content)[0]
    said = town.trace.said(1, Side.SERVER)
    assert said[content.offset : content.offset + content.size] == b"body\r\n.\r\n"


def test_a_silent_client_is_told_good_bye(make_town: MakeTown) -> None:
    town = make_town(limits=Limits(idle_seconds=0.05))
    with town.dial() as sock:
        assert read_line(sock) == b"hello\r\n"
        assert read_line(sock) == b"too slow\r\n"
        assert sock.recv(1) == b""
    town.until_closed()
    assert town.trace.of(LimitReached)[0].limit == "idle time"


@pytest.mark.parametrize("patience", ["idle_seconds", "session_seconds"])
@pytest.mark.parametrize("half", [b"", b"\x16\x03\x01\x02\x00\x01\x00"])
@pytest.mark.parametrize("implicit", [False, True])
def test_the_clock_runs_in_the_handshake_too(
    make_town: MakeTown, patience: str, half: bytes, implicit: bool
) -> None:
    """Nothing can be said there, not even good-bye; what is not said is not recorded either."""
    town = make_town(limits=replace(Limits(), **{patience: 0.1}), implicit_tls=implicit)
    failed: list[dict[str, Any]] = []
    town.loop.call(catch_failures(failed))
    with town.dial() as sock:
        if not implicit:
            assert read_line(sock) == b"hello\r\n"
            sock.sendall(b"TLS\r\n")
            assert read_line(sock) == b"go on\r\n"
        sock.sendall(half)
        assert sock.recv(1) == b""
    town.until_closed()
    assert failed == []
    assert [e.action for e in town.trace.of(LimitReached)] == ["closed"]
    assert town.trace.said(1, Side.SERVER) == (b"" if implicit else b"hello\r\ngo on\r\n")
    assert len(town.trace.of(Reply)) == (0 if implicit else 2)


async def catch_failures(failed: list[dict[str, Any]]) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: failed.append(context))


def test_a_good_bye_that_breaks_does_not_keep_the_line_open(make_town: MakeTown) -> None:
    town = make_town(limits=Limits(idle_seconds=0.05))
    failed: list[dict[str, Any]] = []
    town.loop.call(catch_failures(failed))

    def broken(core: object) -> list[object]:
        raise RuntimeError("lost for words")

    town.echo_core.timed_out = broken
    with town.dial() as sock:
        assert read_line(sock) == b"hello\r\n"
        assert sock.recv(1) == b""
    town.until_closed()
    assert [str(context["exception"]) for context in failed] == ["lost for words"]


def test_a_session_ends_even_if_the_client_keeps_talking(make_town: MakeTown) -> None:
    town = make_town(limits=Limits(session_seconds=0.1))
    with town.dial() as sock:
        try:
            while sock.recv(1000):
                sock.sendall(b"still here\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
    town.until_closed()
    assert town.trace.of(LimitReached)[0].limit == "session time"


def test_too_many_connections_are_not_served(make_town: MakeTown) -> None:
    town = make_town(limits=Limits(connections=2))
    socks = [town.dial() for _ in range(2)]
    assert [read_line(s) for s in socks] == [b"hello\r\n"] * 2
    with town.dial() as third, contextlib.suppress(ConnectionResetError):
        assert third.recv(1) == b""
    for sock in socks:
        sock.close()
    town.until_closed()
    assert [e.limit for e in town.trace.of(LimitReached)] == ["connections"]
    with town.dial() as sock:
        assert read_line(sock) == b"hello\r\n"


def test_who_does_not_read_is_not_listened_to(make_town: MakeTown) -> None:
    """Replies that nobody fetches must not pile up: the server stops reading commands."""
    town = make_town()
    line_size = 60_000
    with town.dial() as sock:
        sock.settimeout(0.5)
        sent = 0
        try:
            for _ in range(1000):
                sock.sendall(b"x" * line_size + b"\r\n")
                sent += line_size
        except TimeoutError:
            pass
        assert sent < 1000 * line_size
    town.until_closed()
    assert town.recorder._bytes < 60_000_000


def test_a_caller_is_known_by_its_address(make_town: MakeTown) -> None:
    town = make_town()
    with town.dial() as sock:
        read_line(sock)
    town.until_closed()
    connected = town.trace.of(Connected)[0]
    assert connected.connection.client.ip == "192.0.2.10"
    assert town.trace.of(Closed)[0].by is Side.CLIENT


def test_a_broken_handshake_leaves_the_server_serving(make_town: MakeTown) -> None:
    town = make_town()
    with town.dial() as sock:
        read_line(sock)
        sock.sendall(b"TLS\r\n")
        read_line(sock)
        untrusting = ssl.create_default_context()
        with contextlib.suppress(ssl.SSLError):
            untrusting.wrap_socket(sock, server_hostname="echo.hanoi.example")
    town.until_closed()
    with town.dial() as sock:
        assert read_line(sock) == b"hello\r\n"


def test_answers_to_one_read_leave_in_one_piece(make_town: MakeTown) -> None:
    """So a client that hangs up at the first of them has been sent them all."""
    town = make_town()
    with town.dial() as sock:
        sock.recv(7)
        sock.sendall(b"one\r\ntwo\r\nthree\r\n")
        assert sock.recv(1000).count(b"\r\n") == 3


def test_two_reasons_not_to_read_are_two(make_town: MakeTown) -> None:
    """A server that has enough is not fed again because the client has read something."""
    town = make_town()
    with town.dial() as sock:
        read_line(sock)
        (line,) = town.lines

        async def reasons() -> list[bool]:
            reading = []
            line.transport.pause_reading()
            line.pause_writing()
            line.resume_writing()
            reading.append(line._socket.is_reading())
            line.transport.resume_reading()
            reading.append(line._socket.is_reading())
            return reading

        assert town.loop.call(reasons()) == [False, True]


def test_who_never_reads_the_good_bye_is_cut_off(make_town: MakeTown) -> None:
    limits = Limits(farewell_seconds=0.2, command_line=10**9)
    town = make_town(limits=limits)
    with town.dial() as sock:
        sock.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            for _ in range(1000):
                sock.sendall(b"x" * 60_000 + b"\r\n")

        async def hang_up() -> None:
            town.lines[0].close("that is enough")

        town.loop.call(hang_up())
        town.until_closed()
    assert town.trace.of(Closed)[0].reason == "that is enough"


def test_who_asks_for_more_than_it_reads_waits_and_gets_it_all(make_town: MakeTown) -> None:
    town = make_town(limits=Limits(unread=20_000))

    async def unread() -> int:
        return int(town.lines[0].unread)

    with town.dial() as sock, sock.makefile("rb") as answers:
        assert next(answers) == b"hello\r\n"
        sock.sendall(b"BIG\r\n" * 60)
        assert len(answers.read(BIG)) == BIG
        assert town.loop.call(unread()) < 2 * BIG
        assert len(answers.read(59 * BIG)) == 59 * BIG
        sock.sendall(b"QUIT\r\n")
        assert answers.read() == b"bye\r\n"


def test_one_connection_cannot_push_everything_out_of_the_trace(make_town: MakeTown) -> None:
    town = make_town()
    with town.dial() as sock:
        read_line(sock)
        sock.sendall(b"ECHO first\r\n")
        read_line(sock)
    town.until_closed()
    town.recorder.share = 100_000
    with town.dial() as sock, sock.makefile("rb") as answers:
        next(answers)
        for _ in range(100):
            sock.sendall(b"x" * 5000 + b"\r\n")
            next(answers)
    town.until_closed()
    flood = town.trace.connections[1]
    assert [(e.connection, e.limit) for e in town.trace.of(LimitReached)] == [(flood, "trace")]
    assert len(town.trace.said(flood, "client")) <= 100_000
    assert town.trace.said(town.trace.connections[0], "client") == b"ECHO first\r\n"


def test_a_command_that_carries_a_letter_is_not_kept_twice(make_town: MakeTown) -> None:
    town = make_town()
    with town.dial() as sock:
        read_line(sock)
        sock.sendall(b"PASS " + b"x" * 50_000 + b"\r\n")
        read_line(sock)
    town.until_closed()
    (command,) = town.trace.of(Command)
    assert len(command.line) == COMMAND_KEPT
    assert command.secrets == ((5, COMMAND_KEPT),)
    assert len(town.trace.said(1, "client")) == 50_007
