"""Files and index brought into agreement.

There are two lists of a mailbox's messages: the files in new and cur, and the
rows of the index.  They differ after a crash (a file, and no row yet), after
somebody worked on the files by hand, and when the index was lost.  The files
win, always:

    a row without a file     the message is gone
    a file without a row     the message has arrived
    both, other name         its flags were changed, or it went from new to cur

Here the two lists are only compared; `Mailbox` and `Shelf` do what the plan says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from labmail.mailbox.flags import KEYWORD_LETTERS, flags_of, letters_of
from labmail.mailbox.maildir import Base, Found
from labmail.mailbox.model import Message

LAST_UID = 0xFFFF_FFFE


@dataclass(frozen=True, slots=True)
class Plan:
    """What must happen to the index: `changed` pairs a row with what it must become,
    `lost` are rows to drop, `new` files to take in, those with the lowest UID first."""

    changed: tuple[tuple[Message, Message], ...]
    lost: tuple[Message, ...]
    new: tuple[Found, ...]


def compare(
    rows: Iterable[Message], files: Iterable[Found], prefix: str, keywords: list[str]
) -> Plan:
    """Compare the index's rows with the files there are.

    `prefix` is what the rows' file names begin with (the mailbox's folder);
    `keywords` gives the meaning of the letters a to z.
    """
    left = {Found(*row.file.removeprefix(prefix).split("/", 1)).base: row for row in rows}
    changed: list[tuple[Message, Message]] = []
    new: list[Found] = []
    for found in files:
        row = left.pop(found.base, None)
        if row is None:
            new.append(found)
        elif row.file != prefix + found.file:
            flags = _flags_now(row, found, keywords)
            changed.append((row, replace(row, file=prefix + found.file, flags=flags)))
    return Plan(tuple(changed), tuple(left.values()), tuple(sorted(new, key=_order)))


def hinted_uid(found: Found, lowest: int, taken: Iterable[int]) -> int | None:
    """The UID that the file's name asks for, if it can have it: not below `lowest`, not
    `taken` by another message."""
    base = Base.parse(found.base)
    if base is None or not lowest <= base.uid <= LAST_UID or base.uid in taken:
        return None
    return base.uid


def _flags_now(row: Message, found: Found, keywords: list[str]) -> frozenset[str]:
    """The flags in the file's name, and the keywords that have no letter and so are in the
    index only."""
    if "".join(sorted(set(found.letters))) == letters_of(row.flags, keywords):
        return row.flags
    without_letter = row.flags & set(keywords[len(KEYWORD_LETTERS) :])
    return flags_of(found.letters, keywords) | without_letter


def _order(found: Found) -> tuple[int, str]:
    base = Base.parse(found.base)
    return (LAST_UID + 1 if base is None else base.uid, found.name)
