"""A header, field by field: what it says, what stands there, who wrote it.

Half of a header is not its author's.  The mail program writes Date, From, To, Subject and
the MIME fields; each server that takes the letter puts a Received on top, and the last one a
Return-Path (RFC 5321 §4.4).  Nothing in a field says who wrote it.  The trace does: a
field that a server was given was written before, one that it was not given is its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labmail.letter import read
from labmail.letter.header import HeaderField
from labmail.trace.letters import Copy
from labmail.views import markup, palette
from labmail.views.chars import decoded, plural, visible, wrap
from labmail.views.view import View

_COLUMNS = 92
_RULES = {
    "return-path": "RFC 5321 §4.4",
    "received": "RFC 5321 §4.4",
    "date": "RFC 5322 §3.6.1",
    **dict.fromkeys(("from", "sender", "reply-to"), "RFC 5322 §3.6.2"),
    **dict.fromkeys(("to", "cc", "bcc"), "RFC 5322 §3.6.3"),
    **dict.fromkeys(("message-id", "in-reply-to", "references"), "RFC 5322 §3.6.4"),
    **dict.fromkeys(("subject", "comments", "keywords"), "RFC 5322 §3.6.5"),
    "mime-version": "RFC 2045 §4",
    "content-type": "RFC 2045 §5",
    "content-transfer-encoding": "RFC 2045 §6",
    "content-id": "RFC 2045 §7",
    "content-description": "RFC 2045 §8",
    "content-disposition": "RFC 2183 §2",
    "authentication-results": "RFC 8601 §2.2",
    "dkim-signature": "RFC 6376 §3.5",
    "auto-submitted": "RFC 3834 §5",
    "list-id": "RFC 2919 §3",
    **dict.fromkeys(
        ("list-help", "list-unsubscribe", "list-subscribe", "list-post", "list-owner"),
        "RFC 2369 §3",
    ),
}
"""Where a field is defined."""
_MAY_BREAK = "max-width:22em;overflow-wrap:break-word"
"""A Message-ID has no place to break at; without one it would push the columns off the page."""
_ANY_OTHER = "RFC 5322 §3.6.8"
_AT_DELIVERY = frozenset({"return-path", "delivered-to"})


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field: `shown` is what a mail program shows, `raw` the line as it stands ("" where
    it is the same), `writer` "" where the trace does not tell."""

    name: str
    shown: str
    raw: str
    written: str
    writer: str
    rule: str
    defects: tuple[str, ...]


class FieldList(View):
    """The fields of a header in the order in which they stand there."""

    def __init__(self, letter: bytes, copies: Sequence[Copy] = (), title: str = "") -> None:
        header = read(letter).header
        self.rows = tuple(_row(field, copies) for field in header.fields)
        self.defects = header.defects()
        fields = plural(len(self.rows), "field")
        self._title = f"{title or 'A header'}: {fields}, {plural(len(header.raw), 'octet')}"

    def text(self) -> str:
        lines = [self._title]
        for number, row in enumerate(self.rows, 1):
            lines += _hung(f"{number:>3}  ", f"{row.name}: {row.shown}")
            if row.raw:
                lines += _hung("       stands there as  ", row.raw)
            about = " · ".join(filter(None, [row.writer, row.written, row.rule]))
            lines += _hung("       ", about)
            for defect in row.defects:
                lines += _hung("       ✘ ", defect)
        return "\n".join([*lines, *(f"  ✘ {defect}" for defect in self.defects)])

    def html(self) -> str:
        head = ("", "field", "what you read", "written as", "who wrote it", "defined in")
        rows = [self._cells(number, row) for number, row in enumerate(self.rows, 1)]
        told = [i for i in range(len(head)) if any(row[i] for row in rows)]
        table = markup.table(
            [head[i] for i in told],
            [[row[i] for i in told] for row in rows],
            right=(0,),
        )
        wrong = [_wrong(defect) for defect in self.defects]
        return markup.page(markup.heading(self._title), table, *wrong)

    def _cells(self, number: int, row: FieldRow) -> tuple[str, ...]:
        raw = [markup.tag("div", markup.code(row.raw), style="opacity:0.8")] if row.raw else []
        shown = markup.tag("div", row.shown, *raw, *map(_wrong, row.defects), style=_MAY_BREAK)
        return str(number), row.name, shown, row.written, row.writer, row.rule


def _wrong(defect: str) -> markup.Html:
    return markup.tag("div", markup.chip(f"✘ {defect}", palette.VERMILION))


def _hung(first: str, text: str) -> list[str]:
    """The text in lines that hang under the first."""
    lines = wrap(text, _COLUMNS - len(first))
    return [(first if i == 0 else " " * len(first)) + line for i, line in enumerate(lines)]


def _row(field: HeaderField, copies: Sequence[Copy]) -> FieldRow:
    shown, stands = (visible(field.text.replace("\t", " ")), decoded(field.value))
    return FieldRow(
        name=visible(field.name),
        shown=shown,
        raw="" if field.kind == "ASCII" else stands,
        written="" if field.kind == "ASCII" else field.written,
        writer=writer_of(field, copies),
        rule=_rule(field),
        defects=field.defects,
    )


def _rule(field: HeaderField) -> str:
    rule = _RULES.get(field.name.lower(), _ANY_OTHER)
    how = {"encoded word": ", RFC 2047 §2", "raw UTF-8": ", RFC 6532 §3.1"}
    return rule + how.get(field.kind, "")


def writer_of(field: HeaderField, copies: Sequence[Copy]) -> str:
    """Who wrote a field of a letter, as far as the copies of the letter tell; else ""."""
    if not copies:
        return ""
    holders = [i for i, copy in enumerate(copies) if field.raw in copy.content]
    if 0 in holders:
        return f"the mail program on {copies[0].client}"
    if holders:
        return _server(copies[holders[0] - 1])
    last = copies[-1]
    at_delivery = field.name.lower() in _AT_DELIVERY
    return f"{last.host}, at final delivery" if at_delivery else _server(last)


def _server(copy: Copy) -> str:
    role = "submission server" if copy.role == "submission" else "MX"
    return f"{copy.host} ({role}), taking the letter in"
