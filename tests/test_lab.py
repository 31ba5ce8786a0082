"""`Lab`: life and death, time, people and machines, and what it leaves behind: nothing."""

import asyncio
import contextlib
import gc
import os
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from labmail import Lab
from labmail.dns.masterfile import ZoneError
from labmail.lab import LabClosed
from labmail.paths import data_dir
from labmail.running import RunningWorld
from labmail.trace.events import (
    Accepted,
    ClockMoved,
    Delivered,
    HostStopped,
    LookedUp,
    Routed,
)
from labmail.world import WorldError

FILES = Path("/proc/self/fd")


def open_sockets() -> list[str]:
    """The sockets this process has (where the system can tell)."""
    if not FILES.is_dir():
        return []
    links = []
    for entry in FILES.iterdir():
        with contextlib.suppress(OSError):
            links.append(os.readlink(entry))
    return sorted(link for link in links if link.startswith(("socket:", "anon_inode:")))


@pytest.fixture
def nothing_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """After the test: the threads, sockets and temporary files of before, and no others."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    gc.collect()
    before = (threading.enumerate(), open_sockets(), socket.create_connection, socket.getfqdn)
    yield tmp_path
    after = (threading.enumerate(), open_sockets(), socket.create_connection, socket.getfqdn)
    assert after == before
    assert list(tmp_path.glob("labmail-*")) == []


@contextlib.contextmanager
def a_hand_on_ctrl_c() -> Iterator[None]:
    """Ctrl-C comes while the block waits."""

    def press(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, press)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# --- life and death -----------------------------------------------------------------------------


def test_nothing_is_left_when_it_closes(nothing_left: Path) -> None:
    lab = Lab()
    assert len(list(nothing_left.glob("labmail-*"))) == 1
    lab.user("son@hanoi.example").send("minh@saigon.example", "x", "y")
    lab.close()
    lab.close()
    assert repr(lab) == "a closed lab of the world 'course'"


def test_nothing_is_left_with_conversations_open(nothing_left: Path) -> None:
    with Lab() as lab:
        son = lab.user("son@hanoi.example")
        clients = [son.smtp(), son.imap(), socket.create_connection(("imap.hanoi.example", 993))]
    clients[0].close()
    with contextlib.suppress(OSError):
        clients[1].shutdown()
    clients[2].close()


def test_nothing_is_left_when_closing_goes_wrong(
    nothing_left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = RunningWorld.close

    async def broken(world: RunningWorld) -> None:
        await close(world)
        raise AttributeError("on purpose")

    lab = Lab()
    monkeypatch.setattr(RunningWorld, "close", broken)
    with pytest.raises(AttributeError, match="on purpose"):
        lab.close()
    assert not lab.is_open


def test_a_closed_lab_says_so() -> None:
    lab = Lab()
    lab.close()
    calls = (lab.settle, lab.now, lab.health, lambda: lab.queue("mx1.saigon.example"))
    for use in (*calls, lab.hosts[0].stop):
        with pytest.raises(LabClosed, match="start a new one"):
            use()


def test_a_second_lab_replaces_the_first(nothing_left: Path) -> None:
    first = Lab()
    with Lab() as second:
        assert (first.is_open, second.is_open) == (False, True)
        assert len([t for t in threading.enumerate() if t.name == "mail-lab"]) == 1


def test_labs_beside_each_other_do_not_meet() -> None:
    with Lab() as one, Lab(beside=True) as two:
        assert one.is_open
        for lab, subject in ((one, "một"), (two, "hai")):
            lab.user("son@hanoi.example").send("minh@saigon.example", subject, "…")
        for lab, subject in ((one, "một"), (two, "hai")):
            lab.settle()
            inbox = lab.user("minh@saigon.example").inbox()
            assert [row.subject for row in inbox.rows] == [subject]
            assert all(row.ok for row in lab.health().rows)


def test_an_older_lab_is_reached_again_when_the_newer_one_has_gone() -> None:
    with Lab() as one:
        with Lab(beside=True):
            pass
        with smtplib.SMTP("mx1.saigon.example", 25) as server:
            assert server.noop()[0] == 250
        assert len(one.trace.connections) == 1


def test_reset_starts_over(nothing_left: Path) -> None:
    with Lab() as lab:
        lab.user("son@hanoi.example").send("minh@saigon.example", "x", "y")
        lab.host("mx2.saigon.example").stop()
        lab.advance("3d")
        morning = Lab.now
        lab.reset()
        assert f"{morning(lab):%a %H:%M}" == "Mon 09:00"
        assert lab.user("minh@saigon.example").inbox().rows == ()
        assert lab.host("mx2.saigon.example").running == ("smtp",)


def test_mail_that_is_kept_is_there_again(tmp_path: Path, nothing_left: Path) -> None:
    folder = tmp_path / "kept"
    with Lab(data=folder) as lab:
        son = lab.user("son@hanoi.example")
        son.send("lan@hanoi.example", "Đã đến", "…")
        lab.settle()
        lab.host("mx1.saigon.example").stop()
        lab.host("mx2.saigon.example").stop()
        son.send("minh@saigon.example", "Còn chờ", "…")
        lab.settle()
        with pytest.raises(ValueError, match="delete that folder yourself"):
            lab.reset()
    with Lab(data=folder) as lab:
        assert [r.subject for r in lab.box("lan@hanoi.example").rows] == ["Đã đến"]
        lab.advance("1h")
        assert [r.subject for r in lab.box("minh@saigon.example").rows] == ["Còn chờ"]
    with Lab(data=folder) as lab, lab.record() as trace:
        lab.user("son@hanoi.example").send("lan@hanoi.example", "Sau nữa", "…")
        lab.settle()
    assert trace.of(Accepted)[0].parcel == 3, "the numbers of two letters are kept with them"


FORGETFUL = """
    import sys
    from labmail import Lab
    lab = Lab()
    son = lab.user("son@hanoi.example")
    son.send("minh@saigon.example", "x", "y")
    server = son.imap()
    {last}
