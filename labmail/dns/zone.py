"""One zone: the part of the name tree that one authority answers for.

A zone begins at its *origin* (hanoi.example) and holds every name below it,
down to where another zone begins.  Its first record, SOA, names the authority;
the last number of the SOA says how long a "no" may be remembered (RFC 2308 §4).

Think of the names as a tree.  A name exists when it has records, or when
something below it has (an *empty non-terminal*).  `Zone.find` walks the tree as
RFC 1034 §4.3.2 says, and ends in one of five ways (`Kind`).  Two kinds of "no"
are kept apart, because for mail they are different things:

* NXDOMAIN: there is no such name.  A letter for it can never arrive.
* NODATA: the name exists, records of this type do not.  A domain with an
  address and without MX still gets mail, at that address (RFC 5321 §5.1).

What does not fit: there is no DNSSEC here, and a zone is read as a whole; to
change it, edit its text and load it again (`labmail.dns.desk`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import dns.name
import dns.rdatatype
import dns.rrset

from labmail.dns.masterfile import Entry, ZoneError, read_entries

__all__ = ["Found", "Kind", "Record", "Zone", "ZoneError", "load_zone", "load_zones", "parse_zone"]

Node = dict[dns.rdatatype.RdataType, dns.rrset.RRset]


class Kind(Enum):
    """How the search in a zone ended."""

    ANSWER = "records of the type asked for"
    ALIAS = "a CNAME: ask again for the name it points to"
    NODATA = "the name exists, the type does not"
    NXDOMAIN = "there is no such name"
    REFERRAL = "another zone begins here: ask its servers"


@dataclass(frozen=True, slots=True)
class Found:
    """What the search found: `rrsets` are the answer, the CNAME, or the NS of a referral."""

    kind: Kind
    rrsets: tuple[dns.rrset.RRset, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a zone, to look at: names are complete, `ttl` is in seconds, `data` is in
    master file form, and `line` is where it stands in the file."""

    name: str
    ttl: int
    rtype: str
    data: str
    line: int

    def __str__(self) -> str:
        return f"{self.name} {self.ttl} IN {self.rtype} {self.data}"


