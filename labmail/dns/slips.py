"""Slips of the pen in a zone: what can be served, and is hardly what was meant.

A name without a dot at its end is continued with the origin (RFC 1035 §5.1), and that is no
mistake a server could refuse: ``smtp.hanoi.example.hanoi.example.`` is a name like any other.
So is ``192.0.2.25.hanoi.example.``, which is what becomes of an address where a host's name
belongs.  The zone is served, and the letter finds no host.  Administrators all over the world
have lost hours to these two; whoever reads the zone over their shoulder sees it at once.

What does not fit: a short name that is wrong in another way, such as a misspelt one, looks
like any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import dns.name

from labmail.dns.zone import Record, Zone

WHOLE_NAMES_END = (b"example", b"arpa")
"""Labels that end whole names in this lab, and that nobody begins a short name's end with."""

NAMES_IN_DATA = {
    "CNAME": slice(-1, None),
    "MX": slice(-1, None),
    "NS": slice(-1, None),
    "PTR": slice(-1, None),
    "SOA": slice(0, 2),
    "SRV": slice(-1, None),
}
"""Where the names stand in the data of a record."""

HOST_TYPES = ("MX", "NS", "SRV")
"""Types whose data names a host, and never an address (RFC 1035 §3.3.9, §3.3.11, RFC 2782)."""

MOST_TOLD = 3
"""Slips that a note tells; who has made more of them looks for the rest alone."""


@dataclass(frozen=True, slots=True)
class Slip:
    """What looks like a slip of the pen: where, and what to write instead."""

    line: int
    words: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.words}"


def slips(zone: Zone, server: str) -> tuple[Slip, ...]:
    """What looks like a slip of the pen in a zone, in the order of its lines.

    server: the name server, which nearly every zone names.  A name is told once, where it stands
    first.  Where the zone's own name is one, all names in it are, so no other is told.
    """
    if written := _without_its_dot(zone.apex, server):
        line = next(record.line for record in zone.records() if record.rtype == "SOA")
        return (Slip(line, f"this is the zone of {zone.origin}, because {_no_dot(written)}"),)
    return tuple(_slips(zone, server))


def told(found: tuple[Slip, ...]) -> str:
    """Slips in words, for a note; "" for none."""
    more = (f"{len(found) - MOST_TOLD} more like these",) if len(found) > MOST_TOLD else ()
    return "; ".join((*map(str, found[:MOST_TOLD]), *more))


def _slips(zone: Zone, server: str) -> Iterator[Slip]:
    seen: set[dns.name.Name] = set()
    for record in zone.records():
        for name in _names(record):
            written = _without_its_dot(name.relativize(zone.apex), server)
            if written and name not in seen:
                yield Slip(record.line, f"{name} is the name here, because {_no_dot(written)}")
            seen.add(name)
        target = record.data.split()[-1]
        if record.rtype in HOST_TYPES and (address := _address(target, zone)):
            yield Slip(
                record.line,
                f"{record.rtype} names a host, so {address} was read as the name {target}: give "
                "a host this address with an A record, and write the name of that host",
            )


def _no_dot(written: str) -> str:
    return f"{written} has no dot at its end: write {written}. (RFC 1035 §5.1)"


def _names(record: Record) -> list[dns.name.Name]:
    """The names of a record, all of them complete."""
    inside = NAMES_IN_DATA.get(record.rtype, slice(0, 0))
    return [dns.name.from_text(text) for text in (record.name, *record.data.split()[inside])]


def _without_its_dot(name: dns.name.Name, server: str) -> str:
    """The whole name that this one begins with, and that was continued; "" if there is none."""
    labels = [label for label in name.labels if label]
    own = [label.lower() for label in labels]
    end = len(labels) - name.is_absolute()  # what a whole name ends with is its last label
    ends = [at for at in range(1, end) if own[at] in WHOLE_NAMES_END]
    asked = [label.encode() for label in server.lower().split(".")]
    if not ends and own[: len(asked)] == asked and len(asked) <= end:
        ends = [len(asked) - 1]
    return dns.name.Name(labels[: ends[0] + 1]).to_text() if ends else ""


def _address(target: str, zone: Zone) -> str:
    """The IPv4 address that stands where a name belongs; "" where there is none."""
    labels = dns.name.from_text(target).relativize(zone.apex).to_text(True).split(".")
    numbers = [int(label) for label in labels if label.isascii() and label.isdecimal()]
    return ".".join(labels) if len(labels) == len(numbers) == 4 and max(numbers) < 256 else ""
