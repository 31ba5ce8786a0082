"""``labmail up`` and ``labmail doctor``, run as a person runs them."""

import contextlib
import ipaddress
import json
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labmail import cli
from labmail.net.addresses import SERVICES
from labmail.world import load_world

LabmailUp = Callable[..., Any]


def labmail(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "labmail.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ask_until(up: Any, question: bytes, wanted: bytes) -> bytes:
    """Minh's mail program looks again and again until this is in the answer."""
    answer = b""
    for _ in range(1000):
        with socket.create_connection(up.address("mx1.saigon.example", "pop3"), timeout=10) as sock:
            talk = sock.makefile("rwb")
            talk.write(b"USER minh@saigon.example\r\nPASS hoa-mai-1\r\n%s\r\nQUIT\r\n" % question)
            talk.flush()
            answer = talk.read()
            if wanted in answer:
                break
    return answer


def test_the_endpoints_have_the_agreed_form(town: Any) -> None:
    ends, world = town.ends, load_world("course")
    assert list(ends) == ["world", "ca_file", "dns", "hosts", "accounts"]
    assert ends["world"] == "course"
    assert Path(ends["ca_file"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
    assert set(ends["hosts"]) == set(world.hosts)
    for name, host in ends["hosts"].items():
        assert set(host) == {"ip", "services"}
        assert ipaddress.ip_address(host["ip"])
        assert tuple(host["services"]) == world.hosts[name].services
    reals = [real for h in ends["hosts"].values() for real in h["services"].values()]
    for real in [ends["dns"], *reals]:
        assert set(real) == {"host", "port"}
        assert real["host"] == "127.0.0.1"
        assert 1024 <= real["port"] < 65536
    ports = [real["port"] for real in reals]
    assert len(set(ports)) == len(ports)
    assert {"address": "minh@saigon.example", "password": "hoa-mai-1"} in ends["accounts"]
    assert all(set(account) == {"address", "password"} for account in ends["accounts"])


def test_every_service_answers(town: Any) -> None:
    context = ssl.create_default_context(cafile=town.ca)
    for name, host in town.ends["hosts"].items():
        for service, real in host["services"].items():
            sock = socket.create_connection((real["host"], real["port"]), timeout=10)
            if service in ("submissions", "imaps", "pop3s"):
                sock = context.wrap_socket(sock, server_hostname=name)
            with sock:
                assert sock.recv(100)[:4] in (b"220 ", b"+OK ", b"* OK")


def test_only_this_machine_can_reach_it(town: Any) -> None:
    """Every socket that listens, listens on loopback."""
    listening = Path(f"/proc/{town.process.pid}/net/tcp")
    if not listening.is_file():
        pytest.skip("this system does not show who listens where")
    ours = {
        f"{real['port']:04X}"
        for h in town.ends["hosts"].values()
        for real in h["services"].values()
    }
    rows = [line.split() for line in listening.read_text().splitlines()[1:]]
    places = {row[1] for row in rows if row[3] == "0A" and row[1].split(":")[1] in ours}
    assert {place.split(":")[0] for place in places} == {"0100007F"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_it_stops_when_asked_and_leaves_nothing(
    labmail_up: LabmailUp, tmp_path: Path, number: signal.Signals
) -> None:
    up = labmail_up()
    port = up.port("mx1.saigon.example", "smtp")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.recv(100)
        status, said = up.stop(number)
    assert (status, said.splitlines()[-1]) == (0, "The world has stopped.")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["endpoints.json"]


def test_asked_twice_it_still_stops_cleanly(labmail_up: LabmailUp, tmp_path: Path) -> None:
    up = labmail_up()
    for _ in range(3):
        with contextlib.suppress(ProcessLookupError):
            up.process.send_signal(signal.SIGINT)
    status, said = up.stop()
    assert status == 0, said
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_mail_is_kept_between_runs(labmail_up: LabmailUp, tmp_path: Path) -> None:
    data = tmp_path / "data"
    up = labmail_up("--data", str(data), "--clock", "frozen")
    with smtplib.SMTP(*up.address("mx2.saigon.example", "smtp")) as server:
        server.sendmail("", ["minh@saigon.example"], "Subject: giu lai\r\n\r\nx\r\n")
    assert up.stop()[0] == 0
    up = labmail_up("--data", str(data))
    assert b"+OK 1 " in ask_until(up, b"STAT", b"+OK 1 ")
    assert up.stop()[0] == 0
    assert data.is_dir()


def test_what_happened_is_written_for_wireshark(labmail_up: LabmailUp, tmp_path: Path) -> None:
    up = labmail_up("--pcap", str(tmp_path / "up.pcapng"))
    with smtplib.SMTP(*up.address("mx1.saigon.example", "smtp")) as server:
        server.sendmail(
            "x@spam.example", ["minh@saigon.example"], b"Subject: x\r\n\r\nxin chao\r\n"
        )
    assert up.stop()[0] == 0
    file = (tmp_path / "up.pcapng").read_bytes()
    assert file.startswith(b"\n\r\r\n")
    assert b"xin chao" in file


def test_a_frozen_clock_stands_still_and_mail_still_moves(labmail_up: LabmailUp) -> None:
    up = labmail_up("--clock", "frozen")
    with smtplib.SMTP(*up.address("mx1.saigon.example", "smtp")) as server:
        server.sendmail("", ["minh@saigon.example"], "Subject: x\r\n\r\nx\r\n")
    assert b"02 Mar 2026 09:00:00 +0700" in ask_until(up, b"RETR 1", b"\r\n.\r\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("up", "--world", "khongco"), "Worlds of this lab: caphe, course"),
        (("up", "--world", "/no/such/file.toml"), "No such file"),
        (("up", "--endpoints", "/dev/null/x.json"), "/dev/null"),
        (("up", "--data", "/dev/null/x"), "/dev/null"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(arguments: tuple[str, ...], words: str) -> None:
    done = labmail(*arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_without_a_command_it_says_which_there_are() -> None:
    done = labmail()
    assert done.returncode == 2
    assert "usage: labmail" in done.stderr


def test_doctor_reports() -> None:
    done = labmail("doctor")
    assert done.returncode in (0, 1)
    assert done.stdout
    assert done.stderr == ""


def test_endpoints_appear_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "deep" / "ends.json"
    cli.write_endpoints(file, {"world": "thư"})
    assert json.loads(file.read_text("utf-8")) == {"world": "thư"}

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        cli.write_endpoints(file, {"world": "khác"})
    assert json.loads(file.read_text("utf-8")) == {"world": "thư"}
    assert [p.name for p in file.parent.iterdir()] == ["ends.json"]


def test_how_to_connect_names_everything(town: Any) -> None:
    text = cli.how_to_connect(town.ends)
    assert f"dig @127.0.0.1 -p {town.ends['dns']['port']} saigon.example MX" in text
    for name, host in town.ends["hosts"].items():
        assert f"  {name} [{host['ip']}]" in text
        for service in host["services"]:
            assert service in SERVICES
            assert f"127.0.0.1:{town.port(name, service)}" in text
