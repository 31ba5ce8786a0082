"""Checkpoints: what decides what happens next comes back, all of it, and nothing else."""

from __future__ import annotations

import smtplib
import socket
from pathlib import Path

import pytest

from labmail import Lab
from labmail.trace.events import Delivered, Event
from labmail.trace.recorder import Trace

SON, LAN = "son@hanoi.example", "lan@hanoi.example"
MINH, HOA = "minh@saigon.example", "hoa@saigon.example"
PROGRAM = ("mail.ngoai.example", "203.0.113.90")
MX = ("mx1.saigon.example", "mx2.saigon.example")


def send(lab: Lab, to: str, subject: str = "Thư") -> None:
    lab.user(SON).send(to=to, subject=subject, text="…")


def busy(lab: Lab) -> None:
    """Mail in boxes and in a queue, memories, faults, and something that is shut."""
    send(lab, LAN)
    send(lab, MINH)
    lab.settle()
    for host in MX:
        lab.host(host).stop("smtp")
    send(lab, MINH, "Chờ")
    send(lab, HOA, "Chờ")
    lab.advance("10m")
    lab.host("mx1.saigon.example").answer("RCPT", "450 4.2.1 Not now", times=2)
    lab.network.delay("hanoi.example", "saigon.example", "80ms")
    lab.dns.fail("lists.example", "MX", "SERVFAIL", times=3)
    lab.dns.edit("saigon.example", "3600", "1800")


def future(lab: Lab) -> Trace:
    """What happens next, driven one way."""
    with lab.record() as trace:
        for host in MX:
            lab.host(host).start("smtp")
        lab.advance("1h")
        send(lab, MINH, "Mới")
        lab.settle()
        lab.user(MINH).inbox()
    return trace


def without_tls(trace: Trace) -> list[str]:
    """The events as text; the octets of TLS are drawn anew in each session."""
    return [repr(event) for event in trace if not _is_cipher(event)]


def _is_cipher(event: Event) -> bool:
    return str(getattr(event, "layer", "")) == "cipher" or type(event).__name__ == "TlsStarted"


def test_the_same_future_twice(lab: Lab) -> None:
    busy(lab)
    lab.checkpoint("before")
    prints = lab.fingerprint(), repr(lab.network), repr(lab.dns), repr(lab.host(MX[0]))
    first = future(lab)
    after = lab.fingerprint()
    assert after != prints[0]
    lab.rewind("before")
    assert (lab.fingerprint(), repr(lab.network), repr(lab.dns), repr(lab.host(MX[0]))) == prints
    second = future(lab)
    assert without_tls(first) == without_tls(second)
    assert lab.fingerprint() == after


def test_another_future(lab: Lab) -> None:
    busy(lab)
    lab.checkpoint()
    future(lab)
    lab.rewind()
    lab.advance("6d")  # this time nobody opens the MX again
    assert len(lab.box(MINH).rows) == 1
    subjects = [row.subject for row in lab.box(SON).rows]
    assert len(subjects) == 2
    assert all("Undeliver" in subject or "not" in subject.lower() for subject in subjects)


def test_the_record_ends_where_the_checkpoint_was_and_other_futures_keep_theirs(lab: Lab) -> None:
    send(lab, LAN)
    lab.settle()
    lab.checkpoint()
    before = lab.trace.events
    with lab.record() as lost:
        send(lab, LAN)
        lab.settle()
    lab.rewind()
    assert lab.trace.events == before
    assert len(lost.of(Delivered)) == 1
    assert len(lab.trace.of(Delivered)) == 1


def test_what_was_opened_with_the_lab_before_still_fits(lab: Lab) -> None:
    context, folder, ca_file = lab.client_context(), lab.folder, lab.ca_file
    son, host = lab.user(SON), lab.host(MX[0])
    lab.checkpoint()
    lab.rewind()
    assert (lab.folder, lab.ca_file) == (folder, ca_file)
    with smtplib.SMTP("smtp.hanoi.example", 587) as server:
        server.starttls(context=context)
    son.send(to=LAN, subject="Còn đó", text="…")
    host.stop()
    assert host.running == ()


def test_a_checkpoint_can_be_used_again_and_made_anew(lab: Lab) -> None:
    lab.checkpoint("một")
    lab.advance("1h")
    lab.checkpoint("hai")
    later = lab.now()
    for _ in range(2):
        lab.rewind("một")
        assert lab.now() < later
        lab.rewind("hai")
        assert lab.now() == later
    lab.advance("1h")
    lab.checkpoint("hai")
    lab.rewind("hai")
    assert lab.now() > later


def test_a_connection_that_is_open_ends_with_its_world(lab: Lab) -> None:
    lab.checkpoint()
    with socket.create_connection(("mx1.saigon.example", 25)) as sock:
        sock.recv(100)
        lab.rewind()
        assert sock.recv(100) == b""


def test_a_program_outside_is_attached_again(lab: Lab) -> None:
    """Its address, its services and what the record says of it are as they were."""
    with socket.create_server(("127.0.0.1", 0)) as program:
        lab.attach(*PROGRAM, {"smtp": program.getsockname()[1]})
        lab.checkpoint("attached")
        there, record = lab.fingerprint(), lab.trace.events
        handle = lab.attach(*PROGRAM, {"smtp": program.getsockname()[1]})
        handle.detach()
        assert lab.fingerprint() != there
        lab.rewind("attached")
        assert lab.fingerprint() == there
        assert lab.trace.events == record
        assert "reached for smtp" in repr(handle)
        with socket.create_connection((PROGRAM[1], 25), timeout=10), program.accept()[0] as call:
            call.sendall(b"220 xin chao\r\n")


def test_a_program_that_came_later_is_gone(lab: Lab) -> None:
    lab.checkpoint()
    before = lab.fingerprint()
    with socket.create_server(("127.0.0.1", 0)) as program:
        handle = lab.attach(*PROGRAM, {"smtp": program.getsockname()[1]})
        assert lab.fingerprint() != before
        lab.rewind()
        assert lab.fingerprint() == before
        assert "nothing any more" in repr(handle)


def test_a_checkpoint_that_is_not_there(lab: Lab) -> None:
    with pytest.raises(LookupError, match=r"no checkpoint 'x'; there are: none yet"):
        lab.rewind("x")
    lab.checkpoint("sáng")
    with pytest.raises(LookupError, match=r"there are: 'sáng'"):
        lab.rewind("x")


def test_a_reset_forgets_checkpoints(lab: Lab) -> None:
    lab.checkpoint()
    lab.reset()
    with pytest.raises(LookupError):
        lab.rewind()


def test_a_lab_that_keeps_its_mail_does_not_go_back(tmp_path: Path) -> None:
    with (
        Lab(data=tmp_path) as keeping,
        pytest.raises(ValueError, match="only a lab of its own time"),
    ):
        keeping.checkpoint()


def test_files_of_checkpoints_go_with_the_lab() -> None:
    with Lab() as lab:
        files = lab.checkpoint().files
        assert files.is_dir()
    assert not files.exists()
