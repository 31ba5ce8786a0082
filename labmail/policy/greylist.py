"""Greylisting: who is not known yet is asked to come again (RFC 6647).

    first try        the triplet is new                     450, come again
    too soon         its wait is not over                   450, come again
    in time          between the wait and the window's end  taken, and known from now on
    too late         nobody came in time                    450: it counts as new

The idea: a mail server keeps a letter that was put off and tries again, for it has to
(RFC 5321 §4.5.4.1).  A program that only pours out letters does not come back.  So a server
can tell them apart without reading a word, by who calls, from whom and for whom: the *triplet*
of network, reverse-path and recipient (RFC 6647 §2.4).

What it costs: the first letter of every stranger is late, by the stranger's own schedule.  And
a large sender that tries each time from another of its machines is a new stranger each time.
Comparing only the first bits of the address, say 24 of IPv4's 32, makes such a pool one caller
(RFC 6647 §5).

A `Greylist` holds no clock: it is asked about a moment.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

IPV6_BITS = 64
"""Of an IPv6 address only the network's half is compared: a machine may change the rest."""


class Triplet(NamedTuple):
    """Who is compared: the caller's network, the reverse-path, the recipient."""

    network: str
    sender: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Acquaintance:
    """A triplet that has been seen: first at `since`, last at `seen`; `known` once it came again
    in time."""

    since: datetime
    seen: datetime
    known: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`welcome`, or to come again not before `again`; `why` in a few words."""

    welcome: bool
    why: str
    again: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """How long strangers wait, and how long they are remembered.

    after: a stranger is put off for so long.  window: who has not come again by then counts as
    new.  remember: who is known and has not been seen for so long is a stranger again.
    bits: how many bits of an IPv4 address are compared; 32 are all of them.

    Raises:
        ValueError: a span is not positive, the window ends before the wait does, or there are
            no such bits.
    """

    after: timedelta = timedelta(minutes=5)
    window: timedelta = timedelta(days=2)
    remember: timedelta = timedelta(days=36)
    bits: int = 32

    def __post_init__(self) -> None:
        if self.after <= timedelta():
            raise ValueError("after must be longer than 0s: else nobody is asked to come again")
        if self.window <= self.after:
            raise ValueError(
                "the window must be longer than after: a stranger has to come again between the two"
            )
        if self.remember <= timedelta():
            raise ValueError("remember must be longer than 0s: else nobody ever becomes known")
        if not 1 <= self.bits <= 32:
            raise ValueError(f"bits={self.bits}: an IPv4 address has 32; use 24 to 32")


class Greylist:
    """The memory of one host."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self._seen: dict[Triplet, Acquaintance] = {}

    @property
    def seen(self) -> Mapping[Triplet, Acquaintance]:
        """Everybody who is remembered, in the order in which they first came."""
        return dict(self._seen)

    def memory(self) -> dict[Triplet, Acquaintance]:
        """Everybody who is remembered."""
        return dict(self._seen)

    def recall(self, memory: Mapping[Triplet, Acquaintance]) -> None:
        """Remember these, and nobody else."""
        self._seen = dict(memory)

    def triplet(self, ip: str, sender: str, recipient: str) -> Triplet:
        """What is compared of a caller; addresses without regard to case."""
        bits = self.rules.bits if ipaddress.ip_address(ip).version == 4 else IPV6_BITS
        network = ipaddress.ip_network(f"{ip}/{bits}", strict=False)
        return Triplet(str(network), sender.lower(), recipient.lower())

    def judge(self, ip: str, sender: str, recipient: str, now: datetime) -> Verdict:
        """What becomes of a caller at this moment; the caller is remembered."""
        triplet = self.triplet(ip, sender, recipient)
        before = self._seen.get(triplet)
        if before is None or self._forgotten(before, now):
            self._seen[triplet] = Acquaintance(now, now)
            why = "seen for the first time" if before is None else "seen too long ago"
            return Verdict(False, why, now + self.rules.after)
        if before.known or now >= before.since + self.rules.after:
            self._seen[triplet] = Acquaintance(before.since, now, known=True)
            return Verdict(True, "known" if before.known else "came again in time")
        self._seen[triplet] = Acquaintance(before.since, now)
        return Verdict(False, "came again too soon", before.since + self.rules.after)

    def _forgotten(self, before: Acquaintance, now: datetime) -> bool:
        if before.known:
            return now > before.seen + self.rules.remember
        return now > before.since + self.rules.window
