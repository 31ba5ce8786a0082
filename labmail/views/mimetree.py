"""The MIME tree: what is in a letter, and what is in what.

    letter                          multipart/mixed
    ├─ 1    Chào Minh, …            text/plain, utf-8, quoted-printable
    └─ 2    "Báo cáo quý 1.pdf"     application/pdf, base64: 12,000 octets travel as 16,422

Numbers are the parts' as IMAP counts them (RFC 3501 §6.4.5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labmail.letter import Part, read
from labmail.views import palette
from labmail.views.chars import plural, shorten, text_table, visible
from labmail.views.trees import Twig, branches, draw
from labmail.views.view import Picture

if TYPE_CHECKING:
    from labmail.views.paper import Paper

_TOLD = 34
"""Characters of a text that are quoted."""
_COLOURS = {
    "multipart": palette.BLUE,
    "text": palette.GREEN,
    "message": palette.PURPLE,
}


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One part: how deep it lies, and whether it is the last of its brothers; the same of each
    part around it, from the outside in."""

    part: Part
    last: tuple[bool, ...]

    @property
    def what(self) -> str:
        """The file's name, the text's beginning, or what the parts are to each other."""
        part = self.part
        if part.filename:
            return f'"{visible(part.filename.text)}"'
        if part.inner:
            return _MEANING.get(part.type, "a letter within" if "message" in part.type else "")
        if part.is_text and part.type == "text/plain":
            return shorten(visible(" ".join(part.text.split())), _TOLD)
        return f"cid:{visible(part.content_id)}" if part.content_id else ""

    @property
    def kind(self) -> str:
        """Type, charset, encoding."""
        part = self.part
        charset = f"; {visible(part.charset)}" if part.is_text else ""
        way = "" if part.inner else f", {visible(part.encoding)}"
        return f"{visible(part.type)}{charset}{way}"

    @property
    def size(self) -> str:
        """Octets that travel, and what they carry where that differs."""
        part = self.part
        if part.inner or part.encoding in ("7bit", "8bit", "binary"):
            return f"{part.size:,}"
        return f"{len(part.octets):,} → {part.size:,}"

    @property
    def remark(self) -> str:
        """How it wants to be shown, how its name is written, how it is referred to."""
        part = self.part
        named = f"name: {part.filename.way}" if part.filename else ""
        cid = f"cid:{visible(part.content_id)}" if part.content_id and part.filename else ""
        return ", ".join(filter(None, [visible(part.disposition), named, cid]))


_MEANING = {
    "multipart/mixed": "one after the other",
    "multipart/alternative": "the same, twice: take the last you can show",
    "multipart/related": "one thing, made of several",
    "multipart/report": "a report and what it is about",
    "multipart/signed": "a text and its signature",
}


class MimeTree(Picture):
    """The parts of a letter."""

    def __init__(self, letter: bytes, title: str = "") -> None:
        whole = read(letter)
        self._title = f"{title or 'A letter'}: {plural(len(letter), 'octet')}"
        self.rows = tuple(_rows(whole, ()))
        self.defects = whole.all_defects()

    def text(self) -> str:
        rows = [
            (branches(row.last) + (row.part.number or "letter"), row.kind, row.what, row.size,
             row.remark)
            for row in self.rows
        ]  # fmt: skip
        head = ("part", "type", "what it is", "octets", "")
        table = text_table(head, rows, right=(3,))
        return "\n".join([self._title, table, *(f"  ✘ {visible(d)}" for d in self.defects)])

    def alt(self) -> str:
        told = "; ".join(
            f"{row.part.number or 'the letter'} is {row.kind}"
            + (f", {row.what}" if row.what else "")
            for row in self.rows
        )
        return f"MIME tree. {self._title}: {told}."

    def draw(self) -> Paper:
        notes = [visible(defect) for defect in self.defects]
        return draw(self._title, [_twig(row) for row in self.rows], notes)


def _twig(row: TreeRow) -> Twig:
    number = f"{row.part.number}  " if row.part.number else ""
    second = row.what + (f"   ({row.remark})" if row.remark else "")
    colour = _COLOURS.get(row.part.type.partition("/")[0], palette.ORANGE)
    return Twig(len(row.last), f"{number}{row.kind}", second, f"{row.size} octets", colour)


def _rows(part: Part, last: tuple[bool, ...]) -> Iterator[TreeRow]:
    yield TreeRow(part, last)
    for place, inner in enumerate(part.inner, 1):
        yield from _rows(inner, (*last, place == len(part.inner)))
