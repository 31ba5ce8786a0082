"""``1:4,7,*``: sets of messages (RFC 3501 §9, "sequence-set").

The same notation names messages in two ways, and mixing them up is the oldest
mistake of IMAP clients.  A *sequence number* is a place in a row: when message 2
goes, message 3 is number 2.  A *UID* belongs to one message for ever.

A set is kept as ranges and never written out: ``1:4294967295`` is a short set.
``*`` is the last message, whatever its number; ``9:*`` in a mailbox of three
messages therefore is ``3:9``, and contains the last message (§9).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

STAR = 0
"""How a `SequenceSet` spells ``*`` (no message has the number 0)."""


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """Ranges as they were written: pairs of numbers, `STAR` for the last message."""

    ranges: tuple[tuple[int, int], ...]

    def highest(self, last: int) -> int:
        """The greatest number named, where `last` is what ``*`` means (0: there is none)."""
        return max(max(a or last, b or last) for a, b in self.ranges)

    def names_number_zero(self, last: int) -> bool:
        """Does ``*`` occur where there is no last message?"""
        return last == 0 and any(STAR in pair for pair in self.ranges)

    def among(self, numbers: Sequence[int]) -> list[int]:
        """Those of `numbers` (ascending) that are in the set, ascending, each once."""
        if not numbers:
            return []
        found: list[int] = []
        for low, high in self._merged(numbers[-1]):
            found += numbers[bisect_left(numbers, low) : bisect_right(numbers, high)]
        return found

    def _merged(self, last: int) -> list[tuple[int, int]]:
        """The ranges in order, without overlaps: the work is bounded by what is found."""
        ordered = sorted(tuple(sorted((a or last, b or last))) for a, b in self.ranges)
        merged: list[tuple[int, int]] = []
        for low, high in ordered:
            if merged and low <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], high))
            else:
                merged.append((low, high))
        return merged
