"""The authoritative server: one query in, one reply out (RFC 1034 §4.3.2).

`DnsServer.answer` is a function of bytes, with no socket in it.  It never raises,
whatever the bytes are: what is not a query gets no answer at all (or two servers
could answer each other for ever), what cannot be read gets FORMERR.

The reply code says who failed.  NOERROR and NXDOMAIN are knowledge about the
name; SERVFAIL is trouble at the server; REFUSED means "that zone is not mine";
NOTIMP "I do not do such things"; FORMERR "I cannot read you".

UDP carries small replies only: 512 octets, or what the query's EDNS record
allows (RFC 6891), here never more than 1232, which fits any network without
fragments.  A larger reply is cut and marked TC; the client asks again over TCP
(RFC 7766).  A reply that loses nothing but its additional section is not marked.

What does not fit: no recursion (RA is never set), no zone transfer, no DNSSEC.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from labmail.dns.wire import HEADER_SIZE, too_much_for_a_query
from labmail.dns.zone import Kind, Zone, targets
from labmail.runtime.counts import is_whole

PLAIN_UDP_SIZE = 512
"""Largest UDP message without EDNS (RFC 1035 §4.2.1)."""

EDNS_UDP_SIZE = 1232
"""Largest UDP message we send, and what we tell others to send."""

TCP_SIZE = 65535
"""Largest message over TCP: its length is a 16-bit number (RFC 1035 §4.2.2)."""

MAX_CHAIN = 16
"""How many CNAMEs one reply follows."""

LAME_TTL = 3600
"""Seconds that the referral of a lame server may be remembered; our resolver does not do so."""

FAILURES = {
    "SERVFAIL": "the server is in trouble",
    "REFUSED": "the server says that the name is none of its business",
    "TIMEOUT": "no reply at all",
    "LAME": "the server sends the client on to itself: others name it, it does not know the zone",
    "TRUNCATED": "an empty reply over UDP that says: ask again over TCP",
}
"""The failures that can be planned, and how each looks to the client."""

EVERY_TYPE = "ANY"
"""The type of a planned failure that meets questions of all types."""


@dataclass(slots=True)
class Failure:
    """A planned failure: `left` counts the questions still to fail, None for all of them.

    LAME is about a whole zone: it meets `name` and every name below it.
    """

    name: dns.name.Name
    rtype: str
    status: str
    left: int | None

    def __str__(self) -> str:
        name = self.name.to_text(omit_final_dot=True)
        types = "every type" if self.rtype == EVERY_TYPE else self.rtype
        below = " and below" if self.status == "LAME" else ""
        left = "" if self.left is None else f", {self.left} more"
        return f"{name}{below}, {types}: {self.status}{left}"

    def meets(self, name: dns.name.Name, rtype: str, udp: bool) -> bool:
        """Whether this question is to fail."""
        if self.left == 0 or self.rtype not in (rtype, EVERY_TYPE):
            return False
        if self.status == "TRUNCATED" and not udp:
            return False
        return name.is_subdomain(self.name) if self.status == "LAME" else name == self.name


class DnsServer:
    """Answers for the zones it is given."""

    def __init__(self, zones: Iterable[Zone]) -> None:
        self._zones = {zone.apex: zone for zone in zones}
        self._failures: list[Failure] = []

    @property
    def zones(self) -> tuple[Zone, ...]:
        """The zones being served, by name."""
        return tuple(sorted(self._zones.values(), key=lambda zone: zone.origin))

    def zone(self, origin: str) -> Zone:
        """The zone with this name; raises LookupError, naming the zones there are."""
        try:
            return self._zones[dns.name.from_text(origin)]
        except (KeyError, dns.exception.DNSException):
            known = ", ".join(zone.origin for zone in self.zones)
            raise LookupError(f"no zone {origin!r} is served here; there are: {known}") from None

    def replace(self, zone: Zone) -> None:
        """Serve this zone from now on, in place of the one with the same name if there is one."""
        self._zones[zone.apex] = zone

    def memory(self) -> tuple[tuple[Zone, ...], tuple[Failure, ...]]:
        """The zones, and what is planned to fail."""
        return self.zones, tuple(replace(failure) for failure in self._failures)

    def recall(self, memory: tuple[tuple[Zone, ...], tuple[Failure, ...]]) -> None:
        """Serve these zones, and fail as planned there."""
        zones, failures = memory
        self._zones = {zone.apex: zone for zone in zones}
        self._failures = [replace(failure) for failure in failures]

    def remove(self, zone: Zone) -> None:
        """Serve this zone no more."""
        self._zones.pop(zone.apex, None)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The planned failures that are still to come, in the order in which they were planned."""
        return tuple(failure for failure in self._failures if failure.left != 0)

    def fail(self, name: str, rtype: str, status: str, times: int | None = None) -> Failure:
        """Plan a failure that no zone file can express: a status of `FAILURES`.

        It meets questions for `name` and `rtype` ("ANY": every type): the next
        `times` of them, or all until `heal`.  An earlier plan for the same name and
        type is forgotten.  Raises ValueError for another status, type, name or number.
        """
        if status not in FAILURES:
            raise ValueError(f"{status!r} cannot be planned: use one of {', '.join(FAILURES)}")
        if times is not None and not is_whole(times, 1):
            raise ValueError(f"times={times!r}: give a whole number from 1 on, or None for always")
        failure = Failure(_name(name), _rtype(rtype), status, times)
        self.heal(name, rtype)
        self._failures.append(failure)
        return failure

    def heal(self, name: str | None = None, rtype: str | None = None) -> tuple[Failure, ...]:
        """Forget planned failures: those of a name, or of a name and a type, or all of them.
        Returns what was still to come.  Raises ValueError for what cannot be a name or a type."""
        of = None if name is None else _name(name)
        kind = None if rtype is None else _rtype(rtype)
        healed = tuple(
            f for f in self._failures if of in (None, f.name) and kind in (None, f.rtype)
        )
        self._failures = [f for f in self._failures if f not in healed]
        return tuple(failure for failure in healed if failure.left != 0)

    # --- one query ------------------------------------------------------------------------

    def answer(self, query: bytes, udp: bool) -> bytes | None:
        """The reply to one query, ready to be sent; None where there must be no reply.

        `udp` says how the query came, which decides how long the reply may be.
        """
        if len(query) < HEADER_SIZE or _flags(query) & dns.flags.QR:
            return None
        if dns.opcode.from_flags(_flags(query)) != dns.opcode.QUERY:
            return _bare_reply(query, dns.rcode.NOTIMP)
        if too_much_for_a_query(query):
            return _bare_reply(query, dns.rcode.FORMERR)
        try:
            message = dns.message.from_wire(query)
        except Exception:  # the bytes are anybody's, and dnspython raises many kinds of things
            return _bare_reply(query, dns.rcode.FORMERR)
        failure = self._planned(message, udp)
        if failure is not None and failure.status == "TIMEOUT":
            return None
        reply = self._reply(message) if failure is None else self._failed(message, failure)
        return reply.to_wire(
            max_size=_size_limit(message) if udp else TCP_SIZE,
            prefer_truncation=True,  # RFC 2181 §9: TC, and only where something needed is left out
            want_shuffle=False,  # the order of the file, the same in every run
        )

    def _planned(self, message: dns.message.Message, udp: bool) -> Failure | None:
        """The failure planned for this question; one of its times is then used up."""
        if len(message.question) != 1:
            return None
        question = message.question[0]
        rtype = dns.rdatatype.to_text(question.rdtype)
        met = (f for f in self._failures if f.meets(question.name, rtype, udp))
        failure = next(met, None)
        if failure is not None and failure.left is not None:
            failure.left -= 1
        return failure

    def _failed(self, message: dns.message.Message, failure: Failure) -> dns.message.Message:
        """The reply of a server that fails as planned."""
        reply = dns.message.make_response(message, our_payload=EDNS_UDP_SIZE, pad=0)
        if failure.status == "TRUNCATED":
            reply.flags |= dns.flags.TC
        elif failure.status == "LAME":
            reply.authority.append(
                dns.rrset.from_text(failure.name, LAME_TTL, "IN", "NS", *self._own_names())
            )
        else:
            reply.set_rcode(dns.rcode.from_text(failure.status))
        return reply

    def _own_names(self) -> list[str]:
        """What other zones call the server: the names of their NS records."""
        names = {
            str(record.target)
            for zone in self._zones.values()
            for record in zone.rrset(zone.apex, dns.rdatatype.NS) or ()
        }
        return sorted(names) or ["ns.lab."]

    def _reply(self, message: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(message, our_payload=EDNS_UDP_SIZE, pad=0)
        objection = _objection(message)
        if objection is not None:
            reply.set_rcode(objection)
            return reply
        question = message.question[0]
        self._resolve(reply, question.name, question.rdtype)
        self._add_addresses(reply)
        return reply

    # --- filling the reply --------------------------------------------------------------

    def _resolve(
        self, reply: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> None:
        """Answer from our zones, along CNAMEs as long as they stay in them."""
        visited: set[dns.name.Name] = set()
        next_name: dns.name.Name | None = name
        while next_name is not None and next_name not in visited and len(visited) <= MAX_CHAIN:
            visited.add(next_name)
            zone = self._zone_of(next_name)
            if zone is None:
                if not reply.answer:
                    reply.set_rcode(dns.rcode.REFUSED)
                return
            next_name = _answer_from(zone, reply, next_name, rdtype)

    def _zone_of(self, name: dns.name.Name) -> Zone | None:
        """The zone with the longest name that is at or above this one."""
        for step in range(len(name.labels), -1, -1):
            if zone := self._zones.get(name.split(step)[1]):
                return zone
        return None

    def _add_addresses(self, reply: dns.message.Message) -> None:
        """Add what the client will ask next: addresses of the hosts named (RFC 1034 §4.3.2, 6)."""
        present = {(rrset.name, rrset.rdtype) for rrset in reply.answer}
        for rrset in [*reply.answer, *reply.authority]:
            for host in targets(rrset):
                zone = self._zone_of(host)
                for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                    found = zone.rrset(host, rdtype) if zone else None
                    if found is not None and (host, rdtype) not in present:
                        present.add((host, rdtype))
                        reply.additional.append(found)


def _answer_from(
    zone: Zone,
    reply: dns.message.Message,
    name: dns.name.Name,
    rdtype: dns.rdatatype.RdataType,
) -> dns.name.Name | None:
    """Add what one zone knows; return the name to go on with when that is an alias."""
    found = zone.find(name, rdtype)
    if found.kind is Kind.REFERRAL:
        reply.authority.extend(found.rrsets)
        return None
    reply.flags |= dns.flags.AA  # RFC 1035 §4.1.1
    reply.answer.extend(found.rrsets)
    if found.kind is Kind.ALIAS:
        target: dns.name.Name = found.rrsets[0][0].target
        return target
    if found.kind is Kind.NXDOMAIN:
        reply.set_rcode(dns.rcode.NXDOMAIN)  # of the last name of a chain (RFC 6604 §3)
    if found.kind in (Kind.NXDOMAIN, Kind.NODATA):
        reply.authority.append(zone.negative_soa())  # RFC 2308 §3
    return None


def _name(text: str) -> dns.name.Name:
    """The name of a question; raises ValueError when it cannot be one."""
    try:
        return dns.name.from_text(text)
    except (dns.exception.DNSException, AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{text!r} is not a domain name: write one like 'hanoi.example', with single dots "
            "between labels of 1 to 63 octets"
        ) from error


def _rtype(text: str) -> str:
    """The type of a question, in capitals; raises ValueError when there is no such type."""
    try:
        return dns.rdatatype.to_text(dns.rdatatype.from_text(text))
    except (dns.exception.DNSException, AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            f"{text!r} is not a record type: write one like 'MX' or 'A', or '{EVERY_TYPE}' for "
            "every type"
        ) from error


def _objection(message: dns.message.Message) -> dns.rcode.Rcode | None:
    """Why a readable query is not looked up at all; None when it is in order."""
    if message.edns > 0:
        return dns.rcode.BADVERS  # RFC 6891 §6.1.3
    if len(message.question) != 1:
        return dns.rcode.FORMERR  # RFC 9619 §4
    question = message.question[0]
    if question.rdclass not in (dns.rdataclass.IN, dns.rdataclass.ANY):
        return dns.rcode.REFUSED
    if question.rdtype in (dns.rdatatype.AXFR, dns.rdatatype.IXFR):
        return dns.rcode.REFUSED  # RFC 5936 §5: whom to give the whole zone is our decision
    if question.rdtype != dns.rdatatype.ANY and dns.rdatatype.is_metatype(question.rdtype):
        return dns.rcode.NOTIMP
    return None


def _size_limit(message: dns.message.Message) -> int:
    """How many octets of UDP the client takes, as far as we go along (RFC 6891 §6.2.3)."""
    if message.edns < 0:
        return PLAIN_UDP_SIZE
    return max(PLAIN_UDP_SIZE, min(message.payload, EDNS_UDP_SIZE))


def _flags(query: bytes) -> int:
    return int.from_bytes(query[2:4], "big")


def _bare_reply(query: bytes, rcode: dns.rcode.Rcode) -> bytes:
    """A header and nothing else: the query's id, opcode and RD, and a reply code."""
    kept = _flags(query) & (0x7800 | dns.flags.RD)
    flags = dns.flags.QR | kept | rcode
    return query[:2] + int(flags).to_bytes(2, "big") + bytes(8)
