"""Zones and memories: a master file line by line, what an edit changed, what a resolver keeps.

A record is short because programs read it.  `meaning` says each of them in a sentence, so
that a file can be read by who has never seen one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from ipaddress import ip_address

from labmail.trace.snapshots import CacheSnapshot, ZoneRow, ZoneSnapshot
from labmail.views import markup
from labmail.views.chars import plural, visible, wrap
from labmail.views.searches import plain
from labmail.views.spoken import moment, span
from labmail.views.tables import Grid
from labmail.views.view import View

_RANKS = ("first", "second", "third", "fourth")
_COLUMNS = 96
"""How wide a meaning is set in the text form."""


def meaning(row: ZoneRow, zone: ZoneSnapshot) -> str:
    """What a record says, in a sentence."""
    name, words = _plain(row.name), row.data.split(" ")
    match row.rtype:
        case "SOA":
            return _authority(words)
        case "NS":
            return f"{_plain(row.data)} answers for {name}"
        case "A" | "AAAA":
            return f"{name} has the address {row.data}"
        case "MX":
            return _exchanger(row, zone)
        case "CNAME":
            return f"{name} is only another name of {_plain(row.data)}"
        case "PTR":
            return f"the address {_address(name)} belongs to {_plain(row.data)}"
        case "TXT" if row.data.startswith('"v=spf1'):
            return f"says who may send in the name of {name} (SPF, notebook 16)"
        case "TXT":
            return f"a text about {name}"
    return f"{row.rtype} of {name}"


def _authority(words: list[str]) -> str:
    contact = _plain(words[1]).replace(".", "@", 1)
    return (
        f"here the zone begins; {_plain(words[0])} has the original, {contact} looks after it; "
        f'version {words[2]}; a "no" may be kept for {span(int(words[6]))}'
    )


def _exchanger(row: ZoneRow, zone: ZoneSnapshot) -> str:
    number, host = row.data.split(" ", 1)
    domain = _plain(row.name)
    if host == ".":
        return f"{domain} takes no mail (null MX)"
    numbers = sorted(
        int(r.data.split(" ")[0]) for r in zone.rows if r.rtype == "MX" and r.name == row.name
    )
    place = sorted(set(numbers)).index(int(number))
    rank = _RANKS[place] if place < len(_RANKS) else "later"
    shared = ", in turn with others" if numbers.count(int(number)) > 1 else ""
    return f"mail for …@{domain} goes to {_plain(host)}, tried {rank}{shared}"


def _address(name: str) -> str:
    """ "25.100.51.198.in-addr.arpa" → "198.51.100.25" (RFC 1035 §3.5)."""
    labels = name.removesuffix(".in-addr.arpa").split(".")
    try:
        return str(ip_address(".".join(reversed(labels))))
    except ValueError:
        return name


def _plain(name: str) -> str:
    return plain(name) or "."


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of a master file and what the records that begin there mean."""

    mark: str
    number: int
    text: str
    means: str


class _Lines(View):
    """Numbered lines with meanings: what a zone and a change of it have in common."""

    title: str
    note: str = ""

    @abstractmethod
    def lines(self) -> Iterator[_Line]:
        """The lines, in order."""

    def text(self) -> str:
        shown = [line for row in self.lines() for line in _set(row)]
        note = ["", *wrap(self.note, _COLUMNS)] if self.note else []
        return "\n".join([self.title, "", *shown, *note])

    def html(self) -> str:
        rows = [
            (row.mark, str(row.number), _source(row.text), markup.html(row.means))
            for row in self.lines()
        ]
        note = [markup.paragraph(markup.quiet(self.note))] if self.note else []
        table = markup.table(("", "line", "master file", "it says"), rows, right=(1,))
        return markup.page(markup.heading(self.title), table, *note)


def _set(row: _Line) -> list[str]:
    head = f"{row.mark or ' '}{row.number:4}  "
    means = [" " * 18 + ("↳ " if n == 0 else "  ") + line for n, line in enumerate(_wrapped(row))]
    return [(head + row.text).rstrip(), *means]


