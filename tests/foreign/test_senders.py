"""Programs that send mail: each hands in the same letter, by each of the three doors.

They run outside the lab, and the lab runs here: so its trace shows how they did it.
"""

import json
import shutil
import smtplib
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from labmail import Lab
from labmail.net.addresses import SERVICES
from labmail.trace.events import (
    Command,
    Connected,
    Delivered,
    LoggedIn,
    RecipientRefused,
    Sent,
    Side,
    TlsStarted,
)

pytestmark = pytest.mark.foreign

SON, SECRET = "son@hanoi.example", "hoa-sen-1"
MINH = "minh@saigon.example"
HANOI, SAIGON = "smtp.hanoi.example", "mx1.saigon.example"
LOOPBACK = "127.0.0.1"
LETTER = (
    "From: Sơn <son@hanoi.example>\r\n"
    "To: Minh <minh@saigon.example>\r\n"
    "Subject: from outside\r\n"
    "Date: Mon, 2 Mar 2026 09:00:00 +0700\r\n"
    "Message-ID: <1@test.example>\r\n"
    "\r\n"
    ".dots\r\n..\r\n...\r\nXin chào, tạm biệt\r\n" + "long " * 180 + "\r\nend\r\n"
).encode()
Run = Callable[..., subprocess.CompletedProcess[str]]


@dataclass
class Door:
    """Where a program hands its letter in, and as whom.

    `service` is smtp (25: anybody, for people who live there), submission (587: STARTTLS, then a
    password) or submissions (465: TLS from the first byte).
    """

    service: str
    lab: Lab
    program: Run
    folder: Path
    sender: str = SON
    recipients: tuple[str, ...] = (MINH,)

    @property
    def host(self) -> str:
        return SAIGON if self.service == "smtp" else HANOI

    @property
    def port(self) -> int:
        services = self.lab.endpoints()["hosts"][self.host]["services"]
        port: int = services[self.service]["port"]
        return port

    @property
    def private(self) -> bool:
        """Whether one must log in, inside TLS."""
        return self.service != "smtp"

    @property
    def implicit(self) -> bool:
        return self.service == "submissions"

    @property
    def ca(self) -> str:
        return str(self.lab.ca_file)

    @property
    def letter(self) -> Path:
        return self.folder / "letter.eml"


def by_swaks(door: Door, *more: str) -> int:
    door.letter.write_bytes(LETTER.removesuffix(b"\r\n"))  # it ends the last line by itself
    tls = "--tls-on-connect" if door.implicit else "--tls"
    login = [tls, "--auth", "PLAIN", "--auth-user", SON, "--auth-password", SECRET]
    done = door.program(
        "swaks",
        *("--server", LOOPBACK, "--port", str(door.port), "--helo", "test.example"),
        *("--from", door.sender, "--to", ",".join(door.recipients)),
        *("--data", f"@{door.letter}", *(login if door.private else ["--pipeline"]), *more),
    )
    return done.returncode


def by_msmtp(door: Door) -> int:
    login = [
        *("--auth=plain", f"--user={SON}", f"--passwordeval=echo {SECRET}", "--tls=on"),
        f"--tls-starttls={'off' if door.implicit else 'on'}",
        *(f"--tls-trust-file={door.ca}", f"--tls-host-override={door.host}"),
    ]
    with door.letter.open("rb") as letter:
        done = door.program(
            "msmtp",
            *(f"--host={LOOPBACK}", f"--port={door.port}", "--domain=test.example"),
            *(f"--from={door.sender}", *(login if door.private else []), "--", *door.recipients),
            stdin=letter,
        )
    return done.returncode


def by_curl(door: Door) -> int:
    scheme = "smtps" if door.implicit else "smtp"
    login = ["--cacert", door.ca, "--ssl-reqd", "--user", f"{SON}:{SECRET}"]
    done = door.program(
        "curl",
        *("--silent", "--show-error", *(login if door.private else [])),
        *("--connect-to", f"{door.host}:{door.port}:{LOOPBACK}:{door.port}"),
        *("--mail-from", door.sender),
        *(word for recipient in door.recipients for word in ("--mail-rcpt", recipient)),
        *("--upload-file", str(door.letter)),
        f"{scheme}://{door.host}:{door.port}/test.example",
    )
    return done.returncode


def by_smtplib(door: Door) -> int:
    context = ssl.create_default_context(cafile=door.ca)
    context.check_hostname = False  # it is called by its number
    try:
        with (
            smtplib.SMTP_SSL(LOOPBACK, door.port, "test.example", context=context)
            if door.implicit
            else smtplib.SMTP(LOOPBACK, door.port, "test.example")
        ) as server:
            if door.private and not door.implicit:
                server.starttls(context=context)
            if door.private:
                server.login(SON, SECRET)
            options = [] if door.sender.isascii() else ["SMTPUTF8"]
            server.sendmail(door.sender, door.recipients, LETTER, options)
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    return 0


NODE = """
const { options, envelope, file } = JSON.parse(process.argv[1]);
const raw = require("fs").readFileSync(file);
require("nodemailer").createTransport(options).sendMail({ envelope, raw }).catch(error => {
  console.error(String(error));
  process.exitCode = 1;
});
"""


def by_nodemailer(door: Door) -> int:
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if door.program("node", "-e", 'require("nodemailer")').returncode != 0:
        pytest.skip("nodemailer is not installed (node does not find it by NODE_PATH)")
    options = {
        "host": LOOPBACK,
        "port": door.port,
        "name": "test.example",
        "secure": door.implicit,
        "requireTLS": door.private,
        "ignoreTLS": not door.private,
        "tls": {"ca": Path(door.ca).read_text(), "servername": door.host},
        "auth": {"user": SON, "pass": SECRET} if door.private else None,
    }
    envelope = {"from": door.sender, "to": door.recipients}
    task = json.dumps({"options": options, "envelope": envelope, "file": str(door.letter)})
    done = door.program("node", "-e", NODE, task)
    return done.returncode


