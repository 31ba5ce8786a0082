"""Planned faults of the network: a cable cut, a port blocked, a long way.

On loopback nothing ever gets lost and nothing takes time, so what goes wrong on the way
is planned.  A fault stands between two *ends*: hosts, or everybody.  Three ways of not
getting through are kept apart, because a mail server reads them differently only in words,
while the person who repairs it reads where the trouble is:

* *timed out*: packets vanish.  A cable is cut, or a firewall throws them away in silence.
* *refused*: somebody answers, and says no.  The host is up, and nothing listens there; or
  a firewall says so in its place.
* *no route*: a router on the way knows no way.

A *delay* is the time of one round trip between two ends, as ``ping`` shows it.  It passes
on lab time, and each time that one side must wait for the other before it goes on: for the
handshake of TCP, for that of TLS (RFC 8446 §2), for each answer of the server before the
next words of the client, for each reply by datagram.  So lab time tells what a talkative
protocol costs on a long way; no cell waits for it.

What does not fit: there is no loss of single packets, no bandwidth and no reordering; a
connection that is cut dies at once, where outside each end finds out by its own time-out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from labmail.net.addresses import service_of


class Way(StrEnum):
    """How an attempt to get through ends."""

    TIMED_OUT = "timed out"
    REFUSED = "refused"
    NO_ROUTE = "no route"

    @classmethod
    def called(cls, name: str) -> Way:
        """The way with this name; raises ValueError, naming the ways there are."""
        try:
            return cls(name)
        except ValueError:
            ways = ", ".join(repr(way.value) for way in cls)
            raise ValueError(f"no connection ends {name!r}: choose from {ways}") from None

    def error(self, where: str) -> OSError:
        """What the caller's system says (with Linux's numbers, on every system)."""
        match self:
            case Way.TIMED_OUT:
                return TimeoutError(110, f"Connection timed out: {where} is silent")
            case Way.REFUSED:
                return ConnectionRefusedError(111, f"Connection refused: on the way to {where}")
            case Way.NO_ROUTE:
                return OSError(113, f"No route to host: {where}")

    @property
    def reason(self) -> str:
        """How the trace says it."""
        match self:
            case Way.TIMED_OUT:
                return "timed out"
            case Way.REFUSED:
                return "connection refused"
            case Way.NO_ROUTE:
                return "no route to host"


@dataclass(frozen=True, slots=True)
class Ends:
    """One side of a fault: a name for it, and its addresses; None: everybody."""

    name: str
    addresses: frozenset[str] | None = None

    def __contains__(self, ip: str) -> bool:
        return self.addresses is None or ip in self.addresses


EVERYBODY = Ends("everybody")


@dataclass(frozen=True, slots=True)
class Cut:
    """Nothing passes between two ends, in either direction."""

    one: Ends
    other: Ends
    way: Way = Way.TIMED_OUT

    def __str__(self) -> str:
        return f"{self.one.name} and {self.other.name} are cut off from each other ({self.way})"

    def stops(self, client: str, server: str, port: int) -> bool:
        return between(self.one, self.other, client, server)


@dataclass(frozen=True, slots=True)
class Block:
    """A firewall at an end lets nothing out to a port, or nothing in."""

    end: Ends
    port: int
    inward: bool = False
    way: Way = Way.TIMED_OUT

    def __str__(self) -> str:
        direction = "into" if self.inward else "out of"
        port = f"port {self.port} ({service_of(self.port)})"
        return f"{port} is blocked {direction} {self.end.name} ({self.way})"

    def stops(self, client: str, server: str, port: int) -> bool:
        return port == self.port and (server if self.inward else client) in self.end


@dataclass(frozen=True, slots=True)
class Delay:
    """One round trip between two ends takes so long."""

    one: Ends
    other: Ends
    length: timedelta

    def __str__(self) -> str:
        milliseconds = self.length / timedelta(milliseconds=1)
        return f"{self.one.name} and {self.other.name}: {milliseconds:g} ms there and back"


Fault = Cut | Block | Delay


def between(one: Ends, other: Ends, a: str, b: str) -> bool:
    """Whether two addresses stand at the two ends, whichever is where."""
    return (a in one and b in other) or (a in other and b in one)


class Faults:
    """The planned faults of one network, in the order in which they were planned."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []

    @property
    def planned(self) -> tuple[Fault, ...]:
        return tuple(self._planned)

    def recall(self, planned: tuple[Fault, ...]) -> None:
        """Plan these, and nothing else."""
        self._planned = list(planned)

    def plan(self, fault: Fault) -> None:
        """From now on; a fault of the same kind between the same ends is replaced."""
        self._planned = [f for f in self._planned if _place(f) != _place(fault)]
        self._planned.append(fault)

    def mend(self, one: Ends | None = None, other: Ends | None = None) -> tuple[Fault, ...]:
        """Take back every fault that touches this end, or both, or all; return those."""
        wanted = {end.name for end in (one, other) if end is not None}
        mended = tuple(f for f in self._planned if wanted <= _names(f))
        self._planned = [f for f in self._planned if f not in mended]
        return mended

    def stopping(self, client: str, server: str, port: int) -> Way | None:
        """How an attempt to get from one address to another ends; None: it gets through."""
        for fault in self._planned:
            if not isinstance(fault, Delay) and fault.stops(client, server, port):
                return fault.way
        return None

    def delay(self, a: str, b: str) -> timedelta:
        """How long a round trip takes between two addresses: all delays on the way together."""
        delays = [f for f in self._planned if isinstance(f, Delay)]
        lengths = (f.length for f in delays if between(f.one, f.other, a, b))
        return sum(lengths, timedelta(0))


def _names(fault: Fault) -> set[str]:
    return {fault.end.name} if isinstance(fault, Block) else {fault.one.name, fault.other.name}


def _place(fault: Fault) -> object:
    port = (fault.port, fault.inward) if isinstance(fault, Block) else ()
    return type(fault), frozenset(_names(fault)), port
