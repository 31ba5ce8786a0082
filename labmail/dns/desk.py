"""The desk where zones are edited: what an administrator does with an editor and a reload.

A zone is a text.  Whoever changes it reads the text, writes another, and has the
server load that; the server then answers from the new one, from the next question
on.  Who has asked before goes on believing the old answer until its TTL is over.

The *serial* is the zone's version number (RFC 1035 §3.3.13).  Out in the world a
zone has several servers, and the secondaries ask the primary for the serial from
time to time: only when it has grown do they fetch the zone anew (RFC 1034 §4.3.5).
Whoever edits a zone and forgets the serial has a primary that tells the new story
and secondaries that tell the old one, for ever.  The lab has one server, so here
the new zone is served all the same; but the forgotten serial is spoken of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.name

from labmail.dns.server import DnsServer
from labmail.dns.slips import Slip, slips, told
from labmail.dns.zone import Zone, ZoneError, load_zone, parse_zone
from labmail.paths import data_dir
from labmail.trace.events import ZoneChanged
from labmail.trace.recorder import Emit

PASTED = "your zone"
"""How errors name a text that was not read from a file."""

RESERVED = ("example", "lab", "test", "in-addr.arpa", "ip6.arpa")
"""Domains whose names belong to nobody outside (RFC 2606 §2), or to addresses only."""

_ORIGIN_LINE = re.compile(r"^\$ORIGIN[ \t]+(\S+)", re.MULTILINE | re.IGNORECASE)
_SOA_LINE = re.compile(r"^(\S+\.)[ \t][^;\n]*\bSOA\b", re.MULTILINE | re.IGNORECASE)
_ASIDE = re.compile(r'"(?:[^"\\\n]|\\.)*"|;[^\n]*')
"""What stands in quotes, or in a comment: neither is a record, whatever it looks like."""
_GAP = r"[\s()]+"
_SERIAL = re.compile(
    rf"(?<!\S)SOA{_GAP}[^\s()]+{_GAP}[^\s()]+{_GAP}(\d+)(?:{_GAP}\w+){{4}}", re.IGNORECASE
)
"""Two names and five numbers, the first of which is the serial (RFC 1035 §3.3.13)."""


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """What became of a zone: its records that are new, and those that are gone.

    A serial is None where there is no zone; `note` says what is odd.
    """

    origin: str
    how: str
    serial_before: int | None
    serial: int | None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    note: str = ""

    def __repr__(self) -> str:
        lines = [f"{self.origin}: {self._summary()}"]
        lines += [f"  - {record}" for record in self.removed]
        lines += [f"  + {record}" for record in self.added]
        if self.note:
            lines.append(f"  note: {self.note}")
        return "\n".join(lines)

    def __bool__(self) -> bool:
        """Whether anything is other than before."""
        return bool(self.added or self.removed) or self.serial != self.serial_before

    def _summary(self) -> str:
        if self.serial is None:
            return "not served any more"
        if self.serial_before is None:
            return f"served now, serial {self.serial}, {len(self.added)} records"
        if not self:
            return f"as it was, serial {self.serial}"
        serial = f"serial {self.serial_before} → {self.serial}"
        return f"{self.how}, {serial}; {len(self.removed)} gone, {len(self.added)} new"


class ZoneDesk:
    """Loads, edits and removes the zones of one server.

    names: the zones that the world began with, as files of ``data/zones``.
    host: the server's name, for the trace.
    """

    def __init__(self, server: DnsServer, names: Iterable[str], host: str, emit: Emit) -> None:
        self._server = server
        self._names = tuple(names)
        self._host = host
        self._emit = emit

    def load(self, source: str | Path, origin: str | None = None) -> ZoneChange:
        """Serve a zone from now on, in place of the one with the same name if there is one.

        source: the text of a master file (of more than one line), the path of one, or a
        name of ``data/zones``.  origin: what continues its short names, where the text does
        not say so itself.  What looks like a slip of the pen is told as the note of the change,
        but for the zones of the course.  Raises ZoneError, naming the line, and LookupError for
        a name that is not in ``data/zones``.
        """
        path = _path(source)
        zone = _read(source, path, origin)
        _check_reserved(zone)
        if path and _zones_folder().resolve() in path.resolve().parents:
            return self._serve(zone, "loaded")  # the faults of faulty/03 are for others to find
        return self._serve(zone, "loaded", slips(zone, self._host))

    def edit(self, origin: str, old: str, new: str) -> ZoneChange:
        """Replace one place of a zone's text, count the serial up, and load the zone.

        `old` must stand there exactly once, with spaces as wide as you like; where `new` stands
        there instead already, nothing changes.  The serial grows by itself, as it does when a
        zone is changed by a program (RFC 2136 §3.6).
        """
        zone = self._server.zone(origin)
        text = _replaced(zone, old, new)
        if text == zone.text:
            return self._serve(zone, "edited")
        edited = parse_zone(_counted_up(text), _edited(zone), origin)
        old_slips = {slip.words for slip in slips(zone, self._host)}
        new_slips = (s for s in slips(edited, self._host) if s.words not in old_slips)
        return self._serve(edited, "edited", tuple(new_slips))

    def remove(self, origin: str) -> ZoneChange:
        """Serve this zone no more; raises LookupError when it is not served."""
        zone = self._server.zone(origin)
        self._server.remove(zone)
        removed = tuple(map(str, zone.records()))
        return self._tell(ZoneChange(zone.origin, "removed", zone.serial, None, (), removed))

    def reset(self) -> None:
        """Serve the zones that the world began with, as their files are now."""
        for zone in self._server.zones:
            if zone.origin not in self._names:
                self.remove(zone.origin)
        for name in self._names:
            self._serve(load_zone(_zones_folder() / f"{name}.zone"), "restored")

    # --- inside -----------------------------------------------------------------------------

    def _serve(self, zone: Zone, how: str, odd: tuple[Slip, ...] = ()) -> ZoneChange:
        before = next((z for z in self._server.zones if z.apex == zone.apex), None)
        self._server.replace(zone)
        change = _difference(before, zone, how, told(odd))
        return self._tell(change) if change else change

    def _tell(self, change: ZoneChange) -> ZoneChange:
        self._emit(
            ZoneChanged,
            host=self._host,
            origin=change.origin,
            how=change.how,
            serial_before=change.serial_before,
            serial=change.serial,
            added=change.added,
            removed=change.removed,
            note=change.note,
        )
        return change


# --- reading -----------------------------------------------------------------------------------


def _path(source: str | Path) -> Path | None:
    """The file that is meant; None for a text."""
    if isinstance(source, Path) or (source.endswith(".zone") and "\n" not in source):
        return Path(source)
    if "\n" in source:
        return None
    path = _zones_folder() / f"{source}.zone"
    if not source.strip() or not path.is_file():
        raise LookupError(
            f"there is no zone {source!r} in data/zones; there are: {', '.join(_names_there())}. "
            "To load a text, give all of its lines; to load a file, give its path, with .zone"
        )
    return path


def _read(source: str | Path, path: Path | None, origin: str | None) -> Zone:
    if path is not None:
        return load_zone(path, origin)
    return parse_zone(str(source), PASTED, origin or _origin_of(str(source)))


def _zones_folder() -> Path:
    return data_dir() / "zones"


def _names_there() -> list[str]:
    folder = _zones_folder()
    return [
        p.relative_to(folder).with_suffix("").as_posix() for p in sorted(folder.rglob("*.zone"))
    ]


def _origin_of(text: str) -> str:
    """The domain that a text is about: that of its ``$ORIGIN``, or the name at its SOA."""
    found = _ORIGIN_LINE.search(text) or _SOA_LINE.search(_bare(text))
    if found is None:
        raise ZoneError(
            PASTED,
            1,
            "the text does not say which domain it is about",
            "begin it with a line such as $ORIGIN muadong.example. (with the dot at the end)",
        )
    return found.group(1)


def _check_reserved(zone: Zone) -> None:
    """A lab that served gmail.com would answer for it in the notebook as well."""
    if not any(zone.apex.is_subdomain(dns.name.from_text(domain)) for domain in RESERVED):
        raise ZoneError(
            zone.file,
            1,
            f"{zone.origin} may be somebody's real name, so the lab does not serve it",
            "choose a name that ends in .example: those belong to nobody (RFC 2606 §2)",
        )


# --- editing -----------------------------------------------------------------------------------


def _edited(zone: Zone) -> str:
    return zone.file if zone.file.endswith(" as edited") else f"{zone.file} as edited"


def _replaced(zone: Zone, old: str, new: str) -> str:
    """The zone's text with `old` replaced, or the same text when that has been done already."""
    if not old.strip():
        raise ValueError("edit needs the words to replace: give a piece of a line of the zone")
    pattern = re.compile(r"[ \t]+".join(map(re.escape, old.split())))
    if _is_done(zone.text, pattern, old, new):
        return zone.text
    places = [zone.text.count("\n", 0, m.start()) + 1 for m in pattern.finditer(zone.text)]
    if len(places) != 1:
        where = f"on lines {', '.join(map(str, places))}" if places else "nowhere"
        raise LookupError(
            f"{old!r} stands {where} in {zone.origin}, and edit needs exactly one place: "
            f"look at lab.dns.zone({zone.origin!r}) and give enough of the line"
        )
    return pattern.sub(lambda _: new, zone.text)


