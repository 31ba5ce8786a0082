"""What goes wrong as planned, in the DNS and on the way: what a letter does, and what is told."""

import smtplib
import socket
import time
from datetime import timedelta

import pytest

from labmail import Lab
from labmail.smtp.route import Route
from labmail.trace.events import (
    Accepted,
    Bounced,
    CacheFlushed,
    Closed,
    ConnectFailed,
    Deferred,
    Delivered,
    FaultMended,
    FaultPlanned,
    LookedUp,
    ZoneChanged,
)
from labmail.trace.recorder import Trace
from labmail.user import User

HANOI, MX1, MX2 = "smtp.hanoi.example", "mx1.saigon.example", "mx2.saigon.example"


def send(lab: Lab, son: User, to: str = "minh@saigon.example") -> Trace:
    with lab.record() as trace:
        son.send(to, "Chào", "…")
        lab.settle()
    return trace


# --- zones, from the notebook -------------------------------------------------------------------

CAPHE = """\
$ORIGIN caphe.example.
$TTL 3600
@    SOA  ns.lab. hostmaster.caphe.example. 1 7200 900 1209600 300
     NS   ns.lab.
     MX   10 mx1.caphe.example.
     MX   20 mx2.caphe.example.
mx1  A    203.0.113.91
mx2  A    203.0.113.92
"""


def test_a_domain_is_born() -> None:
    """Its hosts stand there all the time; the zone makes it exist."""
    with Lab("caphe") as lab:
        son = lab.user("son@hanoi.example")
        assert send(lab, son, "chu@caphe.example").of(Bounced)[0].status == "5.1.2"
        lab.dns.load(CAPHE)
        lab.advance("301s")  # "no such domain" is remembered for so long
        assert send(lab, son, "chu@caphe.example").of(Delivered)
        lab.host("mx1.caphe.example").stop()
        kept = send(lab, son, "chu@caphe.example")
        assert [e.host for e in kept.of(Accepted)] == [HANOI, "mx2.caphe.example"]
        with lab.record() as trace:
            lab.host("mx1.caphe.example").start()
            lab.advance("1h")
        assert trace.of(Delivered)[0].account == "chu@caphe.example"
        with smtplib.SMTP("mx1.caphe.example", 25) as client:
            assert client.noop()[0] == 250


def test_a_zone_is_read_changed_and_had_back(lab: Lab) -> None:
    before = lab.fingerprint()
    zone = lab.dns.zone("saigon.example")
    assert zone.text.startswith("; saigon.example: where Minh")
    line = next(row.line for row in zone.rows if row.data == "10 mx1.saigon.example.")
    assert "MX      10 mx1" in zone.text.split("\n")[line - 1]
    with lab.record() as trace:
        lab.dns.edit("saigon.example", "MX 10 mx1", "MX 30 mx1")
        assert lab.fingerprint() != before
        lab.dns.reset()
        lab.dns.reset()
    assert [(e.host, e.how) for e in trace.of(ZoneChanged)] == [
        ("ns.lab", "edited"),
        ("ns.lab", "restored"),
    ]
    assert lab.fingerprint() == before


def test_what_a_resolver_remembers_and_how_it_forgets(lab: Lab, son: User) -> None:
    send(lab, son)
    lab.advance("10m")
    rows = {(row.name, row.rtype): row for row in lab.dns.cache(HANOI).rows}
    assert rows["saigon.example", "MX"].ttl == 3000
    assert rows["saigon.example", "MX"].records[0] == "10 mx1.saigon.example."
    assert (f"{MX1}", "AAAA") not in rows, "a no lives 300 seconds"
    with lab.record() as trace:
        lab.dns.flush(HANOI)
        lab.dns.flush(HANOI)
    assert [(e.host, e.forgotten) for e in trace.of(CacheFlushed)] == [(HANOI, len(rows))]
    assert lab.dns.cache(HANOI).rows == ()
    assert lab.dns.cache("son-laptop.hanoi.example").rows != ()
    lab.dns.flush()
    assert lab.dns.cache("son-laptop.hanoi.example").rows == ()


