"""Where one mailbox's messages stand: files and index, kept in step.

To store a message takes two steps, in this order: its file goes from tmp to new
(one rename), then a row goes into the index (one transaction).  A crash between
them leaves a file without a row, and the next start finds it.  To remove one
takes the same two steps, file first.  So the files are always right, and the
index follows.

UIDs rise and are never given out twice (RFC 3501 §2.3.1.1).  Every change has a
number, too, that only rises (RFC 7162 calls it mod-sequence): a client can ask
what changed since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from labmail.mailbox import meta as metas
from labmail.mailbox.errors import MailboxError
from labmail.mailbox.flags import SYSTEM_FLAGS, check_keyword, flags_of, letters_of, spelled
from labmail.mailbox.index import IndexFailed
from labmail.mailbox.maildir import Base, Found, Maildir, in_cur
from labmail.mailbox.meta import MailboxMeta
from labmail.mailbox.model import Context, Message
from labmail.mailbox.reconcile import LAST_UID, Plan, compare, hinted_uid

MAX_KEYWORDS = 200
"""More keywords than this are refused: clients make them up, and each is kept for ever."""


class Shelf:
    """The messages of one mailbox.  Methods raise OSError when disk or index fail; then
    memory still says what it said before, and `plan` finds out what the files say."""

    def __init__(self, folder: Path, meta: MailboxMeta, context: Context) -> None:
        self.folder = folder
        self.meta = meta
        self.messages: dict[int, Message] = {}
        self.uidnext = meta.uidnext
        self.modseq = 1
        self._context = context
        self._index = context.index
        self._dir = Maildir(folder, context.durable)
        self._box = 0

    @property
    def key(self) -> str:
        """What the index calls this mailbox: account-1/mailbox-1."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def _prefix(self) -> str:
        """From the account's folder, which `Message.file` counts from, to this one."""
        return f"{self.folder.name}/"

    # --- opening ----------------------------------------------------------------------

    def load(self) -> None:
        """Read the index; make it if it is not there."""
        self._dir.make()
        self._dir.sweep()
        box = self._index.box(self.key)
        if box is None:
            with self._index.batch():
                self._make_index(1)
        else:
            self._box, self.uidnext, self.modseq = box.id, box.uidnext, box.modseq
            self.messages = {m.uid: m for m in self._index.messages(box.id)}

    def rebuild(self) -> None:
        """Throw the index away and make it again from the files."""
        with self._index.batch():
            self._index.forget(self.key)
            self._make_index(self.modseq)

    def forget(self) -> None:
        """Drop all that the index knows."""
        self._index.forget(self.key)

    def save_meta(self) -> None:
        metas.save(self.folder / metas.MAILBOX_FILE, self.meta, self._context.durable)

    def _make_index(self, modseq: int) -> None:
        """Index the files as if for the first time; UIDs are taken from their names."""
        found = compare((), self._dir.scan(), self._prefix, self.meta.keywords).new
        if found or self.meta.uidnext > 1:
            # Changes have been counted here before, and the count is lost.  Lab time in
            # seconds is more than it can have been.
            modseq = max(modseq + 1, int(self._context.now().timestamp()))
        hints = [uid for uid in (hinted_uid(each, 1, ()) for each in found) if uid]
        self.messages = {}
        self.modseq = modseq
        self.uidnext = max([self.meta.uidnext, *(uid + 1 for uid in hints)])
        self._box = self._index.add_box(self.key, self.uidnext, modseq).id
        for each in found:
            self._adopt(each, hinted_uid(each, 1, self.messages), modseq)
        self._index.count(self._box, self.uidnext, modseq)

    # --- asking -----------------------------------------------------------------------

    def uid_of(self, token: str) -> int | None:
        """The UID that the message with this token has, or had before it was removed."""
        return self._index.uid_of(self._box, token)

    def gone_since(self, modseq: int) -> list[int]:
        return self._index.gone_since(self._box, modseq)

    def recent(self) -> list[int]:
        return self._index.recent(self._box)

    def read(self, message: Message) -> bytes:
        """The bytes of a message.  Raises FileNotFoundError when somebody took the file."""
        return self._dir.read(self._found(message).file)

    # --- changing ---------------------------------------------------------------------

    def store(
        self,
        content: bytes,
        flags: frozenset[str],
        when: datetime | None,
        parcel: int | None,
        token: str,
    ) -> Message:
        """File first, then index; if the index fails, the file is taken back."""
        when = (when or self._context.now()).replace(microsecond=0)
        uid, size, modseq = self._next_uid(), len(content), self.modseq + 1
        base = Base(int(when.timestamp()), token, self._context.host, uid, parcel, size)
        letters = letters_of(flags, self.meta.keywords)
        file = self._dir.write(str(base), content, when, letters)
        message = Message(uid, flags, size, when, parcel, self._prefix + file, modseq, token)
        try:
            self._put(message, uid + 1)
        except IndexFailed:
            self._dir.remove(file)
            raise
        return message

    def change(self, before: Message, flags: frozenset[str]) -> Message:
        """Other flags: file first, then index; if the index fails, the file gets its old
        name back.  Raises FileNotFoundError when somebody took the file."""
        found = self._found(before)
        file = in_cur(found.base, letters_of(flags, self.meta.keywords))
        after = replace(before, flags=flags, file=self._prefix + file, modseq=self.modseq + 1)
        self._dir.move(found.file, file)
        try:
            self._put(after, self.uidnext)
        except IndexFailed:
            self._dir.move(file, found.file)
            raise
        return after

    def remove(self, doomed: list[Message]) -> list[Message]:
        """Remove files, then rows; returns what is gone.  If a file resists, those removed
        before it are gone, and OSError is raised once that is noted."""
        self._keep_uidnext()
        gone: list[Message] = []
        try:
            for message in doomed:
                self._dir.remove(self._found(message).file)
                gone.append(message)
        finally:
            self.drop(gone)
        return gone

    def drop(self, gone: Iterable[Message]) -> None:
        """Drop the rows of messages whose files are gone."""
        gone = tuple(gone)
        if not gone:
            return
        with self._index.batch():
            self._index.drop(self._box, gone, self.modseq + 1)
            self._index.count(self._box, self.uidnext, self.modseq + 1)
        self.modseq += 1
        for message in gone:
            del self.messages[message.uid]

    def claim_recent(self) -> set[int]:
        """Move what is new to cur; returns the UIDs that were recent until now."""
        claimed = set(self._index.recent(self._box))
        with self._index.batch():
            for uid in sorted(claimed):
                self._move_to_cur(self.messages[uid])
            self._index.settle_recent(self._box)
        return claimed

    def spelled(self, flags: Iterable[str]) -> frozenset[str]:
        """The flags as this mailbox spells them; keywords it has not seen are noted first.
        Raises MailboxError for what is no flag, and for too many keywords."""
        wanted = spelled(flags, self.meta.keywords)
        fresh = sorted(wanted - SYSTEM_FLAGS - set(self.meta.keywords))
        for keyword in fresh:
            check_keyword(keyword)
        if len(self.meta.keywords) + len(fresh) > MAX_KEYWORDS:
            raise MailboxError(
                f"{self.meta.name} has {MAX_KEYWORDS} keywords at most; use one of those there are"
            )
        if fresh:
            self.meta.keywords += fresh
            self.save_meta()
        return wanted

    def _next_uid(self) -> int:
        if self.uidnext > LAST_UID:
            raise MailboxError(f"{self.meta.name} has used up its UIDs; make a new mailbox")
        return self.uidnext

    def _put(self, message: Message, uidnext: int) -> None:
        """A message is new or changed: into the index, then into memory."""
        with self._index.batch():
            self._index.put(self._box, message)
            self._index.count(self._box, uidnext, message.modseq)
        self.uidnext, self.modseq = uidnext, message.modseq
        self.messages[message.uid] = message

    def _keep_uidnext(self) -> None:
        """Note the next UID outside of the index, before messages go: were they the newest,
        nothing in the files would say that their UIDs have been used."""
        if self.meta.uidnext < self.uidnext:
            self.meta.uidnext = self.uidnext
            self.save_meta()

    def _move_to_cur(self, message: Message) -> None:
        found = self._found(message)
        if found.place != "new":
            return
        file = in_cur(found.base, found.letters)
        try:
            self._dir.move(found.file, file)
        except FileNotFoundError:
            return  # taken away by hand: the next comparison will notice
        moved = replace(message, file=self._prefix + file)
        self._index.put(self._box, moved)
        self.messages[moved.uid] = moved

    # --- files that others touched ----------------------------------------------------

    def plan(self) -> Plan:
        """In what the files differ from the index."""
        rows = self.messages.values()
        return compare(rows, self._dir.scan(), self._prefix, self.meta.keywords)

    def follow(self, before: Message, after: Message) -> Message:
        """A file was renamed behind our back: its name says the flags."""
        if after.flags != before.flags:
            after = replace(after, modseq=self.modseq + 1)
        with self._index.batch():
            self._index.put(self._box, after)
            self._index.count(self._box, self.uidnext, max(self.modseq, after.modseq))
        self.modseq = max(self.modseq, after.modseq)
        self.messages[after.uid] = after
        return after

    def take_in(self, found: Iterable[Found]) -> Iterator[Message]:
        """Files without rows: a crash came between two steps, or a hand put them here."""
        for each in found:
            modseq = self.modseq + 1
            with self._index.batch():
                uid = hinted_uid(each, self.uidnext, self.messages)
                message = self._adopt(each, uid, modseq)
                self._index.count(self._box, self.uidnext, modseq)
            self.modseq = modseq
            yield message

    def _adopt(self, found: Found, uid: int | None, modseq: int) -> Message:
        """Index a file under this UID; without one it gets the next, and a name that says so."""
        base = Base.parse(found.base)
        if base is None or uid is None:
            found, base = self._baptize(found, base)
        when = datetime.fromtimestamp(base.seconds, self._context.now().tzinfo)
        flags = flags_of(found.letters, self.meta.keywords)
        file = self._prefix + found.file
        message = Message(base.uid, flags, base.size, when, base.parcel, file, modseq, base.token)
        self._index.put(self._box, message, recent=found.place == "new")
        self.uidnext = max(self.uidnext, base.uid + 1)
        self.messages[base.uid] = message
        return message

    def _baptize(self, found: Found, base: Base | None) -> tuple[Found, Base]:
        """Give a file the name it would have had, had it come through the front door."""
        if base is None:
            self._dir.use_crlf(found.file)
        made = Base(
            int(self._context.now().timestamp()) if base is None else base.seconds,
            self._context.ids.token("maildir"),
            self._context.host,
            self._next_uid(),
            None if base is None else base.parcel,
            self._dir.size(found.file),
        )
        renamed = Found(found.place, str(made) + found.name.removeprefix(found.base))
        self._dir.move(found.file, renamed.file)
        return renamed, made

    def _found(self, message: Message) -> Found:
        place, _, name = message.file.removeprefix(self._prefix).partition("/")
        return Found(place, name)
