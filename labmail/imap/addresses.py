"""Address lists, read as ENVELOPE wants them (RFC 3501 §7.4.2, RFC 5322 §3.4).

    Minh <minh@saigon.example>          one mailbox with a display name
    <@a.example,@b.example:minh@c.example>   a source route, long obsolete (§4.4)
    friends: an@x.example, bo@y.example;     a group

A name stays as it is written: encoded words are the client's to decode.  What cannot be
an address becomes a mailbox name without a host (the empty string: NIL would say
"group"), so that the reader at least sees it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

MAX_ADDRESSES = 1000
"""Addresses of one field that are listed."""

_PIECE = re.compile(
    rb"""(?P<space>[ \t\r\n]+)
      | "(?P<quoted>(?:[^"\\]|\\.)*)"?
      | (?P<comment>\()
      | (?P<literal>\[[^\]]*\]?)
      | (?P<mark>[<>@,;:])
      | (?P<word>(?:[^ \t\r\n"(\[<>@,;:\\)]|\\.?)+|\))
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_PIECE = re.compile(rb"\\.|[()]", re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    """One address structure: personal name, source route, mailbox name, host name.

    ``host`` None marks a group: with a mailbox name its begin, without its end.
    """

    name: bytes | None
    route: bytes | None
    mailbox: bytes | None
    host: bytes | None


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # "word", "mark", "comment"
    text: bytes
    spaced: bool  # was there white space before it?


_GROUP_END = Address(None, None, None, None)
_END = _Token("end", b"", False)


def addresses_of(value: bytes) -> tuple[Address, ...]:
    """The addresses in a field's value.  Never raises; what is malformed is made the best of."""
    found: list[Address] = []
    tokens: list[_Token] = []
    in_group = in_angle = False
    for token in chain(_tokens(value), [_END]):
        mark = token.text if token.kind == "mark" else b""
        in_angle = {b"<": True, b">": False}.get(mark, in_angle)  # there "," parts routes
        if mark == b":" and not (in_angle or in_group):
            found.append(Address(None, None, _phrase(tokens), None))
            tokens, in_group = [], True
        elif token is _END or (mark in (b",", b";") and not in_angle):
            found += _address(tokens)
            tokens = []
            if mark == b";" and in_group:
                found.append(_GROUP_END)
                in_group = False
        else:
            tokens.append(token)
        if len(found) >= MAX_ADDRESSES:
            break
    return (*found, _GROUP_END) if in_group else tuple(found)


def _tokens(value: bytes) -> Iterator[_Token]:
    at, spaced = 0, False
    while piece := _PIECE.match(value, at):
        at = piece.end()
        kind = piece.lastgroup or "quoted"
        if kind == "comment":
            text, at = _comment(value, at)
            yield _Token("comment", text, spaced)
        elif kind == "quoted":
            yield _Token("word", _ESCAPED.sub(rb"\1", piece["quoted"]), spaced)
        elif kind != "space":
            yield _Token("mark" if kind == "mark" else "word", piece[0], spaced)
        spaced = kind == "space"


def _comment(value: bytes, at: int) -> tuple[bytes, int]:
    """The text of a comment that has opened before `at`, and where it ends; they nest."""
    depth = 1
    for mark in _COMMENT_PIECE.finditer(value, at):
        depth += {b"(": 1, b")": -1}.get(mark[0], 0)
        if depth == 0:
            return value[at : mark.start()], mark.end()
    return value[at:], len(value)


def _address(tokens: list[_Token]) -> list[Address]:
    """One mailbox; nothing where there is nothing between two commas."""
    words = [token for token in tokens if token.kind != "comment"]
    comments = [token.text for token in tokens if token.kind == "comment"]
    opening = _first_mark(words, b"<")
    if opening is None:
        if not words:
            return []
        name = comments[-1].strip() if comments else None  # "minh@saigon.example (Minh)"
        return [_addr_spec(words, name or None, None)]
    name = _phrase(words[:opening]) or None
    inside = [token for token in words[opening + 1 :] if token.text != b">"]
    route = None
    colon = _first_mark(inside, b":")
    if colon is not None:
        route = b"".join(token.text for token in inside[:colon]) or None
        inside = inside[colon + 1 :]
    return [_addr_spec(inside, name, route)]


def _addr_spec(words: list[_Token], name: bytes | None, route: bytes | None) -> Address:
    """mailbox@host; the last @ counts."""
    ats = [i for i, t in enumerate(words) if t.kind == "mark" and t.text == b"@"]
    if not ats:
        return Address(name, route, _phrase(words), b"")
    mailbox = b"".join(token.text for token in words[: ats[-1]])
    host = b"".join(token.text for token in words[ats[-1] + 1 :])
    return Address(name, route, mailbox, host)


def _first_mark(tokens: list[_Token], mark: bytes) -> int | None:
    places = (i for i, token in enumerate(tokens) if (token.kind, token.text) == ("mark", mark))
    return next(places, None)


def _phrase(tokens: list[_Token]) -> bytes:
    """Words with single spaces where there were any."""
    text = b"".join((b" " if token.spaced else b"") + token.text for token in tokens)
    return text.strip()
