"""From a domain to the hosts that take its mail: the MX rules (RFC 5321 §5.1).

    the domain's MX records ──▶ sorted by preference ──▶ each host's addresses ──▶ hops

The rules, in the order in which they are asked:

1. An address in brackets needs no DNS.
2. No answer is not an answer: SERVFAIL, REFUSED and a time-out mean *later*.
   NXDOMAIN means *never*.  That the domain exists and has no MX means rule 4.
3. One MX ``0 .`` says that the domain takes no mail: *never* (RFC 7505).  Its preference
   must be 0 (§3); another is taken as well, for it can only mean the same.
4. No MX at all: the domain's own addresses are used, as if it had ``MX 0`` itself
   (*implicit MX*).  If there is an MX record this is never done, however useless
   the record.
5. Lower preference first; hosts of equal preference in an order drawn by lot, anew
   for each letter: so they share the work.
6. If we stand in the list ourselves, by name or by address, we and everything that
   is not better than us is left out: sending there could only come back.
7. An MX must name a host that has addresses.  An alias (CNAME) or an address
   in the place of a name is a mistake, and is refused with the reason.
8. All addresses of a host are tried, IPv4 first: the lab's world is reached so.

`find_route` does not talk to a DNS server; it is handed a `Lookup`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple, Protocol

from labmail.runtime.ids import Ids


class Answer(Protocol):
    """What a lookup gives: see `labmail.dns.answers.Answer`."""

    @property
    def status(self) -> str:
        """NOERROR, NODATA, NXDOMAIN, SERVFAIL, REFUSED or TIMEOUT."""
        ...

    @property
    def cname_followed(self) -> bool:
        """Whether the name asked for was an alias."""
        ...

    def mx(self) -> Sequence[tuple[int, str]]:
        """Preference and host of MX records."""
        ...

    def addresses(self) -> Sequence[str]:
        """The addresses of A or AAAA records."""
        ...


Lookup = Callable[[str, str], Awaitable[Answer]]
"""``await lookup(name, "MX" | "A" | "AAAA")``; trouble is a status, not an exception."""


class Hop(NamedTuple):
    """One host to try, at these addresses in this order."""

    preference: int
    host: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """Where letters for a domain go.

    `hops` are best first.  `failure` is "temporary" or "permanent" when there is
    none; then `status` is the enhanced code for it (RFC 3463) and `note` the
    reason.  With hops the note tells what was left out.
    """

    domain: str
    hops: tuple[Hop, ...] = ()
    failure: Literal["temporary", "permanent"] | None = None
    status: str = "2.0.0"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Own:
    """What the host that asks knows itself by (RFC 5321 §5.1)."""

    names: frozenset[str]
    addresses: frozenset[str]


async def find_route(
    lookup: Lookup,
    domain: str,
    own_names: Collection[str],
    ids: Ids,
    own_addresses: Collection[str] = (),
) -> Route:
    """The route to a domain.  `own_names` and `own_addresses` are those of the host that asks."""
    if domain.startswith("["):
        return _route_to_literal(domain)
    found = await lookup(domain, "MX")
    if found.status == "NXDOMAIN":
        return _never(domain, "5.1.2", f"the domain {domain} does not exist")
    own = Own(frozenset(map(_name, own_names)), frozenset(own_addresses))
    if found.status == "NODATA":
        return await _implicit(lookup, domain, own)
    if found.status != "NOERROR":
        return _later(domain, f"the MX records of {domain} cannot be had now ({found.status})")
    targets = [(preference, _name(host)) for preference, host in found.mx()]
    if targets and all(host == "" for _, host in targets):  # RFC 7505 §3
        return _never(domain, "5.1.10", f"{domain} takes no mail (null MX)")
    return await _explicit(lookup, domain, targets, own, ids)


async def _explicit(
    lookup: Lookup, domain: str, targets: Sequence[tuple[int, str]], own: Own, ids: Ids
) -> Route:
    kept, notes = _without_us(targets, own.names)
    if targets and not kept:
        return _loop(domain, notes)
    hops: list[Hop] = []
    waiting = False
    for preference, host in _in_order(kept, domain, ids):
        candidate = await _candidate(lookup, host)
        if own.addresses.intersection(candidate.addresses):  # us, by a name we did not know of
            hops = [hop for hop in hops if hop.preference < preference]
            notes.append(f"left out with all that is not better: {host}, whose address is ours")
            if preference == min(kept)[0]:
                return _loop(domain, notes)
            break
        waiting = waiting or candidate.unsure
        if candidate.addresses:
            hops.append(Hop(preference, host, candidate.addresses))
        if candidate.problem:
            notes.append(candidate.problem)
    note = "; ".join(notes)
    if hops:
        return Route(domain, tuple(hops), note=note)
    if waiting:
        return _later(domain, note)
    return _never(domain, "5.4.4", f"no MX of {domain} can be used: {note}")


async def _implicit(lookup: Lookup, domain: str, own: Own) -> Route:
    """RFC 5321 §5.1: no MX at all, so the domain itself, with preference 0.  An alias is fine
    here: it was no MX that named it."""
    if _name(domain) in own.names:
        return _loop(domain, ["we have that name"])
    addresses, unsure = await _addresses(lookup, domain)
    if own.addresses.intersection(addresses):
        return _loop(domain, ["its address is ours"])
    if addresses:
        return Route(domain, (Hop(0, domain, addresses),), note="no MX: the domain itself")
    if unsure:
        return _later(domain, f"the addresses of {domain} cannot be had now ({unsure})")
    return _never(domain, "5.4.4", f"{domain} has neither MX nor address")


class _Candidate(NamedTuple):
    """A host that an MX names: its addresses, or what is wrong with it.  `unsure` means that
    asking again later may help."""

    addresses: tuple[str, ...] = ()
    problem: str = ""
    unsure: bool = False


async def _candidate(lookup: Lookup, host: str) -> _Candidate:
    if host == "":
        return _Candidate(problem='MX "." beside others means nothing (RFC 7505 §3)')
    if _is_address(host):
        return _Candidate(problem=f"MX {host} is an address; an MX names a host (RFC 1035 §3.3.9)")
    first = await lookup(host, "A")
    if first.cname_followed:  # RFC 2181 §10.3
        return _Candidate(problem=f"MX {host} is an alias (CNAME); an MX names a host itself")
    addresses, unsure = await _addresses(lookup, host, first)
    if addresses:
        return _Candidate(addresses)
    if unsure:
        return _Candidate(
            problem=f"the addresses of {host} cannot be had now ({unsure})", unsure=True
        )
    missing = "does not exist" if first.status == "NXDOMAIN" else "has no address"
    return _Candidate(problem=f"MX {host} {missing}")


async def _addresses(
    lookup: Lookup, host: str, first: Answer | None = None
) -> tuple[tuple[str, ...], str]:
    """All addresses, IPv4 first, and the status of the lookup that failed for now, if any."""
    found: list[str] = []
    unsure = ""
    first = first or await lookup(host, "A")
    answers = [first]
    if first.status != "NXDOMAIN":  # then there is no AAAA either
        answers.append(await lookup(host, "AAAA"))
    for answer in answers:
        if answer.status == "NOERROR":
            found += answer.addresses()
        elif answer.status not in ("NODATA", "NXDOMAIN"):
            unsure = answer.status
    return tuple(dict.fromkeys(found)), unsure


def _without_us(
    targets: Sequence[tuple[int, str]], own: Collection[str]
) -> tuple[list[tuple[int, str]], list[str]]:
    """What is better than ourselves (RFC 5321 §5.1), and a word on what is not."""
    ours = [preference for preference, host in targets if host in own]
    if not ours:
        return list(targets), []
    best = min(ours)
    dropped = ", ".join(f"{p} {host}" for p, host in sorted(targets) if p >= best)
    note = f"left out, being us or not better than us: {dropped}"
    return [target for target in targets if target[0] < best], [note]


def _in_order(targets: Sequence[tuple[int, str]], domain: str, ids: Ids) -> list[tuple[int, str]]:
    """Lower preference first; equals in the order that the lot decides, each time anew
    (RFC 5321 §5.1)."""
    ordered: list[tuple[int, str]] = []
    distinct = sorted(set(targets))
    for preference, equals in groupby(distinct, key=lambda target: target[0]):
        hosts = [host for _, host in equals]
        if len(hosts) > 1:
            hosts = ids.shuffle(hosts, f"MX {preference} {domain}")
        ordered += [(preference, host) for host in hosts]
    return ordered


def _route_to_literal(domain: str) -> Route:
    """RFC 5321 §4.1.3: ``[192.0.2.1]`` or ``[IPv6:2001:db8::1]``."""
    text = domain.removeprefix("[").removesuffix("]")
    address = text[5:] if text.lower().startswith("ipv6:") else text
    if not _is_address(address):
        return _never(domain, "5.1.2", f"{domain} is no address")
    return Route(domain, (Hop(0, domain, (address,)),), note="an address in place of a domain")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _name(host: str) -> str:
    return host.rstrip(".").lower()


def _later(domain: str, note: str) -> Route:
    return Route(domain, failure="temporary", status="4.4.3", note=note)  # RFC 3463 §3.5


def _loop(domain: str, notes: Sequence[str]) -> Route:
    """RFC 5321 §5.1: nothing is left that is better than ourselves."""
    return _never(domain, "5.4.6", f"mail for {domain} loops back to us: {'; '.join(notes)}")


def _never(domain: str, status: str, note: str) -> Route:
    return Route(domain, failure="permanent", status=status, note=note)
