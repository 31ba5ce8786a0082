"""A letter leaves one lab and arrives in another, which it knows only as a program outside."""

import contextlib
from collections.abc import Iterator

import pytest

from labmail import Lab
from labmail.dns.zone import parse_zone
from labmail.trace.events import (
    Attempted,
    Closed,
    Command,
    Deferred,
    Delivered,
    HostStarted,
    Relayed,
    Side,
    TlsStarted,
)

NAME, IP = "mail.ngoai.example", "203.0.113.90"
ELSEWHERE = """\
$TTL 300
@     SOA ns.lab. hostmaster.saigon.example. 2 7200 900 1209600 300
@     NS  ns.lab.
@     MX  10 mail.ngoai.example.
"""
OUTSIDE = """\
$TTL 300
@     SOA ns.lab. hostmaster.ngoai.example. 1 7200 900 1209600 300
@     NS  ns.lab.
mail  A   203.0.113.90
"""


@pytest.fixture
def other() -> Iterator[Lab]:
    """A second lab of this process; for the first one it might be any server of this machine."""
    with Lab(beside=True) as lab:
        yield lab


@pytest.fixture
def here(other: Lab) -> Iterator[Lab]:
    """A lab in which saigon.example has moved: its mail goes to a server outside."""
    with Lab(beside=True) as lab:
        for origin, text in (("saigon.example", ELSEWHERE), ("ngoai.example", OUTSIDE)):
            zone = parse_zone(text, f"{origin}.zone", origin)
            lab._look(lambda w, zone=zone: w.dns.replace(zone))
        yield lab


def port_of(other: Lab) -> int:
    port: int = other.endpoints()["hosts"]["mx1.saigon.example"]["services"]["smtp"]["port"]
    return port


def test_a_letter_goes_from_one_to_the_other(here: Lab, other: Lab) -> None:
    here.attach(NAME, IP, {"smtp": port_of(other)})
    son = here.user("son@hanoi.example")
    with here.record() as trace:
        son.send(to="minh@saigon.example", subject="Chào Minh", text=".chấm\n..chấm\n" + "x" * 900)
        here.settle()
    other.settle()
    assert [e.to for e in trace.of(Relayed)] == [NAME]
    delivered = other.trace.of(Delivered)[0]
    assert delivered.recipient == "minh@saigon.example"
    file = next(other.folder.rglob(delivered.file.rpartition("/")[2])).read_bytes()
    letter = file[file.index(b"Received: from son-laptop") :]
    assert here.card(trace.parcels[0]).content.split(b"\r\n\r\n", 1)[1] in letter
    to_outside = next(c for c in trace.connections if c.server.name == NAME)
    assert str(to_outside.server) == f"{NAME} [{IP}]:25"


def test_until_tls_begins_what_is_said_is_heard(here: Lab, other: Lab) -> None:
    here.attach(NAME, IP, {"smtp": port_of(other)})
    here.user("son@hanoi.example").send(to="minh@saigon.example", subject="x", text="x")
    here.settle()
    heard = [e.verb for e in here.trace.of(Command) if e.connection.server.name == NAME]
    assert heard == ["EHLO", "STARTTLS"]
    mine, theirs = (
        [e for e in lab.trace.of(TlsStarted) if e.connection.service == "smtp"]
        for lab in (here, other)
    )
    assert [(e.version, e.cipher) for e in mine] == [(e.version, e.cipher) for e in theirs]
    assert mine[0].keys == ""  # they are the other lab's
    assert theirs[0].keys != ""


def test_when_it_is_away_the_letter_waits(here: Lab, other: Lab) -> None:
    port = port_of(other)
    other.host("mx1.saigon.example").stop("smtp")
    here.attach(NAME, IP, {"smtp": port})
    here.user("son@hanoi.example").send(to="minh@saigon.example", subject="x", text="x")
    here.settle()
    attempt = here.trace.of(Attempted)[0]
    assert attempt.outcome == "deferred"
    assert "refused" in attempt.reply
    assert here.trace.of(Deferred)
    other.host("mx1.saigon.example").start("smtp")
    here.attach(NAME, IP, {"smtp": port_of(other)})  # run twice: it takes the other's place
    here.advance("1h")
    other.settle()
    assert [e.to for e in here.trace.of(Relayed)] == [NAME]
    assert other.trace.of(Delivered)


def test_the_handle_says_what_it_is(here: Lab, other: Lab) -> None:
    with here.attach(NAME, IP, {"smtp": port_of(other)}) as program:
        assert repr(program) == f"{NAME} [{IP}], a program outside the lab: reached for smtp"
        assert here.trace.of(HostStarted)[-1].role == "foreign"
    assert repr(program).endswith("reached for nothing any more")
    program.detach()  # harmless twice


def test_it_goes_with_the_lab(here: Lab, other: Lab) -> None:
    here.attach(NAME, IP, {"smtp": port_of(other)})
    with here.dial(NAME, 25) as sock:
        assert sock.recv(4) == b"220 "
        here.close()
        with contextlib.suppress(ConnectionResetError):
            while sock.recv(100):
                continue
    other.settle()
    assert [e.by for e in other.trace.of(Closed)] == [Side.CLIENT]


def test_a_host_of_the_world_keeps_its_name(here: Lab) -> None:
    with pytest.raises(ValueError, match="is a machine of this world"):
        here.attach("mx1.saigon.example", IP, {"smtp": 2525})
