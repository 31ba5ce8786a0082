"""Encoded words: how a header, which is ASCII by birth, says *Chào* (RFC 2047).

    =?utf-8?q?Ch=C3=A0o?=        charset, way of encoding, and the octets
    =?utf-8?b?Q2jDoG8=?=         the same in base64

A word is at most 75 characters long (§2), is set apart by space (§5), holds whole
characters (§5), and stands in free text only: never inside quotation marks, an address
or a parameter (§5).  White space between two words is not shown (§6.2), so that a long
text can be cut anywhere.  Programs break each of these rules; what is read here is read
leniently, as mail programs do, and `complaints` says which rule was broken.
"""

from __future__ import annotations

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from labmail.letter import charsets

Way = Literal["B", "Q"]

MAX_WORD = 75
"""Characters of one encoded word (RFC 2047 §2)."""

_WORD = re.compile(rb"=\?([^?\s]{1,40})\?([QqBb])\?([^?\s]*)\?=")  # RFC 2047 §2
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_PLAIN_IN_Q = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
"""What may stand for itself in a Q word wherever the word stands (RFC 2047 §5 (3))."""


@dataclass(frozen=True, slots=True)
class Word:
    """One encoded word: as it stands, where in the value, and what it carries."""

    raw: bytes
    at: int
    charset: str
    language: str
    way: Way
    octets: bytes

    @property
    def text(self) -> str:
        """Its characters, read by itself."""
        return charsets.decode(self.octets, self.charset)

    @property
    def end(self) -> int:
        """Where in the value it ends."""
        return self.at + len(self.raw)


def words_in(value: bytes) -> tuple[Word, ...]:
    """The encoded words of an unfolded value, in order.  Never raises."""
    return tuple(_word(found) for found in _WORD.finditer(value))


def decoded(value: bytes, errors: str = "replace") -> str:
    """The value as a mail program shows it.

    Neighbours of one charset are joined before they are read, as programs do for the sake of
    senders who cut a character in two.  What is no word is read as UTF-8 (RFC 6532 §3.1).
    """
    pieces: list[str] = []
    at = 0
    for run in _runs(value):
        before = value[at : run[0].at]
        if not pieces or before.strip():  # RFC 2047 §6.2: space between words is not shown
            pieces.append(charsets.decode(before, "utf-8", errors))
        octets = b"".join(word.octets for word in run)
        pieces.append(charsets.decode(octets, run[0].charset, errors))
        at = run[-1].end
    return "".join(pieces) + charsets.decode(value[at:], "utf-8", errors)


def _runs(value: bytes) -> Iterator[list[Word]]:
    """Words that stand together and have one charset."""
    run: list[Word] = []
    for word in words_in(value):
        together = run and not value[run[-1].end : word.at].strip()
        if run and not (together and run[-1].charset.lower() == word.charset.lower()):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


def _word(found: re.Match[bytes]) -> Word:
    charset, _, language = found[1].decode("ascii", "replace").partition("*")  # RFC 2231 §5
    if found[2] in b"Bb":
        return Word(found[0], found.start(), charset, language, "B", from_base64(found[3]))
    octets = quopri.decodestring(found[3], header=True)
    return Word(found[0], found.start(), charset, language, "Q", octets)


def from_base64(content: bytes) -> bytes:
    """What can be read of it: line ends and stray characters do not matter (RFC 2045 §6.8)."""
    letters = _NOT_BASE64.sub(b"", content)
    whole = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


# --- what is wrong with them --------------------------------------------------------------


def complaints(value: bytes) -> tuple[str, ...]:
    """Which rules the encoded words of a value break, in words; each rule once."""
    quotations = _QUOTED.finditer(value)
    quoted = {w.start() for place in quotations for w in _WORD.finditer(value, *place.span())}
    said: list[str] = []
    for run in _runs(value):
        torn = len(run) > 1 and any(map(_is_torn, run))
        if torn:
            said.append("a character is cut in two between encoded words (RFC 2047 §5)")
        for word in run:
            said += _complaints_of(word, value, word.at in quoted)
            if _is_torn(word) and not torn:
                said.append(f"the octets are no {word.charset.upper()} (RFC 2047 §3)")
    return tuple(dict.fromkeys(said))


def _complaints_of(word: Word, value: bytes, quoted: bool) -> Iterator[str]:
    if len(word.raw) > MAX_WORD:
        yield f"an encoded word is longer than {MAX_WORD} characters (RFC 2047 §2)"
    if not charsets.known(word.charset):
        yield f"nobody knows the charset {word.charset} (RFC 2047 §3)"
    if quoted:
        yield "an encoded word stands inside quotation marks (RFC 2047 §5)"
    elif _is_glued(word, value):
        yield "an encoded word is not set apart by space (RFC 2047 §5)"
    if re.search(rb"[\r\n\0]", word.octets):
        yield "an encoded word hides a line break or a NUL (RFC 5322 §2.2)"


def _is_torn(word: Word) -> bool:
    return charsets.known(word.charset) and not charsets.fits(word.octets, word.charset)


def _is_glued(word: Word, value: bytes) -> bool:
    before, after = value[: word.at][-1:], value[word.end :][:1]
    return not (before in b" \t(" and after in b" \t)")


# --- writing ------------------------------------------------------------------------------


def encoded(text: str, charset: str = "utf-8", way: Way | None = None) -> tuple[str, ...]:
    """The text as encoded words, each with whole characters and at most 75 long.

    Without `way`, the shorter of the two is taken.  Raises UnicodeEncodeError when the charset
    lacks a character.
    """
    if way is None:
        ways: tuple[Way, Way] = ("Q", "B")
        return min((encoded(text, charset, w) for w in ways), key=lambda ws: sum(map(len, ws)))
    room = MAX_WORD - len(f"=?{charset}?q??=")
    words: list[str] = []
    octets = b""
    for char in text:
        more = octets + charsets.encode(char, charset)
        if octets and len(_payload(more, way)) > room:
            words.append(f"=?{charset}?{way.lower()}?{_payload(octets, way)}?=")
            more = charsets.encode(char, charset)
        octets = more
    return (*words, f"=?{charset}?{way.lower()}?{_payload(octets, way)}?=")


def _payload(octets: bytes, way: Way) -> str:
    if way == "B":
        return binascii.b2a_base64(octets, newline=False).decode("ascii")
    return "".join(_in_q(octet) for octet in octets)


def _in_q(octet: int) -> str:
    if octet == 0x20:
        return "_"  # RFC 2047 §4.2 (2)
    return chr(octet) if octet in _PLAIN_IN_Q else f"={octet:02X}"
