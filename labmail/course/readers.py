"""Reader models: the same octets, read by different kinds of programs.

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
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from labmail.course.notice import Table
from labmail.letter import Part, charsets, read, words
from labmail.letter.filenames import filename_of
from labmail.views.chars import decoded, visible

Reader = Callable[[bytes], str]

_GUESS = "windows-1252"
"""What programs take octets for that are no UTF-8, if nobody tells them."""
_NO_NAME = "(no name)"


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


def reading(letter: bytes, field: str = "Subject") -> dict[str, str]:
    """What each reader shows of a field of this letter."""
    value = read(letter).header[field].value
    return {name: visible(shows(value)) for name, shows in READERS.items()}


def readings(letters: Mapping[str, bytes], field: str = "Subject") -> Table:
    """Letters by a label of your own: a field as it stands there, and as each reader shows it."""
    rows = []
    for label, letter in letters.items():
        stands = decoded(read(letter).header[field].value)
        rows.append([label, stands, *reading(letter, field).values()])
    head = ("", "stands there", *READERS)
    return Table(f"{field}, read by three programs", head, rows, limits=(0, 34, 24, 24, 24))


# --- the names of files ---------------------------------------------------------------------


def name_read(letter: bytes) -> dict[str, str]:
    """Under which name each reader would save the first file of this letter."""
    part = next((part for part in read(letter).walk() if part.disposition == "attachment"), None)
    if part is None:
        raise LookupError("this letter carries no attachment: give it one with files=[File(…)]")
    return {
        "the old one": visible(_old_name(part)),
        "the strict one": visible(_strict_name(part)),
        "the guesser": visible(_guessed_name(part)),
    }


def names_read(letters: Mapping[str, bytes]) -> Table:
    """Letters by a label of your own: the name of the file as it stands there, and what each
    reader would save it under."""
    rows = []
    for label, letter in letters.items():
        rows.append([label, _parameter_of(letter), *name_read(letter).values()])
    head = ("", "stands there", *READERS)
    return Table("The name of the file, read by three programs", head, rows, limits=(0, 30, 26, 26))


def _parameter_of(letter: bytes) -> str:
    part = next(part for part in read(letter).walk() if part.disposition == "attachment")
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
    plain = _plain(part)
    return _strict_name(part) if plain is None else guessing(plain)