"""


@pytest.mark.parametrize(
    ("last", "status"),
    [("", 0), ("sys.exit(3)", 3), ("raise RuntimeError('on purpose')", 1), ("lab.settle()", 0)],
    ids=["end", "exit", "error", "settled"],
)
def test_a_program_that_forgets_to_close_leaves_nothing(
    last: str, status: int, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FORGETFUL.format(last=last))],
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONFAULTHANDLER": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert "RuntimeError: on purpose" in done.stderr if status == 1 else done.stderr == ""
    assert list(tmp_path.iterdir()) == []


# --- where it can live --------------------------------------------------------------------------


def send_and_read() -> list[str]:
    with Lab() as lab:
        lab.user("son@hanoi.example").send("minh@saigon.example", "Chào", "…")
        lab.settle()
        return [row.subject for row in lab.user("minh@saigon.example").inbox().rows]


def test_it_lives_where_an_event_loop_runs_already(nothing_left: Path) -> None:
    """A notebook's kernel is such a place."""

    async def cell() -> list[str]:
        return send_and_read()

    assert asyncio.run(cell()) == ["Chào"]


def test_it_lives_in_a_thread(nothing_left: Path) -> None:
    subjects: list[list[str]] = []
    thread = threading.Thread(target=lambda: subjects.append(send_and_read()))
    thread.start()
    thread.join(60)
    assert subjects == [["Chào"]]


# --- mistakes in files --------------------------------------------------------------------------


@pytest.fixture
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the course's data that a learner may spoil."""
    folder = tmp_path / "data"
    shutil.copytree(data_dir(), folder)
    monkeypatch.setattr("labmail.paths.data_dir", lambda: folder)
    monkeypatch.setattr("labmail.world.data_dir", lambda: folder)
    return folder


def line_of(file: Path, text: str) -> int:
    return next(n for n, line in enumerate(file.read_text("utf-8").splitlines(), 1) if text in line)


