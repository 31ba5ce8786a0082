"""Wireshark's dissectors read what the lab writes, and find nothing wrong with it."""

import imaplib
import poplib
import smtplib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from labmail import Lab
from labmail.runtime.clock import Clock
from labmail.trace.events import (
    Closed,
    Connected,
    Connection,
    Datagram,
    Layer,
    Place,
    Sent,
    Side,
)
from labmail.trace.recorder import Recorder, Trace

pytestmark = pytest.mark.foreign

SON, MINH = "son@hanoi.example", "minh@saigon.example"
CHECK = [w for layer in ("ip", "tcp", "udp") for w in ("-o", f"{layer}.check_checksum:TRUE")]
"""Checksums are compared only when that is asked for."""
Run = Callable[..., subprocess.CompletedProcess[str]]
Dissect = Callable[..., list[list[str]]]


@pytest.fixture
def dissect(lab: Lab, program: Run, tmp_path: Path) -> Dissect:
    """Has tshark look at all that happened in the lab: the packets that a filter finds, as the
    values of some fields each."""

    def run(packets: str, *fields: str) -> list[list[str]]:
        file = lab.trace.to_pcapng(tmp_path / "lab.pcapng")
        wanted = [word for field in fields or ("frame.number",) for word in ("-e", field)]
        done = program(
            "tshark", *CHECK, "-N", "n", "-r", str(file), "-Y", packets, "-T", "fields", *wanted
        )
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    return run


@pytest.fixture
def a_letter(lab: Lab) -> Lab:
    """Sơn writes to Minh, who fetches it over IMAP and POP3."""
    lab.user(SON).send(to=MINH, subject="Chào Minh", text="Xin chào\n" * 1000)
    lab.settle()
    lab.user(MINH).inbox()
    with lab.laptop("minh"):
        pop = poplib.POP3_SSL("mx1.saigon.example", context=lab.client_context())
        pop.user(MINH)
        pop.pass_("hoa-mai-1")
        pop.retr(1)
        pop.quit()
    return lab


def test_no_packet_is_malformed_and_tcp_is_as_it_should_be(a_letter: Lab, dissect: Dissect) -> None:
    wrong = (
        "_ws.malformed || tcp.analysis.flags || ip.checksum.status == 0 "
        "|| tcp.checksum.status == 0 || udp.checksum.status == 0 || tls.alert_message.level == 2"
    )
    assert dissect(wrong, "frame.number", "_ws.col.info") == []
    assert len(dissect("tcp.flags.syn == 1 && tcp.flags.ack == 0")) == len(
        a_letter.trace.connections
    )


def test_both_hops_are_read_inside_tls(a_letter: Lab, dissect: Dissect) -> None:
    sent = dissect('tls && smtp.req.command == "mail" || tls && smtp.req.command == "MAIL"')
    assert len(sent) == 2
    said = dissect("smtp.req.parameter && tls", "smtp.req.parameter")
    assert [f"FROM:<{SON}> " in row[0] for row in said].count(True) == 2
    assert [f"TO:<{MINH}>" in row[0] for row in said].count(True) == 2
    subjects = dissect("imf.subject && tls", "imf.subject")
    assert len(subjects) >= 2


def test_imap_and_pop3_are_read_inside_tls(a_letter: Lab, dissect: Dissect) -> None:
    commands = {
        row[0].upper() for row in dissect("tls && imap.request.command", "imap.request.command")
    }
    assert {"LOGIN", "LOGOUT"} <= commands
    assert [row[0] for row in dissect("tls && pop.request.command", "pop.request.command")] == [
        "USER",
        "PASS",
        "RETR",
        "QUIT",
    ]


def test_without_the_keys_nothing_is_read(a_letter: Lab, program: Run, tmp_path: Path) -> None:
    """The file without its block of keys: so it is they that open the records."""
    whole = a_letter.trace.to_pcapng(tmp_path / "lab.pcapng").read_bytes()
    keys = a_letter.trace.key_log.encode()
    assert whole.count(keys) == 1
    (tmp_path / "sealed.pcapng").write_bytes(whole.replace(keys, b"#" * (len(keys) - 1) + b"\n"))
    filters = ["-r", str(tmp_path / "sealed.pcapng"), "-Y", "smtp.req.command"]
    done = program("tshark", *filters, "-T", "fields", "-e", "smtp.req.command")
    assert set(done.stdout.upper().split()) == {"EHLO", "STAR"}  # it cuts them so
    (tmp_path / "keys.txt").write_bytes(keys)
    done = program("tshark", "-o", f"tls.keylog_file:{tmp_path / 'keys.txt'}", *filters)
    assert "FROM:<son@hanoi.example>" in done.stdout  # a file of keys beside it does as well


