"""Reading a letter's header the way a mail program does, and saying how it was written.

A header is ASCII by birth.  What is not is either an encoded word (RFC 2047 §2), or raw
UTF-8 (RFC 6532 §3.1), or an accident; the card says which, because that is the lesson.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import getaddresses

from labmail.letter import words
from labmail.letter.header import Header, HeaderField
from labmail.letter.mime import scan
from labmail.views.chars import visible

_WAYS = {"B": "base64", "Q": "quoted-printable-like"}


@dataclass(frozen=True, slots=True)
class Field:
    """A header field: its name, what a reader sees, and how it was written ("" for ASCII)."""

    name: str
    value: str
    written: str = ""


def fields(content: bytes, wanted: tuple[str, ...]) -> list[Field]:
    """The wanted fields of a letter, in the order of `wanted`, each as often as it stands
    there."""
    header = Header(scan(content).header, 0)
    return [_field(name, found) for name in wanted for found in header.all(name)]


def _field(name: str, found: HeaderField) -> Field:
    value = b" ".join(found.value.split())
    if not value.isascii():
        return Field(name, visible(value.decode("utf-8", "backslashreplace")), found.written)
    return Field(name, shown_header(value.decode("ascii")), _encoding(found))


def _encoding(found: HeaderField) -> str:
    if not found.words:
        return ""
    word = found.words[0]
    return f"encoded word, {visible(word.charset).upper()} as {_WAYS[word.way]}"


def shown_header(text: str) -> str:
    """A header's text with its encoded words decoded, as a mail program shows it; what
    cannot be decoded stays as it is, and what hides is made visible."""
    octets = text.encode("utf-8", "surrogatepass")
    return visible(words.decoded(octets, "backslashreplace"))


def addresses(values: list[str]) -> list[str]:
    """The bare addresses in the values of address fields, in lower case."""
    return [address.lower() for _, address in getaddresses(values) if address]


def all_fields(content: bytes) -> list[tuple[str, str]]:
    """Every field of a letter's header, name and unfolded value, top down."""
    header = Header(scan(content).header, 0)
    return [(visible(f.name), _field(f.name, f).value) for f in header.fields]