def test_a_mistake_in_a_zone_is_named_and_nothing_is_left(
    own_data: Path, nothing_left: Path
) -> None:
    zone = own_data / "zones" / "saigon.example.zone"
    zone.write_text(
        zone.read_text("utf-8").replace("A       198.51.100.25", "A       198.51.100.256"), "utf-8"
    )
    with pytest.raises(ZoneError) as error:
        Lab()
    line = line_of(zone, "198.51.100.256")
    assert f"saigon.example.zone, line {line}" in str(error.value)


def test_a_mistake_in_a_world_is_named_and_nothing_is_left(
    own_data: Path, nothing_left: Path
) -> None:
    world = own_data / "worlds" / "course.toml"
    world.write_text(world.read_text("utf-8").replace("relays_for", "relay_for", 1), "utf-8")
    with pytest.raises(WorldError) as error:
        Lab()
    assert f"course.toml, line {line_of(world, 'relay_for')}" in str(error.value)
    assert "relays_for" in str(error.value)


def test_a_mistake_does_not_cost_the_lab_that_runs(own_data: Path) -> None:
    with Lab() as lab:
        with pytest.raises(WorldError):
            Lab("no-such-world")
        assert lab.is_open


def test_a_start_that_fails_half_way_is_undone(
    nothing_left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labmail.host import MailHost

    start = MailHost.start

    async def fail_at_last(self: MailHost, services: Any = ()) -> None:
        await start(self, services)
        if self.spec.name == "nhaminh.example":
            raise OSError("no more sockets")

    monkeypatch.setattr(MailHost, "start", fail_at_last)
    with pytest.raises(OSError, match="no more sockets"):
        Lab()


# --- Ctrl-C -------------------------------------------------------------------------------------


def until_interrupted(lab: Lab, wait: Callable[[], object]) -> None:
    with pytest.raises(KeyboardInterrupt), a_hand_on_ctrl_c():
        wait()


def stuck(*_: object) -> Awaitable[None]:
    return asyncio.Event().wait()  # type: ignore[return-value]


def test_ctrl_c_ends_the_wait_and_the_letter_is_tried_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    mx1 = lab._running.hosts["mx1.saigon.example"]
    lab.user("son@hanoi.example").send("minh@saigon.example", "Kiên nhẫn", "…")
    with monkeypatch.context() as patched:
        patched.setattr(mx1, "refusal", stuck)
        until_interrupted(lab, lab.settle)
    lab.settle()
    assert [row.subject for row in lab.box("minh@saigon.example").rows] == ["Kiên nhẫn"]


def test_ctrl_c_while_time_is_moved(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    mx1 = lab._running.hosts["mx1.saigon.example"]
    lab.host("mx1.saigon.example").stop()
    lab.host("mx2.saigon.example").stop()
    lab.user("son@hanoi.example").send("minh@saigon.example", "x", "…")
    lab.settle()
    lab.host("mx1.saigon.example").start()
    began = lab.now()
    with monkeypatch.context() as patched:
        patched.setattr(mx1, "refusal", stuck)
        until_interrupted(lab, lambda: lab.advance("4h"))
    assert began < lab.now() < began + timedelta(hours=4)
    lab.advance("4h")
    assert len(lab.box("minh@saigon.example").rows) == 1


def test_after_ctrl_c_it_can_be_closed(nothing_left: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Lab() as lab:
        monkeypatch.setattr(lab._running.hosts["mx1.saigon.example"], "refusal", stuck)
        lab.user("son@hanoi.example").send("minh@saigon.example", "x", "…")
        until_interrupted(lab, lab.settle)


# --- time ---------------------------------------------------------------------------------------


def test_time_stands_still_until_it_is_moved(lab: Lab) -> None:
    before = lab.now()
    assert f"{before:%A %d %B %Y %H:%M %z}" == "Monday 02 March 2026 09:00 +0700"
    lab.settle()
    assert lab.now() == before
    with lab.record() as trace:
        lab.advance("1d 12h")
    assert lab.now() - before == timedelta(hours=36)
    assert [(e.before, e.after) for e in trace.of(ClockMoved)] == [(before, lab.now())]


def test_time_does_not_go_back(lab: Lab) -> None:
    with pytest.raises(ValueError, match="cannot go back"):
        lab.advance_to(lab.now() - timedelta(seconds=1))
    with pytest.raises(ValueError, match="is not a length of time"):
        lab.advance("soon")
    with pytest.raises(ValueError, match="nan is not a length of time"):
        lab.advance(float("nan"))


def test_a_live_lab_works_by_itself() -> None:
    with Lab(live=True) as lab:
        lab.user("son@hanoi.example").send("minh@saigon.example", "Tự đi", "…")
        for _ in range(100):  # each look takes a moment, and waits for what is under way
            if lab.box("minh@saigon.example").rows:
                break
        assert [r.subject for r in lab.box("minh@saigon.example").rows] == ["Tự đi"]


# --- what happened ------------------------------------------------------------------------------


def test_a_record_holds_its_stretch_and_no_more(lab: Lab) -> None:
    son = lab.user("son@hanoi.example")
    son.send("lan@hanoi.example", "trước", "…")
    lab.settle()
    with lab.record() as trace:
        son.send("lan@hanoi.example", "trong", "…")
        lab.settle()
    son.send("lan@hanoi.example", "sau", "…")
    lab.settle()
    assert [e.uid for e in trace.of(Delivered)] == [2]
    assert [e.uid for e in lab.trace.of(Delivered)] == [1, 2, 3]
    assert trace.events[0].seq == len(trace.earlier)


def test_octets_of_a_line_that_was_begun_earlier_are_not_lost(lab: Lab) -> None:
    with socket.create_connection(("mx1.saigon.example", 25), timeout=10) as sock:
        sock.recv(1000)
        sock.sendall(b"NO")
        with lab.record() as trace:
            sock.sendall(b"OP\r\n")
            assert sock.recv(1000).startswith(b"250 ")
        assert trace.said(trace.connections[0], "client") == b"OP\r\n"
        assert lab.trace.said(trace.connections[0], "client") == b"NOOP\r\n"


def test_a_record_ends_well_when_the_block_does_not(lab: Lab) -> None:
    with pytest.raises(ZeroDivisionError), lab.record() as trace:
        lab.host("mx2.saigon.example").stop()
        raise ZeroDivisionError
    lab.host("mx1.saigon.example").stop()
    assert [e.host for e in trace.of(HostStopped)] == ["mx2.saigon.example"]


# --- people and machines ------------------------------------------------------------------------


def test_who_is_not_there_is_named_with_those_who_are(lab: Lab) -> None:
    for ask, known in (
        (lambda: lab.user("khongco@hanoi.example"), "minh@saigon.example"),
        (lambda: lab.host("khongco.example"), "mx2.saigon.example"),
        (lambda: lab.laptop("khongco"), "those of: son, minh"),
        (lambda: lab.queue("khongco.example"), "ns.lab"),
        (lambda: lab.box("khongco@hanoi.example"), "lan@hanoi.example"),
    ):
        with pytest.raises(LookupError, match="khongco") as error:
            ask()
        assert known in str(error.value)


def test_the_notebook_plays_a_laptop(lab: Lab) -> None:
    assert socket.getfqdn() == "son-laptop.hanoi.example"
    with lab.laptop("minh") as laptop:
        assert repr(laptop) == "minh-laptop.saigon.example [203.0.113.10]"
        with smtplib.SMTP("mx1.saigon.example", 25) as server:
            assert server.ehlo()[0] == 250
        assert lab.trace.connections[-1].client.ip == "203.0.113.10"
    assert lab.current_laptop.name == "son-laptop.hanoi.example"
    lab.laptop("minh-laptop.saigon.example")
    assert lab.current_laptop.owner == "minh@saigon.example"


def test_a_host_stops_and_starts(lab: Lab) -> None:
    mx1 = lab.host("mx1.saigon.example")
    everything = mx1.running
    mx1.stop("smtp", "imap")
    assert (
        repr(mx1) == "mx1.saigon.example: listens for submission, submissions, pop3, pop3s, imaps"
    )
    mx1.stop()
    mx1.stop()
    assert repr(mx1) == "mx1.saigon.example: listens for nothing"
    with pytest.raises(ConnectionRefusedError, match=r"mx1.saigon.example .* port 25 \(smtp\)"):
        smtplib.SMTP("mx1.saigon.example", 25)
    mx1.start()
    assert mx1.running == everything
    with pytest.raises(ValueError, match="has no service 'finger'; it has: smtp"):
        mx1.stop("finger")


def test_stopping_a_host_cuts_its_conversations(lab: Lab) -> None:
    server = smtplib.SMTP("mx1.saigon.example", 25)
    lab.host("mx1.saigon.example").stop()
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionResetError)):
        server.noop()
    server.close()


# --- looking in ---------------------------------------------------------------------------------


def test_a_route_is_asked_for_without_a_letter(lab: Lab) -> None:
    with lab.record() as trace:
        route = lab.route("saigon.example", "smtp.hanoi.example")
    assert [hop.host for hop in route.hops] == ["mx1.saigon.example", "mx2.saigon.example"]
    assert lab.route("saigon.example", "mx2.saigon.example").note.startswith("left out, being us")
    assert {e.parcel for e in trace.of(LookedUp, Routed)} == {None}
    assert trace.connections == ()


def test_dig(lab: Lab) -> None:
    answer = lab.dig("saigon.example", "MX")
    assert (answer.status, answer.records) == (
        "NOERROR",
        ("10 mx1.saigon.example.", "20 mx2.saigon.example."),
    )
    assert lab.dig("khongco.example").status == "NXDOMAIN"
    assert lab.dig("saigon.example", "A").status == "NODATA"


def test_health_names_what_is_down(lab: Lab) -> None:
    lab.host("mx2.saigon.example").stop()
    down = [(r.host, r.service, r.banner) for r in lab.health().rows if not r.ok]
    assert down == [("mx2.saigon.example", "smtp", "connection refused")]


def test_a_client_context_trusts_this_lab_only(lab: Lab) -> None:
    server = smtplib.SMTP("smtp.hanoi.example", 587)
    with pytest.raises(ssl.SSLCertVerificationError):
        server.starttls(context=ssl.create_default_context())
    server.close()
    with (
        socket.create_connection(("192.0.2.25", 465)) as sock,
        pytest.raises(ssl.SSLCertVerificationError, match=r"(?i)mismatch"),
    ):
        lab.client_context().wrap_socket(sock, server_hostname="mx1.saigon.example")


def test_endpoints_are_real(lab: Lab) -> None:
    ends = lab.endpoints()
    assert set(ends) == {"world", "ca_file", "dns", "hosts", "accounts"}
    for host in ends["hosts"].values():
        for service in host["services"].values():
            socket.create_connection((service["host"], service["port"]), timeout=5).close()


# --- letters ------------------------------------------------------------------------------------


def test_a_stored_letter_is_the_file_and_stays_unread(lab: Lab) -> None:
    lab.user("son@hanoi.example").send("minh@saigon.example", "Chào", "…")
    stored = lab.stored("minh@saigon.example")
    assert stored.startswith(b"Return-Path: <son@hanoi.example>\r\n")
    assert stored.endswith(lab.card(1).content)
    assert lab.box("minh@saigon.example").rows[0].flags == ()
    with pytest.raises(ValueError, match="7"):
        lab.stored("minh@saigon.example", 7)


# --- the standard library -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["khongco.example", "smtp.khongco.example", "mx9.saigon.example"])
def test_a_name_that_does_not_exist(lab: Lab, name: str) -> None:
    with pytest.raises(socket.gaierror, match=name):
        socket.create_connection((name, 25))


def test_names_of_the_world_outside_are_left_alone(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not lab.knows("www.python.org")
    assert not lab.knows("localhost")
    assert not lab.knows("8.8.8.8")
    before = len(lab.trace)
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()
    assert len(lab.trace) == before


def test_the_labs_own_thread_stays_on_this_machine(lab: Lab) -> None:
    async def leave() -> None:
        await asyncio.open_connection("192.0.2.25", 25)

    with pytest.raises(PermissionError, match=r"192\.0\.2\.25"):
        lab._do(leave())