def _is_done(text: str, pattern: re.Pattern[str], old: str, new: str) -> bool:
    """Whether `new` stands there already, and the `old` that it was to replace does not."""
    if not new.strip():
        return False
    already = re.compile(rf"(?<!\S){re.escape(new.strip())}")
    shorter = " ".join(new.split()) in " ".join(old.split())  # then it stands in the old one, too
    rest = text if shorter else already.sub("", text)
    return already.search(text) is not None and pattern.search(rest) is None


def _counted_up(text: str) -> str:
    """The text with the serial of its SOA one greater."""
    found = _SERIAL.search(_bare(text))
    if found is None:  # whoever reads the text says what is wrong with it
        return text
    greater = (int(found.group(1)) + 1) % 2**32
    return f"{text[: found.start(1)]}{greater}{text[found.end(1) :]}"


def _bare(text: str) -> str:
    """The text with spaces in place of comments and quotes: all else stands where it stood."""
    return _ASIDE.sub(lambda aside: " " * len(aside.group()), text)


# --- comparing ---------------------------------------------------------------------------------


def _difference(before: Zone | None, zone: Zone, how: str, odd: str) -> ZoneChange:
    old = _records(before) if before else []
    new = _records(zone)
    added = tuple(record for record in new if record not in old)
    removed = tuple(record for record in old if record not in new)
    serial = before.serial if before else None
    notes = [odd] if odd else []
    if before and (added or removed) and not _grown(before.serial, zone.serial):
        notes.append(
            f"the serial did not grow ({before.serial}, then {zone.serial}): a secondary server "
            "would keep the old zone (RFC 1034 §4.3.5)"
        )
    return ZoneChange(zone.origin, how, serial, zone.serial, added, removed, "; ".join(notes))


def _records(zone: Zone) -> list[str]:
    """The records as they are compared: a serial that alone has changed is told apart."""
    return [str(r).replace(f" {zone.serial} ", " … ", r.rtype == "SOA") for r in zone.records()]


def _grown(before: int, after: int) -> bool:
    """Whether a serial is newer: numbers go round at 2³² (RFC 1982 §3.2)."""
    return 0 < (after - before) % 2**32 < 2**31
