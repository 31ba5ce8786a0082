"""Names and numbers that look random and are not.

A mail system invents identifiers all day: queue ids, Message-IDs, boundaries,
UIDVALIDITY values, the order among equal MX hosts.  Here each comes from the
lab's seed, what it is for, and a counter of its own.  So the same world, driven
the same way, says the same bytes again; and drawing one identifier more of one
kind does not shift those of another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

_QUEUE_ALPHABET = "0123456789BCDFGHJKLMNPQRSTVWXYZ"
"""No vowels, so that no word appears by accident."""


class Ids:
    """All identifiers of one lab.

    seed: any text or number; equal seeds give equal identifiers in equal order.
    """

    def __init__(self, seed: str | int = "mail lab") -> None:
        self._seed = str(seed)
        self._counters: Counter[str] = Counter()

    def number(self, kind: str) -> int:
        """The next number of this kind: 1, 2, 3, …"""
        self._counters[kind] += 1
        return self._counters[kind]

    def skip_to(self, kind: str, number: int) -> None:
        """Go on behind `number`: an earlier run has used the numbers up to it."""
        self._counters[kind] = max(self._counters[kind], number)

    def memory(self) -> dict[str, int]:
        """How far each kind has been drawn."""
        return dict(self._counters)

    def recall(self, memory: dict[str, int]) -> None:
        """Go on from there."""
        self._counters = Counter(memory)

    def queue_id(self, host: str) -> str:
        """A queue id such as ``4K7Q2MXB``: unique in the lab, never a path or a shell surprise."""
        value = self._draw(f"queue {host}")
        letters = []
        for _ in range(8):
            value, digit = divmod(value, len(_QUEUE_ALPHABET))
            letters.append(_QUEUE_ALPHABET[digit])
        return "".join(letters)

    def message_id(self, domain: str) -> str:
        """A Message-ID with its angle brackets (RFC 5322 §3.6.4)."""
        return f"<{self.token(f'message-id {domain}', 20)}@{domain}>"

    def boundary(self) -> str:
        """A MIME boundary: a letter of text is very unlikely to hold it (RFC 2046 §5.1.1)."""
        return f"=_{self.token('boundary', 24)}"

    def uidvalidity(self) -> int:
        """A nonzero 32-bit number (RFC 3501 §2.3.1.1)."""
        return self._draw("uidvalidity") % 0xFFFF_FFFE + 1

    def token(self, kind: str, length: int = 16) -> str:
        """`length` hexadecimal digits (at most 32), different at each call."""
        return f"{self._draw(kind):032x}"[:length]

    def pick(self, items: Sequence[T], key: str) -> list[T]:
        """The items in an order that depends on the seed and `key` only."""
        return sorted(items, key=lambda item: self._hash(f"pick {key} {item!r}"))

    def lot(self, key: str) -> float:
        """A number from 0 up to 1 that depends on the seed and `key` only."""
        return self._hash(f"lot {key}") / 2**128

    def shuffle(self, items: Sequence[T], kind: str) -> list[T]:
        """The items in an order drawn by lot: another one at each call."""
        return self.pick(items, f"{kind} {self.number(kind)}")

    def _draw(self, kind: str) -> int:
        return self._hash(f"{kind} {self.number(kind)}")

    def _hash(self, text: str) -> int:
        digest = blake2b(f"{self._seed}|{text}".encode(), digest_size=16).digest()
        return int.from_bytes(digest, "big")
