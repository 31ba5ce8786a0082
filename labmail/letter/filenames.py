"""What a part's file is called, and how that was said.

A parameter is ASCII; there was no way to say *Báo cáo.pdf* in one until RFC 2231, and by
then programs had found their own.  All of these are met in real mailboxes:

    filename*=utf-8''B%C3%A1o%20c%C3%A1o.pdf       RFC 2231 §4: the right way
    filename*0*=utf-8''B%C3%A1o; filename*1=….pdf  RFC 2231 §3: the same, over several lines
    filename="report.pdf"                          plain: ASCII names only
    filename="=?utf-8?q?B=C3=A1o?="                an encoded word: forbidden (RFC 2047 §5)
    filename="Báo cáo.pdf"                         raw octets: UTF-8 (RFC 6532) or anybody's guess

The name is the sender's word.  It is to be shown, never to be used as a path
(RFC 2183 §2.3): `shown` is free of what would lead out of a folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote_to_bytes

from labmail.letter import charsets, words
from labmail.letter.fields import MAX_PARAMETERS, Valued

Way = Literal["RFC 2231", "plain", "encoded word", "raw UTF-8", "raw 8-bit"]

_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]')


@dataclass(frozen=True, slots=True)
class FileName:
    """A file name as the sender meant it, and the way in which it was written."""

    text: str
    way: Way
    charset: str = "us-ascii"
    pieces: int = 1
    defects: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The name without what could hide its end or lead to another folder."""
        return _UNSAFE.sub("_", self.text).strip(". ") or "_"


def filename_of(disposition: Valued | None, content_type: Valued) -> FileName | None:
    """The file name of a part: Content-Disposition's before Content-Type's (RFC 2183 §2.3)."""
    found = parameter(disposition, b"filename") if disposition else None
    return found or parameter(content_type, b"name")


def parameter(field: Valued, name: bytes) -> FileName | None:
    """A parameter's value, however it is written; RFC 2231 wins where there are two."""
    given = dict(reversed(field.parameters))
    if name + b"*" in given:
        return _extended([(given[name + b"*"], True)])
    if pieces := _pieces(given, name):
        return _extended(pieces)
    return _unextended(given[name]) if name in given else None


def _pieces(given: dict[bytes, bytes], name: bytes) -> list[tuple[bytes, bool]]:
    """The continuations in order, as far as none is missing; whether each is encoded."""
    found = []
    for number in range(MAX_PARAMETERS):
        key = b"%b*%d" % (name, number)
        if key + b"*" in given:
            found.append((given[key + b"*"], True))
        elif key in given:
            found.append((given[key], False))
        else:
            break
    return found


def _extended(pieces: list[tuple[bytes, bool]]) -> FileName:
    """``charset'language'percent-encoded`` (RFC 2231 §4); the rest goes on (§4.1)."""
    defects = []
    charset = "us-ascii"
    first, coded = pieces[0]
    if coded:
        named, tick, rest = first.partition(b"'")
        _, second, octets = rest.partition(b"'")
        if tick and second:
            charset, first = named.decode("ascii", "replace") or "us-ascii", octets
        else:
            defects.append("no charset and language before the value (RFC 2231 §4)")
    whole = [unquote_to_bytes(first) if coded else first]
    whole += [unquote_to_bytes(piece) if encoded else piece for piece, encoded in pieces[1:]]
    octets = b"".join(whole)
    if not charsets.fits(octets, charset):
        defects.append(f"the octets of the name are no {charset.upper()} (RFC 2231 §4)")
    text = charsets.decode(octets, charset)
    return FileName(text, "RFC 2231", charset, len(pieces), tuple(defects))


def _unextended(value: bytes) -> FileName:
    if not value.isascii():
        if charsets.fits(value, "utf-8"):
            return FileName(value.decode("utf-8"), "raw UTF-8", "utf-8")
        said = ("raw 8-bit octets in a parameter (RFC 2045 §5.1; right is RFC 2231)",)
        return FileName(charsets.decode(value, "utf-8"), "raw 8-bit", "unknown", 1, said)
    if found := words.words_in(value):
        said = ("an encoded word as a file name (RFC 2047 §5; right is RFC 2231)",)
        charset = found[0].charset.lower()
        return FileName(words.decoded(value), "encoded word", charset, len(found), said)
    return FileName(value.decode("ascii"), "plain")