class Zone:
    """A zone that can be served: complete, and free of contradictions.

    entries: what was read from its file.  Raises ZoneError when there is not
    exactly one SOA, when the origin has no NS, when a name lies outside the
    zone, or when a CNAME has company.
    """

    def __init__(self, entries: Iterable[Entry], file: str, text: str = "") -> None:
        self.file = file
        """Where the zone comes from, as errors name it."""
        self.text = text
        """The master file it was read from."""
        self._entries = tuple(entries)
        self._soa_entry = _only_soa(self._entries, file, text)
        self.apex = self._soa_entry.name
        """The origin, as dnspython has it."""
        self._nodes: dict[dns.name.Name, Node] = {}
        for entry in self._entries:
            self._check_inside(entry)
            self._check_alone(entry)
            self._add(entry)
        self._check_name_servers()

    def __repr__(self) -> str:
        return f"<Zone {self.origin}: {len(self._entries)} records from {self.file}>"

    @property
    def origin(self) -> str:
        """The zone's own name, without the final dot: ``hanoi.example``."""
        return self.apex.to_text(omit_final_dot=True)

    @property
    def serial(self) -> int:
        """The SOA's serial number: whoever edits a zone makes it bigger (RFC 1035 §3.3.13)."""
        return int(self._soa_entry.rdata.serial)  # type: ignore[attr-defined]

    def records(self) -> tuple[Record, ...]:
        """All records in the order of the file."""
        return tuple(
            Record(
                name=entry.name.to_text(),
                ttl=entry.ttl,
                rtype=dns.rdatatype.to_text(entry.rdata.rdtype),
                data=entry.rdata.to_text(),
                line=entry.line,
            )
            for entry in self._entries
        )

    # --- finding ------------------------------------------------------------------------

    def rrset(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.rrset.RRset | None:
        """The records at exactly this name and type: no alias, no wildcard, no zone cut."""
        return self._nodes.get(name, {}).get(rdtype)

    def find(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Found:
        """Search for a name at or below the origin (RFC 1034 §4.3.2, step 3)."""
        if cut := self._zone_cut(name):
            return Found(Kind.REFERRAL, (cut,))
        node = self._nodes.get(name)
        if node is None:
            node = self._from_wildcard(name)
        if node is None:
            return Found(Kind.NXDOMAIN)
        return _choose(node, rdtype)

    def negative_soa(self) -> dns.rrset.RRset:
        """The SOA as it goes with a "no": it lives as long as the "no" may (RFC 2308 §3)."""
        soa = self._soa_entry.rdata
        ttl = min(self._soa_entry.ttl, soa.minimum)  # type: ignore[attr-defined]
        return dns.rrset.from_rdata(self.apex, ttl, soa)

    def _zone_cut(self, name: dns.name.Name) -> dns.rrset.RRset | None:
        """The NS records of the topmost zone cut between the origin and this name."""
        for step in range(len(self.apex.labels) + 1, len(name.labels) + 1):
            if cut := self.rrset(name.split(step)[1], dns.rdatatype.NS):
                return cut
        return None

    def _from_wildcard(self, name: dns.name.Name) -> Node | None:
        """RFC 4592 §3.3.1: the closest name above that exists may have a ``*`` below it."""
        encloser = name.parent()
        while encloser not in self._nodes:
            encloser = encloser.parent()
        source = self._nodes.get(dns.name.Name((b"*", *encloser.labels)))
        if source is None:
            return None
        return {
            rdtype: dns.rrset.from_rdata_list(name, rrset.ttl, list(rrset))
            for rdtype, rrset in source.items()
        }

    # --- building ------------------------------------------------------------------------

    def _add(self, entry: Entry) -> None:
        name = entry.name
        node = self._nodes.setdefault(name, {})
        rdtype = entry.rdata.rdtype
        if rdtype not in node:
            node[rdtype] = dns.rrset.RRset(name, entry.rdata.rdclass, rdtype)
        node[rdtype].add(entry.rdata, entry.ttl)
        while name != self.apex:  # names above exist as well, if only as empty ones
            name = name.parent()
            self._nodes.setdefault(name, {})

    def _check_inside(self, entry: Entry) -> None:
        if not entry.name.is_subdomain(self.apex):
            raise self._error(
                entry.line,
                f"{entry.name} lies outside of the zone {self.apex}",
                f"expected a name that ends in {self.apex}; move the record to the file of its "
                "own zone, or take away the final dot of a short name",
            )

    def _check_alone(self, entry: Entry) -> None:
        """A name with a CNAME has nothing else (RFC 1034 §3.6.2, RFC 2181 §10.1)."""
        node = self._nodes.get(entry.name, {})
        cname = dns.rdatatype.CNAME
        is_alias, was_alias = entry.rdata.rdtype == cname, cname in node
        if not node or (not is_alias and not was_alias):
            return
        if is_alias and was_alias and entry.rdata in node[cname]:
            return
        if entry.name == self.apex:
            advice = "the domain itself has SOA and NS, so give it an A record instead"
        else:
            advice = "expected one CNAME and nothing else, or no CNAME: keep the one or the other"
        problem = f"{entry.name} has a CNAME and another record beside it"
        raise self._error(entry.line, problem, advice)

    def _check_name_servers(self) -> None:
        if self.rrset(self.apex, dns.rdatatype.NS) is None:
            raise self._error(
                self._soa_entry.line,
                f"nothing says which server answers for {self.apex}",
                "expected an NS record at the domain itself: add a line such as @ NS ns.lab.",
            )

    def _error(self, line: int, problem: str, advice: str) -> ZoneError:
        return ZoneError(self.file, line, problem, advice, self.text)


def load_zone(path: Path | str, origin: str | None = None) -> Zone:
    """Read a zone from a master file.

    `origin` continues the file's short names until its ``$ORIGIN``; without it,
    the file's name does: ``hanoi.example.zone`` is about hanoi.example.  The
    zone's own name is where its SOA stands.  Raises ZoneError.
    """
    path = Path(path)
    file = "/".join(path.parts[-3:])
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise ZoneError(file, line, "this line is not UTF-8", "save the file as UTF-8") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        advice = "expected a master file here; check its name and folder"
        raise ZoneError(file, 1, f"the file cannot be read ({reason})", advice) from error
    return parse_zone(text, file, origin or path.stem)


def parse_zone(text: str, file: str, origin: str) -> Zone:
    """A zone from the text of a master file; `file` is the name that errors show."""
    return Zone(read_entries(text, file, origin), file, text)


def load_zones(folder: Path | str) -> list[Zone]:
    """All ``*.zone`` files of a folder, in the order of their names.

    Raises ZoneError, also when two files are about the same zone.
    """
    zones: dict[dns.name.Name, Zone] = {}
    for path in sorted(Path(folder).glob("*.zone")):
        zone = load_zone(path)
        if zone.apex in zones:
            problem = f"the zone {zone.origin} is already in {zones[zone.apex].file}"
            raise ZoneError(zone.file, 1, problem, "keep one of the two files")
        zones[zone.apex] = zone
    return list(zones.values())


def _only_soa(entries: tuple[Entry, ...], file: str, text: str) -> Entry:
    soas = [entry for entry in entries if entry.rdata.rdtype == dns.rdatatype.SOA]
    if not soas:
        raise ZoneError(
            file,
            1,
            "the file has no SOA record, so it is not a zone",
            "expected as the first record: @ SOA ns.lab. hostmaster.hanoi.example. "
            "1 7200 900 1209600 300",
        )
    if len(soas) > 1:
        problem = f"a second SOA; the first is on line {soas[0].line}"
        advice = "a file is one zone with one SOA: delete one, or make it two files"
        raise ZoneError(file, soas[1].line, problem, advice, text)
    return soas[0]


def _choose(node: Node, rdtype: dns.rdatatype.RdataType) -> Found:
    """Which records of an existing name answer a question for this type."""
    if rdtype == dns.rdatatype.ANY:
        return Found(Kind.ANSWER, tuple(node.values())) if node else Found(Kind.NODATA)
    if rdtype in node:
        return Found(Kind.ANSWER, (node[rdtype],))
    if dns.rdatatype.CNAME in node:
        return Found(Kind.ALIAS, (node[dns.rdatatype.CNAME],))
    return Found(Kind.NODATA)


def targets(rrset: dns.rrset.RRset) -> Iterator[dns.name.Name]:
    """The hosts that MX, NS and SRV records name: whoever asked will want their addresses."""
    attribute = {
        dns.rdatatype.MX: "exchange",
        dns.rdatatype.NS: "target",
        dns.rdatatype.SRV: "target",
    }.get(rrset.rdtype)
    if attribute is not None:
        for rdata in rrset:
            yield getattr(rdata, attribute)