@pytest.mark.parametrize("name", ["ns.lab", "nobody.example"])
def test_who_has_no_resolver(lab: Lab, name: str) -> None:
    with pytest.raises(LookupError, match=rf"no machine called '{name}' .*{HANOI}"):
        lab.dns.cache(name)
    with pytest.raises(LookupError, match="no machine called"):
        lab.dns.flush(name)


# --- the DNS fails ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        ("SERVFAIL", "SERVFAIL"),
        ("REFUSED", "REFUSED"),
        ("TIMEOUT", "TIMEOUT"),
        ("LAME", "SERVFAIL"),
    ],
)
def test_a_letter_waits_while_nobody_can_say(lab: Lab, son: User, status: str, seen: str) -> None:
    began = time.monotonic()
    lab.dns.fail("saigon.example", "MX", status, times=1)
    trace = send(lab, son)
    (waiting,) = trace.of(Deferred)
    assert waiting.reason == f"the MX records of saigon.example cannot be had now ({seen})"
    assert lab.dns.failures == ()
    lab.advance("30m")
    assert lab.trace.of(Delivered)
    assert time.monotonic() - began < 30, "no silence is waited for"


def test_cut_short_over_udp_it_is_asked_again_over_tcp(lab: Lab, son: User) -> None:
    lab.dns.fail("saigon.example", "MX", "TRUNCATED")
    trace = send(lab, son)
    assert trace.of(Delivered)
    (over_tcp,) = (c for c in trace.connections if c.service == "domain")
    assert (over_tcp.client.name, over_tcp.server.port) == (HANOI, 53)


def test_plans_are_told_and_healed(lab: Lab) -> None:
    before = lab.fingerprint()
    with lab.record() as trace:
        lab.dns.fail("saigon.example", "MX", "SERVFAIL", times=2)
        lab.dns.fail("hanoi.example", "ANY", "LAME")
        assert "planned: saigon.example, MX: SERVFAIL, 2 more" in repr(lab.dns)
        assert lab.fingerprint() != before
        lab.dns.heal("saigon.example", "MX")
        lab.dns.reset()
    assert [(e.part, e.what) for e in trace.of(FaultPlanned)] == [
        ("dns", "saigon.example, MX: SERVFAIL, 2 more"),
        ("dns", "hanoi.example and below, every type: LAME"),
    ]
    assert [e.what for e in trace.of(FaultMended)] == [e.what for e in trace.of(FaultPlanned)]
    assert "planned" not in repr(lab.dns)
    assert lab.fingerprint() == before


def test_aliases_in_a_ring_end_the_search(lab: Lab) -> None:
    lab.dns.edit("saigon.example", "mail CNAME mx1", "mail CNAME smtp")
    lab.dns.edit("saigon.example", "smtp CNAME mx1", "smtp CNAME mail")
    lab.dns.edit("saigon.example", "MX 10 mx1.saigon.example.", "MX 10 mail.saigon.example.")
    route: Route = lab.route("saigon.example", HANOI)
    assert [hop.host for hop in route.hops] == [MX2]
    assert "mail.saigon.example is an alias" in route.note


# --- the network fails --------------------------------------------------------------------------


def test_a_cut_is_gone_round_by_the_backup(lab: Lab, son: User) -> None:
    lab.network.cut(HANOI, MX1)
    assert "cut off from each other (timed out)" in repr(lab.network)
    trace = send(lab, son)
    assert [(e.server.name, e.reason) for e in trace.of(ConnectFailed)] == [(MX1, "timed out")]
    assert [e.host for e in trace.of(Accepted)] == [HANOI, MX2, MX1]
    assert trace.of(Delivered), "the backup reaches the primary by another way"


@pytest.mark.parametrize("how", ["timed out", "refused", "no route"])
def test_a_whole_domain_cut_off(lab: Lab, son: User, how: str) -> None:
    with lab.record() as trace:
        lab.network.cut("hanoi.example", "saigon.example", how)
        son.send("minh@saigon.example", "Chào", "…")
        lab.settle()
        (waiting,) = trace.of(Deferred)
        assert len(trace.of(ConnectFailed)) == 2
        lab.network.mend("saigon.example")
        lab.advance("30m")
    assert {"timed out": "timed out", "refused": "refused", "no route": "No route"}[
        how
    ] in waiting.reason
    assert trace.of(Delivered)
    assert [e.what for e in trace.of(FaultMended)] == [e.what for e in trace.of(FaultPlanned)]


