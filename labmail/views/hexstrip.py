"""The hex strip: every octet of a letter, as a number and as a sign.

A letter is a row of octets, and nothing in it is hidden: what ends a line are two of them, CR
and LF; what ends the header is a line with nothing else in it (RFC 5322 §2.1, §2.3).  So a
row of the strip never runs over the end of a line, and each row has its place:

    header      0  53 75 62 6a 65 63 74 3a 20 43 68 61 6f 0d 0a     Subject: Chao←↓
    blank      15  0d 0a                                            ←↓
    body       17  c3 80 0d 0a                                      À▒←↓

The signs say what the colours say.  CR is ← and LF is ↓: on a teletype the carriage returned to the
left, and the paper moved one line on.  Where octets make a character in UTF-8, it stands at the
first of them and ▒ at the others; ▒ alone is an octet above 127 that is no UTF-8.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from labmail.letter.fields import fields_of
from labmail.letter.mime import scan
from labmail.letter.words import words_in
from labmail.views import markup, palette
from labmail.views.chars import pad, plural, shorten, visible
from labmail.views.view import View

WIDE = 16
"""Octets of one row; a line end that would stand alone in the next row is taken along."""
MOST = 36
"""Rows of header or body that are shown before the middle is folded away."""
MAX_LINE = 998
"""Octets of a line without its CRLF (RFC 5322 §2.1.1)."""


class Zone(Enum):
    """Which part of the letter a row belongs to: its label, and the colour of its edge."""

    HEADER = "header", palette.BLUE
    BLANK = "blank", palette.VERMILION
    BODY = "body", palette.GREEN
    BYTES = "", palette.EDGE

    @property
    def label(self) -> str:
        return self.value[0]

    @property
    def colour(self) -> str:
        return self.value[1]


class Kind(Enum):
    """What an octet is, where it is more than a character of ASCII: what is said of it, and
    how it is underlined."""

    PLAIN = "", ""
    LINE_END = "←↓ line end: CR and LF", f"border:1px solid {palette.ORANGE};border-radius:2px"
    BARE = "← or ↓ alone: no line end", f"border-bottom:4px double {palette.VERMILION}"
    HIGH = "▒ octet above 127", f"border-bottom:3px solid {palette.PURPLE}"
    DOT = "dot at the beginning of a line", f"border-bottom:3px solid {palette.GREEN}"
    WORD = "[ ] encoded word", f"border-bottom:2px solid {palette.SKY}"
    CONTROL = "¤ another control octet", f"border-bottom:3px dotted {palette.VERMILION}"

    @property
    def words(self) -> str:
        return self.value[0]

    @property
    def style(self) -> str:
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Row:
    """Octets of one line that stand in one row; `note` says what is remarkable about the
    line and stands in its first row."""

    zone: Zone
    at: int
    octets: bytes
    kinds: tuple[Kind, ...]
    signs: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows that are not shown."""

    zone: Zone
    octets: int


