"""What can go wrong with mailboxes.  Each message says what, where, and what to do next."""

from __future__ import annotations


class MailboxError(ValueError):
    """Something is wrong with an account, a mailbox or a message."""


class NoSuchAccount(MailboxError):
    """Nobody of that address has mailboxes here."""


class NoSuchMailbox(MailboxError):
    """The account has no mailbox of that name (any more)."""


class NoSuchMessage(MailboxError):
    """The mailbox holds no message of that UID (any more)."""


class MailboxExists(MailboxError):
    """There is a mailbox of that name already."""


class BadMailboxName(MailboxError):
    """The name cannot be the name of a mailbox."""


class MaildropLocked(MailboxError):
    """Another POP3 session has the maildrop (RFC 1939 §4)."""
