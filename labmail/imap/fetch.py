"""FETCH data items: how they are asked for, and how each is answered (RFC 3501 §6.4.5, §7.4.2).

`ITEMS` and `SECTIONS` are the table of what there is; an extension adds a row.  Items
differ in what they do to the message: ``BODY[]`` counts as reading and sets \\Seen,
``BODY.PEEK[]`` looks without leaving a trace.  The answer calls both ``BODY[]``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from labmail.imap.dates import write_date_time
from labmail.imap.envelope import envelope
from labmail.imap.grammar import Decoder, NotGrammar
from labmail.imap.opened import Opened
from labmail.imap.response import Piece
from labmail.imap.sections import Section, read_section
from labmail.imap.structure import structure


@dataclass(frozen=True, slots=True)
class Item:
    """One data item: what the answer calls it, and how it is answered.

    `asked` is what the client called it, if it reads content ("" otherwise);
    `sees` says that it sets \\Seen.
    """

    label: bytes
    answer: Callable[[Opened], Piece]
    asked: str = ""
    sees: bool = False


def _flags(opened: Opened) -> Piece:
    return opened.selected.flags(opened.message).removeprefix(b"FLAGS ")


def _internal_date(opened: Opened) -> Piece:
    return b'"' + write_date_time(opened.message.internal_date) + b'"'


ITEMS: dict[str, Callable[[Opened], Piece]] = {
    "FLAGS": _flags,
    "UID": lambda opened: b"%d" % opened.message.uid,
    "INTERNALDATE": _internal_date,
    "RFC822.SIZE": lambda opened: b"%d" % opened.message.size,
    "ENVELOPE": lambda opened: envelope(opened.entity),
    "BODY": lambda opened: structure(opened.entity, extended=False),
    "BODYSTRUCTURE": lambda opened: structure(opened.entity, extended=True),
}
"""Items without arguments."""

SECTIONS: dict[str, tuple[Section, bool]] = {
    "RFC822": (Section(), True),
    "RFC822.HEADER": (Section(text="HEADER"), False),
    "RFC822.TEXT": (Section(text="TEXT"), True),
}
"""Old names of sections (§6.4.5): which section each is, and whether it sets \\Seen."""

MACROS: dict[str, tuple[str, ...]] = {
    "FAST": ("FLAGS", "INTERNALDATE", "RFC822.SIZE"),
    "ALL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"),
    "FULL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"),
}
"""Names for lists of items; each stands alone (§6.4.5)."""


def plain(name: str) -> Item:
    """The item without arguments of this name."""
    return Item(name.encode("ascii"), ITEMS[name])


def read_items(dec: Decoder) -> list[Item]:
    """One item, several in parentheses, or a macro alone.

    Each item is listed once, however often it was asked for.
    """
    in_parentheses = dec.in_parentheses(lambda: _read_item(dec, dec.expect_word("a data item")))
    if in_parentheses is not None:
        items = in_parentheses
    else:
        name = dec.expect_word("a data item, ALL, FAST or FULL")
        names = MACROS.get(name)
        items = [plain(each) for each in names] if names else [_read_item(dec, name)]
    return _each_once(items)


def _content(section: Section) -> Callable[[Opened], Piece]:
    return lambda opened: section.of(opened.entity)


def _each_once(items: list[Item]) -> list[Item]:
    """Where a section was asked for with and without PEEK, it is not only peeked at."""
    once: dict[bytes, Item] = {}
    for item in items:
        if item.label not in once or item.sees:
            once[item.label] = item
    return list(once.values())


def _read_item(dec: Decoder, name: str) -> Item:
    if name in SECTIONS:
        section, sees = SECTIONS[name]
        return Item(name.encode("ascii"), _content(section), asked=name, sees=sees)
    if name in ("BODY", "BODY.PEEK"):
        return _read_body(dec, name)
    if name in ITEMS:
        return plain(name)
    raise NotGrammar(f"there is no data item {name[:40]}")


def _read_body(dec: Decoder, name: str) -> Item:
    """BODY, BODY[section]<partial> or BODY.PEEK[section]<partial>"""
    if name == "BODY" and not dec.ahead(b"["):
        return plain("BODY")
    section = read_section(dec)
    asked = name + section.label.decode("ascii", "replace")
    return Item(b"BODY" + section.label, _content(section), asked, sees=name == "BODY")
