"""Just enough of the DNS message format to name the question of a packet in a picture.

The header is twelve octets, then come the questions (RFC 1035 §4.1.1, §4.1.2).  Names in the
first question are never compressed, since nothing stands before them to point to.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

TYPES = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA",
    33: "SRV", 43: "DS", 48: "DNSKEY", 52: "TLSA", 255: "ANY", 257: "CAA",
}  # fmt: skip
STATUSES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}


@dataclass(frozen=True, slots=True)
class Packet:
    """The first question of a DNS message, and what its header says about the answer."""

    name: str
    rtype: str
    status: str
    answers: int


def read(data: bytes) -> Packet | None:
    """The packet's first question; None where it cannot be read."""
    try:
        _, flags, questions, answers, _, _ = struct.unpack_from("!6H", data)
        if not questions:
            return None
        name, at = _name(data, 12)
        (number,) = struct.unpack_from("!H", data, at)
    except (struct.error, IndexError, ValueError):
        return None
    status = STATUSES.get(flags & 15, f"RCODE{flags & 15}")
    return Packet(name, TYPES.get(number, f"TYPE{number}"), status, answers)


def _name(data: bytes, at: int) -> tuple[str, int]:
    labels = []
    while length := data[at]:
        if length > 63:  # a pointer: RFC 1035 §4.1.4
            raise ValueError("compressed question")
        labels.append(data[at + 1 : at + 1 + length].decode("utf-8", "backslashreplace"))
        at += 1 + length
    return ".".join(labels), at + 1
