"""Flags, keywords, and their letters in Maildir file names.

A system flag begins with a backslash and means the same to every client
(RFC 3501 §2.3.2).  A keyword is any other word; clients make them up.  Case
does not tell flags apart: the first spelling a mailbox has seen is kept.

In a Maildir a file name ends in ``:2,`` and a letter for each flag, in ASCII
order: capitals for system flags, and, as Dovecot does it, ``a`` to ``z`` for
the mailbox's first 26 keywords.  Keywords beyond those live in the index only.
On Windows, where a colon cannot be in a file name, the separator is ``!``.
"""

from __future__ import annotations

import string
import sys
from collections.abc import Iterable

from labmail.mailbox.errors import MailboxError

SEEN = "\\Seen"
ANSWERED = "\\Answered"
FLAGGED = "\\Flagged"
DELETED = "\\Deleted"
DRAFT = "\\Draft"
RECENT = "\\Recent"
"""Not stored as a flag: only the server gives it out (see `Mailbox.claim_recent`)."""

LETTERS = {SEEN: "S", ANSWERED: "R", FLAGGED: "F", DELETED: "T", DRAFT: "D"}
SYSTEM_FLAGS = frozenset(LETTERS)
KEYWORD_LETTERS = string.ascii_lowercase
INFO = "!2," if sys.platform == "win32" else ":2,"
"""What separates the unique part of a file name from its flags."""

_SPELLING = {flag.casefold(): flag for flag in (*SYSTEM_FLAGS, RECENT)}


def spelled(flags: Iterable[str], keywords: Iterable[str] = ()) -> frozenset[str]:
    """The flags as this mailbox spells them: ``\\seen`` is ``\\Seen``, a keyword is spelled as
    in `keywords`.  \\Recent is left out."""
    known = {keyword.casefold(): keyword for keyword in keywords} | _SPELLING
    return frozenset(known.get(flag.casefold(), flag) for flag in flags) - {RECENT}


def letters_of(flags: Iterable[str], keywords: list[str]) -> str:
    """The letters for these flags, in ASCII order.  `keywords` gives the meaning of a to z."""
    letters = LETTERS | dict(zip(keywords, KEYWORD_LETTERS, strict=False))
    return "".join(sorted(letters[flag] for flag in flags if flag in letters))


def flags_of(letters: str, keywords: list[str]) -> frozenset[str]:
    """What these letters mean; letters that mean nothing here are left out."""
    meaning = {letter: flag for flag, letter in LETTERS.items()}
    meaning |= dict(zip(KEYWORD_LETTERS, keywords, strict=False))
    return frozenset(meaning[letter] for letter in letters if letter in meaning)


def check_keyword(keyword: str) -> None:
    """Refuse what cannot be a keyword: an unknown system flag, or text that is no atom
    (RFC 3501 §9, flag-keyword).  Raises MailboxError."""
    if keyword.startswith("\\"):
        raise MailboxError(f"{keyword!r} is no flag; the flags are {', '.join(sorted(LETTERS))}")
    if not keyword or any(not "!" <= c <= "~" or c in '(){%*"\\]' for c in keyword):
        raise MailboxError(f"{keyword!r} cannot be a keyword; use letters, digits, $ and -")