def _wrapped(row: _Line) -> list[str]:
    return wrap(row.means, _COLUMNS - 20) if row.means else []


def _source(text: str) -> markup.Html:
    return markup.quiet(text) if text.lstrip().startswith(";") else markup.code(text)


def _meanings(zone: ZoneSnapshot, usual: int | None = None) -> Mapping[int, str]:
    """What the record on each line says, and for how long it may be kept, if that is unusual."""

    def said(row: ZoneRow) -> str:
        silent = row.rtype == "SOA" or row.ttl == usual
        return meaning(row, zone) + ("" if silent else f"; may be kept for {span(row.ttl)}")

    return {row.line: visible(said(row)) for row in zone.rows}


def _numbered(zone: ZoneSnapshot) -> list[str]:
    return [visible(line) for line in zone.text.rstrip("\n").split("\n")]


class ZoneView(_Lines):
    """A zone as its master file has it, with what each record means."""

    def __init__(self, zone: ZoneSnapshot) -> None:
        self.zone = zone
        self.title = visible(
            f"Zone {zone.origin}, version {zone.serial}: {plural(len(zone.rows), 'record')}"
        )
        (self._usual, _), *_ = Counter(row.ttl for row in zone.rows).most_common(1)
        self.note = f"Others may keep what they were told for {span(self._usual)}"
        unusual = any(row.ttl != self._usual for row in zone.rows)
        self.note += ", unless the line says otherwise." if unusual else "."

    def lines(self) -> Iterator[_Line]:
        means = _meanings(self.zone, self._usual)
        for number, text in enumerate(_numbered(self.zone), 1):
            yield _Line("", number, text, means.get(number, ""))


class ZoneDiff(_Lines):
    """What differs between two states of a zone: "−" was taken away, "+" is new."""

    def __init__(self, before: ZoneSnapshot, after: ZoneSnapshot) -> None:
        self.before, self.after = before, after
        versions = f"version {before.serial} → {after.serial}"
        self.title = visible(f"Zone {after.origin}, {versions}")
        self.note = self._memory()

    @property
    def gone(self) -> tuple[ZoneRow, ...]:
        """The records that were there before and are no more (the SOA aside)."""
        left = {(r.name, r.rtype, r.data, r.ttl) for r in self.after.rows}
        return tuple(
            r
            for r in self.before.rows
            if (r.name, r.rtype, r.data, r.ttl) not in left and r.rtype != "SOA"
        )

    def _memory(self) -> str:
        if not self.gone:
            return ""
        longest = max(row.ttl for row in self.gone)
        return f"Who has asked already may go on using what is gone for up to {span(longest)}."

    def lines(self) -> Iterator[_Line]:
        old, new = _numbered(self.before), _numbered(self.after)
        were, are = _meanings(self.before), _meanings(self.after)
        matcher = SequenceMatcher(None, old, new, autojunk=False)
        for _, a, b, c, d in (o for o in matcher.get_opcodes() if o[0] != "equal"):
            for n in range(a, b):
                yield _Line("−", n + 1, old[n], were.get(n + 1, ""))
            for n in range(c, d):
                yield _Line("+", n + 1, new[n], are.get(n + 1, ""))


def cache_view(cache: CacheSnapshot) -> Grid:
    """What a resolver still remembers, and for how long."""
    rows = [
        (
            f"{'any type' if row.rtype == 'ANY' else row.rtype} {row.name}",
            " · ".join(row.records) or row.status,
            span(row.ttl),
            f"{row.expires:%a %H:%M:%S}",
        )
        for row in cache.rows
    ]
    return Grid(
        f"What {cache.host} remembers of the DNS, {moment(cache.at)}: "
        f"{plural(len(rows), 'answer')}",
        ("question", "answer", "for", "until"),
        rows,
        empty="nothing: every question is asked anew",
        code=(0, 1),
        limits=(44, 48, 0, 0),
    )
