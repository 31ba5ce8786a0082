"""A store with one account, its trace, and what a test may do to it."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TypeVar

from labmail.mailbox.store import Account, Mailbox, MailStore, Message
from labmail.runtime.ids import Ids
from labmail.trace.events import Event
from labmail.trace.recorder import Recorder

HOST = "mx1.saigon.example"
ADDRESS = "minh@saigon.example"
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=timezone(timedelta(hours=7)))
LETTER = b"Subject: Pho\r\n\r\nTonight?\r\n"

E = TypeVar("E", bound=Event)


class Place:
    """A folder with a store on it."""

    def __init__(self, folder: Path, address: str = ADDRESS) -> None:
        self.folder = folder
        self.address = address
        self.recorder = Recorder(now=lambda: NOON)
        self.store = self._open()

    def _open(self) -> MailStore:
        ids = Ids("mailbox")
        store = MailStore(self.folder, HOST, lambda: NOON, self.recorder.emit, ids)
        store.add_account(self.address)
        return store

    def again(self) -> None:
        """Open the folder again, as the next process would."""
        self.store.close()
        self.store = self._open()

    def without_index(self) -> None:
        """Open the folder again after the index was lost."""
        self.store.close()
        for file in self.folder.glob("index.sqlite*"):
            file.unlink()
        self.store = self._open()

    @property
    def account(self) -> Account:
        return self.store.account(self.address)

    @property
    def inbox(self) -> Mailbox:
        return self.account.open("INBOX")

    def deliver(self, key: str, content: bytes = LETTER) -> Message:
        return self.inbox.deliver(content, recipient=self.address, parcel=7, key=key)

    def events(self, kind: type[E]) -> list[E]:
        return [event for event in self.recorder.events() if isinstance(event, kind)]

    def files(self, number: int = 1) -> list[str]:
        """The message files of a mailbox, as ``new/…`` and ``cur/…``."""
        box = self.account.folder / f"mailbox-{number}"
        return sorted(
            f"{f.parent.name}/{f.name}" for p in ("new", "cur") for f in (box / p).iterdir()
        )

    def copy_to(self, folder: Path) -> None:
        """Keep what is on disk now."""
        shutil.copytree(self.folder, folder)


class Killed(BaseException):
    """The process ends here: nothing after this runs, no error handler either."""
