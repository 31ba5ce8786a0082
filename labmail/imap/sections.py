"""``BODY[1.2.HEADER]``: the address of a piece of a message (RFC 3501 §6.4.5).

Numbers go down the tree: in a multipart they count its parts; the only part of
anything else is number 1.  A message/rfc822 is looked through: the numbers go on in
the message it carries.

    1        the first part's content
    2.MIME   the second part's MIME header
    2.1      if part 2 is a multipart, its first part; if it is a message, that one's first
    2.HEADER the header of the message that part 2 carries (and only of such)
"""

from __future__ import annotations

from dataclasses import dataclass

from labmail.imap.grammar import Decoder, NotGrammar
from labmail.imap.response import Letter, Piece, astring, parenthesised
from labmail.letter.mime import Entity

MAX_NUMBERS = 60
"""Numbers in one section."""
_TEXTS = ("", "HEADER", "HEADER.FIELDS", "HEADER.FIELDS.NOT", "TEXT", "MIME")


@dataclass(frozen=True, slots=True)
class Section:
    """Where to look: part numbers, then what of that part.

    `names` are the fields of HEADER.FIELDS(.NOT), as the client wrote them.
    `partial` is (first octet, how many at most).
    """

    numbers: tuple[int, ...] = ()
    text: str = ""
    names: tuple[bytes, ...] = ()
    partial: tuple[int, int] | None = None

    @property
    def label(self) -> bytes:
        """How the answer names it: without the length of a partial (RFC 3501 §7.4.2)."""
        words = [str(number) for number in self.numbers] + ([self.text] if self.text else [])
        spec = ".".join(words).encode("ascii")
        if self.names:
            spec += b" " + parenthesised(astring(name) for name in self.names)
        origin = b"<%d>" % self.partial[0] if self.partial else b""
        return b"[" + spec + b"]" + origin

    def of(self, message: Entity) -> Piece:
        """The piece itself; NIL if the message has no such part."""
        found = self._find(message)
        if found is None:
            return b"NIL"
        if self.partial:
            start, size = self.partial
            found = found[start : start + size]
        return Letter(found)

    def _find(self, message: Entity) -> bytes | None:
        part = _part(message, self.numbers) if self.numbers else message
        if part is None:
            return None
        if self.text == "MIME":
            return part.header
        if self.text:
            whole = part.message if self.numbers else message
            return None if whole is None else self._text_of(whole)
        return part.content if self.numbers else part.raw

    def _text_of(self, whole: Entity) -> bytes:
        if self.text == "TEXT":
            return whole.content
        if self.text == "HEADER":
            return whole.header
        wanted = {name.lower() for name in self.names}
        without = self.text == "HEADER.FIELDS.NOT"
        chosen = [f.raw for f in whole.fields if (f.name.lower() in wanted) != without]
        lines = (raw if raw.endswith(b"\n") else raw + b"\r\n" for raw in chosen)
        return b"".join(lines) + b"\r\n"  # the delimiting blank line is always there: §6.4.5


def _part(message: Entity, numbers: tuple[int, ...]) -> Entity | None:
    """The part with this number, or None."""
    part = _numbered(message, numbers[0])
    for number in numbers[1:]:
        if part is None:
            return None
        if part.message is not None:
            part = _numbered(part.message, number)
        else:
            part = _numbered(part, number) if part.parts else None
    return part


def _numbered(entity: Entity, number: int) -> Entity | None:
    """A part of a multipart; what is no multipart has a part 1: itself."""
    parts = entity.parts or (entity,)
    return parts[number - 1] if number <= len(parts) else None


def read_section(dec: Decoder) -> Section:
    """``[1.2.HEADER.FIELDS (From)]<0.100>``, the opening bracket included."""
    dec.expect_special(b"[")
    numbers: list[int] = []
    text = ""
    if not dec.special(b"]"):
        numbers, text = _read_spec(dec)
        names = _read_names(dec) if text.startswith("HEADER.FIELDS") else ()
        dec.expect_special(b"]")
    else:
        names = ()
    return Section(tuple(numbers), text, names, _read_partial(dec))


def _read_spec(dec: Decoder) -> tuple[list[int], str]:
    """section-part, section-text or both."""
    numbers: list[int] = []
    while (number := dec.nz_number()) is not None:
        numbers.append(number)
        if len(numbers) > MAX_NUMBERS:
            raise NotGrammar(f"a section has at most {MAX_NUMBERS} numbers")
        if not dec.special(b"."):
            return numbers, ""
    text = dec.expect_word("a part's number, HEADER, HEADER.FIELDS, TEXT or MIME")
    if text not in _TEXTS or (text == "MIME" and not numbers):
        raise NotGrammar("a section is made of numbers, then HEADER, HEADER.FIELDS, TEXT or MIME")
    return numbers, text


def _read_names(dec: Decoder) -> tuple[bytes, ...]:
    dec.expect_sp()
    return tuple(dec.expect_in_parentheses(dec.expect_astring))


def _read_partial(dec: Decoder) -> tuple[int, int] | None:
    if not dec.special(b"<"):
        return None
    start = dec.expect_number()
    dec.expect_special(b".")
    size = dec.expect_nz_number()
    dec.expect_special(b">")
    return start, size
