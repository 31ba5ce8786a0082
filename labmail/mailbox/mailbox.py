"""One mailbox, shared by all sessions that have it open.

It does what its shelf can do (`shelf.Shelf` keeps files and index in step), and
tells: the trace by an event, then every session that watches by a `Change`.

A delivery has a *key*; a digest of key and content is the token in the file's
name.  A queue that crashed before it could note "delivered" delivers the same
bytes again with the same key, and gets the message that is there already:
exactly once.  (The content is in the digest for safety's sake: should a queue id
ever come again, another letter must not be taken for a repetition and lost.)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from labmail.mailbox.errors import NoSuchMailbox, NoSuchMessage
from labmail.mailbox.meta import MailboxMeta
from labmail.mailbox.model import Change, Context, MailboxInfo, Message, Watcher
from labmail.mailbox.shelf import Shelf
from labmail.trace.events import Delivered, Expunged, Fetched, FlagsChanged, Stored

if TYPE_CHECKING:
    from labmail.mailbox.account import Account

TOKEN_DIGITS = 24


class Mailbox:
    """A mailbox.  Get one from `Account.open`: everybody who opens it gets the same object.

    Methods that change something take `by`, the session that does it, so that
    its own watcher can tell its changes from those of others.  Once the mailbox
    has been deleted they raise NoSuchMailbox; where a UID is not there (any
    more) they raise NoSuchMessage.  Trouble with disk or index comes as OSError,
    and then nothing has changed.
    """

    def __init__(self, account: Account, folder: Path, meta: MailboxMeta, context: Context) -> None:
        self.account = account
        self.folder = folder
        self._meta = meta
        self._context = context
        self._bare_shelf = Shelf(folder, meta, context)
        self._loaded = False
        self._deleted = False
        self._watchers: dict[object, Watcher] = {}
        self._sorted: tuple[Message, ...] | None = None

    # --- what it is -------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self._meta.name

    @property
    def special_use(self) -> str | None:
        """Its special-use attribute (RFC 6154), such as ``\\Sent``."""
        return self._meta.special_use

    @property
    def info(self) -> MailboxInfo:
        subscribed = self.name in self.account.subscriptions()
        return MailboxInfo(self.name, self.special_use, subscribed)

    @property
    def deleted(self) -> bool:
        """Whether it has been deleted; sessions that still have it open ask this."""
        return self._deleted

    @property
    def uidvalidity(self) -> int:
        """UIDs mean the same as long as this number stays the same."""
        return self._meta.uidvalidity

    @property
    def uidnext(self) -> int:
        """Every message that comes will have this UID or a higher one."""
        return self._shelf.uidnext

    @property
    def highest_modseq(self) -> int:
        """The number of the newest change (RFC 7162 §3.1.2.1)."""
        return self._shelf.modseq

    @property
    def keywords(self) -> tuple[str, ...]:
        """The keywords that were ever set here, in the order of their first use."""
        return tuple(self._meta.keywords)

    # --- reading ----------------------------------------------------------------------

    def messages(self) -> tuple[Message, ...]:
        """All messages in UID order."""
        messages = self._shelf.messages
        if self._sorted is None:
            self._sorted = tuple(messages[uid] for uid in sorted(messages))
        return self._sorted

    def message(self, uid: int) -> Message:
        """The message of this UID.  Raises NoSuchMessage."""
        try:
            return self._shelf.messages[uid]
        except KeyError:
            raise self._no_such(uid) from None

    def read(self, uid: int) -> bytes:
        """A message's bytes, as they came.  Raises NoSuchMessage, also when somebody took
        the file away behind our back."""
        try:
            return self._shelf.read(self.message(uid))
        except FileNotFoundError:
            raise self._no_such(uid) from None

    def gone_since(self, modseq: int) -> list[int]:
        """The UIDs of messages removed by changes after the one numbered `modseq`
        (RFC 7162 §3.2.10, VANISHED)."""
        return self._shelf.gone_since(modseq)

    def fetched(self, uid: int, how: str) -> None:
        """For the record: a client read this message, or a part of it.  Call it once for
        each command and message; `how` is e.g. "POP3 RETR"."""
        self._context.emit(Fetched, **self._post(self.message(uid)), how=how)

    def recent(self) -> frozenset[int]:
        """The UIDs that no session has claimed yet."""
        return frozenset(self._shelf.recent())

    # --- storing ----------------------------------------------------------------------

    def deliver(
        self,
        content: bytes,
        *,
        recipient: str,
        parcel: int | None,
        key: str,
        by: object | None = None,
    ) -> Message:
        """Final delivery (RFC 5321 §4.4).  `key` names this delivery for ever (queue id and
        recipient): a second call with the same key and bytes stores nothing and returns
        the message of the first, even if its owner has removed it since."""
        token = token_of(key, content)
        uid = self._shelf.uid_of(token)
        if uid is not None:
            gone = Message(
                uid, frozenset(), len(content), self._context.now(), parcel, "", token=token
            )
            return self._shelf.messages.get(uid, gone)
        message = self._shelf.store(content, frozenset(), None, parcel, token)
        fields = self._post(message)
        self._context.emit(
            Delivered, **fields, recipient=recipient, file=message.file, size=message.size
        )
        self._tell("arrived", message.uid, by)
        return message

    def append(
        self,
        content: bytes,
        flags: Iterable[str] = frozenset(),
        internal_date: datetime | None = None,
        parcel: int | None = None,
        how: str = "APPEND",
        by: object | None = None,
    ) -> Message:
        """Store a message that a client brings.  `internal_date` (aware) is now if not given.

        Raises MailboxError when one of the flags cannot be one.
        """
        shelf = self._shelf
        token = self._context.ids.token("maildir")
        message = shelf.store(content, shelf.spelled(flags), internal_date, parcel, token)
        self._stored(message, how, by)
        return message

    def copy(
        self, uids: Iterable[int], target: Mailbox, by: object | None = None, how: str = "COPY"
    ) -> list[tuple[int, int]]:
        """Copy messages, flags and dates included; UIDs that are not there are passed over.

        Returns (uid, new uid) pairs.  If one copy fails, those made before it are
        taken back and the error is raised again (RFC 3501 §6.4.7).
        """
        originals = [self.message(uid) for uid in uids if uid in self._shelf.messages]
        pairs: list[tuple[int, int]] = []
        try:
            for one in originals:
                content = self.read(one.uid)
                made = target.append(content, one.flags, one.internal_date, one.parcel, how, by)
                pairs.append((one.uid, made.uid))
        except (OSError, ValueError):
            target.expunge([new for _, new in pairs], how=f"{how} failed", by=by)
            raise
        return pairs

    # --- changing ---------------------------------------------------------------------

    def set_flags(self, uid: int, flags: Iterable[str], by: object | None = None) -> Message:
        """Give the message these flags and no others.  \\Recent cannot be set.

        Nothing happens, and nobody is told, when it has exactly these already.
        Raises NoSuchMessage, and MailboxError when one of the flags cannot be one.
        """
        before = self.message(uid)
        wanted = self._shelf.spelled(flags)
        if wanted == before.flags:
            return before
        try:
            after = self._shelf.change(before, wanted)
        except FileNotFoundError:
            raise self._no_such(uid) from None
        self._flags_changed(before, after, by)
        return after

    def expunge(self, uids: Iterable[int], how: str, by: object | None = None) -> list[int]:
        """Remove messages for ever; UIDs that are not there are passed over.

        `how` says what did it ("EXPUNGE", "POP3 QUIT").  Returns what was removed,
        in UID order.
        """
        messages = self._shelf.messages
        doomed = [messages[uid] for uid in sorted(set(uids) & messages.keys())]
        if not doomed:
            return []
        try:
            self._shelf.remove(doomed)
        finally:
            gone = [message for message in doomed if message.uid not in messages]
            self._gone(gone, how, by)
        return [message.uid for message in gone]

    def claim_recent(self, by: object | None = None) -> set[int]:
        """The session that selects this mailbox is the first to see these UIDs: they are
        \\Recent for it and for no later one (RFC 3501 §2.3.2).  Their files move from
        new to cur."""
        claimed = self._shelf.claim_recent()
        self._sorted = None
        return claimed

    # --- watching ---------------------------------------------------------------------

    def watch(self, callback: Watcher) -> Callable[[], None]:
        """Call back after every change from now on.  Returns what ends the watch."""
        ticket = object()
        self._watchers[ticket] = callback

        def unwatch() -> None:
            self._watchers.pop(ticket, None)

        return unwatch

    def _tell(
        self, kind: Literal["arrived", "flags", "expunged"], uid: int, by: object | None
    ) -> None:
        self._sorted = None
        for watcher in tuple(self._watchers.values()):
            watcher(Change(kind, uid, by))

    def _stored(self, message: Message, how: str, by: object | None) -> None:
        fields = self._post(message)
        self._context.emit(Stored, **fields, file=message.file, size=message.size, how=how)
        self._tell("arrived", message.uid, by)

    def _flags_changed(self, before: Message, after: Message, by: object | None) -> None:
        old, new = tuple(sorted(before.flags)), tuple(sorted(after.flags))
        self._context.emit(FlagsChanged, **self._post(after), before=old, after=new)
        self._tell("flags", after.uid, by)

    def _gone(self, gone: Iterable[Message], how: str, by: object | None) -> None:
        self._sorted = None
        for message in gone:
            self._context.emit(Expunged, **self._post(message), how=how)
            self._tell("expunged", message.uid, by)

    def _post(self, message: Message) -> dict[str, Any]:
        """The fields that all post events about a message share."""
        return {
            "host": self._context.host,
            "parcel": message.parcel,
            "account": self.account.address,
            "mailbox": self.name,
            "uid": message.uid,
        }

    # --- files and index --------------------------------------------------------------

    @property
    def _shelf(self) -> Shelf:
        """Files and index, read when the mailbox is first used."""
        if self._deleted:
            raise NoSuchMailbox(f"{self.name} has been deleted; choose another mailbox")
        if not self._loaded:
            self._bare_shelf.load()
            self._loaded = True
            self.refresh()
        return self._bare_shelf

    def refresh(self) -> None:
        """Look at the files again: somebody may have put one there, renamed one, or taken one
        away.  What comes out is recorded and told like any other change."""
        shelf = self._shelf
        plan = shelf.plan()
        shelf.drop(plan.lost)
        self._gone(plan.lost, how="file removed", by=None)
        for before, row in plan.changed:
            after = shelf.follow(before, row)
            self._sorted = None
            if after.flags != before.flags:
                self._flags_changed(before, after, by=None)
        for message in shelf.take_in(plan.new):
            self._stored(message, how="file found", by=None)

    def rebuild(self) -> None:
        """Throw away the index of this mailbox and make it again from the files.

        UIDs stay as they are, for the file names hold them.
        """
        self.refresh()
        self._shelf.rebuild()
        self._sorted = None

    # --- for the account --------------------------------------------------------------

    def rename(self, name: str) -> None:
        """It is called this from now on (`Account.rename` sees to the rest)."""
        self._meta.name = name
        self._bare_shelf.save_meta()

    def remove(self) -> None:
        """It is being deleted (`Account.delete`): everything in it goes, and whoever has it
        open is told."""
        self.expunge([message.uid for message in self.messages()], how="DELETE")
        self._shelf.forget()
        self._deleted = True
        self._watchers.clear()

    def _no_such(self, uid: int) -> NoSuchMessage:
        return NoSuchMessage(f"{self.name} holds no message with UID {uid}; list it again")


def token_of(key: str, content: bytes) -> str:
    """The token of a delivery: the same for the same key and bytes, and for nothing else."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass") + b"\0")
    digest.update(content)
    return digest.hexdigest()[:TOKEN_DIGITS]
