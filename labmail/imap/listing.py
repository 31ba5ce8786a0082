"""LIST and LSUB: which names match, and what is said of them (RFC 3501 §6.3.8, §6.3.9).

``*`` stands for anything, ``%`` for anything within one level.  A name may exist only
because something lies below it (``work/2026`` without ``work``): it is listed, with
\\Noselect, so that a client that walks the tree with ``%`` gets to the bottom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from labmail.imap.response import mailbox, parenthesised
from labmail.mailbox.account import Account
from labmail.mailbox.names import INBOX, MAX_OCTETS, SEPARATOR, superiors


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a listing: name and attributes."""

    name: str
    attributes: tuple[str, ...]

    def line(self, command: str) -> bytes:
        """``LIST (\\HasNoChildren \\Sent) "/" "Sent"``"""
        attributes = parenthesised(a.encode("ascii") for a in self.attributes)
        return b" ".join([command.encode("ascii"), attributes, b'"/"', mailbox(self.name)])


ROOT = Listed("", ("\\Noselect",))
"""The answer to an empty pattern: it asks for the hierarchy separator (§6.3.8)."""


def listed(account: Account, pattern: str) -> list[Listed]:
    """LIST: the mailboxes whose names match, in order."""
    special = {info.name: info.special_use for info in account.mailboxes()}
    parents = {above for name in special for above in superiors(name)}
    return [
        Listed(name, _attributes(name in special, name in parents, special.get(name)))
        for name in _in_order(special.keys() | parents)
        if matches(pattern, name)
    ]


def subscribed(account: Account, pattern: str) -> list[Listed]:
    """LSUB: the names subscribed to that match; there may be no such mailbox any more.

    With ``%`` a name that is not subscribed to is shown, as \\Noselect, if one below it
    is (§6.3.9).
    """
    names = set(account.subscriptions())
    above = {one for name in names for one in superiors(name)} if "%" in pattern else set()
    return [
        Listed(name, () if name in names else ("\\Noselect",))
        for name in _in_order(names | above)
        if matches(pattern, name)
    ]


def _in_order(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (name != INBOX, name))


def _attributes(exists: bool, has_children: bool, special_use: str | None) -> tuple[str, ...]:
    return (
        *(() if exists else ("\\Noselect",)),
        "\\HasChildren" if has_children else "\\HasNoChildren",  # RFC 3348 §3
        *((special_use,) if special_use else ()),  # RFC 6154 §2
    )


def matches(pattern: str, name: str) -> bool:
    """Does the name match the pattern?

    All places of the pattern that may have been reached are followed at once, so that no
    pattern, however many wildcards it has, makes this slow.
    """
    if len(pattern) > 2 * MAX_OCTETS:
        return False
    if name == INBOX:  # in any case: RFC 3501 §5.1
        pattern = pattern.upper()
    reached = _past_wildcards(pattern, {0})
    for character in name:
        stepped = set()
        for place in reached:
            expected = pattern[place : place + 1]
            if expected == "*" or (expected == "%" and character != SEPARATOR):
                stepped.add(place)
            elif expected == character:
                stepped.add(place + 1)
        reached = _past_wildcards(pattern, stepped)
    return len(pattern) in reached


def _past_wildcards(pattern: str, places: set[int]) -> set[int]:
    """These places, and those behind wildcards at them: a wildcard may stand for nothing."""
    all_places = set(places)
    for place in places:
        while pattern[place : place + 1] in ("*", "%"):
            place += 1
            all_places.add(place)
    return all_places
