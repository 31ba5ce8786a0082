"""A message as a tree of byte ranges.

MIME nests messages in messages by lines that begin with ``--boundary`` (RFC 2046
§5.1).  `scan` finds where each part begins and ends *in the raw bytes*, and copies
and changes nothing: what FETCH hands out is what was delivered, so that signatures
hold and two clients that ask for the same part get the same octets.

    header:  raw[start:body]    up to and with the empty line
    body:    raw[body:end]      without the CRLF before the next boundary: that is the
                                boundary's (§5.1.1)

A letter may be built to hurt: parts within parts a thousand levels deep, a million
empty parts.  So the scanner has a budget for depth and for parts; what lies beyond is
a leaf, and says so (`Entity.cut`).  Its octets are still there, it is just not taken
apart.

This is the one parser of the project that opens letters: IMAP answers from it, and
`labmail.letter.parts` reads it as a mail program does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from labmail.letter.fields import Field, Valued, fields_of, first, header_end, valued

MAX_DEPTH = 30
"""Entities within entities that are opened."""
MAX_PARTS = 2000
"""Entities of one message that are told apart."""
MAX_CANDIDATES = 100_000
"""Lines that look like a boundary which are examined, in one message."""

_TYPE = re.compile(rb"[^\s()<>@,;:\\\"/\[\]?=]+/[^\s()<>@,;:\\\"/\[\]?=]+")
_REST_OF_DELIMITER = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")
_PLAIN = Valued(b"text/plain", ((b"charset", b"us-ascii"),))  # RFC 2045 §5.2
_DIGEST = Valued(b"message/rfc822", ())  # RFC 2046 §5.1.5
_OPAQUE = Valued(b"application/octet-stream", ())

_CLOSED, _OPEN, _CUT = "closed", "open", "cut"
"""How a part ends: at a boundary, at the end of the letter, or where the budget does."""
_TOO_MANY = f"not opened any further: more than {MAX_PARTS:,} parts"


@dataclass(frozen=True)
class Entity:
    """A message, or a part of one: a header and a body, as ranges of `raw`.

    `content_type` is what the part is treated as (in doubt text/plain: RFC 2045
    §5.2); `parts` are the parts of a multipart, `message` is what a message/rfc822
    carries.  `cut` says what a limit kept closed; `closed` whether the closing boundary
    of a multipart is there.
    """

    raw: bytes
    start: int
    body: int
    end: int
    content_type: Valued
    parts: tuple[Entity, ...] = ()
    message: Entity | None = None
    cut: str = ""
    closed: bool = True

    @cached_property
    def header(self) -> bytes:
        """The header with the empty line that ends it."""
        return self.raw[self.start : self.body]

    @property
    def content(self) -> bytes:
        """The body."""
        return self.raw[self.body : self.end]

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The header's fields."""
        return fields_of(self.header)

    def field(self, name: bytes) -> bytes | None:
        """The value of the first field of this (lower case) name; None if there is none."""
        return first(self.fields, name)

    @property
    def lines(self) -> int:
        """How many lines the body has; a last line without an end counts."""
        ends = self.raw.count(b"\n", self.body, self.end)
        unfinished = self.end > self.body and self.raw[self.end - 1 : self.end] != b"\n"
        return ends + unfinished

    def walk(self) -> Iterator[Entity]:
        """This entity and all within it, in the order in which they lie in the message."""
        yield self
        for inner in (*self.parts, *((self.message,) if self.message else ())):
            yield from inner.walk()


def scan(raw: bytes) -> Entity:
    """The tree of a whole message.  Never raises; bounded by `MAX_DEPTH` and `MAX_PARTS`."""
    return _Scanner(raw).entity(0, len(raw), _PLAIN, 0)


