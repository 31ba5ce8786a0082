"""What a command may say: the grammar of RFC 3501 §9, one method per element.

The decoder is given a complete command (`framer` saw to that) and walks through it
once, left to right, never back.  Its methods come in two kinds:

* *asking* methods are named like the element and return None or False when it is not
  there, without moving: ``if dec.sp(): …``
* *expecting* methods begin with ``expect_`` and raise `NotGrammar`, which says what was
  expected and where: ``name = dec.expect_mailbox()``

A command's handler reads like its rule.  ``store = "STORE" SP sequence-set SP
store-att-flags`` is::

    dec.expect_sp(); messages = dec.expect_sequence_set(); dec.expect_sp(); …; dec.expect_end()

`NotGrammar` never quotes what it found: that might be part of a password.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import TypeVar

from labmail.imap.dates import read_date, read_date_time
from labmail.imap.sequences import STAR, SequenceSet
from labmail.imap.utf7 import BadEncoding, decode

T = TypeVar("T")

MAX_DEPTH = 50
"""Parentheses within parentheses that are followed."""

# ATOM-CHAR: any CHAR except ( ) { SP CTL % * " \ ]                            RFC 3501 §9
_ATOM_CHAR = rb"!#$&'+,\-./0-9:;<=>?@A-Z\[^_`a-z|}~"
_ATOM = re.compile(rb"[" + _ATOM_CHAR + rb"]+")
_ASTRING = re.compile(rb"[" + _ATOM_CHAR + rb"\]]+")  # ASTRING-CHAR = ATOM-CHAR / resp-specials
_LIST_MAILBOX = re.compile(rb"[" + _ATOM_CHAR + rb"\]%*]+")  # list-char
_TAG = re.compile(rb"[" + _ATOM_CHAR.replace(b"+", b"") + rb"\]]+")  # no "+"
_WORD = re.compile(rb"[A-Za-z0-9.\-]+")  # names of commands, fetch items, search keys
_NUMBER = re.compile(rb"\d{1,10}(?!\d)")
_QUOTED = re.compile(rb'"((?:[^"\\\r\n\0\x80-\xff]|\\["\\])*)"')
_ESCAPED = re.compile(rb'\\(["\\])')
_LITERAL = re.compile(rb"\{(\d{1,28})\+?\}\r\n")  # the "+" is RFC 7888 §4
_SYSTEM_FLAGS = {
    f.lower(): f for f in ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")
}
_MAX_NUMBER = 4_294_967_295  # a number is an unsigned 32-bit integer


class NotGrammar(ValueError):
    """The command does not follow the grammar: the answer is BAD."""


class Decoder:
    """Reads one complete command, as `Frame.data` has it."""

    def __init__(self, command: bytes) -> None:
        self._data = command
        self._at = 0
        self._depth = 0

    # --- the ground: matching bytes -----------------------------------------------------

    def _match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        found = pattern.match(self._data, self._at)
        if found:
            self._at = found.end()
        return found

    def special(self, mark: bytes) -> bool:
        """This very mark, e.g. ``b"("``?"""
        if self._data.startswith(mark, self._at):
            self._at += len(mark)
            return True
        return False

    def ahead(self, mark: bytes) -> bool:
        """Does this mark come next?  It is not taken."""
        return self._data.startswith(mark, self._at)

    def keyword(self, word: bytes) -> bool:
        """This very word, in capitals or not?"""
        end = self._at + len(word)
        if self._data[self._at : end].upper() != word:
            return False
        self._at = end
        return True

    def _expected(self, element: str) -> NotGrammar:
        return NotGrammar(f"expected {element} at octet {self._at + 1}")

    def _expect(self, found: T | None, element: str) -> T:
        if found is None:
            raise self._expected(element)
        return found

    def at_end(self) -> bool:
        """Is there nothing left?"""
        return self._at == len(self._data)

    def rest(self) -> bytes:
        """All that is left, taken as it is (one SASL response, for example)."""
        rest, self._at = self._data[self._at :], len(self._data)
        return rest

    def expect_end(self) -> None:
        """Nothing may follow."""
        if not self.at_end():
            raise self._expected("the end of the command")

    def expect_special(self, mark: bytes) -> None:
        """This very mark must come."""
        if not self.special(mark):
            raise self._expected(mark.decode("ascii"))

    # --- words ---------------------------------------------------------------------------

    def sp(self) -> bool:
        """One space."""
        return self.special(b" ")

    def expect_sp(self) -> None:
        """Exactly one space: IMAP's only separator."""
        if not self.sp():
            raise self._expected("a space")

    def expect_tag(self) -> str:
        """The client's name for this command."""
        found = self._expect(self._match(_TAG), "a tag (such as A1) before the command")
        return found[0].decode("ascii")

    def word(self) -> str | None:
        """A name from the protocol, in capitals: FETCH, BODY.PEEK, UNANSWERED."""
        found = self._match(_WORD)
        return found[0].decode("ascii").upper() if found else None

    def expect_word(self, what: str) -> str:
        """A name from the protocol, in capitals; `what` it names is for the error."""
        return self._expect(self.word(), what)

    def atom(self) -> bytes | None:
        """One or more ATOM-CHARs."""
        found = self._match(_ATOM)
        return found[0] if found else None

    def number(self) -> int | None:
        """An unsigned 32-bit number, 0 included."""
        found = _NUMBER.match(self._data, self._at)
        if found is None or int(found[0]) > _MAX_NUMBER:
            return None
        self._at = found.end()
        return int(found[0])

    def expect_number(self) -> int:
        """A number, 0 included."""
        return self._expect(self.number(), "a number")

    def nz_number(self) -> int | None:
        """A number that is not zero."""
        start = self._at
        number = self.number()
        if not number:
            self._at = start
            return None
        return number

    def expect_nz_number(self) -> int:
        """A number that is not zero: of messages, parts, octets to be sent."""
        return self._expect(self.nz_number(), "a number greater than 0")

    # --- strings ---------------------------------------------------------------------------

    def quoted(self) -> bytes | None:
        """``"…"``: 7-bit text with \\" and \\\\ as its only escapes."""
        found = self._match(_QUOTED)
        return _ESCAPED.sub(rb"\1", found[1]) if found else None

    def literal(self) -> bytes | None:
        """``{5}`` CRLF and five octets of anything but NUL."""
        found = _LITERAL.match(self._data, self._at)
        if found is None:
            return None
        end = found.end() + int(found[1])
        if end > len(self._data):
            raise self._expected(f"a literal of {int(found[1])} octets")
        self._at = end
        return self._data[found.end() : end]

    def expect_literal(self) -> tuple[bytes, int]:
        """A literal, and no other kind of string: its octets, and where they begin."""
        octets = self._expect(self.literal(), "a literal such as {310}")
        return octets, self._at - len(octets)

    def string(self) -> bytes | None:
        """quoted / literal"""
        quoted = self.quoted()
        return self.literal() if quoted is None else quoted

    def astring(self) -> bytes | None:
        """1*ASTRING-CHAR / string"""
        found = self._match(_ASTRING)
        return found[0] if found else self.string()

    def expect_astring(self) -> bytes:
        """A word, a quoted string or a literal, without NUL (RFC 3501 §9, CHAR8)."""
        found = self._expect(self.astring(), "a string")
        if b"\0" in found:
            raise NotGrammar("a string here must not contain NUL")
        return found

    def expect_text(self) -> str:
        """An astring that is text: US-ASCII, or UTF-8 as many a client sends it."""
        raw = self.expect_astring()
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise NotGrammar("a string here must be UTF-8") from error

    # --- names, sets, dates ------------------------------------------------------------------

    def expect_mailbox(self) -> str:
        """A mailbox name, decoded from modified UTF-7 and in NFC (RFC 3501 §5.1)."""
        return self._mailbox_name(self.expect_astring())

    def expect_list_mailbox(self) -> str:
        """A mailbox name or pattern of LIST: ``%`` and ``*`` need no quotes in it."""
        found = self._match(_LIST_MAILBOX)
        if found:
            return self._mailbox_name(found[0])
        return self._mailbox_name(self._expect(self.string(), "a mailbox name or pattern"))

    @staticmethod
    def _mailbox_name(wire: bytes) -> str:
        try:
            return unicodedata.normalize("NFC", decode(wire))
        except BadEncoding as error:
            raise NotGrammar("the mailbox name is not modified UTF-7") from error

    def expect_sequence_set(self) -> SequenceSet:
        """``1:4,7,*``"""
        ranges = self.sequence_set()
        return self._expect(ranges, "a set of messages such as 1:4,7,*")

    def sequence_set(self) -> SequenceSet | None:
        """``1:4,7,*``, if one begins here."""
        first = self._seq_number()
        if first is None:
            return None
        ranges = [(first, self._range_end(first))]
        while self.special(b","):
            start = self._expect(self._seq_number(), "a message number or *")
            ranges.append((start, self._range_end(start)))
        return SequenceSet(tuple(ranges))

    def _seq_number(self) -> int | None:
        return STAR if self.special(b"*") else self.nz_number()

    def _range_end(self, start: int) -> int:
        if not self.special(b":"):
            return start
        return self._expect(self._seq_number(), "a message number or *")

    def flag(self) -> str | None:
        """``\\Seen`` (a system flag, in its usual spelling) or a keyword such as $Junk."""
        if not self.special(b"\\"):
            keyword = self.atom()
            return keyword.decode("ascii") if keyword else None
        name = self._expect(self.atom(), "the name of a flag").decode("ascii")
        # \Recent is the server's to set, and no other flag begins with a backslash: §2.3.2
        known = _SYSTEM_FLAGS.get("\\" + name.lower())
        if known is None:
            raise NotGrammar(f"\\{name} is not a flag that a client may set")
        return known

    def expect_flag(self) -> str:
        """A flag."""
        return self._expect(self.flag(), "a flag")

    def flag_list(self) -> frozenset[str] | None:
        """``(\\Seen $Junk)``, perhaps empty."""
        flags = self.in_parentheses(self.expect_flag, may_be_empty=True)
        return None if flags is None else frozenset(flags)

    def expect_date(self) -> date:
        """``17-Jul-1996``, quoted or not."""
        text = self.quoted()
        try:
            return read_date(self._expect(text or self.atom(), "a date such as 17-Jul-1996"))
        except ValueError as error:
            raise NotGrammar("expected a date such as 17-Jul-1996") from error

    def date_time(self) -> datetime | None:
        """``"17-Jul-1996 02:44:25 -0700"``, if a quoted string begins here."""
        text = self.quoted()
        if text is None:
            return None
        try:
            return read_date_time(text)
        except (ValueError, OverflowError) as error:
            raise NotGrammar('expected a date-time: "17-Jul-1996 02:44:25 -0700"') from error

    # --- lists -------------------------------------------------------------------------------

    def in_parentheses(self, item: Callable[[], T], may_be_empty: bool = False) -> list[T] | None:
        """``(`` item, item … ``)`` with single spaces, if a parenthesis opens here."""
        if not self.special(b"("):
            return None
        self._deeper()
        items: list[T] = []
        if not (may_be_empty and self.special(b")")):
            items.append(item())
            while self.sp():
                items.append(item())
            self.expect_special(b")")
        self._depth -= 1
        return items

    def expect_in_parentheses(self, item: Callable[[], T], may_be_empty: bool = False) -> list[T]:
        """A parenthesised list must come."""
        return self._expect(self.in_parentheses(item, may_be_empty), "(")

    def nested(self, element: Callable[[], T]) -> T:
        """One element that may contain itself (a search key after NOT), depth counted."""
        self._deeper()
        found = element()
        self._depth -= 1
        return found

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NotGrammar(f"nested more than {MAX_DEPTH} levels deep")