class HexStrip(View):
    """A letter, or any other octets, row by row.

    only: names of header fields, and "body"; the rest is folded away.
    most: rows of header and of body that are shown before their middle is folded.
    """

    def __init__(
        self,
        octets: bytes,
        title: str = "",
        *,
        letter: bool = True,
        only: Sequence[str] = (),
        most: int = MOST,
    ) -> None:
        self._octets = octets
        lines = octets.count(b"\n") + (bool(octets) and not octets.endswith(b"\n"))
        size = f"{plural(len(octets), 'octet')} in {plural(lines, 'line')}"
        self._title = f"{visible(title) or ('A letter' if letter else 'Octets')}: {size}"
        self._body = scan(octets).body if letter else 0
        self._letter = letter
        wanted = self._wanted([name.lower() for name in only]) if only else None
        self.rows = tuple(_joined(self._folded(wanted, max(2, most))))

    # --- which rows -----------------------------------------------------------------------

    def _wanted(self, names: list[str]) -> list[range]:
        """The stretches of the letter that were asked for."""
        header = self._octets[: self._body]
        found = [
            range(field.at, field.at + len(field.raw))
            for field in fields_of(header)
            if field.name.decode("ascii", "replace").lower() in names
        ]
        return [*found, range(self._body, len(self._octets))] if "body" in names else found

    def _folded(self, wanted: list[range] | None, most: int) -> Iterator[Row | Fold]:
        for zone, places in self._places():
            if wanted is None:
                yield from self._without_middle(zone, places, most)
            else:
                yield from self._with(zone, places, wanted, most)

    def _places(self) -> Iterator[tuple[Zone, list[range]]]:
        """The rows of each zone, as stretches of the letter."""
        if not self._letter:
            yield Zone.BYTES, list(_rows(self._octets, 0, len(self._octets)))
            return
        header = self._octets[: self._body]
        blank = len(header) - len(_last_line(header)) if _is_blank(_last_line(header)) else None
        yield Zone.HEADER, list(_rows(header, 0, self._body if blank is None else blank))
        if blank is not None:
            yield Zone.BLANK, [range(blank, self._body)]
        yield Zone.BODY, list(_rows(self._octets, self._body, len(self._octets)))

    def _without_middle(self, zone: Zone, places: list[range], most: int) -> Iterator[Row | Fold]:
        if len(places) <= most + 1:
            yield from (self._row(zone, place) for place in places)
            return
        head, tail = places[: most * 2 // 3], places[-(most - most * 2 // 3) :]
        yield from (self._row(zone, place) for place in head)
        yield Fold(zone, tail[0].start - head[-1].stop)
        yield from (self._row(zone, place) for place in tail)

    def _with(
        self, zone: Zone, places: list[range], wanted: list[range], most: int
    ) -> Iterator[Row | Fold]:
        """The rows that were asked for; one fold for each run of others."""
        hidden = 0
        shown: list[range] = []
        for place in [*places, None]:
            if place is not None and any(place.start in stretch for stretch in wanted):
                if hidden:
                    yield Fold(zone, hidden)
                hidden = 0
                shown.append(place)
                continue
            if shown:
                yield from self._without_middle(zone, shown, most)
            shown = []
            hidden += len(place) if place is not None else 0
        if hidden:
            yield Fold(zone, hidden)

    # --- one row --------------------------------------------------------------------------

    def _row(self, zone: Zone, place: range) -> Row:
        start = self._octets.rfind(b"\n", 0, place.start) + 1
        end = self._octets.find(b"\n", place.start) + 1 or len(self._octets)
        line = self._octets[start:end]
        kinds, signs = _marked(line)
        part = slice(place.start - start, place.stop - start)
        note = _note(zone, line, start) if place.start == start else ""
        return Row(zone, place.start, line[part], kinds[part], signs[part], note)

    # --- how it is shown ------------------------------------------------------------------

    def text(self) -> str:
        digits = len(f"{len(self._octets):,}")
        rows = [
            self._fold_text(row, digits) if isinstance(row, Fold) else _row_text(row, new, digits)
            for row, new in _with_news(self.rows)
        ]
        legend = [f"  {' · '.join(self._legend())}"] if self._legend() else []
        return "\n".join([self._title, *rows, *legend])

    def _fold_text(self, fold: Fold, digits: int) -> str:
        return f"  {'':6} {'':{digits}}  {_fold_words(fold)}"

    def html(self) -> str:
        rows = [
            _fold_row(row, new) if isinstance(row, Fold) else _html_row(row, new)
            for row, new in _with_news(self.rows)
        ]
        style = "border-collapse:collapse;line-height:1.5"
        table = markup.tag("table", markup.tag("tbody", *rows), style=style)
        legend = [_mark(kind.words, kind) for kind in self._kinds()]
        spaced = [markup.Html(f"{mark} &nbsp; ") for mark in legend]
        return markup.page(markup.heading(self._title), table, markup.paragraph(*spaced))

    def _kinds(self) -> list[Kind]:
        seen = {kind for row in self.rows if isinstance(row, Row) for kind in row.kinds}
        return [kind for kind in Kind if kind in seen and kind.words]

    def _legend(self) -> list[str]:
        return [kind.words for kind in self._kinds()]


def _rows(octets: bytes, start: int, end: int) -> Iterator[range]:
    """Stretches of at most `WIDE` octets, none of which runs over a line end."""
    at = start
    while at < end:
        line_end = octets.find(b"\n", at, end) + 1 or end
        while at < line_end:
            full = at + WIDE
            stop = line_end if line_end - full <= 2 else full
            yield range(at, stop)
            at = stop


def _joined(rows: Iterable[Row | Fold]) -> Iterator[Row | Fold]:
    """Folds that stand together are one."""
    fold: Fold | None = None
    for row in rows:
        if isinstance(row, Fold):
            fold = Fold(fold.zone, fold.octets + row.octets) if fold else row
            continue
        if fold:
            yield fold
        fold = None
        yield row
    if fold:
        yield fold


def _last_line(octets: bytes) -> bytes:
    return octets[octets.rfind(b"\n", 0, max(0, len(octets) - 1)) + 1 :]


def _is_blank(line: bytes) -> bool:
    return line in (b"\r\n", b"\n")


# --- what the octets of a line are -----------------------------------------------------------


@lru_cache(maxsize=64)
def _marked(line: bytes) -> tuple[tuple[Kind, ...], tuple[str, ...]]:
    """The kind and the sign of each octet of a line."""
    kinds = [_kind(octet) for octet in line]
    if line.startswith(b"."):
        kinds[0] = Kind.DOT
    for word in words_in(line):
        kinds[word.at : word.end] = [Kind.WORD] * len(word.raw)
    if line.endswith(b"\r\n"):
        kinds[-2:] = [Kind.LINE_END] * 2
    return tuple(kinds), tuple(_signs(line))


def _kind(octet: int) -> Kind:
    if octet > 0x7F:
        return Kind.HIGH
    if octet in b"\r\n":
        return Kind.BARE
    return Kind.CONTROL if (octet < 0x20 and octet != 0x09) or octet == 0x7F else Kind.PLAIN


_SIGNS = {0x0D: "←", 0x0A: "↓", 0x09: "→"}
_UTF8 = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}", re.DOTALL
)
"""What may be one character; whether it is one, decoding says."""


