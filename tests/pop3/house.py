"""A maildrop with three letters, and cores that serve it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from labmail.mailbox.store import Account, Mailbox, MailStore
from labmail.net.core import Output, Say
from labmail.net.limits import Limits
from labmail.pop3.core import Pop3Core
from labmail.runtime.ids import Ids
from labmail.trace.recorder import Recorder

HOST = "pop.saigon.example"
ADDRESS = "minh@saigon.example"
PASSWORD = "nuoc mam"
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=timezone(timedelta(hours=7)))

LETTERS = (
    b"From: son@hanoi.example\r\nSubject: Pho\r\n\r\nTonight at seven?\r\n",
    b"From: son@hanoi.example\r\nSubject: Dots\r\n\r\n.\r\n..\r\n.hidden\r\n\r\nend\r\n",
    b"Subject: no end\r\n\r\nlast line without CRLF",
)


class House:
    """A store with Minh's account, the trace, and a way to open sessions."""

    def __init__(self, folder: Path) -> None:
        self.recorder = Recorder(now=lambda: NOON)
        self.store = MailStore(folder, HOST, lambda: NOON, self.recorder.emit, Ids("pop3"))
        self.account: Account = self.store.add_account(ADDRESS)
        for number, letter in enumerate(LETTERS, start=1):
            self.inbox.deliver(letter, recipient=ADDRESS, parcel=number, key=f"Q{number} minh")

    @property
    def inbox(self) -> Mailbox:
        return self.account.open("INBOX")

    def login(self, user: str, password: str) -> Account | None:
        return self.account if (user, password) == ("minh", PASSWORD) else None

    def core(self, tls: Any = "on", limits: Limits | None = None, **more: Any) -> Pop3Core:
        return Pop3Core(HOST, self.login, tls, limits or Limits(), **more)

    def session(self, **more: Any) -> Pop3Core:
        """A session that has logged in."""
        core = self.core(**more)
        core.greet()
        assert b"+OK" in said(core.receive(b"USER minh\r\nPASS nuoc mam\r\n"))
        assert core.state == "TRANSACTION"
        return core


def said(outputs: list[Output]) -> bytes:
    """What the server says, letters included."""
    return b"".join(getattr(output, "data", b"") for output in outputs)


def replies(outputs: list[Output]) -> list[str]:
    """The status of each reply."""
    return [output.code for output in outputs if isinstance(output, Say)]
