"""What a resolver still knows, and for how long.

Each fact came with a time to live, set by whoever runs the zone.  Until it is
over nobody asks again, so a change in the zone is not seen before: that is why
mail keeps going to the old host for an hour after a move.  Time is lab time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import dns.rdatatype

from labmail.dns.reply import Fact, Key

MAX_FACTS = 10_000
"""How many facts a cache keeps: over that, the oldest go first."""


@dataclass(frozen=True, slots=True)
class Known:
    """One thing in a cache, to look at.

    `rtype` is "ANY" for a name that does not exist: no type of it does; `ttl`
    is in seconds from now, until `expires`.
    """

    name: str
    rtype: str
    status: str
    records: tuple[str, ...]
    ttl: int
    expires: datetime


class Cache:
    """Facts with an end."""

    def __init__(self) -> None:
        self._facts: dict[Key, tuple[Fact, datetime]] = {}

    def keep(self, fact: Fact, now: datetime) -> None:
        """Remember a fact for its time to live; one that has none is not kept (RFC 1035 §3.2.1)."""
        self._facts.pop(fact.key, None)
        if fact.ttl <= 0:
            return
        if len(self._facts) >= MAX_FACTS:
            del self._facts[next(iter(self._facts))]
        self._facts[fact.key] = (fact, now + timedelta(seconds=fact.ttl))

    def get(self, key: Key, now: datetime) -> tuple[Fact, int] | None:
        """What is known, and for how many seconds more; None when nothing is."""
        if key not in self._facts:
            return None
        fact, expires = self._facts[key]
        if expires <= now:
            del self._facts[key]
            return None
        return fact, int((expires - now).total_seconds())

    def flush(self) -> None:
        """Forget everything."""
        self._facts.clear()

    def memory(self) -> dict[Key, tuple[Fact, datetime]]:
        """All facts with their ends."""
        return dict(self._facts)

    def recall(self, memory: dict[Key, tuple[Fact, datetime]]) -> None:
        """Know these, and no others."""
        self._facts = dict(memory)

    def contents(self, now: datetime) -> tuple[Known, ...]:
        """Everything still known, in the order of names."""
        known = [self._shown(fact, expires, now) for fact, expires in self._facts.values()]
        return tuple(sorted((k for k in known if k.expires > now), key=lambda k: (k.name, k.rtype)))

    @staticmethod
    def _shown(fact: Fact, expires: datetime, now: datetime) -> Known:
        return Known(
            name=fact.name.to_text(omit_final_dot=True).lower(),
            rtype="ANY" if fact.rdtype is None else dns.rdatatype.to_text(fact.rdtype),
            status=fact.status.value,
            records=fact.records,
            ttl=int((expires - now).total_seconds()),
            expires=expires,
        )