SENDERS: dict[str, Callable[[Door], int]] = {
    "swaks": by_swaks,
    "msmtp": by_msmtp,
    "curl": by_curl,
    "smtplib": by_smtplib,
    "nodemailer": by_nodemailer,
}


@pytest.fixture
def make_door(lab: Lab, program: Run, tmp_path: Path) -> Callable[..., Door]:
    def make(service: str, **about: object) -> Door:
        (tmp_path / "letter.eml").write_bytes(LETTER)
        return Door(service, lab, program, tmp_path, **about)  # type: ignore[arg-type]

    return make


def stored(lab: Lab, recipient: str = MINH) -> bytes:
    """The letter in this person's mailbox."""
    lab.settle()
    delivered = next(e for e in lab.trace.of(Delivered) if e.recipient == recipient)
    name = delivered.file.rpartition("/")[2].partition(":")[0]
    return next(lab.folder.rglob(f"{name}*")).read_bytes()


@pytest.mark.parametrize("service", ["smtp", "submission", "submissions"])
@pytest.mark.parametrize("sender", SENDERS)
def test_the_letter_arrives_as_it_was(
    lab: Lab, make_door: Callable[..., Door], sender: str, service: str
) -> None:
    door = make_door(service)
    assert SENDERS[sender](door) == 0
    assert stored(lab).endswith(LETTER)
    came_in = lab.trace.of(Connected)[0].connection
    assert (came_in.client.name, came_in.server.port) == ("outside", SERVICES[service])
    modes = [e.mode for e in lab.trace.of(TlsStarted) if e.connection == came_in]
    logins = [e.account for e in lab.trace.of(LoggedIn)]
    expected = {"smtp": [], "submission": ["starttls"], "submissions": ["implicit"]}
    assert (modes, logins) == (expected[service], [SON] if door.private else [])


@pytest.mark.parametrize("sender", SENDERS)
def test_several_recipients_are_one_letter(
    lab: Lab, make_door: Callable[..., Door], sender: str
) -> None:
    people = (MINH, "lan@hanoi.example")
    assert SENDERS[sender](make_door("submission", recipients=people)) == 0
    assert stored(lab, people[0]).endswith(LETTER)
    assert stored(lab, people[1]).endswith(LETTER)
    assert len({e.parcel for e in lab.trace.of(Delivered)}) == 1


@pytest.mark.parametrize("sender", SENDERS)
def test_who_asks_for_relaying_is_told_no(
    lab: Lab, make_door: Callable[..., Door], sender: str
) -> None:
    if sender == "smtplib":
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            by_smtplib(make_door("smtp", recipients=(SON,)))
    else:
        assert SENDERS[sender](make_door("smtp", recipients=(SON,))) != 0
    assert lab.trace.of(RecipientRefused)[0].reply.startswith("550 5.7.1")
    assert lab.trace.of(Delivered) == ()


@pytest.mark.parametrize("sender", ["curl", "smtplib", "nodemailer"])
def test_an_address_in_vietnamese_is_announced(
    lab: Lab, make_door: Callable[..., Door], sender: str
) -> None:
    """RFC 6531 §3.4: who uses such an address says SMTPUTF8 in MAIL."""
    assert SENDERS[sender](make_door("smtp", sender="sơn@ngoai.example")) == 0
    mail = next(e.line.decode() for e in lab.trace.of(Command) if e.verb == "MAIL")
    assert "<sơn@ngoai.example>" in mail
    assert " SMTPUTF8" in mail
    assert stored(lab).startswith("Return-Path: <sơn@ngoai.example>".encode())


def test_swaks_pipelines(lab: Lab, make_door: Callable[..., Door]) -> None:
    assert by_swaks(make_door("smtp")) == 0
    said = [e.data for e in lab.trace.of(Sent) if e.sender is Side.CLIENT]
    together = next(data for data in said if data.startswith(b"MAIL FROM:"))
    assert [line.split()[0] for line in together.splitlines()] == [b"MAIL", b"RCPT", b"DATA"]
    assert stored(lab).endswith(LETTER)


@pytest.mark.parametrize("sender", ["curl", "smtplib"])
def test_the_size_is_announced(lab: Lab, make_door: Callable[..., Door], sender: str) -> None:
    """RFC 1870 §6: the server may say no before the letter is on its way."""
    assert SENDERS[sender](make_door("smtp")) == 0
    mail = next(e.line.upper() for e in lab.trace.of(Command) if e.verb == "MAIL")
    assert b"SIZE=%d" % len(LETTER) in mail


def test_swaks_logs_in_with_login(lab: Lab, make_door: Callable[..., Door]) -> None:
    assert by_swaks(make_door("submission"), "--auth", "LOGIN") == 0
    assert lab.trace.of(LoggedIn)[0].mechanism == "LOGIN"
    assert stored(lab).endswith(LETTER)


@pytest.mark.parametrize("wrong", [("--auth-password", "sai"), ("--from", MINH)])
def test_who_is_not_who_they_say_is_told_no(
    lab: Lab, make_door: Callable[..., Door], wrong: tuple[str, str]
) -> None:
    door = make_door("submission", recipients=("khongco@hanoi.example",))
    assert by_swaks(door, *wrong) != 0
    assert lab.trace.of(Delivered) == ()
