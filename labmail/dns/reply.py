"""What a reply teaches.

A reply is a bundle of claims, and a careful resolver takes from it only what it
asked for (RFC 2181 §5.4.1, RFC 5452 §6): the records of the name in question,
and those of the names its CNAMEs lead to.  What stands in the additional section
may help others; here it is left, so that every address a letter travelled by
has a question of its own in the trace.

Each claim becomes a `Fact` about one name: records, or the absence of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from labmail.dns.answers import Status
from labmail.dns.wire import too_much

MAX_NEGATIVE_TTL = 3 * 3600
"""Seconds that a "no" is believed at most (RFC 2308 §5)."""

MAX_POSITIVE_TTL = 7 * 24 * 3600
"""Seconds that records are believed at most (RFC 8767 §4)."""

_FAILURES = {dns.rcode.REFUSED: Status.REFUSED}
"""Reply codes that say something; every other failure is SERVFAIL."""

RdataType = dns.rdatatype.RdataType

Key = tuple[dns.name.Name, RdataType | None]
"""What a fact is about: a name and a type, or (None) every type of the name."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing known about a name.

    `rdtype` is None for NXDOMAIN, which holds for every type (RFC 2308 §5);
    `ttl` is in seconds; `target` is where a CNAME points.
    """

    name: dns.name.Name
    rdtype: RdataType | None
    status: Status
    ttl: int
    records: tuple[str, ...] = ()
    target: dns.name.Name | None = None

    @property
    def key(self) -> Key:
        return self.name, self.rdtype


@dataclass(frozen=True, slots=True)
class Lesson:
    """All that one reply teaches: `status` of the reply as a whole, and facts.

    `truncated`: the reply was too long for UDP, ask again over TCP."""

    status: Status
    facts: tuple[Fact, ...] = ()
    truncated: bool = False

    @property
    def records(self) -> tuple[str, ...]:
        """The data of all records, along the chain, as ``dig +short`` shows them."""
        return tuple(record for fact in self.facts for record in fact.records)

    @property
    def ttl(self) -> int | None:
        """How long all of it may be remembered, in seconds."""
        return min((fact.ttl for fact in self.facts), default=None)


def read_reply(query: dns.message.Message, wire: bytes) -> Lesson:
    """What these bytes teach whoever sent this query; never raises.

    Bytes that are not the reply to the query (other id, other question) teach
    nothing, as if nothing had come: they may be somebody's forgery (RFC 5452 §9.1).
    """
    ours = wire[:2] == query.id.to_bytes(2, "big")
    unreadable = Lesson(Status.SERVFAIL if ours else Status.TIMEOUT)
    if too_much(wire):
        return unreadable
    try:
        reply = dns.message.from_wire(wire, ignore_trailing=True)
    except Exception:  # the bytes are anybody's, and dnspython raises many kinds of things
        return unreadable
    if not query.is_response(reply):
        return Lesson(Status.TIMEOUT)
    if reply.flags & dns.flags.TC:
        return Lesson(Status.SERVFAIL, truncated=True)
    if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return Lesson(_FAILURES.get(reply.rcode(), Status.SERVFAIL))
    question = query.question[0]
    return _Reading(reply, question.rdtype).from_name(question.name)


@dataclass(slots=True)
class _Reading:
    """A good reply being read, from the name asked for along its CNAMEs."""

    reply: dns.message.Message
    rdtype: RdataType
    facts: list[Fact] = field(default_factory=list)

    def from_name(self, name: dns.name.Name) -> Lesson:
        seen: set[dns.name.Name] = set()
        while name not in seen:
            seen.add(name)
            if rrset := self._rrset(name, self.rdtype):
                self.facts.append(_fact(rrset))
                return self._lesson(Status.NOERROR)
            alias = self._rrset(name, dns.rdatatype.CNAME)
            if alias is None:
                return self._without_records(name)
            fact = _fact(alias)
            self.facts.append(fact)
            assert fact.target is not None
            name = fact.target
        return self._lesson(Status.NOERROR)

    def _without_records(self, name: dns.name.Name) -> Lesson:
        """The reply holds no records for this name: a no, a chain that goes on elsewhere,
        or a server that does not know."""
        ttl = self._negative_ttl(name)
        if self.reply.rcode() == dns.rcode.NXDOMAIN:
            self.facts.append(Fact(name, None, Status.NXDOMAIN, ttl or 0))
            return self._lesson(Status.NXDOMAIN)
        if ttl is not None:
            self.facts.append(Fact(name, self.rdtype, Status.NODATA, ttl))
            return self._lesson(Status.NODATA)
        if self.facts:
            return self._lesson(Status.NOERROR)
        if self.reply.authority:  # a referral: this server sends us elsewhere
            return Lesson(Status.SERVFAIL)
        self.facts.append(Fact(name, self.rdtype, Status.NODATA, 0))  # RFC 2308 §5: not cached
        return self._lesson(Status.NODATA)

    def _lesson(self, status: Status) -> Lesson:
        return Lesson(status, tuple(self.facts))

    def _rrset(self, name: dns.name.Name, rdtype: RdataType) -> dns.rrset.RRset | None:
        for rrset in self.reply.answer:
            if rrset.name == name and rrset.rdtype == rdtype and len(rrset):
                return rrset
        return None

    def _negative_ttl(self, name: dns.name.Name) -> int | None:
        """How long a "no" about this name holds; None when no SOA says so (RFC 2308 §5)."""
        for rrset in self.reply.authority:
            if rrset.rdtype == dns.rdatatype.SOA and name.is_subdomain(rrset.name):
                minimum: int = rrset[0].minimum
                return min(rrset.ttl, minimum, MAX_NEGATIVE_TTL)
        return None


def _fact(rrset: dns.rrset.RRset) -> Fact:
    target: dns.name.Name | None = None
    if rrset.rdtype == dns.rdatatype.CNAME:
        target = rrset[0].target
    return Fact(
        name=rrset.name,
        rdtype=rrset.rdtype,
        status=Status.NOERROR,
        ttl=min(rrset.ttl, MAX_POSITIVE_TTL),
        records=tuple(rdata.to_text() for rdata in rrset),
        target=target,
    )