def test_names_are_the_labs(a_letter: Lab, dissect: Dissect) -> None:
    rows = dissect("tcp.dstport == 25 && tcp.flags.syn == 1", "ip.src_host", "ip.dst_host")
    assert rows == [["smtp.hanoi.example", "mx1.saigon.example"]]


def test_questions_and_answers_of_the_dns(a_letter: Lab, dissect: Dissect) -> None:
    asked = dissect("dns.flags.response == 0", "dns.qry.name")
    assert ["saigon.example"] in asked
    answered = dissect("dns.mx.mail_exchange", "dns.mx.preference", "dns.mx.mail_exchange")
    assert answered == [["10,20", "mx1.saigon.example,mx2.saigon.example"]]
    assert len(dissect("dns.flags.response == 1 && dns.time")) == len(asked)


def test_a_letter_in_the_clear(lab: Lab, dissect: Dissect) -> None:
    letter = b"Subject: dots\r\n\r\n.\r\n..\r\n" + b"long line\r\n" * 2000
    with smtplib.SMTP("mx1.saigon.example", 25) as server:
        server.sendmail("x@spam.example", [MINH], letter)
    assert dissect('smtp.req.command == "mail"', "smtp.req.parameter") == [
        [f"FROM:<x@spam.example> size={len(letter)}"]
    ]
    assert dissect("imf.subject", "imf.subject") == [["dots"]]
    assert dissect('frame.comment contains "accepted as"', "smtp.response.code") == [["250"]]


def test_a_refused_connection_is_reset(lab: Lab, dissect: Dissect) -> None:
    lab.host("mx1.saigon.example").stop("imap")
    with pytest.raises(ConnectionRefusedError):
        imaplib.IMAP4("mx1.saigon.example")
    reset = dissect("tcp.flags.reset == 1", "tcp.srcport", "tcp.flags.ack", "tcp.ack")
    assert reset == [["143", "True", "1"]] or reset == [["143", "1", "1"]]
    assert (
        dissect('frame.comment contains "refused"', "tcp.flags.syn", "tcp.dstport")[0][1] == "143"
    )
    assert dissect("tcp.analysis.flags") == []


def test_a_session_that_goes_on_from_earlier_is_read_from_the_handshake_on(
    lab: Lab, program: Run, tmp_path: Path
) -> None:
    with lab.laptop("minh"):
        imap = imaplib.IMAP4_SSL("imap.saigon.example", ssl_context=lab.client_context())
        imap.login(MINH, "hoa-mai-1")
    with lab.record() as trace:
        imap.select()
    imap.logout()
    file = trace.to_pcapng(tmp_path / "stretch.pcapng")
    fields = ["-T", "fields", "-e", "imap.request.command"]
    done = program("tshark", "-r", str(file), "-Y", "tls && imap.request.command", *fields)
    assert "SELECT" in done.stdout.upper()
    assert "LOGOUT" not in done.stdout.upper()


def test_ipv6_is_read_as_well(program: Run, tmp_path: Path) -> None:
    recorder = Recorder(Clock().now)
    phone, web = Place("phone", "2001:db8::7", 49152), Place("www", "2001:db8:0:2::80", 25)
    line = Connection(1, "smtp", phone, web)
    recorder.emit(Connected, connection=line)
    about = {"connection": line, "layer": Layer.OPEN, "offset": 0}
    recorder.emit(Sent, **about, sender=Side.SERVER, data=b"220 www ESMTP\r\n")
    recorder.emit(Sent, **about, sender=Side.CLIENT, data=b"EHLO phone\r\n")
    recorder.emit(Closed, connection=line, by=Side.CLIENT, reason="")
    recorder.emit(Datagram, client=phone, server=web, sender=Side.CLIENT, data=bytes(12))
    file = str(Trace(recorder).to_pcapng(tmp_path / "six.pcapng"))
    sums = "tcp.checksum.status == 1 || udp.checksum.status == 1"
    good = program("tshark", *CHECK, "-r", file, "-Y", sums, "-T", "fields", "-e", "ipv6.src")
    assert good.stdout.split().count(phone.ip) == 6
    assert good.stdout.split().count(web.ip) == 3
    said = program("tshark", "-r", file, "-Y", "smtp.req", "-T", "fields", "-e", "ipv6.dst")
    assert said.stdout.split() == [web.ip]
    wrong = program("tshark", "-r", file, "-Y", "_ws.malformed || tcp.analysis.flags")
    assert wrong.stdout == ""
