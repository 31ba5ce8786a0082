"""A world at work: its name server, its rest, and what outsiders set going."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from labmail import Lab
from labmail.pop3.core import Pop3Core
from labmail.runtime.clock import LAB_MORNING
from labmail.trace.events import Connected, Datagram, HostStarted, HostStopped, LookedUp, WorkFailed
from labmail.world import load_world


def test_a_world_introduces_itself(lab: Lab) -> None:
    started = {e.host: e.role for e in lab.trace.of(HostStarted)}
    assert started["ns.lab"] == "dns"
    assert started["son-laptop.hanoi.example"] == "laptop"
    assert set(load_world("course").hosts) < set(started)
    assert {e.at for e in lab.trace} == {LAB_MORNING}


def test_the_name_server_falls_silent_and_speaks_again(lab: Lab) -> None:
    ns = lab.host("ns.lab")
    assert ns.running == ("domain",)
    with lab.record() as trace:
        ns.stop()
        ns.stop()
        assert ns.running == ()
        assert lab.dig("saigon.example", "MX").status == "TIMEOUT"
        with pytest.raises(socket.gaierror, match=r"Temporary failure .* mx1.saigon.example"):
            socket.create_connection(("mx1.saigon.example", 25))
        ns.start()
        assert lab.dig("saigon.example", "MX").status == "NOERROR"
    assert len(trace.of(HostStopped)) == len(trace.of(HostStarted)) == 1


def test_questions_are_asked_once_and_remembered(lab: Lab) -> None:
    with lab.record() as trace:
        for _ in range(2):
            lab.dig("saigon.example", "MX")
    assert [e.server for e in trace.of(LookedUp)] == ["ns.lab", "cache"]
    assert len(trace.of(Datagram)) == 2
    lab.advance("2h")
    with lab.record() as trace:
        lab.dig("saigon.example", "MX")
    assert [e.server for e in trace.of(LookedUp)] == ["ns.lab"]


def test_each_machine_has_a_memory_of_its_own(lab: Lab) -> None:
    lab.dig("saigon.example", "MX")
    with lab.laptop("minh"), lab.record() as trace:
        lab.dig("saigon.example", "MX")
    assert [(e.host, e.server) for e in trace.of(LookedUp)] == [
        ("minh-laptop.saigon.example", "ns.lab")
    ]


def test_a_program_from_outside_sets_the_world_going(lab: Lab) -> None:
    """Nobody calls `settle` for a foreign mail program."""
    real = lab.endpoints()["hosts"]["smtp.hanoi.example"]["services"]
    with socket.create_connection((real["smtp"]["host"], real["smtp"]["port"]), timeout=10) as sock:
        talk = sock.makefile("rwb")
        talk.write(b"EHLO x.example\r\nMAIL FROM:<>\r\nRCPT TO:<son@hanoi.example>\r\nDATA\r\n")
        talk.flush()
        while not talk.readline().startswith(b"354"):
            continue
        talk.write(b"Subject: ngoai\r\n\r\nx\r\n.\r\nQUIT\r\n")
        talk.flush()
        talk.read()
    for _ in range(1000):
        if lab._look(lambda w: w.hosts["smtp.hanoi.example"].queue.rows()) == ():
            break
    assert [row.subject for row in lab.box("son@hanoi.example").rows] == ["ngoai"]
    assert lab.trace.of(Connected)[0].connection.client.name == "outside"


def test_work_that_breaks_is_recorded_and_the_rest_goes_on(lab: Lab) -> None:
    done: list[str] = []

    async def broken() -> None:
        raise ZeroDivisionError("on purpose")

    async def whole() -> None:
        done.append("whole")

    def plan(world: object) -> None:
        agenda, now = lab._running.agenda, lab._running.clock.now()
        agenda.at(now, "something broken", broken)
        agenda.at(now, "something whole", whole)

    lab._look(plan)
    with lab.record() as trace:
        lab.settle()
    (failed,) = trace.of(WorkFailed)
    assert (failed.what, failed.error) == ("something broken", "ZeroDivisionError: on purpose")
    assert done == ["whole"]


def test_a_world_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(
        """
        name = "own"
        seed = "x"
        [dns]
        host = "ns.lab"
        address = "192.0.2.53"
        zones = ["hanoi.example", "lab"]
        [queue]
        [hosts."smtp.hanoi.example"]
        address = "192.0.2.25"
        domains = ["hanoi.example"]
        services = ["smtp", "submission", "imaps"]
        [laptops."son-laptop.hanoi.example"]
        address = "192.0.2.10"
        owner = "son@hanoi.example"
        [accounts."son@hanoi.example"]
        name = "Sơn"
        password = "sen"
        """,
        "utf-8",
    )
    with Lab(file) as lab:
        son = lab.user("son@hanoi.example")
        son.send(son, "Chào", "…")
        lab.settle()
        assert [row.subject for row in son.inbox().rows] == ["Chào"]


def test_an_account_without_a_home_is_nobody(tmp_path: Path) -> None:
    world = load_world("course")
    with Lab(world) as lab, pytest.raises(LookupError, match="there are: son@hanoi"):
        lab.user("khach@nowhere.example")


def test_two_services_in_one_place_cannot_be(lab: Lab) -> None:
    smtp = lab._running.hosts["smtp.hanoi.example"]
    with pytest.raises(OSError, match="already listens"):
        lab._do(lab._running.network.listen(smtp._listener("smtp")))


def test_what_breaks_in_a_server_goes_on_record_and_not_into_a_cell(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(core: Pop3Core, data: bytes) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(Pop3Core, "receive", broken)
    with lab.record() as trace, socket.create_connection(("pop.saigon.example", 110)) as sock:
        sock.settimeout(10)
        assert sock.recv(100).startswith(b"+OK")
        sock.sendall(b"NOOP\r\n")
        assert sock.recv(100) == b""
    (failed,) = trace.of(WorkFailed)
    assert failed.error == "RuntimeError: on purpose"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name", ["MX1.saigon.example", "ns.lab", "son-laptop.hanoi.example", "Son-Laptop.Hanoi.example"]
)
def test_a_program_does_not_take_the_name_of_a_machine(lab: Lab, name: str) -> None:
    before = lab.fingerprint()
    with pytest.raises(ValueError, match="is a machine of this world: give the program another"):
        lab.attach(name, "203.0.113.90", {"smtp": 2525})
    assert lab.fingerprint() == before


@pytest.mark.parametrize(
    "ask",
    [
        lambda lab: lab.route("saigon.example", "ns.lab"),
        lambda lab: lab.queue("ns.lab"),
        lambda lab: lab.queue_card("ns.lab", "A1"),
    ],
    ids=["route", "queue", "card"],
)
def test_the_name_server_is_asked_for_no_mail(lab: Lab, ask: Callable[[Lab], object]) -> None:
    with pytest.raises(LookupError, match=r"ns\.lab is no mail host; there are: .*mx1\.saigon"):
        ask(lab)
