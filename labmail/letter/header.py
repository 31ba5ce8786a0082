"""A header as a mail program shows it, and how each of its fields was written.

The header of a letter is all up to its first empty line (RFC 5322 §2.1).  A field is a
name, a colon and a value; a line that begins with space goes on with the field above
(*folding*, §2.2.3).  What is not ASCII in a value is there in one of three ways, and only
two of them are allowed:

    Subject: =?utf-8?q?Ch=C3=A0o?=     an encoded word (RFC 2047)
    Subject: Chào     in UTF-8         raw UTF-8: where every hop offers SMTPUTF8 (RFC 6532)
    Subject: Ch\\xe0o                   raw 8-bit: an accident; each reader guesses

What is wrong is said in words (`defects`), never raised: a mail program shows bad letters
too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from labmail.letter import encodings, words
from labmail.letter.fields import MAX_HEADER, Field, Valued, fields_of, valued

Kind = Literal["ASCII", "encoded word", "raw UTF-8", "raw 8-bit"]

ONCE = (
    "Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc",
    "Message-ID", "In-Reply-To", "References", "Subject",
)  # fmt: skip
"""Fields that stand in a header once at most (RFC 5322 §3.6)."""
_MIME_ONCE = ("MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-Disposition")
_STRUCTURED = frozenset({"content-type", "content-disposition", "content-transfer-encoding"})
_END = re.compile(rb"\r?\n\Z")


@dataclass(frozen=True)
class HeaderField:
    """One field: the octets as they stand, and what a mail program shows.

    `at` is where in the letter it begins.
    """

    field: Field
    at: int

    @property
    def name(self) -> str:
        """Its name as written."""
        return self.field.name.decode("ascii")

    @property
    def raw(self) -> bytes:
        """Its octets: name, colon, folding and line end included."""
        return self.field.raw

    @property
    def end(self) -> int:
        """Where in the letter the next field begins."""
        return self.at + len(self.raw)

    @property
    def value_at(self) -> int:
        """Where in the letter its value begins, right after the colon."""
        return self.at + self.field.value_at

    @cached_property
    def value(self) -> bytes:
        """The value unfolded (RFC 5322 §2.2.3), still encoded."""
        return self.field.value

    @cached_property
    def text(self) -> str:
        """The value as a mail program shows it."""
        return words.decoded(self.value)

    @cached_property
    def words(self) -> tuple[words.Word, ...]:
        """The encoded words in the value."""
        return words.words_in(self.value) if b"=?" in self.value else ()

    @cached_property
    def kind(self) -> Kind:
        """How what is not ASCII was written."""
        if not self.value.isascii():
            return "raw UTF-8" if _is_utf8(self.value) else "raw 8-bit"
        return "encoded word" if self.words else "ASCII"

    @property
    def written(self) -> str:
        """The same in words: ``encoded words, UTF-8 as B``."""
        if self.kind != "encoded word":
            return "raw 8-bit bytes, no UTF-8" if self.kind == "raw 8-bit" else self.kind
        ways = dict.fromkeys(f"{word.charset.upper()} as {word.way}" for word in self.words)
        return f"encoded word{'s' * (len(self.words) > 1)}, {' and '.join(ways)}"

    @property
    def folded(self) -> int:
        """Over how many lines it is written."""
        return _END.sub(b"", self.raw).count(b"\n") + 1

    def valued(self) -> Valued:
        """The value taken apart into value and parameters (RFC 2045 §5.1)."""
        return valued(self.value)

    @cached_property
    def defects(self) -> tuple[str, ...]:
        """What is wrong with it, in words."""
        return tuple(self._defects())

    def _defects(self) -> Iterator[str]:
        if self.raw[: self.field.value_at - 1] != self.field.name:
            yield "space before the colon (RFC 5322 §4.5)"
        yield from encodings.line_complaints(self.raw)
        if self.kind == "raw 8-bit":
            yield "raw 8-bit octets that are no UTF-8 (RFC 5322 §2.2, RFC 6532 §3.1)"
        if self.words:
            if self.name.lower() in _STRUCTURED:
                yield "an encoded word in a parameter (RFC 2047 §5; right is RFC 2231)"
            yield from words.complaints(self.value)


@dataclass(frozen=True)
class Header:
    """The header of a letter or of a part: raw[at:body_at], the empty line included."""

    raw: bytes
    at: int

    @property
    def body_at(self) -> int:
        """Where in the letter the body begins."""
        return self.at + len(self.raw)

    @cached_property
    def fields(self) -> tuple[HeaderField, ...]:
        """The fields in order."""
        return tuple(HeaderField(field, self.at + field.at) for field in fields_of(self.raw))

    def all(self, name: str) -> tuple[HeaderField, ...]:
        """The fields of this name; case does not matter (RFC 5322 §1.2.2)."""
        return tuple(field for field in self.fields if field.name.lower() == name.lower())

    def get(self, name: str) -> HeaderField | None:
        """The first field of this name, or None."""
        return next((field for field in self.fields if field.name.lower() == name.lower()), None)

    def __getitem__(self, name: str) -> HeaderField:
        """The first field of this name.  KeyError says which name is not there."""
        found = self.get(name)
        if found is None:
            raise KeyError(f"this header has no field {name}")
        return found

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def text(self, name: str) -> str:
        """What the first field of this name says; "" if there is none."""
        found = self.get(name)
        return found.text if found else ""

    @property
    def ended(self) -> bool:
        """Whether an empty line ends it."""
        return bool(re.search(rb"(\A|\n)\r?\n\Z", self.raw))

    @property
    def strays(self) -> tuple[bytes, ...]:
        """Lines that belong to no field."""
        found: list[bytes] = []
        at = 0
        ends = min(len(self.raw), MAX_HEADER)
        for begin, after in [
            *((f.at - self.at, f.end - self.at) for f in self.fields),
            (ends, ends),
        ]:
            found += [line for line in self.raw[at:begin].splitlines() if line.strip()]
            at = after
        return tuple(found)

    def defects(self, of: Literal["letter", "part"] = "letter") -> tuple[str, ...]:
        """What is wrong with the header as a whole: of a letter, or of a part of one."""
        return tuple(self._defects(of))

    def _defects(self, of: Literal["letter", "part"]) -> Iterator[str]:
        if len(self.raw) > MAX_HEADER:
            yield f"the header is larger than {MAX_HEADER:,} octets: only these were read"
        if not self.ended:
            yield "no empty line ends the header (RFC 5322 §2.1)"
        if strays := self.strays:
            some = "a line" if len(strays) == 1 else f"{len(strays)} lines"
            yield f"{some} in the header that is no field (RFC 5322 §2.2)"
        count = Counter(field.name.lower() for field in self.fields)
        once = ONCE + _MIME_ONCE if of == "letter" else _MIME_ONCE[1:]
        for name in once:
            if count[name.lower()] > 1:
                yield f"{name} stands {count[name.lower()]} times ({_rule_of_one(name)})"
        if of == "letter":
            yield from _missing(count)


def _missing(count: Counter[str]) -> Iterator[str]:
    for name in ("Date", "From"):
        if not count[name.lower()]:
            yield f"{name} is missing (RFC 5322 §3.6)"
    if not count["message-id"]:
        yield "Message-ID is missing; there should be one (RFC 5322 §3.6.4)"
    if not count["mime-version"] and any(name.startswith("content-") for name in count):
        yield "MIME fields without MIME-Version (RFC 2045 §4)"


def _rule_of_one(name: str) -> str:
    return "RFC 5322 §3.6" if name in ONCE else "RFC 2045 §3"


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