def _signs(line: bytes) -> list[str]:
    signs = [_sign(octet) for octet in line]
    for found in _UTF8.finditer(line):
        char = found[0].decode("utf-8", "ignore")
        if char and visible(char) == char:
            mark = "◌" if unicodedata.combining(char) else ""
            signs[found.start()] = mark + char
    return signs


def _sign(octet: int) -> str:
    if octet > 0x7F:
        return "▒"
    return _SIGNS.get(octet, "¤" if octet < 0x20 or octet == 0x7F else chr(octet))


def _note(zone: Zone, line: bytes, start: int) -> str:
    """What is remarkable about a line."""
    if zone is Zone.BLANK:
        return "a line with nothing in it: the header ends here"
    said = []
    content = line.rstrip(b"\r\n")
    if zone is Zone.HEADER and line[:1] in (b" ", b"\t") and start:
        said.append("begins with a space: the field goes on")
    said += [
        f"{word.charset.upper()} by {word.way}: {shorten(visible(word.text), 24)}"
        for word in words_in(line)
    ]
    if high := sum(octet > 0x7F for octet in line):
        kind = "UTF-8" if _is_utf8(content) else "no UTF-8"
        said.append(f"{plural(high, 'octet')} above 127, {kind}")
    if line.startswith(b"."):
        said.append("begins with a dot: SMTP sends two")
    if len(content) > MAX_LINE:
        said.append(f"{len(content):,} octets in one line, {MAX_LINE} are allowed")
    return "; ".join(said)


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# --- rows in characters, and in HTML ----------------------------------------------------------


def _with_news(rows: Sequence[Row | Fold]) -> Iterator[tuple[Row | Fold, bool]]:
    """Each row, and whether another zone begins with it."""
    before: Zone | None = None
    for row in rows:
        yield row, row.zone is not before
        before = row.zone


def _fold_words(fold: Fold) -> str:
    return f"… {plural(fold.octets, 'octet')} …"


def _row_text(row: Row, new: bool, digits: int) -> str:
    label = row.zone.label if new else ""
    signs = pad("".join(row.signs), WIDE + 2)
    line = f"  {label:6} {row.at:>{digits},} {_hex_text(row)} {signs}  {row.note}"
    return line.rstrip()


def _hex_text(row: Row) -> str:
    """Numbers with a space before each; an encoded word stands in square brackets."""
    out = []
    inside = False
    for octet, kind in zip(row.octets, row.kinds, strict=True):
        word = kind is Kind.WORD
        begins, ends = word and not inside, inside and not word
        out.append(f"{'[' if begins else ']' if ends else ' '}{octet:02x}")
        inside = word
    return pad("".join(out) + ("]" if inside else " "), 3 * (WIDE + 2) + 1)


_TEXT = f"{markup.MONO};white-space:pre;padding:0 10px 0 0;text-align:left;vertical-align:top"


def _html_row(row: Row, new: bool) -> markup.Html:
    numbers = [f"{octet:02x}" for octet in row.octets]
    note = f"{markup.MONO.replace('12px', '11px')};padding:0;text-align:left;opacity:0.8"
    return markup.tag(
        "tr",
        _zone_cell(row.zone, new),
        markup.tag("td", f"{row.at:,}", style=_TEXT.replace("left", "right") + ";opacity:0.7"),
        markup.tag("td", *_runs(numbers, row.kinds, " "), style=_TEXT),
        markup.tag("td", *_runs(row.signs, row.kinds, ""), style=_TEXT),
        markup.tag("td", row.note, style=note),
    )


def _fold_row(fold: Fold, new: bool) -> markup.Html:
    empty = markup.tag("td", style=_TEXT)
    words = markup.tag("td", markup.quiet(_fold_words(fold)), style=_TEXT)
    return markup.tag("tr", _zone_cell(fold.zone, new), empty, words, empty, empty)


def _zone_cell(zone: Zone, new: bool) -> markup.Html:
    style = f"{_TEXT};border-left:5px solid {zone.colour};padding:0 10px 0 6px"
    return markup.tag("td", markup.strong(zone.label) if new else "", style=style)


def _runs(parts: Sequence[str], kinds: Sequence[Kind], between: str) -> Iterator[markup.Html]:
    """Neighbours of one kind as one mark."""
    run: list[str] = []
    for i, (part, kind) in enumerate(zip(parts, kinds, strict=True)):
        run.append(part)
        if i + 1 == len(parts) or kinds[i + 1] is not kind:
            yield _mark(between.join(run), kind)
            if i + 1 < len(parts):
                yield markup.html(between)
            run = []


def _mark(text: str, kind: Kind) -> markup.Html:
    return markup.tag("span", text, style=kind.style) if kind.style else markup.html(text)