def test_cut_off_from_the_name_server(lab: Lab, son: User) -> None:
    lab.network.cut(HANOI, "ns.lab")
    trace = send(lab, son)
    assert {e.status for e in trace.of(LookedUp) if e.host == HANOI} == {"TIMEOUT"}
    assert "(TIMEOUT)" in trace.of(Deferred)[0].reason
    lab.network.mend()
    lab.advance("30m")
    assert lab.trace.of(Delivered)


def test_port_25_is_blocked_and_587_is_not(lab: Lab, son: User) -> None:
    """What a provider does to its customers: mail is handed in, and does not get out."""
    lab.network.block("hanoi.example", "smtp")
    trace = send(lab, son)
    assert [e.role for e in trace.of(Accepted)] == ["submission"]
    assert {e.server.port for e in trace.of(ConnectFailed)} == {25}
    with pytest.raises(TimeoutError, match=f"timed out: {MX1}"):
        socket.create_connection((MX1, 25))
    socket.create_connection((MX1, 587)).close()


def test_nothing_gets_in_at_a_blocked_port(lab: Lab) -> None:
    lab.network.block(MX1, 25, how="refused", inward=True)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((MX1, 25))
    socket.create_connection((MX2, 25)).close()


def test_a_conversation_of_the_notebook_is_cut(lab: Lab) -> None:
    client = smtplib.SMTP(MX1, 25)
    lab.network.cut("son-laptop.hanoi.example", MX1)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    client.close()
    assert lab.trace.of(Closed)[-1].reason == "the network between the two was cut"


@pytest.mark.parametrize("pipelined", [False, True])
def test_a_long_way_costs_lab_time_for_each_answer_awaited(lab: Lab, pipelined: bool) -> None:
    """Four commands: four round trips one by one, one round trip all at once (RFC 2920 §3.1);
    and one to connect."""
    lab.network.delay("son-laptop.hanoi.example", MX1, "80ms")
    began = lab.now()
    with socket.create_connection((MX1, 25)) as sock:
        file = sock.makefile("rwb")
        file.readline()
        commands = [b"HELO son\r\n", b"NOOP\r\n", b"RSET\r\n", b"NOOP\r\n"]
        for command in [b"".join(commands)] if pipelined else commands:
            file.write(command)
            file.flush()
            for _ in range(4 if pipelined else 1):
                assert file.readline().startswith(b"250")
        file.close()
    assert lab.now() - began == timedelta(milliseconds=80 * (2 if pipelined else 5))


def test_a_long_way_is_the_same_in_every_run() -> None:
    def story() -> tuple[timedelta, str]:
        with Lab() as lab:
            lab.network.delay("hanoi.example", "saigon.example", "250ms")
            lab.network.delay(HANOI, "ns.lab", "20ms")
            began = lab.now()
            send(lab, lab.user("son@hanoi.example"))
            return lab.now() - began, lab.fingerprint()

    first = story()
    assert first == story()
    assert first[0] > timedelta(seconds=1)


@pytest.mark.parametrize("name", ["mx9.saigon.example", "", "saigon"])
def test_ends_that_are_not_there(lab: Lab, name: str) -> None:
    with pytest.raises(LookupError, match=rf"no domain is called '{name}'.*{MX1}"):
        lab.network.cut(name)
    assert repr(lab.network) == "the network of the world:\n  nothing goes wrong"


def test_plans_that_make_no_sense(lab: Lab) -> None:
    with pytest.raises(ValueError, match="no connection ends 'slowly'"):
        lab.network.cut(MX1, how="slowly")
    with pytest.raises(ValueError, match="no service is called 'mail'"):
        lab.network.block(MX1, "mail")
    with pytest.raises(ValueError, match="99999 is no port"):
        lab.network.block(MX1, 99999)
    with pytest.raises(ValueError, match="not a length of time"):
        lab.network.delay(MX1, MX2, "long")
    with pytest.raises(ValueError, match="more than a hundred years"):
        lab.network.delay(MX1, MX2, "99999999d")
    assert lab.network.faults == ()
