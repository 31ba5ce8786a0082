"""The messages of a mailbox as one POP3 session sees them.

When the session begins, the messages are counted, and their numbers hold to its end:
mail that comes later waits for the next session (RFC 1939 §4 and §5).  DELE marks a
message; only `update` removes what is marked.  For as long as the session lasts it
has the maildrop to itself.
"""

from __future__ import annotations

from labmail.mailbox.store import INBOX, Account, MailboxError, Message


class NoMessage(ValueError):
    """There is no message of that number in this session; the text says why."""


class Maildrop:
    """The INBOX of an account, locked for this session.

    Raises MaildropLocked when another session has it.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        account.lock_maildrop(self)
        try:
            self._mailbox = account.open(INBOX)
            self._messages = self._mailbox.messages()
        except (MailboxError, OSError):
            account.unlock_maildrop(self)
            raise
        self._marked: set[int] = set()

    # --- what is there ----------------------------------------------------------------

    def listed(self) -> list[tuple[int, Message]]:
        """Number and message of all that are not marked."""
        numbered = enumerate(self._messages, start=1)
        return [(number, message) for number, message in numbered if number not in self._marked]

    def count(self) -> int:
        return len(self._messages) - len(self._marked)

    def octets(self) -> int:
        """The sizes of all that are not marked, added up."""
        return sum(message.size for _, message in self.listed())

    def message(self, number: int) -> Message:
        """The message of this number.  Raises NoMessage."""
        if not 1 <= number <= len(self._messages):
            raise NoMessage(f"no message {number}, the maildrop has {len(self._messages)}")
        if number in self._marked:
            raise NoMessage(f"message {number} is marked as deleted, RSET takes that back")
        return self._messages[number - 1]

    def unique_id(self, message: Message) -> str:
        """The name of a message that no other will ever have (RFC 1939 §7, UIDL): IMAP's
        UIDVALIDITY and UID, in hexadecimal."""
        return f"{self._mailbox.uidvalidity:08x}{message.uid:08x}"

    def read(self, number: int, how: str) -> bytes:
        """A message's bytes; goes on record as read.  Raises NoMessage."""
        message = self.message(number)
        try:
            content = self._mailbox.read(message.uid)
            self._mailbox.fetched(message.uid, how)
        except MailboxError:
            raise NoMessage(f"message {number} is gone, removed from elsewhere") from None
        return content

    # --- marks ------------------------------------------------------------------------

    def mark(self, number: int) -> None:
        """Mark a message as deleted.  Raises NoMessage."""
        self.message(number)
        self._marked.add(number)

    def unmark_all(self) -> None:
        self._marked.clear()

    # --- the end ----------------------------------------------------------------------

    def update(self) -> int:
        """Remove what is marked (RFC 1939 §6) and return how many messages that were.
        Raises MailboxError or OSError when it cannot be done."""
        uids = [self._messages[number - 1].uid for number in self._marked]
        return len(self._mailbox.expunge(uids, how="POP3 QUIT", by=self))

    def release(self) -> None:
        """Let other sessions have the maildrop.  What is marked stays."""
        self._account.unlock_maildrop(self)
