"""Which names a mailbox may bear.

A name is Unicode text in NFC, its levels separated by "/".  It is a name and
nothing else: it never becomes a path, so that no client can reach a file with
it.  What would confuse people or programs is refused all the same: empty
levels, "." and "..", control characters, the wildcards of LIST, and text that
is not NFC, for two names that look alike should be one name.
"""

from __future__ import annotations

import unicodedata

from labmail.mailbox.errors import BadMailboxName

SEPARATOR = "/"
INBOX = "INBOX"
MAX_OCTETS = 512
"""Longest name, in octets of UTF-8."""
MAX_LEVELS = 16
WILDCARDS = frozenset("*%")  # RFC 3501 §6.3.8: they mean "any name" in LIST
FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories that may not occur: controls, lone surrogates, line separators."""


def canonical(name: str) -> str:
    """The name as it is stored, INBOX in capitals however the client spelled it
    (RFC 3501 §5.1).

    Raises BadMailboxName when it cannot be a mailbox's name.
    """
    problem = problem_with(name)
    if problem:
        raise BadMailboxName(f"{name!r} cannot name a mailbox: {problem}")
    first, slash, rest = name.partition(SEPARATOR)
    return f"{INBOX}{slash}{rest}" if first.upper() == INBOX else name


def problem_with(name: str) -> str:
    """What is wrong with the name, and what to do instead; "" when it is a good name."""
    if not name:
        return "it is empty; give it at least one character"
    if any(unicodedata.category(character) in FORBIDDEN_CATEGORIES for character in name):
        return "it holds control characters; use visible ones"
    if not unicodedata.is_normalized("NFC", name):
        return "it is not in Unicode form NFC; normalize it first"
    if WILDCARDS & set(name):
        return "it holds * or %, which LIST reads as wildcards; leave them out"
    if len(name.encode()) > MAX_OCTETS:
        return f"it is longer than {MAX_OCTETS} octets; choose a shorter one"
    return _problem_with_levels(name.split(SEPARATOR))


def superiors(name: str) -> list[str]:
    """The names above this one, outermost first: a, a/b for a/b/c."""
    levels = name.split(SEPARATOR)
    return [SEPARATOR.join(levels[:depth]) for depth in range(1, len(levels))]


def _problem_with_levels(levels: list[str]) -> str:
    if len(levels) > MAX_LEVELS:
        return f"it has more than {MAX_LEVELS} levels; choose a flatter one"
    if "" in levels:
        return 'it has an empty level; write no "/" at the ends and no two in a row'
    if {".", ".."} & set(levels):
        return 'one of its levels is "." or ".."; choose another word'
    return ""
