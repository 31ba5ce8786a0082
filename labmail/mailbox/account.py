"""One person's mailboxes, and the lock of the maildrop.

An account's folder holds ``account.json`` and a folder for each mailbox:
``mailbox-1`` is INBOX, the others follow as they were made.  What a mailbox is
called is said by its ``mailbox.json``.  A folder is made under another name
(``making-…``) and renamed when it is complete, and renamed (``deleted-…``)
before it is taken apart: so after a crash every ``mailbox-…`` is whole.

Levels of names are separated by "/".  A mailbox may exist without those above
it: deleting ``work`` leaves ``work/2026`` alone (RFC 3501 §6.3.4).
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from labmail.mailbox import meta as metas
from labmail.mailbox.errors import BadMailboxName, MailboxExists, MaildropLocked, NoSuchMailbox
from labmail.mailbox.mailbox import Mailbox
from labmail.mailbox.maildir import Maildir
from labmail.mailbox.meta import AccountMeta, MailboxMeta
from labmail.mailbox.model import Context, MailboxInfo
from labmail.mailbox.names import INBOX, SEPARATOR, canonical, superiors

FIRST_MAILBOXES: dict[str, str | None] = {
    INBOX: None,
    "Sent": "\\Sent",
    "Drafts": "\\Drafts",
    "Trash": "\\Trash",
    "Junk": "\\Junk",
}
"""What an account begins with: names and their special use (RFC 6154 §2)."""
MAX_MAILBOXES = 1000


class Account:
    """All mailboxes of one address.  Get one from `MailStore.account`.

    Names of mailboxes are Unicode text; INBOX may be spelled in any case.
    """

    def __init__(self, folder: Path, meta: AccountMeta, context: Context) -> None:
        self.folder = folder
        self._meta = meta
        self._context = context
        self._owner: object | None = None
        self._mailboxes: dict[str, Mailbox] = {}
        self._sweep()
        for place in sorted(folder.glob("mailbox-*"), key=number_of):
            self._add(place, metas.load_mailbox(place) or self._recovered(place))
        if INBOX not in self._mailboxes:
            self.create(INBOX)

    @property
    def address(self) -> str:
        return self._meta.address

    # --- names ----------------------------------------------------------------------

    def mailboxes(self) -> list[MailboxInfo]:
        """All mailboxes, INBOX first, then in the order of their names."""
        names = sorted(self._mailboxes, key=lambda name: (name != INBOX, name))
        return [self._mailboxes[name].info for name in names]

    def open(self, name: str) -> Mailbox:
        """The mailbox of this name: the same object for everybody.  Raises NoSuchMailbox,
        BadMailboxName."""
        try:
            return self._mailboxes[canonical(name)]
        except KeyError:
            raise NoSuchMailbox(
                f"{self.address} has no mailbox {name!r}; create it first"
            ) from None

    def create(self, name: str, special_use: str | None = None) -> Mailbox:
        """Make a mailbox, and those above it that are missing (RFC 3501 §6.3.3).

        Raises MailboxExists, BadMailboxName.
        """
        name = canonical(name)
        if name in self._mailboxes:
            raise MailboxExists(f"{self.address} has a mailbox {name!r} already")
        missing = [above for above in superiors(name) if above not in self._mailboxes]
        if len(self._mailboxes) + len(missing) >= MAX_MAILBOXES:
            raise BadMailboxName(
                f"{self.address} has {MAX_MAILBOXES} mailboxes; delete one before making {name!r}"
            )
        for above in missing:
            self._make(above, None)
        return self._make(name, special_use)

    def delete(self, name: str) -> None:
        """Delete a mailbox with its messages; those below it stay (RFC 3501 §6.3.4).

        Raises NoSuchMailbox, and BadMailboxName for INBOX, which cannot be deleted.
        """
        mailbox = self.open(name)
        if mailbox.name == INBOX:
            raise BadMailboxName("INBOX cannot be deleted; delete messages instead")
        mailbox.remove()
        del self._mailboxes[mailbox.name]
        doomed = mailbox.folder.with_name(f"deleted-{number_of(mailbox.folder)}")
        os.rename(mailbox.folder, doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    def rename(self, old: str, new: str) -> None:
        """Give a mailbox, and all below it, another name (RFC 3501 §6.3.5).

        Renaming INBOX moves its messages to a new mailbox and leaves INBOX there,
        empty.  Raises NoSuchMailbox, MailboxExists, BadMailboxName.
        """
        mailbox, new = self.open(old), canonical(new)
        if new in self._mailboxes:
            raise MailboxExists(f"{self.address} has a mailbox {new!r} already; choose another")
        if mailbox.name == INBOX:
            self._empty_inbox_into(self.create(new))
            return
        if new.startswith(mailbox.name + SEPARATOR):
            raise BadMailboxName(f"{old!r} cannot move below itself, to {new!r}")
        self._rename_tree(mailbox.name, new)

    # --- subscriptions --------------------------------------------------------------

    def subscriptions(self) -> list[str]:
        """The names subscribed to.  A name stays here when its mailbox is deleted or renamed:
        only the client takes it off (RFC 3501 §6.3.6)."""
        return list(self._meta.subscriptions)

    def subscribe(self, name: str, on: bool = True) -> None:
        """Put a name on the list of subscriptions, or take it off.

        Raises NoSuchMailbox when a mailbox to subscribe to is not there.
        """
        name = canonical(name)
        names = set(self._meta.subscriptions)
        if on:
            names.add(self.open(name).name)
        else:
            names.discard(name)
        self._meta.subscriptions = sorted(names)
        self._save()

    # --- the maildrop ---------------------------------------------------------------

    def lock_maildrop(self, owner: object) -> None:
        """Take the maildrop for one POP3 session alone (RFC 1939 §4).

        Raises MaildropLocked when another session has it.
        """
        if self._owner is not None and self._owner is not owner:
            raise MaildropLocked(f"the maildrop of {self.address} is in use; try again later")
        self._owner = owner

    def unlock_maildrop(self, owner: object) -> None:
        """Give the maildrop back.  Nothing happens when `owner` does not have it."""
        if self._owner is owner:
            self._owner = None

    # --- folders --------------------------------------------------------------------

    def rebuild(self) -> None:
        """Make the index of all mailboxes again from the files."""
        for mailbox in self._mailboxes.values():
            mailbox.rebuild()

    def _make(self, name: str, special_use: str | None) -> Mailbox:
        self._meta.uidvalidity += 1
        self._save()
        meta = MailboxMeta(name, self._meta.uidvalidity, special_use)
        number = 1 + max(map(number_of, self.folder.glob("*-*")), default=0)
        return self._add(make_mailbox(self.folder, number, meta, self._context.durable), meta)

    def _add(self, place: Path, meta: MailboxMeta) -> Mailbox:
        mailbox = Mailbox(self, place, meta, self._context)
        self._mailboxes[meta.name] = mailbox
        return mailbox

    def _recovered(self, place: Path) -> MailboxMeta:
        """A folder that does not say what it is called: its messages must not be lost, but
        nothing vouches for their UIDs, so it gets a new UIDVALIDITY."""
        self._meta.uidvalidity += 1
        self._save()
        name = INBOX if number_of(place) == 1 else f"Recovered {number_of(place)}"
        meta = MailboxMeta(name, self._meta.uidvalidity)
        self._context.index.forget(f"{self.folder.name}/{place.name}")
        metas.save(place / metas.MAILBOX_FILE, meta, self._context.durable)
        return meta

    def _rename_tree(self, old: str, new: str) -> None:
        below = old + SEPARATOR
        names = {
            n: new + n.removeprefix(old)
            for n in self._mailboxes
            if (n + SEPARATOR).startswith(below)
        }
        for name in names.values():
            if canonical(name) in self._mailboxes:
                raise MailboxExists(f"{self.address} has a mailbox {name!r} already")
        for above in superiors(new):
            if above not in self._mailboxes:
                self._make(above, None)
        for name, renamed in names.items():
            mailbox = self._mailboxes.pop(name)
            mailbox.rename(renamed)
            self._mailboxes[renamed] = mailbox

    def _empty_inbox_into(self, target: Mailbox) -> None:
        inbox = self._mailboxes[INBOX]
        uids = [message.uid for message in inbox.messages()]
        inbox.copy(uids, target, how="RENAME")
        inbox.expunge(uids, how="RENAME")

    def _save(self) -> None:
        metas.save(self.folder / metas.ACCOUNT_FILE, self._meta, self._context.durable)

    def _sweep(self) -> None:
        """Remove what a crash left half made or half deleted."""
        for pattern in ("making-*", "deleted-*"):
            for left in self.folder.glob(pattern):
                shutil.rmtree(left, ignore_errors=True)


def make_mailbox(parent: Path, number: int, meta: MailboxMeta, durable: bool) -> Path:
    """Make a mailbox's folder: it is there with all that belongs in it, or not at all."""
    draft = parent / f"making-{number}"
    Maildir(draft).make()
    metas.save(draft / metas.MAILBOX_FILE, meta, durable)
    place = parent / f"mailbox-{number}"
    os.rename(draft, place)
    if durable:
        metas.sync_folder(parent)
    return place


def make_account(parent: Path, number: int, meta: AccountMeta, durable: bool) -> Path:
    """Make an account's folder with its first mailboxes, all of it or nothing."""
    draft = parent / f"making-{number}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for count, (name, special_use) in enumerate(FIRST_MAILBOXES.items(), start=1):
        meta.uidvalidity += 1
        make_mailbox(draft, count, MailboxMeta(name, meta.uidvalidity, special_use), durable)
    metas.save(draft / metas.ACCOUNT_FILE, meta, durable)
    place = parent / f"account-{number}"
    os.rename(draft, place)
    if durable:
        metas.sync_folder(parent)
    return place


def number_of(place: Path) -> int:
    """The number in a folder's name: 3 for mailbox-3; 0 if there is none."""
    digits = place.name.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0
