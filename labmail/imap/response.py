"""How the server writes (RFC 3501 §4, §7).

A string goes out quoted if it is short, 7-bit and on one line, else as a literal;
"nothing" is NIL, which is not the empty string.  A command ends with a tagged
`Answer`: OK (done), NO (understood, not done) or BAD (not understood).  A code in
brackets says to programs what the text says to people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from labmail.imap.utf7 import encode
from labmail.net.core import Output

CRLF = b"\r\n"
NIL = b"NIL"
SYSTEM_FLAGS = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")  # RFC 3501 §2.3.2

_MAX_QUOTED = 1000  # octets; longer strings are sent as literals
_QUOTABLE = frozenset(range(0x20, 0x7F)) | {0x09}
_ATOM = frozenset(range(0x21, 0x7F)) - frozenset(b'(){%*"\\]')


@dataclass(frozen=True, slots=True)
class Letter:
    """A message, or a part of one, as a piece of a response: it is sent as a literal."""

    data: bytes


Piece = bytes | Letter


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of a command.  `code` is a response code without its brackets (RFC 3501 §7.1,
    RFC 5530 §3), `then` what the connection has to do after the answer was sent."""

    kind: Literal["OK", "NO", "BAD"]
    text: str
    code: str = ""
    then: tuple[Output, ...] = ()

    def line(self, tag: str) -> bytes:
        """The answer as it is sent."""
        return status_line(tag, self.kind, self.text, self.code)


@dataclass(frozen=True, slots=True)
class Ask:
    """A command that is not finished: the client hears ``+`` and the challenge, and its next
    line goes to `then` (RFC 3501 §7.5)."""

    challenge: bytes
    then: Callable[[bytes], Answer | Ask]


class Refusal(Exception):
    """The command was understood and cannot be done: the answer is NO."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.answer = Answer("NO", text, code)


def status_line(tag: str, kind: str, text: str, code: str = "") -> bytes:
    """``A1 OK [READ-WRITE] Sent is open``; the text is made 7-bit and one line."""
    shown = " ".join(text.split()).encode("ascii", "backslashreplace").decode("ascii")
    brackets = f"[{code}] " if code else ""
    return f"{tag} {kind} {brackets}{shown}".encode("ascii") + CRLF


def string(value: bytes) -> bytes:
    """The value quoted, or as a literal where it cannot be (RFC 3501 §4.3)."""
    if len(value) <= _MAX_QUOTED and _QUOTABLE.issuperset(value):
        return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    clean = value.replace(b"\0", b"")  # CHAR8 has no NUL: RFC 3501 §9
    return b"{%d}\r\n%s" % (len(clean), clean)


def nstring(value: bytes | None) -> bytes:
    """The value, or NIL where there is none (RFC 3501 §4.5)."""
    return NIL if value is None else string(value)


def astring(value: bytes) -> bytes:
    """The value bare if it is an atom, else as a string."""
    return value if value and _ATOM.issuperset(value) else string(value)


def mailbox(name: str) -> bytes:
    """A mailbox name: modified UTF-7, always quoted so that it is easy to see."""
    return string(encode(name))


def parenthesised(items: Iterable[bytes]) -> bytes:
    """``(one two three)``"""
    return b"(" + b" ".join(items) + b")"


def flag_list(flags: Iterable[str], recent: bool = False) -> bytes:
    """Flags in a fixed order: system flags, keywords, \\Recent."""
    given = set(flags)
    ordered = [flag for flag in SYSTEM_FLAGS if flag in given]
    ordered += sorted(given.difference(SYSTEM_FLAGS))
    ordered += ["\\Recent"] if recent else []
    return parenthesised(flag.encode("ascii", "replace") for flag in ordered)
