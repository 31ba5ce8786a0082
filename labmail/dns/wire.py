"""A message is looked over before it is read.

In a DNS message a name may end in a *pointer*: two octets that say "and on as at that
place before" (RFC 1035 §4.1.4).  That saves room, and it is the one spot where few
octets can make much work.  A pointer that leads to a pointer, that leads to a pointer,
and so on, costs nothing to write: 8,000 of them fit into 16 KiB, and then each of
thousands of records begins with the last one.  Reading those 64 KiB takes minutes.
(A pointer that leads forward, or to itself, would never end; the reader refuses it.)

Nobody who writes honestly has one pointer lead to another, for it could have led to
the goal itself.  So a message with a long chain is not read at all; nor is one that
announces more records than any answer here has.

A query announces fewer still: one question, and what is said about the question (RFC
1035 §4.1).  Anybody may send one, in a datagram with a false sender, so nothing more than that
is read: three hundred records whose names are all one pointer to one long name fit into
5 KB and are work for seconds.
"""

from __future__ import annotations

import re

HEADER_SIZE = 12
"""Octets of a message's header (RFC 1035 §4.1.1)."""

MAX_RECORDS = 300
"""Records of a reply that is read."""

QUERY_RECORDS = (1, 0, 1, 2)
"""What a query announces at most, section by section: one question (RFC 9619 §4), no answer, the
SOA record of a client that asks for what is new in a zone (RFC 1995 §3), and the additional
records OPT (RFC 6891 §6.1.1) and TSIG (RFC 8945 §5.1)."""

MAX_CHAIN = 8
"""Pointers that may lead from one to the next.  Octets that are no pointers can look like
them; that so many of those follow each other by chance does not happen."""

_MAYBE_POINTER = re.compile(rb"[\xc0-\xff]")
_REACH = 0x3FFF
"""A pointer has 14 bits for the place it leads to."""


def too_much(wire: bytes) -> bool:
    """Whether reading this reply would be more work than any honest reply is."""
    return sum(_announced(wire)[1:]) > MAX_RECORDS or _has_long_chain(wire)


def too_much_for_a_query(wire: bytes) -> bool:
    """Whether reading this query would be more work than any honest query is."""
    announced = zip(_announced(wire), QUERY_RECORDS, strict=True)
    return any(count > most for count, most in announced) or _has_long_chain(wire)


def _announced(wire: bytes) -> tuple[int, ...]:
    """How many questions the header announces, and how many records in each other section."""
    return tuple(int.from_bytes(wire[at : at + 2], "big") for at in (4, 6, 8, 10))


def _has_long_chain(wire: bytes) -> bool:
    """Whether more than `MAX_CHAIN` pointers lead from one to the next."""
    length: dict[int, int] = {}
    for found in _MAYBE_POINTER.finditer(wire, HEADER_SIZE, _REACH + 1):
        here = found.start()
        target = int.from_bytes(wire[here : here + 2], "big") & _REACH
        if target < here:
            length[here] = length.get(target, 0) + 1
            if length[here] > MAX_CHAIN:
                return True
    return False
