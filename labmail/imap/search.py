"""SEARCH: keys become predicates (RFC 3501 §6.4.4).

Each key is read into a function that looks at one message and says yes or no.  Keys
side by side must all say yes; NOT, OR and parentheses combine them; a set of messages
is a key as well.  `KEYS` lists how each key reads its argument: an extension adds a row.

Keys that can be answered from the index are cheap, those that must open the message are
not; `every` therefore asks the cheap ones first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from labmail.imap.dates import sent_date
from labmail.imap.grammar import Decoder, NotGrammar
from labmail.imap.opened import Opened
from labmail.imap.response import Refusal
from labmail.imap.selected import Selected
from labmail.imap.text import body_texts, field_text, fold, header_text
from labmail.mailbox.errors import NoSuchMessage

CHARSETS = {"US-ASCII": "ascii", "UTF-8": "utf-8"}


@dataclass(frozen=True, slots=True)
class Key:
    """A search key: does this message match?  `opens` when that needs its content."""

    matches: Callable[[Opened], bool]
    opens: bool = False


class Reader:
    """Reads search keys: the decoder, the charset of strings, the mailbox searched."""

    def __init__(self, dec: Decoder, selected: Selected) -> None:
        self.dec = dec
        self.selected = selected
        self.codec = "utf-8"

    def program(self) -> Key:
        """[SP "CHARSET" SP astring] 1*(SP search-key)"""
        self.dec.expect_sp()
        if self.dec.keyword(b"CHARSET "):
            self._charset()
        keys = [self.key()]
        while self.dec.sp():
            keys.append(self.key())
        self.dec.expect_end()
        return every(keys)

    def key(self) -> Key:
        """search-key: a list in parentheses, a set of messages, or a name and its argument"""
        inner = self.dec.in_parentheses(self.key)
        if inner is not None:
            return every(inner)
        if self._at_set():
            return self._set(by_uid=False)
        return self._named(self.dec.expect_word("a search key"))

    def _at_set(self) -> bool:
        return any(self.dec.ahead(mark) for mark in (b"*", *(b"%d" % d for d in range(1, 10))))

    def _named(self, word: str) -> Key:
        reader = KEYS.get(word)
        if reader is None:
            raise NotGrammar(f"there is no search key {word[:40]}")
        return reader(self)

    def _set(self, by_uid: bool) -> Key:
        chosen = set(self.selected.choose(self.dec.expect_sequence_set(), by_uid))
        return Key(lambda opened: opened.message.uid in chosen)

    def _charset(self) -> None:
        codec = CHARSETS.get(self.dec.expect_astring().decode("ascii", "replace").upper())
        if codec is None:
            known = " ".join(CHARSETS)
            raise Refusal("Search in US-ASCII or UTF-8", f"BADCHARSET ({known})")
        self.codec = codec
        self.dec.expect_sp()

    # --- arguments ---------------------------------------------------------------------

    def uid_set(self) -> Key:
        """UID SP sequence-set"""
        self.dec.expect_sp()
        return self._set(by_uid=True)

    def string(self) -> str:
        """SP astring, folded for comparison."""
        self.dec.expect_sp()
        raw = self.dec.expect_astring()
        try:
            return fold(raw.decode(self.codec))
        except UnicodeDecodeError as error:
            raise NotGrammar(f"a search string here must be {self.codec.upper()}") from error

    def day(self) -> date:
        """SP date"""
        self.dec.expect_sp()
        return self.dec.expect_date()

    def size(self) -> int:
        """SP number"""
        self.dec.expect_sp()
        return self.dec.expect_number()

    def argument_key(self) -> Key:
        """SP search-key"""
        self.dec.expect_sp()
        return self.dec.nested(self.key)


def every(keys: list[Key]) -> Key:
    """All of these, those that need not open the message first."""
    if len(keys) == 1:
        return keys[0]
    ordered = sorted(keys, key=lambda key: key.opens)
    opens = ordered[-1].opens
    return Key(lambda opened: all(key.matches(opened) for key in ordered), opens)


def run(program: Key, selected: Selected) -> list[Opened]:
    """The messages that match, in order.  Raises `NoSuchMessage` never: what has gone
    does not match."""
    messages = (selected.message(uid) for uid in selected.uids)
    opened = (Opened(selected, message) for message in messages if message)
    return [one for one in opened if _matches(program, one)]


def _matches(program: Key, opened: Opened) -> bool:
    try:
        return program.matches(opened)
    except NoSuchMessage:
        return False


# --- the keys ----------------------------------------------------------------------------


def _flag(flag: str, wanted: bool = True) -> Callable[[Reader], Key]:
    return lambda reader: Key(lambda opened: (flag in opened.message.flags) == wanted)


def _keyword(wanted: bool) -> Callable[[Reader], Key]:
    def read(reader: Reader) -> Key:
        reader.dec.expect_sp()
        keyword = reader.dec.expect_flag().casefold()
        return Key(
            lambda opened: (keyword in {f.casefold() for f in opened.message.flags}) == wanted
        )

    return read


def _header(reader: Reader, name: bytes) -> Key:
    text = reader.string()

    def matches(opened: Opened) -> bool:
        values = (f.value for f in opened.entity.fields if f.name.lower() == name)
        return any(text in fold(field_text(value)) for value in values)

    return Key(matches, opens=True)


def _named_header(reader: Reader) -> Key:
    """HEADER SP header-fld-name SP astring: an empty string matches if the field is there."""
    reader.dec.expect_sp()
    return _header(reader, reader.dec.expect_astring().lower())


def _body(reader: Reader) -> Key:
    text = reader.string()
    return Key(lambda o: any(text in fold(body) for body in body_texts(o.entity)), opens=True)


def _text(reader: Reader) -> Key:
    text = reader.string()

    def matches(opened: Opened) -> bool:
        if text in fold(header_text(opened.entity)):
            return True
        return any(text in fold(body) for body in body_texts(opened.entity))

    return Key(matches, opens=True)


def _received(compare: Callable[[date, date], bool]) -> Callable[[Reader], Key]:
    """By internal date, time and zone disregarded."""

    def read(reader: Reader) -> Key:
        day = reader.day()
        return Key(lambda opened: compare(opened.message.internal_date.date(), day))

    return read


def _sent(compare: Callable[[date, date], bool]) -> Callable[[Reader], Key]:
    """By the Date: field; a message without one matches no such key."""

    def read(reader: Reader) -> Key:
        day = reader.day()

        def matches(opened: Opened) -> bool:
            sent = sent_date(opened.entity.field(b"date") or b"")
            return sent is not None and compare(sent, day)

        return Key(matches, opens=True)

    return read


def _larger(reader: Reader) -> Key:
    size = reader.size()
    return Key(lambda opened: opened.message.size > size)


def _smaller(reader: Reader) -> Key:
    size = reader.size()
    return Key(lambda opened: opened.message.size < size)


def _not(reader: Reader) -> Key:
    key = reader.argument_key()
    return Key(lambda opened: not key.matches(opened), key.opens)


def _or(reader: Reader) -> Key:
    one, other = sorted((reader.argument_key(), reader.argument_key()), key=lambda k: k.opens)
    return Key(lambda opened: one.matches(opened) or other.matches(opened), other.opens)


def _field(name: bytes) -> Callable[[Reader], Key]:
    return lambda reader: _header(reader, name)


def _is_new(opened: Opened) -> bool:
    return opened.recent and "\\Seen" not in opened.message.flags


KEYS: dict[str, Callable[[Reader], Key]] = {
    "ALL": lambda reader: Key(lambda opened: True),
    "ANSWERED": _flag("\\Answered"),
    "DELETED": _flag("\\Deleted"),
    "DRAFT": _flag("\\Draft"),
    "FLAGGED": _flag("\\Flagged"),
    "SEEN": _flag("\\Seen"),
    "UNANSWERED": _flag("\\Answered", wanted=False),
    "UNDELETED": _flag("\\Deleted", wanted=False),
    "UNDRAFT": _flag("\\Draft", wanted=False),
    "UNFLAGGED": _flag("\\Flagged", wanted=False),
    "UNSEEN": _flag("\\Seen", wanted=False),
    "NEW": lambda reader: Key(_is_new),
    "RECENT": lambda reader: Key(lambda opened: opened.recent),
    "OLD": lambda reader: Key(lambda opened: not opened.recent),
    "KEYWORD": _keyword(wanted=True),
    "UNKEYWORD": _keyword(wanted=False),
    "BCC": _field(b"bcc"),
    "CC": _field(b"cc"),
    "FROM": _field(b"from"),
    "SUBJECT": _field(b"subject"),
    "TO": _field(b"to"),
    "HEADER": _named_header,
    "BODY": _body,
    "TEXT": _text,
    "BEFORE": _received(date.__lt__),
    "ON": _received(date.__eq__),
    "SINCE": _received(date.__ge__),
    "SENTBEFORE": _sent(date.__lt__),
    "SENTON": _sent(date.__eq__),
    "SENTSINCE": _sent(date.__ge__),
    "LARGER": _larger,
    "SMALLER": _smaller,
    "NOT": _not,
    "OR": _or,
    "UID": lambda reader: reader.uid_set(),
}
"""How each key reads its argument."""
