"""Reading a letter's header the way a mail program does, and saying how it was written.

A header is ASCII by birth.  What is not is either an encoded word (RFC 2047 §2), or raw
UTF-8 (RFC 6532 §3.1), or an accident; the card says which, because that is the lesson.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import policy
from email.header import decode_header
from email.parser import BytesHeaderParser
from email.utils import getaddresses

from labmail.views.chars import visible

_ENCODED = re.compile(r"=\?([^?\s]+)\?([BbQq])\?[^?\s]*\?=")
_WAYS = {"b": "base64", "q": "quoted-printable-like"}


@dataclass(frozen=True, slots=True)
class Field:
    """A header field: its name, what a reader sees, and how it was written ("" for ASCII)."""

    name: str
    value: str
    written: str = ""


def fields(content: bytes, wanted: tuple[str, ...]) -> list[Field]:
    """The wanted fields of a letter, in the order of `wanted`, each as often as it stands
    there."""
    header = BytesHeaderParser(policy=policy.compat32).parsebytes(content)
    found = []
    for name in wanted:
        for key, raw in header.raw_items():
            if key.lower() == name.lower():
                found.append(_field(name, str(raw)))
    return found


def _field(name: str, raw: str) -> Field:
    """A field from its raw text, where bytes that are not ASCII stand as surrogates."""
    folded = " ".join(raw.split())
    bytes_ = folded.encode("ascii", "surrogateescape")
    if not bytes_.isascii():
        return Field(name, visible(bytes_.decode("utf-8", "backslashreplace")), _raw_kind(bytes_))
    return Field(name, shown_header(folded), _encoding(folded))


def _raw_kind(data: bytes) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "raw 8-bit bytes, no UTF-8"
    return "raw UTF-8"


def _encoding(text: str) -> str:
    found = _ENCODED.search(text)
    if not found:
        return ""
    charset, way = found.group(1).partition("*")[0], found.group(2).lower()
    return f"encoded word, {visible(charset).upper()} as {_WAYS[way]}"


def shown_header(text: str) -> str:
    """A header's text with its encoded words decoded, as a mail program shows it; what
    cannot be decoded stays as it is, and what hides is made visible."""
    if not _ENCODED.search(text):
        return visible(text)
    parts = []
    for part, charset in decode_header(text):
        if isinstance(part, str):
            parts.append(part)
            continue
        try:
            parts.append(part.decode(charset or "ascii", "backslashreplace"))
        except LookupError:  # a charset nobody knows
            parts.append(part.decode("ascii", "backslashreplace"))
    return visible("".join(parts))


def addresses(values: list[str]) -> list[str]:
    """The bare addresses in the values of address fields, in lower case."""
    return [address.lower() for _, address in getaddresses(values) if address]


def all_fields(content: bytes) -> list[tuple[str, str]]:
    """Every field of a letter's header, name and unfolded value, top down."""
    header = BytesHeaderParser(policy=policy.compat32).parsebytes(content)
    return [(visible(name), _field(name, str(raw)).value) for name, raw in header.raw_items()]
