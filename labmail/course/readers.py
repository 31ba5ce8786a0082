"""Reader models: the same octets, in the hands of different kinds of programs.

A letter does not say how it looks.  It says octets and a few labels, and programs differ in
what they do with them.  Three kinds of reading are told apart here, for header fields and for
the names of files; a real program is one of them or lies between two.

=================  ===========================  ================================================
reader             a header field               a file's name
=================  ===========================  ================================================
the old one        ASCII and nothing else       knows ``filename=`` and shows what stands there
the strict one     encoded words (RFC 2047)     RFC 2231 and nothing else
the guesser        and guesses what raw octets  and takes everything else for what it looks like
                   may be
=================  ===========================  ================================================

Programs also look for words (`searches`), and build headers (`attempts`); there too it
depends on what they know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.errors import MessageError

from labmail.course.notice import Table
from labmail.letter import Part, charsets, read, words
from labmail.letter.filenames import filename_of
from labmail.views import markup
from labmail.views.chars import decoded, text_table, visible, wrap
from labmail.views.view import View

Reader = Callable[[bytes], str]

_GUESS = "windows-1252"
"""What programs take octets for that are no UTF-8, if nobody tells them."""
_NO_NAME = "(no name)"
_THE_CODE = "(the code itself)"
_ROOM = 34
"""Characters of a line of what stands there."""


def as_ascii(octets: bytes) -> str:
    """What a program shows that knows 128 characters: each other octet becomes ``?``."""
    return "".join(chr(octet) if octet < 0x80 else "?" for octet in octets)


def by_the_book(octets: bytes) -> str:
    """Encoded words are decoded by their label; raw octets are no text (RFC 5322 §2.2)."""
    raw = bytes(octet if octet < 0x80 else ord("?") for octet in octets)
    return words.decoded(raw)


def guessing(octets: bytes) -> str:
    """Encoded words by their label; raw octets are UTF-8 if they can be, else windows-1252."""
    if octets.isascii():
        return words.decoded(octets)
    return charsets.decode(octets, "utf-8" if charsets.fits(octets, "utf-8") else _GUESS)


READERS: Mapping[str, Reader] = {
    "the old one": as_ascii,
    "the strict one": by_the_book,
    "the guesser": guessing,
}
"""How three kinds of programs read the value of a header field."""


class Readings(View):
    """The same thing written in several ways, as it stands there and as each reader shows it.

    `shown` has it by way and by reader: ``readings(…).shown["raw UTF-8"]["the guesser"]``.
    """

    def __init__(
        self, title: str, stands: Mapping[str, str], shown: Mapping[str, Mapping[str, str]]
    ) -> None:
        self.title = title
        self.stands, self.shown = dict(stands), {way: dict(by) for way, by in shown.items()}

    def text(self) -> str:
        head = ("", "stands there", *READERS)
        rows = [(way, self.stands[way], *self._cells(way)) for way in self.shown]
        return f"{self.title}\n\n{text_table(head, rows, limits=(0, _ROOM, 26, 26, 26))}"

    def html(self) -> str:
        head = ("", "stands there", *READERS)
        rows = [
            (way, markup.code(*wrap(self.stands[way], _ROOM)), *self._cells(way))
            for way in self.shown
        ]
        table = markup.table(head, rows, whole=(0, 2, 3, 4))
        return markup.page(markup.heading(self.title), table)

    def _cells(self, way: str) -> list[str]:
        """What the readers show; where it is what stands there, only that is said."""
        cells = (self.shown[way][reader] for reader in READERS)
        return [_THE_CODE if "=?" in cell else cell for cell in cells]


def readings(letters: Mapping[str, bytes], field: str = "Subject") -> Readings:
    """A field of letters, by a label of your own, as three kinds of programs read it."""
    values = {label: read(letter).header[field].value for label, letter in letters.items()}
    shown = {
        label: {name: visible(reader(value)) for name, reader in READERS.items()}
        for label, value in values.items()
    }
    stands = {label: decoded(value) for label, value in values.items()}
    return Readings(f"{field}, read by three programs", stands, shown)


# --- the names of files ---------------------------------------------------------------------


def names_read(letters: Mapping[str, bytes]) -> Readings:
    """The name of each letter's file, as three kinds of programs would save it.

    Raises LookupError when a letter carries no attachment.
    """
    parts = {label: _attachment(letter) for label, letter in letters.items()}
    shown = {
        label: {name: visible(reader(part)) for name, reader in _NAME_READERS.items()}
        for label, part in parts.items()
    }
    stands = {label: _parameters(part) for label, part in parts.items()}
    return Readings("The name of the file, read by three programs", stands, shown)


def _attachment(letter: bytes) -> Part:
    for part in read(letter).walk():
        if part.disposition == "attachment":
            return part
    raise LookupError("a letter carries no attachment: give it one with files=[File(…)]")


def _parameters(part: Part) -> str:
    _, _, parameters = part.header["Content-Disposition"].value.partition(b";")
    return decoded(b" ".join(parameters.split()))


def _plain(part: Part) -> bytes | None:
    return part.header["Content-Disposition"].valued().get(b"filename")


def _old_name(part: Part) -> str:
    plain = _plain(part)
    return _NO_NAME if plain is None else as_ascii(plain)


def _strict_name(part: Part) -> str:
    named = filename_of(part.header["Content-Disposition"].valued(), part.entity.content_type)
    if named and named.way == "RFC 2231":
        return named.text
    return _old_name(part)


def _guessed_name(part: Part) -> str:
    plain, named = _plain(part), part.filename
    if plain is None or (named and named.way == "RFC 2231"):
        return _strict_name(part)
    return guessing(plain)


_NAME_READERS: Mapping[str, Callable[[Part], str]] = {
    "the old one": _old_name,
    "the strict one": _strict_name,
    "the guesser": _guessed_name,
}

# --- looking for a word ---------------------------------------------------------------------


class Searches(View):
    """Texts in which a word is looked for: as it was typed, and with both sides in NFC.

    The texts themselves are shown in NFC, which looks the same; their length is what it was.
    `plain` and `in_nfc` name the texts in which it was found.
    """

    def __init__(self, word: str, texts: Mapping[str, str]) -> None:
        self.title = f"Who finds {word}?"
        self.texts = dict(texts)
        self.plain = [name for name, text in texts.items() if word in text]
        self.in_nfc = [
            name for name, text in texts.items() if charsets.nfc(word) in charsets.nfc(text)
        ]

    def _table(self) -> Table:
        rows = [
            (name, visible(charsets.nfc(text)), str(len(text)), _found(name in self.plain),
             _found(name in self.in_nfc))
            for name, text in self.texts.items()
        ]  # fmt: skip
        head = ("", "you see", "characters", "as typed", "both in NFC")
        note = "The texts are shown in NFC, which looks the same; they are counted as they came."
        return Table(self.title, head, rows, note=note, right=(2,))

    def text(self) -> str:
        return self._table().text()

    def html(self) -> str:
        return self._table().html()


def searches(word: str, texts: Mapping[str, str]) -> Searches:
    """In which of these texts, by a label of your own, the word is found."""
    return Searches(word, texts)


def _found(yes: bool) -> str:
    return "✔ found" if yes else "✘ missed"


# --- writing a header -----------------------------------------------------------------------


class Attempts(View):
    """What ways of building a letter make of one subject.

    `letters` has the octets that came out, or None where the way refused.
    """

    def __init__(self, ways: Mapping[str, Callable[[str], bytes]], subject: str) -> None:
        self.title = f"A subject of {len(subject.splitlines())} lines"
        self.letters = {name: _attempt(way, subject) for name, way in ways.items()}

    def _table(self) -> Table:
        rows = [(name, *_outcome(letter)) for name, letter in self.letters.items()]
        return Table(self.title, ("", "", "fields that came out"), rows)

    def text(self) -> str:
        return self._table().text()

    def html(self) -> str:
        return self._table().html()


def attempts(ways: Mapping[str, Callable[[str], bytes]], subject: str) -> Attempts:
    """Try each way (a function from a subject to a letter's octets) with this subject."""
    return Attempts(ways, subject)


def _attempt(way: Callable[[str], bytes], subject: str) -> bytes | None:
    try:
        return way(subject)
    except (ValueError, MessageError):  # which of them, depends on the version of Python
        return None


def _outcome(letter: bytes | None) -> tuple[str, str]:
    if letter is None:
        return "✔ refused", ""
    return "✘ written", ", ".join(field.name for field in read(letter).header.fields)