class _Scanner:
    """One walk through a message, with what is left of its budget."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._parts_left = MAX_PARTS
        self._candidates_left = MAX_CANDIDATES

    def entity(self, start: int, end: int, default: Valued, depth: int) -> Entity:
        """The entity in raw[start:end]; `default` is its type if it does not say."""
        self._parts_left -= 1
        body = header_end(self._raw, start, end)
        declared = first(fields_of(self._raw[start:body]), b"content-type")
        kind = default if declared is None else _read_type(declared)
        if kind.value.startswith(b"multipart/"):
            return self._multipart(start, body, end, kind, depth)
        if kind.value == b"message/rfc822":
            return self._enclosed(start, body, end, kind, depth)
        return Entity(self._raw, start, body, end, kind)

    def _multipart(self, start: int, body: int, end: int, kind: Valued, depth: int) -> Entity:
        boundary = kind.get(b"boundary")
        if not boundary:  # cannot be opened: RFC 2045 §5.2
            return Entity(self._raw, start, body, end, _PLAIN)
        if limit := self._limit(depth):
            return Entity(self._raw, start, body, end, _OPAQUE, cut=limit)
        default = _DIGEST if kind.value == b"multipart/digest" else _PLAIN
        parts: list[Entity] = []
        ending = _CLOSED
        for low, high, how in self._between_boundaries(b"--" + boundary.rstrip(), body, end):
            parts.append(self.entity(low, high, default, depth + 1))
            ending = how
        if not parts:  # a multipart has at least one part (RFC 2046 §5.1.1): else it is only text
            return Entity(self._raw, start, body, end, _PLAIN)
        cut = _TOO_MANY if ending == _CUT else ""
        closed = ending == _CLOSED
        return Entity(self._raw, start, body, end, kind, tuple(parts), cut=cut, closed=closed)

    def _enclosed(self, start: int, body: int, end: int, kind: Valued, depth: int) -> Entity:
        if limit := self._limit(depth):
            return Entity(self._raw, start, body, end, _OPAQUE, cut=limit)
        inner = self.entity(body, end, _PLAIN, depth + 1)
        return Entity(self._raw, start, body, end, kind, message=inner)

    def _limit(self, depth: int) -> str:
        """Which limit keeps an entity at this depth closed; "" for none."""
        if depth >= MAX_DEPTH:
            return f"not opened: nested deeper than {MAX_DEPTH}"
        return _TOO_MANY if self._parts_left <= 0 else ""

    def _between_boundaries(self, mark: bytes, at: int, end: int) -> Iterator[tuple[int, int, str]]:
        """The ranges of the parts, and how each ends.  A part that nothing ends goes on to the
        end, and so does the last one for which there is budget."""
        begun: int | None = None
        for line, after, last in self._delimiters(mark, at, end):
            if begun is not None:
                if self._parts_left <= 1 and not last:
                    yield begun, end, _CUT
                    return
                yield begun, max(begun, self._before_line_end(line, begun)), _CLOSED
            begun = None if last else after
        if begun is not None:
            yield begun, end, _OPEN if self._candidates_left > 0 else _CUT

    def _delimiters(self, mark: bytes, at: int, end: int) -> Iterator[tuple[int, int, bool]]:
        """Lines that are delimiters: where each begins, where the next begins, and whether
        it is the closing one."""
        if self._raw.startswith(mark, at, end):
            at -= 1  # the body's first line: as if a line end came before it
        else:
            at = self._raw.find(b"\n" + mark, at, end)
        while at >= 0 and self._candidates_left > 0:
            self._candidates_left -= 1
            rest = _REST_OF_DELIMITER.match(self._raw, at + 1 + len(mark), end)
            if rest:
                closing = rest[1] is not None
                yield at + 1, rest.end(), closing
                if closing:
                    return
            at = self._raw.find(b"\n" + mark, rest.end() - 1 if rest else at + 1, end)

    def _before_line_end(self, line: int, floor: int) -> int:
        """The place before the line end that comes before this line."""
        at = line - 1
        return at - 1 if at > floor and self._raw[at - 1 : at] == b"\r" else at


def _read_type(declared: bytes) -> Valued:
    found = valued(declared)
    return found if _TYPE.fullmatch(found.value) else _PLAIN
