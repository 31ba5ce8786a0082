"""What a lookup ends with.

For mail it matters *how* there is no answer.  NXDOMAIN and NODATA are knowledge:
asking again tomorrow helps nobody.  SERVFAIL, REFUSED and TIMEOUT are the
absence of knowledge: the letter waits, and somebody asks again later
(RFC 5321 §5.1).  `Status.known` draws that line.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import dns.rdata
import dns.rdataclass
import dns.rdatatype


class Status(StrEnum):
    """How a lookup ended."""

    NOERROR = "NOERROR"
    """There are records."""
    NODATA = "NODATA"
    """The name exists; it has no records of this type (RFC 2308 §2.2)."""
    NXDOMAIN = "NXDOMAIN"
    """There is no such name (RFC 2308 §2.1)."""
    SERVFAIL = "SERVFAIL"
    """The server is in trouble, or what it said makes no sense."""
    REFUSED = "REFUSED"
    """The server does not answer for that name."""
    TIMEOUT = "TIMEOUT"
    """No reply came."""

    @property
    def known(self) -> bool:
        """Whether the DNS has spoken: yes or no, but not "cannot say"."""
        return self in (Status.NOERROR, Status.NODATA, Status.NXDOMAIN)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one lookup.

    `name` and `rtype` are what was asked for; `records` hold the data in master
    file form ("10 mx1.saigon.example."), in the order the server gave them;
    `ttl` is how many seconds it may still be remembered (None when nobody knows).
    `canonical` is the name that the records belong to: another one than `name`
    when CNAMEs were followed.  Names have no final dot.
    """

    name: str
    rtype: str
    status: Status
    records: tuple[str, ...]
    ttl: int | None
    canonical: str

    @property
    def cname_followed(self) -> bool:
        """Whether the name is an alias.  The target of an MX must not be one (RFC 5321 §5.1)."""
        return self.canonical != self.name

    def mx(self) -> list[tuple[int, str]]:
        """(preference, host) of each MX record.  The host of a null MX is "." (RFC 7505 §3)."""
        if self.rtype != "MX":
            return []
        pairs = (record.split(" ", 1) for record in self.records)
        return [(int(preference), _plain(host)) for preference, host in pairs]

    def addresses(self) -> list[str]:
        """The addresses of A or AAAA records."""
        return list(self.records) if self.rtype in ("A", "AAAA") else []

    def names(self) -> list[str]:
        """The names that PTR, NS or CNAME records point to."""
        return [_plain(n) for n in self.records] if self.rtype in ("PTR", "NS", "CNAME") else []

    def text(self) -> list[str]:
        """The text of each TXT record, its strings joined without a space (RFC 7208 §3.3)."""
        if self.rtype != "TXT":
            return []
        return [_joined(record).decode("utf-8", "replace") for record in self.records]


def _plain(name: str) -> str:
    return name if name == "." else name.removesuffix(".")


def _joined(record: str) -> bytes:
    rdata = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.TXT, record)
    return b"".join(rdata.strings)  # type: ignore[attr-defined]
