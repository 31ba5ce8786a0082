"""A letter as a mail program reads it: a tree of parts, each with its text or its file.

    multipart/mixed
    ├── 1  multipart/alternative         the same text twice: the last one is the richest
    │   ├── 1.1  text/plain              (RFC 2046 §5.1.4)
    │   └── 1.2  text/html
    └── 2  application/pdf  "Báo cáo.pdf"

The tree is the scanner's (`labmail.letter.mime`): ranges of the letter's octets, within
limits.  A `Part` reads its range when it is asked; nothing is copied before, and
nothing raises, whatever the octets are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from labmail.letter import charsets, encodings
from labmail.letter.fields import Valued, valued
from labmail.letter.filenames import FileName, filename_of
from labmail.letter.header import Header
from labmail.letter.mime import Entity, scan

MAX_TEXT = 8 * 1024 * 1024
"""Octets of one part that are decoded."""


@dataclass(frozen=True)
class Part:
    """A letter, or a part of one.

    `number` is the part's as IMAP counts it (RFC 3501 §6.4.5), "" for the whole letter.
    """

    entity: Entity
    number: str = ""
    is_letter: bool = True

    # --- where it lies ------------------------------------------------------------------

    @property
    def raw(self) -> bytes:
        """Its octets: header and body."""
        return self.entity.raw[self.at : self.end]

    @property
    def at(self) -> int:
        """Where in the letter it begins."""
        return self.entity.start

    @property
    def body_at(self) -> int:
        """Where in the letter its body begins."""
        return self.entity.body

    @property
    def end(self) -> int:
        """Where in the letter it ends."""
        return self.entity.end

    @property
    def size(self) -> int:
        """Octets of its body as it travels."""
        return self.end - self.body_at

    # --- what it says of itself -----------------------------------------------------------

    @cached_property
    def header(self) -> Header:
        """Its header."""
        return Header(self.entity.header, self.at)

    @property
    def type(self) -> str:
        """What it is treated as: ``text/plain`` where it does not say (RFC 2045 §5.2)."""
        return self.entity.content_type.value.decode("ascii", "replace")

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of its type as they stand; the first of two counts."""
        pairs = reversed(self.entity.content_type.parameters)
        return {_text(name): _text(value) for name, value in pairs}

    @property
    def charset(self) -> str:
        """The charset of a text, in lower case: us-ascii where it does not say (RFC 2045 §5.2);
        "" for what is no text."""
        if not self.is_text:
            return ""
        return _text(self.entity.content_type.get(b"charset") or b"us-ascii").lower()

    @property
    def encoding(self) -> str:
        """The transfer encoding: 7bit where it does not say (RFC 2045 §6.1)."""
        return _text(self._valued("Content-Transfer-Encoding").value) or "7bit"

    @property
    def disposition(self) -> str:
        """``inline`` or ``attachment`` (RFC 2183 §2); "" where it does not say."""
        return _text(self._valued("Content-Disposition").value)

    @property
    def content_id(self) -> str:
        """How other parts name it: ``cid:…`` (RFC 2392 §2); "" without."""
        return self.header.text("Content-ID").strip("<> ")

    @cached_property
    def filename(self) -> FileName | None:
        """The name of the file it carries, if it has one."""
        return filename_of(self._valued("Content-Disposition"), self.entity.content_type)

    def _valued(self, name: str) -> Valued:
        field = self.header.get(name)
        return field.valued() if field else valued(b"")

    # --- what it carries --------------------------------------------------------------------

    @property
    def is_text(self) -> bool:
        """Whether it is a text to be read, plain or not; the fields of a delivery report are
        lines of text as well (RFC 3464 §2.1)."""
        return self.type.startswith(("text/", "message/delivery-status")) and not self.inner

    @cached_property
    def inner(self) -> tuple[Part, ...]:
        """The parts of a multipart, or the letter that a message/rfc822 carries."""
        if self.entity.message is not None:
            return (Part(self.entity.message, self._below(1, self.entity.message)),)
        letters = self.entity.parts
        return tuple(
            Part(each, self._below(place, each), is_letter=False)
            for place, each in enumerate(letters, 1)
        )

    def _below(self, place: int, entity: Entity) -> str:
        """The number of an inner part.  A letter within counts on: its multipart adds no number of
        its own (RFC 3501 §6.4.5)."""
        if self.entity.message is not None and entity.parts:
            return self.number
        return f"{self.number}.{place}" if self.number else str(place)

    @cached_property
    def octets(self) -> bytes:
        """The body with its transfer encoding undone; of a multipart, the body as it stands."""
        content = self.entity.content
        return content if self.inner else encodings.undone(content[:MAX_TEXT], self.encoding)

    @cached_property
    def text(self) -> str:
        """A text part's text; "" for what is no text."""
        return charsets.decode(self.octets, self.charset) if self.is_text else ""

    def walk(self) -> Iterator[Part]:
        """This part and all within it, in the order in which they lie in the letter."""
        yield self
        for part in self.inner:
            yield from part.walk()

    # --- what is wrong --------------------------------------------------------------------------

    @cached_property
    def defects(self) -> tuple[str, ...]:
        """What is wrong with this part, in words; its fields and inner parts have their own."""
        return tuple(self._defects())

    def all_defects(self) -> tuple[str, ...]:
        """What is wrong anywhere in the letter, with the place where it is."""
        said = []
        for part in self.walk():
            place = f"part {part.number}: " if part is not self else ""
            said += [f"{place}{text}" for text in part.defects]
            said += [f"{place}{f.name}: {text}" for f in part.header.fields for text in f.defects]
        return tuple(dict.fromkeys(said))

    def _defects(self) -> Iterator[str]:
        yield from self.header.defects("letter" if self.is_letter else "part")
        yield from (text for text in (self.entity.cut, self._cut_text()) if text)
        yield from self._defects_of_the_type()
        if self.filename:
            yield from self.filename.defects
        if self.inner:
            return
        yield from encodings.complaints(self.entity.content, self.encoding)
        yield from self._defects_of_the_charset()

    def _cut_text(self) -> str:
        too_long = self.size > MAX_TEXT and not self.inner
        return f"only the first {MAX_TEXT:,} octets were decoded" if too_long else ""

    def _defects_of_the_type(self) -> Iterator[str]:
        said = self._valued("Content-Type").value
        treated = self.entity.content_type.value
        if said and said != treated and not self.entity.cut:
            reason = "without parts" if said.startswith(b"multipart/") else "is none"
            yield f"the type {_text(said)} {reason}: read as {self.type} (RFC 2045 §5.2)"
        if self.entity.parts and not self.entity.closed and not self.entity.cut:
            yield "the closing boundary is missing (RFC 2046 §5.1.1)"
        if self.inner and self.encoding not in ("7bit", "8bit", "binary"):
            yield f"{self.type} in {self.encoding} (RFC 2045 §6.4, RFC 2046 §5.2.1)"

    def _defects_of_the_charset(self) -> Iterator[str]:
        if not self.is_text:
            return
        if not charsets.known(self.charset):
            yield f"nobody knows the charset {self.charset} (RFC 2046 §4.1.2)"
        elif not charsets.fits(self.octets, self.charset) and self.size <= MAX_TEXT:
            yield f"the text is no {self.charset.upper()}, though it says so (RFC 2046 §4.1.2)"


def read(raw: bytes) -> Part:
    """The whole letter.  Never raises, whatever the octets are."""
    return Part(scan(raw))


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")
