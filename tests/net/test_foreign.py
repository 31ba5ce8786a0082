"""One town's server is a program outside for the other town."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from labmail.net.foreign import ForeignServer
from labmail.trace.events import (
    Closed,
    Connected,
    ConnectFailed,
    HostStarted,
    HostStopped,
    Layer,
    Sent,
    Side,
    TlsStarted,
)

MakeTown = Callable[..., Any]
NAME, IP = "mail.ngoai.example", "203.0.113.90"


class Pair:
    """A lab, and a program outside that has an address in it."""

    def __init__(self, make_town: MakeTown, service: str = "pop3", **outside: Any) -> None:
        self.outside = make_town(**outside)
        self.trust = self.outside.authority.client_context()
        self.lab = make_town()
        self.network, self.trace = self.lab.network, self.lab.trace
        self.port = self.outside.listener.real_port
        self.program = ForeignServer(self.network, NAME, IP, {service: self.port}, {})
        self.lab.loop.call(self.program.attach())
        self.number = 995 if service == "pop3s" else 110

    def dial(self, kind: str = "laptop") -> socket.socket:
        calling = self.network.dial("son-laptop", "192.0.2.10", IP, self.number, kind=kind)
        sock: socket.socket = self.lab.loop.call(calling)
        sock.settimeout(10)
        return sock

    def said(self, side: Side) -> bytes:
        return bytes(self.trace.said(self.trace.connections[-1], side))

    def close(self) -> None:
        self.lab.loop.call(self.program.detach())


@pytest.fixture
def make_pair(make_town: MakeTown) -> Iterator[Callable[..., Pair]]:
    pairs: list[Pair] = []

    def make(*about: Any, **outside: Any) -> Pair:
        pairs.append(Pair(make_town, *about, **outside))
        return pairs[-1]

    yield make
    for pair in pairs:
        pair.close()


def read(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += sock.recv(size - len(data))
    return data


def read_all(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(65536), b""))


def test_what_is_said_goes_both_ways_and_is_recorded(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    with pair.dial() as sock:
        sock.sendall(b"xin chao\r\nQUIT\r\n")
        assert read_all(sock) == b"hello\r\nxin chao\r\nbye\r\n"
    pair.lab.rest()
    connected = pair.trace.of(Connected)[0].connection
    assert str(connected) == f"#1 son-laptop → {NAME}:110"
    assert pair.said(Side.CLIENT) == b"xin chao\r\nQUIT\r\n"
    assert pair.said(Side.SERVER) == b"hello\r\nxin chao\r\nbye\r\n"
    assert len(pair.outside.trace.connections) == 1  # it was called once, and not to try


def test_the_lab_is_not_at_rest_while_one_of_its_hosts_talks_to_the_program(
    make_pair: Callable[..., Pair],
) -> None:
    pair = make_pair()
    sock = pair.dial(kind="host")
    sock.sendall(b"QUIT\r\n")
    pair.lab.rest()
    assert pair.trace.of(Closed)[0].connection.number == 1
    assert read_all(sock) == b"hello\r\nbye\r\n"
    sock.close()


def test_a_long_answer_arrives_whole(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    with pair.dial() as sock:
        sock.sendall(b"BIG\r\n" * 8 + b"QUIT\r\n")
        assert read_all(sock).count(b"x") == 8_000_000


def test_a_long_question_arrives_whole(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    with pair.dial() as sock:
        sock.sendall(b"a" * 3_000_000 + b"\r\nQUIT\r\n")
        assert read_all(sock).count(b"a") == 3_000_000


def test_a_program_that_is_away_refuses(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    pair.outside.loop.call(pair.outside.network.unlisten(pair.outside.listener))
    with pytest.raises(ConnectionRefusedError, match=NAME):
        pair.dial()
    failed = pair.trace.of(ConnectFailed)[0]
    assert (failed.server.ip, failed.reason) == (IP, "connection refused")
    assert pair.trace.of(Connected) == ()


def test_a_program_that_goes_away_cuts_its_connections(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    with pair.dial(kind="host") as sock:
        assert read(sock, 7) == b"hello\r\n"
        pair.outside.loop.call(pair.outside.network.unlisten(pair.outside.listener))
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(1) == b""
    pair.lab.rest()
    assert [e.by for e in pair.trace.of(Closed)] == [Side.SERVER]


@pytest.mark.parametrize("service", ["pop3", "pop3s"])
def test_tls_passes_through_and_its_records_are_seen(
    make_pair: Callable[..., Pair], service: str
) -> None:
    implicit = service == "pop3s"
    pair = make_pair(service, implicit_tls=implicit)
    raw = pair.dial()
    if not implicit:
        raw.sendall(b"TLS\r\n")
        assert read(raw, 14) == b"hello\r\ngo on\r\n"
    with pair.trust.wrap_socket(raw, server_hostname="echo.hanoi.example") as sock:
        sock.sendall(b"secret\r\nQUIT\r\n")
        heard = read_all(sock)
        version, cipher = sock.version(), sock.cipher()
    assert heard.endswith(b"secret\r\nbye\r\n")
    started = pair.trace.of(TlsStarted)[0]
    assert cipher is not None
    assert (started.version, started.cipher) == (version, cipher[0])
    assert started.mode == ("implicit" if implicit else "starttls")
    layers = {e.layer for e in pair.trace.of(Sent)}
    assert layers == ({Layer.CIPHER} if implicit else {Layer.OPEN, Layer.CIPHER})
    assert not any(b"secret" in e.data for e in pair.trace.of(Sent))
    assert pair.said(Side.CLIENT) == (b"" if implicit else b"TLS\r\n")


def test_detached_it_is_reached_no_more(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    with pair.dial() as sock:
        sock.recv(7)
        pair.close()
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        pair.dial()
    pair.close()  # harmless twice
    started, stopped = pair.trace.of(HostStarted)[0], pair.trace.of(HostStopped)
    assert (started.host, started.addresses, started.role) == (NAME, (IP,), "foreign")
    assert [e.services for e in stopped] == [started.services] == [(("pop3", 110),)]


def test_a_call_that_nobody_comes_for_is_ended(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    assert pair.lab.loop.call(pair.program._calls["pop3"].answered())
    pair.close()
    pair.outside.until_closed()
    assert [e.by for e in pair.outside.trace.of(Closed)] == [Side.CLIENT]


def test_who_does_not_belong_to_the_lab_is_not_passed_on(make_pair: Callable[..., Pair]) -> None:
    pair = make_pair()
    port = pair.network.real_port(IP, 110)
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        assert sock.recv(1) == b""
    assert pair.outside.trace.connections == ()


@pytest.mark.parametrize(
    ("name", "ip", "ports", "advice"),
    [
        ("mail.ngoai.com", IP, {"smtp": 2525}, "ends in .example"),
        (NAME, "8.8.8.8", {"smtp": 2525}, "203.0.113.0/24"),
        (NAME, "here", {"smtp": 2525}, "no address for a lab"),
        (NAME, "192.0.2.25", {"smtp": 2525}, "address of echo.hanoi.example"),
        (NAME, IP, {}, "say where"),
        (NAME, IP, {"gopher": 70}, "there are: smtp,"),
        (NAME, IP, {"smtp": ("198.51.100.1", 25)}, "on 127.0.0.1 only"),
        (NAME, IP, {"smtp": 70_000}, "from 1 to 65535"),
        (NAME, IP, {"smtp": True}, "from 1 to 65535, and not True"),
        ("Mail.ngoai.example", IP, {"smtp": 2525}, "write small letters"),
        ("mail.ngoai.example\r\nX: y.example", IP, {"smtp": 2525}, "is no host's name"),
        ("mail ngoai.example", IP, {"smtp": 2525}, "is no host's name"),
        ("mail..example", IP, {"smtp": 2525}, "single dots between"),
        ("-mail.example", IP, {"smtp": 2525}, "is no host's name"),
        ("a" * 64 + ".example", IP, {"smtp": 2525}, "at most 63 in a label"),
        ("a." * 125 + "example", IP, {"smtp": 2525}, "253 in all"),
    ],
)
def test_what_cannot_be_attached(
    make_town: MakeTown, name: str, ip: str, ports: Any, advice: str
) -> None:
    with pytest.raises(ValueError, match=advice):
        ForeignServer(make_town().network, name, ip, ports, {})
