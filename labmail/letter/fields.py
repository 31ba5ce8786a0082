"""Header fields and their parameters, read from raw bytes.

Nothing here is decoded or repaired: IMAP hands out what the header says, encoded
words included (RFC 3501 §7.4.2), and the client decodes (`labmail.letter.header`).
What is malformed is passed over: no header makes this raise.  Headers are read up to
`MAX_HEADER` octets.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_HEADER = 256 * 1024
"""Octets of one header that are looked at for fields."""
MAX_PARAMETERS = 50
"""Parameters of one field that are looked at."""

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*\n?)")  # RFC 5322 §2.2, §3.6.8
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_EMPTY_AT_ONCE = re.compile(rb"\r?\n")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")  # RFC 5322 §2.2.3
_LINE_END = re.compile(rb"\r?\n")
_TOKEN = re.compile(rb"[^\x00-\x20()<>@,;:\\\"/\[\]?=\x7f]+")  # RFC 2045 §5.1
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"?', re.DOTALL)
_LOOSE = re.compile(rb"[^;\s]*")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_SPACE = re.compile(rb"\s*")


@dataclass(frozen=True, slots=True)
class Field:
    """One header field: its name as written, and its octets name, colon and CRLF included.

    `value_at` is where in `raw` the value begins, `at` where in the header the field does.
    """

    name: bytes
    raw: bytes
    value_at: int
    at: int = 0

    @property
    def value(self) -> bytes:
        """What follows the colon, unfolded, without space at its ends."""
        unfolded = _FOLD.sub(b"", self.raw[self.value_at :])
        return _LINE_END.sub(b" ", unfolded.strip())


@dataclass(frozen=True, slots=True)
class Valued:
    """A field of the shape ``value; name=value; …``: value in lower case, names too."""

    value: bytes
    parameters: tuple[tuple[bytes, bytes], ...]

    def get(self, name: bytes) -> bytes | None:
        """A parameter's value."""
        return dict(reversed(self.parameters)).get(name)


def header_end(raw: bytes, start: int = 0, end: int | None = None) -> int:
    """Where in raw[start:end] the header is over: behind the first empty line (RFC 5322 §2.1)."""
    end = len(raw) if end is None else end
    found = _EMPTY_AT_ONCE.match(raw, start, end) or _EMPTY_LINE.search(raw, start, end)
    return found.end() if found else end


def fields_of(header: bytes) -> tuple[Field, ...]:
    """The fields of a header, in order."""
    at, end = 0, min(len(header), MAX_HEADER)
    found: list[Field] = []
    while at < end:
        field = _FIELD.match(header, at, end)
        if field:
            found.append(Field(field[1], field[0], field.start(2) - at, at))
            at = field.end()
        else:  # not a field: the next line may be one
            at = (header.find(b"\n", at, end) + 1) or end
    return tuple(found)


def first(fields: Iterable[Field], name: bytes) -> bytes | None:
    """The value of the first field of this (lower case) name."""
    return next((f.value for f in fields if f.name.lower() == name), None)


def valued(value: bytes) -> Valued:
    """A Content-Type or Content-Disposition taken apart (RFC 2045 §5.1, RFC 2183 §2)."""
    text = strip_comments(value)
    head, _, _ = text.partition(b";")
    at = len(head)
    found: list[tuple[bytes, bytes]] = []
    while at < len(text) and len(found) < MAX_PARAMETERS:
        at = _skip(text, at + 1)
        name = _TOKEN.match(text, at)
        if name is not None:
            at = _skip(text, name.end())
            if text[at : at + 1] == b"=":
                content, at = _parameter_value(text, _skip(text, at + 1))
                found.append((name[0].lower(), content))
        at = text.find(b";", at)
        if at < 0:
            break
    return Valued(b"".join(head.split()).lower(), tuple(found))


def _parameter_value(text: bytes, at: int) -> tuple[bytes, int]:
    if quoted := _QUOTED.match(text, at):
        return _ESCAPED.sub(rb"\1", quoted[1]), quoted.end()
    loose = _LOOSE.match(text, at)
    assert loose is not None
    return loose[0], loose.end()


def _skip(text: bytes, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


_COMMENT_MARK = re.compile(rb'\\.|[()"]', re.DOTALL)


def strip_comments(value: bytes) -> bytes:
    """The value without ``(comments)``, which nest, except inside quoted strings
    (RFC 5322 §3.2.2)."""
    if b"(" not in value:
        return value
    kept: list[bytes] = []
    depth, quoted, at = 0, False, 0
    for mark in _COMMENT_MARK.finditer(value):
        if depth == 0:
            kept.append(value[at : mark.start()])
        if mark[0] == b'"' and depth == 0:
            quoted = not quoted
        outside = depth == 0
        if not quoted and mark[0] == b"(":
            depth, outside = depth + 1, False
        elif not quoted and mark[0] == b")" and depth:
            depth, outside = depth - 1, False
        kept.append(mark[0] if outside else b"")
        at = mark.end()
    return b"".join(kept) + (value[at:] if depth == 0 else b"")
