"""Minh's mailboxes, and sessions on them that need nothing but bytes."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from labmail.imap.core import ImapCore
from labmail.mailbox.account import Account
from labmail.mailbox.mailbox import Mailbox
from labmail.mailbox.store import MailStore
from labmail.net.core import Deliver, Output, Say
from labmail.net.limits import Limits
from labmail.runtime.ids import Ids
from labmail.trace.events import Event
from labmail.trace.recorder import Recorder

HOST = "imap.saigon.example"
ADDRESS = "minh@saigon.example"
PASSWORDS = ("nuoc mam", "nước mắm")
LOGIN = 'LOGIN minh "nuoc mam"'
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=timezone(timedelta(hours=7)))

PHO = (
    b"From: =?utf-8?q?S=C6=A1n?= <son@hanoi.example>\r\n"
    b"To: minh@saigon.example\r\n"
    b"Subject: =?utf-8?q?Ph=E1=BB=9F?= tonight\r\n"
    b"Date: Mon, 5 Jan 2026 09:00:00 +0700\r\n"
    b"Message-ID: <1@hanoi.example>\r\n"
    b"\r\n"
    b"At seven?\r\n"
)
PICTURE = (
    b"From: an@arrakis.example\r\n"
    b"To: minh@saigon.example\r\n"
    b"Subject: A picture\r\n"
    b"Date: Sun, 4 Jan 2026 23:30:00 -0500\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="cut"\r\n'
    b"\r\n"
    b"--cut\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: base64\r\n"
    b"\r\n"
    b"Q2jDoG8gTWluaA==\r\n"
    b"--cut\r\n"
    b"Content-Type: image/png; name=sand.png\r\n"
    b"Content-Disposition: attachment; filename=sand.png\r\n"
    b"\r\n"
    b"\x89PNG\r\n"
    b"--cut--\r\n"
)
NOTE = b"Subject: a note\r\n\r\nlast line without end"
LETTERS = (PHO, PICTURE, NOTE)


class House:
    """A store with Minh's account and three letters, the trace, and a way to open sessions."""

    def __init__(self, folder: Path) -> None:
        self.recorder = Recorder(now=lambda: NOON)
        self.store = MailStore(folder, HOST, lambda: NOON, self.recorder.emit, Ids("imap"))
        self.account: Account = self.store.add_account(ADDRESS)
        for letter in LETTERS:
            self.deliver(letter)

    @property
    def inbox(self) -> Mailbox:
        return self.account.open("INBOX")

    def deliver(self, letter: bytes) -> int:
        """A letter arrives; its UID."""
        number = self.inbox.uidnext
        key = f"Q{number} minh"
        return self.inbox.deliver(letter, recipient=ADDRESS, parcel=number, key=key).uid

    def login(self, user: str, password: str) -> Account | None:
        return self.account if user == "minh" and password in PASSWORDS else None

    def core(self, tls: Any = "on", limits: Limits | None = None, **more: Any) -> ImapCore:
        return ImapCore(HOST, self.login, tls, limits or Limits(), lambda: NOON, **more)

    def client(self, *commands: str, **more: Any) -> Client:
        """A client that has logged in and given these commands."""
        client = Client(self.core(**more))
        assert client.answer(LOGIN).startswith("OK ")
        for command in commands:
            client.do(command)
        return client

    def events(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.recorder.events() if isinstance(event, kind)]


class Client:
    """The other end: gives one command after the other, and reads the answers."""

    def __init__(self, core: ImapCore) -> None:
        self.core = core
        self.outputs: list[Output] = core.greet()
        self._number = 0

    def send(self, data: bytes) -> bytes:
        """Send bytes; what the server said to them."""
        self.outputs = self.core.receive(data)
        return said(self.outputs)

    def do(self, command: str | bytes) -> bytes:
        """Give a command; everything said up to its answer, whose tag is A1, A2, … in turn."""
        self._number += 1
        raw = command if isinstance(command, bytes) else command.encode("utf-8")
        whole = b"A%d %s\r\n" % (self._number, raw)
        return self.send(whole)

    def answer(self, command: str | bytes) -> str:
        """The tagged answer of a command, without its tag: ``OK Fetched``."""
        last = self.do(command).decode("utf-8", "replace").splitlines()[-1]
        tag, _, answer = last.partition(" ")
        assert tag == f"A{self._number}", last
        return answer

    def lines(self, command: str | bytes) -> list[str]:
        """The untagged lines of a command that is answered OK, without their ``* ``."""
        *lines, last = self.do(command).decode("utf-8", "replace").splitlines()
        assert last.startswith(f"A{self._number} OK"), last
        return [line.removeprefix("* ") for line in lines]


def said(outputs: list[Output]) -> bytes:
    """What the server says, letters included."""
    return b"".join(o.data for o in outputs if isinstance(o, Say | Deliver))
