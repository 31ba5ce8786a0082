"""One mailbox, shared by all sessions that have it open.

To store a message takes two steps, in this order: its file goes from tmp to new
(one rename), then a row goes into the index (one transaction).  A crash between
them leaves a file without a row, and the next start finds it (`reconcile`).
To remove one takes the same two steps, file first.  So the files are always
right, and the index follows.

A delivery has a *key*; a digest of key and content is the token in the file's
name.  A queue that crashed before it could note "delivered" delivers the same
bytes again with the same key, and gets the message that is there already:
exactly once.  (The content is in the digest for safety's sake: should a queue id
ever come again, another letter must not be taken for a repetition and lost.)

UIDs rise and are never given out twice (RFC 3501 §2.3.1.1).  Every change has a
number, too, that only rises (RFC 7162 calls it mod-sequence): a client can ask
what changed since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from labmail.mailbox import meta as metas
from labmail.mailbox.errors import MailboxError, NoSuchMailbox, NoSuchMessage
from labmail.mailbox.flags import SYSTEM_FLAGS, check_keyword, flags_of, letters_of, spelled
from labmail.mailbox.index import IndexFailed
from labmail.mailbox.maildir import Base, Found, Maildir, in_cur
from labmail.mailbox.meta import MailboxMeta
from labmail.mailbox.model import Change, Context, MailboxInfo, Message, Watcher
from labmail.mailbox.reconcile import LAST_UID, compare, hinted_uid
from labmail.trace.events import Delivered, Expunged, Fetched, FlagsChanged, Stored

if TYPE_CHECKING:
    from labmail.mailbox.account import Account

MAX_KEYWORDS = 200
"""More keywords than this are refused: clients make them up, and each is kept for ever."""
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
        self._index = context.index
        self._dir = Maildir(folder, context.durable)
        self._watchers: dict[object, Watcher] = {}
        self._messages: dict[int, Message] = {}
        self._sorted: tuple[Message, ...] | None = None
        self._box = 0
        self._uidnext = 1
        self._modseq = 1
        self._loaded = False
        self._deleted = False

    # --- what it is -----------------------------------------------------------------

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
        self._load()
        return self._uidnext

    @property
    def highest_modseq(self) -> int:
        """The number of the newest change (RFC 7162 §3.1.2.1)."""
        self._load()
        return self._modseq

    @property
    def keywords(self) -> tuple[str, ...]:
        """The keywords that were ever set here, in the order of their first use."""
        return tuple(self._meta.keywords)

    # --- reading --------------------------------------------------------------------

    def messages(self) -> tuple[Message, ...]:
        """All messages in UID order."""
        self._load()
        if self._sorted is None:
            self._sorted = tuple(self._messages[uid] for uid in sorted(self._messages))
        return self._sorted

    def message(self, uid: int) -> Message:
        """The message of this UID.  Raises NoSuchMessage."""
        self._load()
        try:
            return self._messages[uid]
        except KeyError:
            raise self._no_such(uid) from None

    def read(self, uid: int) -> bytes:
        """A message's bytes, as they came.  Raises NoSuchMessage, also when somebody took
        the file away behind our back."""
        message = self.message(uid)
        try:
            return (self.account.folder / message.file).read_bytes()
        except FileNotFoundError:
            raise self._no_such(uid) from None

    def gone_since(self, modseq: int) -> list[int]:
        """The UIDs of messages removed by changes after the one numbered `modseq`
        (RFC 7162 §3.2.5.1, VANISHED)."""
        self._load()
        return self._index.gone_since(self._box, modseq)

    def fetched(self, uid: int, how: str) -> None:
        """For the record: a client read this message, or a part of it.  Call it once for
        each command and message; `how` is e.g. "POP3 RETR"."""
        message = self.message(uid)
        self._context.emit(Fetched, **self._post(message), how=how)

    # --- storing --------------------------------------------------------------------

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
        the message of the first."""
        self._load()
        token = token_of(key, content)
        uid = self._index.uid_of(self._box, token)
        if uid is not None:
            return self._delivered_before(uid, content, token)
        message = self._store(content, frozenset(), None, parcel, token)
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
        """Store a message that a client brings.  `internal_date` (aware) is now if not given."""
        self._load()
        token = self._context.ids.token("maildir")
        message = self._store(content, self._spelled(flags), internal_date, parcel, token)
        self._context.emit(
            Stored, **self._post(message), file=message.file, size=message.size, how=how
        )
        self._tell("arrived", message.uid, by)
        return message

    def copy(
        self, uids: Iterable[int], target: Mailbox, by: object | None = None, how: str = "COPY"
    ) -> list[tuple[int, int]]:
        """Copy messages, flags and dates included; UIDs that are not there are passed over.

        Returns (uid, new uid) pairs.  If one copy fails, those made before it are
        taken back and the error is raised again (RFC 3501 §6.4.7).
        """
        self._load()
        pairs: list[tuple[int, int]] = []
        try:
            for uid in [uid for uid in uids if uid in self._messages]:
                one = self._messages[uid]
                made = target.append(
                    self.read(uid), one.flags, one.internal_date, one.parcel, how, by
                )
                pairs.append((uid, made.uid))
        except (OSError, NoSuchMessage):
            target.expunge([new for _, new in pairs], how=f"{how} failed", by=by)
            raise
        return pairs

    def _store(
        self,
        content: bytes,
        flags: frozenset[str],
        when: datetime | None,
        parcel: int | None,
        token: str,
    ) -> Message:
        """File first, then index; if the index fails the file is taken back."""
        when = (when or self._context.now()).replace(microsecond=0)
        uid, size = self._uidnext, len(content)
        if uid > LAST_UID:
            raise MailboxError(f"{self.name} has used up its UIDs; make a new mailbox")
        base = Base(int(when.timestamp()), token, self._context.host, uid, parcel, size)
        letters = letters_of(flags, self._meta.keywords)
        file = self._dir.write(str(base), content, when, letters)
        message = Message(
            uid, flags, size, when, parcel, self._from_account(file), self._modseq + 1, token
        )
        try:
            with self._index.batch():
                self._index.put(self._box, message)
                self._index.count(self._box, uid + 1, message.modseq)
        except IndexFailed:
            self._dir.remove(file)
            raise
        self._uidnext, self._modseq = uid + 1, message.modseq
        self._know(message)
        return message

    def _delivered_before(self, uid: int, content: bytes, token: str) -> Message:
        """The message of an earlier delivery, even if its owner has removed it since."""
        known = self._messages.get(uid)
        if known is not None:
            return known
        return Message(uid, frozenset(), len(content), self._context.now(), None, "", token=token)

    # --- changing -------------------------------------------------------------------

    def set_flags(self, uid: int, flags: Iterable[str], by: object | None = None) -> Message:
        """Give the message these flags and no others.  \\Recent cannot be set.

        Nothing happens, and nobody is told, when it has exactly these already.
        """
        before = self.message(uid)
        after = self._spelled(flags)
        if after == before.flags:
            return before
        base = self._found(before).base
        file = self._from_account(in_cur(base, letters_of(after, self._meta.keywords)))
        message = replace(before, flags=after, file=file, modseq=self._modseq + 1)
        self._change(before, message)
        self._flags_changed(before, message, by)
        return message

    def _change(self, before: Message, after: Message) -> None:
        """File first, then index; if the index fails the file gets its old name back."""
        old, new = self._in_mailbox(before.file), self._in_mailbox(after.file)
        try:
            self._dir.move(old, new)
        except FileNotFoundError:
            raise self._no_such(before.uid) from None
        try:
            with self._index.batch():
                self._index.put(self._box, after)
                self._index.count(self._box, self._uidnext, after.modseq)
        except IndexFailed:
            self._dir.move(new, old)
            raise
        self._modseq = after.modseq
        self._know(after)

    def _flags_changed(self, before: Message, after: Message, by: object | None) -> None:
        self._context.emit(
            FlagsChanged,
            **self._post(after),
            before=tuple(sorted(before.flags)),
            after=tuple(sorted(after.flags)),
        )
        self._tell("flags", after.uid, by)

    def _spelled(self, flags: Iterable[str]) -> frozenset[str]:
        """The flags as this mailbox spells them; keywords it has not seen get a letter."""
        wanted = spelled(flags, self._meta.keywords)
        fresh = sorted(wanted - SYSTEM_FLAGS - set(self._meta.keywords))
        if fresh:
            for keyword in fresh:
                check_keyword(keyword)
            if len(self._meta.keywords) + len(fresh) > MAX_KEYWORDS:
                raise MailboxError(
                    f"{self.name} has {MAX_KEYWORDS} keywords already; use one of those"
                )
            self._meta.keywords += fresh
            self._save_meta()
        return wanted

    def expunge(self, uids: Iterable[int], how: str, by: object | None = None) -> list[int]:
        """Remove messages for ever; UIDs that are not there are passed over.

        `how` says what did it ("EXPUNGE", "POP3 QUIT").  Returns what was removed,
        in UID order.
        """
        self._load()
        doomed = [self._messages[uid] for uid in sorted(set(uids) & self._messages.keys())]
        if not doomed:
            return []
        self._keep_uidnext()
        for message in doomed:
            self._dir.remove(self._in_mailbox(message.file))
        self._forget(doomed, how, by)
        return [message.uid for message in doomed]

    def _keep_uidnext(self) -> None:
        """Note the next UID outside of the index, before messages go: were they the newest,
        nothing in the files would say that their UIDs have been used."""
        if self._meta.uidnext < self._uidnext:
            self._meta.uidnext = self._uidnext
            self._save_meta()

    def _forget(self, doomed: Iterable[Message], how: str, by: object | None) -> None:
        """Drop messages whose files are gone, then tell everybody."""
        self._modseq += 1
        with self._index.batch():
            self._index.drop(self._box, doomed, self._modseq)
            self._index.count(self._box, self._uidnext, self._modseq)
        for message in doomed:
            del self._messages[message.uid]
        self._sorted = None
        for message in doomed:
            self._context.emit(Expunged, **self._post(message), how=how)
            self._tell("expunged", message.uid, by)

    # --- recent ---------------------------------------------------------------------

    def recent(self) -> frozenset[int]:
        """The UIDs that no session has claimed yet."""
        self._load()
        return frozenset(self._index.recent(self._box))

    def claim_recent(self, by: object | None = None) -> set[int]:
        """The session that selects this mailbox is the first to see these UIDs: they are
        \\Recent for it and for no later one (RFC 3501 §2.3.2).  Their files move from
        new to cur."""
        self._load()
        claimed = set(self._index.recent(self._box))
        with self._index.batch():
            for uid in sorted(claimed):
                self._move_to_cur(self._messages[uid])
            self._index.settle_recent(self._box)
        return claimed

    def _move_to_cur(self, message: Message) -> None:
        found = self._found(message)
        if found.place != "new":
            return
        to = in_cur(found.base, found.letters)
        try:
            self._dir.move(found.file, to)
        except FileNotFoundError:
            return  # taken away by hand: refresh() will notice
        moved = replace(message, file=self._from_account(to))
        self._index.put(self._box, moved)
        self._know(moved)

    # --- watching -------------------------------------------------------------------

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
        for watcher in tuple(self._watchers.values()):
            watcher(Change(kind, uid, by))

    # --- files and index ------------------------------------------------------------

    def refresh(self) -> None:
        """Look at the files again: somebody may have put one there, or taken one away."""
        self._load()
        self._agree()

    def rebuild(self) -> None:
        """Throw away the index of this mailbox and make it again from the files.

        UIDs stay as they are, for the file names hold them.
        """
        self._load()
        self._agree()
        with self._index.batch():
            self._index.forget(self._key)
            self._make_index(self._modseq + 1)

    def rename(self, name: str) -> None:
        """It is called this from now on (`Account.rename` sees to the rest)."""
        self._meta.name = name
        self._save_meta()

    def remove(self) -> None:
        """The mailbox is being deleted (`Account.delete`): everything in it goes, and whoever
        has it open is told."""
        self._load()
        self.expunge(list(self._messages), how="DELETE")
        self._index.forget(self._key)
        self._deleted = True
        self._watchers.clear()

    def _load(self) -> None:
        """Read the index when the mailbox is first used, and see whether the files agree."""
        if self._deleted:
            raise NoSuchMailbox(f"{self.name} has been deleted; choose another mailbox")
        if self._loaded:
            return
        self._dir.make()
        self._dir.sweep()
        box = self._index.box(self._key)
        if box is None:
            with self._index.batch():
                self._make_index(1)
        else:
            self._box, self._uidnext, self._modseq = box.id, box.uidnext, box.modseq
            self._messages = {m.uid: m for m in self._index.messages(box.id)}
        self._loaded = True
        self._agree()

    def _make_index(self, modseq: int) -> None:
        """Index the files as if for the first time."""
        plan = compare((), self._dir.scan(), self._prefix, self._meta.keywords)
        if plan.new or self._meta.uidnext > 1:
            # Changes have been counted here before, and the count is lost.  Lab time in
            # seconds is more than it can have been.
            modseq = max(modseq, int(self._context.now().timestamp()))
        self._messages, self._sorted = {}, None
        self._uidnext, self._modseq = self._meta.uidnext, modseq
        self._box = self._index.add_box(self._key, self._uidnext, modseq).id
        taken = {uid for uid in (hinted_uid(found, 1, ()) for found in plan.new) if uid}
        self._uidnext = max([self._uidnext, *(uid + 1 for uid in taken)])
        for found in plan.new:
            self._adopt(found, hinted_uid(found, 1, self._messages))
        self._index.count(self._box, self._uidnext, modseq)

    def _agree(self) -> None:
        """Do what the comparison of files and rows says, and tell everybody."""
        plan = compare(self._messages.values(), self._dir.scan(), self._prefix, self._meta.keywords)
        if plan.lost:
            self._forget(plan.lost, how="file removed", by=None)
        for before, after in plan.changed:
            self._follow(before, after)
        for found in plan.new:
            self._take_in(found)

    def _follow(self, before: Message, after: Message) -> None:
        """A file was renamed behind our back: its name says the flags."""
        if after.flags != before.flags:
            self._modseq += 1
            after = replace(after, modseq=self._modseq)
        with self._index.batch():
            self._index.put(self._box, after)
            self._index.count(self._box, self._uidnext, self._modseq)
        self._know(after)
        if after.flags != before.flags:
            self._flags_changed(before, after, by=None)

    def _take_in(self, found: Found) -> None:
        """A file without a row: a crash came between the two steps, or a hand put it here."""
        self._modseq += 1
        with self._index.batch():
            message = self._adopt(found, hinted_uid(found, self._uidnext, self._messages))
            self._index.count(self._box, self._uidnext, self._modseq)
        self._context.emit(
            Stored, **self._post(message), file=message.file, size=message.size, how="file found"
        )
        self._tell("arrived", message.uid, by=None)

    def _adopt(self, found: Found, uid: int | None) -> Message:
        """Index a file under this UID; without one it gets the next UID, and a name that
        says so."""
        base = Base.parse(found.base)
        if base is None or uid is None:
            found, base = self._baptize(found, base)
        when = datetime.fromtimestamp(base.seconds, self._context.now().tzinfo)
        flags = flags_of(found.letters, self._meta.keywords)
        file = self._prefix + found.file
        message = Message(
            base.uid, flags, base.size, when, base.parcel, file, self._modseq, base.token
        )
        self._index.put(self._box, message, recent=found.place == "new")
        self._uidnext = max(self._uidnext, base.uid + 1)
        self._know(message)
        return message

    def _baptize(self, found: Found, base: Base | None) -> tuple[Found, Base]:
        """Give a file the name it would have had, had it come through the front door."""
        made = Base(
            int(self._context.now().timestamp()) if base is None else base.seconds,
            self._context.ids.token("maildir"),
            self._context.host,
            self._uidnext,
            None if base is None else base.parcel,
            (self.folder / found.file).stat().st_size,
        )
        renamed = Found(found.place, found.name.replace(found.base, str(made), 1))
        self._dir.move(found.file, renamed.file)
        return renamed, made

    # --- small help -----------------------------------------------------------------

    @property
    def _key(self) -> str:
        """What the index calls this mailbox: account-1/mailbox-1."""
        return f"{self.account.folder.name}/{self.folder.name}"

    @property
    def _prefix(self) -> str:
        """From the account's folder to this one's files."""
        return f"{self.folder.name}/"

    def _from_account(self, file: str) -> str:
        return self._prefix + file

    def _in_mailbox(self, file: str) -> str:
        return file.removeprefix(self._prefix)

    def _found(self, message: Message) -> Found:
        place, _, name = self._in_mailbox(message.file).partition("/")
        return Found(place, name)

    def _know(self, message: Message) -> None:
        self._messages[message.uid] = message
        self._sorted = None

    def _save_meta(self) -> None:
        metas.save(self.folder / metas.MAILBOX_FILE, self._meta, self._context.durable)

    def _no_such(self, uid: int) -> NoSuchMessage:
        return NoSuchMessage(f"{self.name} holds no message with UID {uid}; list it again")

    def _post(self, message: Message) -> dict[str, Any]:
        """The fields that all post events about a message share."""
        return {
            "host": self._context.host,
            "parcel": message.parcel,
            "account": self.account.address,
            "mailbox": self.name,
            "uid": message.uid,
        }


def token_of(key: str, content: bytes) -> str:
    """The token of a delivery: the same for the same key and bytes, and for nothing else."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass") + b"\0")
    digest.update(content)
    return digest.hexdigest()[:TOKEN_DIGITS]
