"""One client's view of one mailbox.

Several sessions may have the same mailbox open, and each must believe that nothing
happens between its commands.  Sequence numbers are counted in *this* row of UIDs, and
the row changes only when the client is told (RFC 3501 §5.2, §7.4.1).  So what happens
to the mailbox is noted as it happens, and said when a command ends:

* ``* 2 EXPUNGE``: a message is gone, every later one moves up.  Never while FETCH,
  STORE or SEARCH is being answered, for these speak in sequence numbers;
* ``* 5 EXISTS``, ``* 1 RECENT``: messages came;
* ``* 3 FETCH (FLAGS (\\Seen))``: another session changed flags.

Own changes need no such note, except that messages go: that is said to everybody
in the same way.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from labmail.imap.grammar import NotGrammar
from labmail.imap.response import SYSTEM_FLAGS, flag_list
from labmail.imap.sequences import SequenceSet
from labmail.mailbox.errors import NoSuchMessage
from labmail.mailbox.mailbox import Mailbox
from labmail.mailbox.model import Change, Message


class Selected:
    """The mailbox a session has open: `uids` is the row its sequence numbers count in."""

    def __init__(self, mailbox: Mailbox, read_only: bool) -> None:
        self.mailbox = mailbox
        self.read_only = read_only
        self.uidvalidity = mailbox.uidvalidity
        self.uids: list[int] = [message.uid for message in mailbox.messages()]
        # EXAMINE must not take \Recent away from the session that comes to read: §6.3.2
        self.recent: set[int] = set(mailbox.recent()) if read_only else mailbox.claim_recent(self)
        self._keywords = mailbox.keywords
        self._arrived: set[int] = set()
        self._reflagged: set[int] = set()
        self._gone: set[int] = set()
        self._unwatch = mailbox.watch(self._noticed)

    def leave(self) -> None:
        """The session has no further interest in the mailbox."""
        self._unwatch()

    @property
    def vanished(self) -> bool:
        """Has the mailbox been deleted, or its UIDs lost their meaning?"""
        return self.mailbox.deleted or self.mailbox.uidvalidity != self.uidvalidity

    # --- numbers ------------------------------------------------------------------------

    def number_of(self, uid: int) -> int:
        """The sequence number of a message in this row."""
        return bisect_left(self.uids, uid) + 1

    def choose(self, messages: SequenceSet, by_uid: bool) -> list[int]:
        """The UIDs of the messages in a set, in order.

        UIDs that are not there are passed over; a sequence number that is not there
        is a mistake (RFC 3501 §6.4.8, §9 "seq-number").  Raises `NotGrammar`.
        """
        if by_uid:
            return messages.among(self.uids)
        count = len(self.uids)
        if messages.names_number_zero(count) or messages.highest(count) > count:
            raise NotGrammar(f"there are only {count} messages: no such message number")
        return [self.uids[number - 1] for number in messages.among(range(1, count + 1))]

    def message(self, uid: int) -> Message | None:
        """What the mailbox knows of it; None if it is gone and the client not yet told."""
        try:
            return self.mailbox.message(uid)
        except NoSuchMessage:
            return None

    # --- what is said --------------------------------------------------------------------

    def flags(self, message: Message) -> bytes:
        """``FLAGS (…)`` of one message as this session sees them; that counts as told."""
        self._reflagged.discard(message.uid)
        return b"FLAGS " + flag_list(message.flags, message.uid in self.recent)

    def known_flags(self) -> bytes:
        """All flags that messages of this mailbox may bear."""
        return flag_list((*SYSTEM_FLAGS, *self._keywords))

    def updates(self, expunge: bool) -> list[bytes]:
        """What the client has to be told now; with `expunge` also that messages are gone."""
        told = self._tell_gone() if expunge else []
        told += self._tell_arrived()
        told += self._tell_keywords()
        return told + self._tell_flags()

    def _tell_gone(self) -> list[bytes]:
        told = []
        for uid in sorted(self._gone):
            number = self.number_of(uid)
            if self.uids[number - 1 : number] == [uid]:
                del self.uids[number - 1]
                told.append(b"%d EXPUNGE" % number)
        self.recent -= self._gone
        self._reflagged -= self._gone
        self._gone.clear()
        return told

    def _tell_arrived(self) -> list[bytes]:
        new = sorted(uid for uid in self._arrived if self.message(uid))
        self._arrived.clear()
        if not new:
            return []
        unclaimed = self.mailbox.recent() & set(new)
        self.recent |= unclaimed if self.read_only else self.mailbox.claim_recent(self)
        self.uids += new
        return [b"%d EXISTS" % len(self.uids), b"%d RECENT" % len(self.recent)]

    def _tell_keywords(self) -> list[bytes]:
        if self._keywords == self.mailbox.keywords:
            return []
        self._keywords = self.mailbox.keywords
        return [b"FLAGS " + self.known_flags()]

    def _tell_flags(self) -> list[bytes]:
        row: Sequence[int] = sorted(self._reflagged)
        messages = [message for uid in row if (message := self.message(uid))]
        return [
            b"%d FETCH (UID %d %s)" % (self.number_of(m.uid), m.uid, self.flags(m))
            for m in messages
        ]

    def _noticed(self, change: Change) -> None:
        """Called by the mailbox, for changes of all sessions."""
        if change.kind == "arrived":
            self._arrived.add(change.uid)
        elif change.kind == "expunged":
            self._gone.add(change.uid)
        elif change.by is not self:
            self._reflagged.add(change.uid)
