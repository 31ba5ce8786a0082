"""All mailboxes of one host.

    folder/
      index.sqlite            UIDs, flags, sizes; can be made again from the rest
      account-1/
        account.json          {"address": "minh@saigon.example", …}
        mailbox-1/            INBOX
          mailbox.json        {"name": "INBOX", "uidvalidity": …}
          tmp/  new/  cur/    one file for each message: a Maildir
        mailbox-2/            Sent
      account-2/

Neither addresses nor mailbox names are ever part of a path: folders bear
numbers, and JSON files say whose they are.

Everything here runs on one thread, the lab's loop.  Nothing is cached that the
files or the index would not give again: after a crash at any point a new
`MailStore` on the same folder has every message that was acknowledged, once.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from labmail.mailbox.account import FIRST_MAILBOXES, Account, make_account, number_of
from labmail.mailbox.errors import (
    BadMailboxName,
    MailboxError,
    MailboxExists,
    MaildropLocked,
    NoSuchAccount,
    NoSuchMailbox,
    NoSuchMessage,
)
from labmail.mailbox.index import DamagedIndex, Index
from labmail.mailbox.mailbox import Mailbox
from labmail.mailbox.meta import ACCOUNT_FILE, AccountMeta, load_account
from labmail.mailbox.model import Change, Context, MailboxInfo, Message
from labmail.mailbox.names import INBOX, SEPARATOR
from labmail.trace.recorder import Emit

if TYPE_CHECKING:
    from labmail.runtime.ids import Ids

__all__ = [
    "INBOX",
    "SEPARATOR",
    "Account",
    "BadMailboxName",
    "Change",
    "MailStore",
    "Mailbox",
    "MailboxError",
    "MailboxExists",
    "MailboxInfo",
    "MaildropLocked",
    "Message",
    "NoSuchAccount",
    "NoSuchMailbox",
    "NoSuchMessage",
]

INDEX_FILE = "index.sqlite"


class MailStore:
    """The accounts of one host, in one folder.

    `host` is the host's name (events and file names bear it); `now` gives lab
    time; `durable` asks for fsync, so that what was acknowledged survives not
    only the process but the machine's power.

    Raises MailboxError when the folder holds an account that cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        host: str,
        now: Callable[[], datetime],
        emit: Emit,
        ids: Ids,
        durable: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        index = open_index(folder / INDEX_FILE, durable)
        self._context = Context(folder, host, now, emit, ids, index, durable)
        self._accounts: dict[str, Account] = {}
        try:
            for place in sorted(folder.glob("account-*"), key=number_of):
                self._load(place)
        except BaseException:
            index.close()
            raise

    def add_account(self, address: str) -> Account:
        """The account of this address; made, with INBOX and the special-use mailboxes, if it
        is not there.  Raises MailboxError when the address cannot be one."""
        known = self._accounts.get(address.casefold())
        if known is not None:
            return known
        if "@" not in address or any(unicodedata.category(c) in ("Cc", "Cs") for c in address):
            raise MailboxError(f"{address!r} is no address; write it as local@domain")
        number = 1 + max(map(number_of, self._context.folder.glob("*-*")), default=0)
        meta = AccountMeta(address, subscriptions=sorted(FIRST_MAILBOXES))
        # Half of the 32-bit range is left above, to count up from here for ever.
        meta.uidvalidity = self._context.ids.uidvalidity() // 2
        make_account(self._context.folder, number, meta, self._context.durable)
        return self._load(self._context.folder / f"account-{number}")

    def account(self, address: str) -> Account:
        """The account of this address, in whatever case it is written.  Raises NoSuchAccount."""
        try:
            return self._accounts[address.casefold()]
        except KeyError:
            raise NoSuchAccount(
                f"nobody at {address!r} has mailboxes on {self._context.host}; add the account"
            ) from None

    def highest_parcel(self) -> int:
        """The highest number of a letter that lies here; 0 when none has one.  A world that goes
        on where it stopped must not give a number twice."""
        return self._context.index.highest_parcel()

    def accounts(self) -> list[Account]:
        """All accounts, in the order in which they were added."""
        return list(self._accounts.values())

    def rebuild(self) -> None:
        """Throw the index away and make it again from the files.

        Messages, UIDs, flags, sizes and dates come out as they were.
        """
        for account in self.accounts():
            account.rebuild()

    def close(self) -> None:
        """Close the index.  The store cannot be used any more."""
        self._context.index.close()

    def _load(self, place: Path) -> Account:
        meta = load_account(place)
        if meta is None:
            raise MailboxError(
                f"{place / ACCOUNT_FILE} cannot be read, so nobody knows whose mail this is; "
                "repair the file or move the folder away"
            )
        account = Account(place, meta, self._context)
        self._accounts[meta.address.casefold()] = account
        return account


def open_index(path: Path, durable: bool) -> Index:
    """Open the index; one that is damaged is put aside, for a new one can be made."""
    try:
        return Index(path, durable)
    except DamagedIndex:
        os.replace(path, path.with_suffix(".damaged"))
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return Index(path, durable)
