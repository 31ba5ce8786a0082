"""Programs that read mail and ask for names, and know nothing of the lab: curl, fetchmail, mpop,
dig."""

import smtplib
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.foreign

MINH = ("minh@saigon.example", "hoa-mai-1")
SAIGON = "mx1.saigon.example"
Run = Callable[..., subprocess.CompletedProcess[str]]


def receive(town: Any, host: str, person: tuple[str, str], subject: str) -> str:
    """The letter with this subject, once it is in the inbox; asked for over POP3, politely."""
    for _ in range(200):
        with socket.create_connection(town.address(host, "pop3"), timeout=20) as sock:
            talk = sock.makefile("rwb")
            for line in (b"", b"USER %s" % person[0].encode(), b"PASS %s" % person[1].encode()):
                if line:
                    talk.write(line + b"\r\n")
                    talk.flush()
                assert talk.readline().startswith(b"+OK")
            talk.write(b"STAT\r\n")
            talk.flush()
            count = int(talk.readline().split()[1])
            for number in range(1, count + 1):
                talk.write(b"RETR %d\r\n" % number)
                talk.flush()
                lines = iter(talk.readline, b".\r\n")
                letter = b"".join(lines).decode("utf-8", "replace")
                if f"Subject: {subject}\r\n" in letter:
                    return letter
            talk.write(b"QUIT\r\n")
            talk.flush()
            talk.readline()
    raise AssertionError(f"no letter with the subject {subject!r} came")


def deliver(town: Any, subject: str) -> None:
    """A letter from nobody to Minh, by the front door, and wait until it is there."""
    with smtplib.SMTP(*town.address(SAIGON, "smtp")) as server:
        server.sendmail("", [MINH[0]], f"Subject: {subject}\r\n\r\nxin chao\r\n")
    receive(town, SAIGON, MINH, subject)


# --- reading ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "scheme", "options"),
    [
        ("imap", "imap", []),
        ("imap", "imap", ["--ssl-reqd", "--insecure"]),
        ("imaps", "imaps", ["--insecure"]),
        ("pop3", "pop3", []),
        ("pop3", "pop3", ["--ssl-reqd", "--insecure"]),
        ("pop3s", "pop3s", ["--insecure"]),
    ],
    ids=["imap", "imap STARTTLS", "imaps", "pop3", "pop3 STLS", "pop3s"],
)
def test_curl_reads(town: Any, program: Run, service: str, scheme: str, options: list[str]) -> None:
    subject = f"for curl {service} {len(options)}"
    deliver(town, subject)
    host, port = town.address(SAIGON, service)
    address = f"{scheme}://{host}:{port}"
    common = ["--silent", "--show-error", *options, "--user", ":".join(MINH)]
    if scheme.startswith("imap"):
        listing = program("curl", *common, address)
        assert "INBOX" in listing.stdout, listing.stderr
        number = program(
            "curl", *common, f"{address}/INBOX?SUBJECT%20%22{subject.replace(' ', '%20')}%22"
        )
        found = number.stdout.split()[-1]
        done = program("curl", *common, f"{address}/INBOX;MAILINDEX={found}")
    else:
        listing = program("curl", *common, address)
        last = listing.stdout.split("\n")[-2].split()[0]
        done = program("curl", *common, f"{address}/{last}")
    assert done.returncode == 0, done.stderr
    assert f"Subject: {subject}" in done.stdout
    assert "xin chao" in done.stdout


def test_curl_verifies_the_labs_certificates(town: Any, program: Run) -> None:
    port = town.port(SAIGON, "imaps")
    for host, status in (("imap.saigon.example", 0), ("mx2.saigon.example", 60)):
        done = program(
            "curl",
            *("--silent", "--cacert", town.ca, "--user", ":".join(MINH)),
            *("--connect-to", f"{host}:{port}:127.0.0.1:{port}", f"imaps://{host}:{port}"),
        )
        assert done.returncode == status, done.stderr


def test_a_wrong_password_opens_nothing(town: Any, program: Run) -> None:
    for service in ("imap", "pop3"):
        address = f"{service}://127.0.0.1:{town.port(SAIGON, service)}"
        done = program("curl", "--silent", "--user", f"{MINH[0]}:sai", address)
        assert done.returncode == 67  # login denied


@pytest.mark.parametrize("protocol", ["IMAP", "POP3"])
def test_fetchmail_fetches_and_empties(
    town: Any, program: Run, tmp_path: Path, protocol: str
) -> None:
    subject = f"for fetchmail {protocol}"
    deliver(town, subject)
    got = tmp_path / "got"
    settings = tmp_path / "fetchmailrc"
    settings.write_text(
        f"poll 127.0.0.1 protocol {protocol} service {town.port(SAIGON, protocol.lower())}\n"
        f'  username "{MINH[0]}" password "{MINH[1]}" sslproto "" no rewrite fetchall\n'
        f'  mda "cat >> {got}"\n'
    )
    settings.chmod(0o600)
    done = program(
        "fetchmail",
        "--fetchmailrc",
        str(settings),
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Subject: {subject}" in got.read_text()
    again = program(
        "fetchmail",
        "--fetchmailrc",
        str(settings),
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert again.returncode == 1  # no mail


def test_mpop_fetches_inside_tls(town: Any, program: Run, tmp_path: Path) -> None:
    deliver(town, "for mpop")
    mailbox = tmp_path / "mbox"
    done = program(
        "mpop",
        *(
            "--host=127.0.0.1",
            f"--port={town.port(SAIGON, 'pop3s')}",
            "--tls=on",
            "--tls-starttls=off",
        ),
        *("--tls-trust-file=", "--tls-certcheck=off", "--auth=user", f"--user={MINH[0]}"),
        *(f"--passwordeval=echo {MINH[1]}", f"--delivery=mbox,{mailbox}", "--keep=on"),
        f"--uidls-file={tmp_path / 'uidls'}",
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Subject: for mpop" in mailbox.read_text()


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (("saigon.example", "MX"), "10 mx1.saigon.example.\n20 mx2.saigon.example.\n"),
        (("mx1.saigon.example", "A"), "198.51.100.25\n"),
        (("imap.hanoi.example", "A"), "smtp.hanoi.example.\n192.0.2.25\n"),
        (("hanoi.example", "TXT"), '"v=spf1 mx -all"\n'),
        (("-x", "192.0.2.25"), "smtp.hanoi.example.\n"),
        (("khongthu.example", "MX"), "0 .\n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_dig_gets_answers(
    town: Any, program: Run, transport: str, question: tuple[str, ...], answer: str
) -> None:
    dns = town.ends["dns"]
    done = program("dig", f"@{dns['host']}", "-p", str(dns["port"]), "+short", transport, *question)
    assert sorted(done.stdout.splitlines()) == sorted(answer.splitlines()), done.stderr


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
@pytest.mark.parametrize(
    ("name", "status"),
    [("khongco.example", "NXDOMAIN"), ("saigon.example", "NOERROR"), ("gmail.com", "REFUSED")],
)
def test_dig_is_told_no(town: Any, program: Run, transport: str, name: str, status: str) -> None:
    dns = town.ends["dns"]
    done = program("dig", f"@{dns['host']}", "-p", str(dns["port"]), transport, name, "AAAA")
    assert f"status: {status}" in done.stdout
    assert "flags: qr" in done.stdout
