"""The well-known bad letters, made on purpose.

Each function takes a right letter's octets and spoils one thing, as programs do that were
written in a hurry.  Exercises find the fault; `labmail.letter.read` names it.  Nothing in
the lab sends such a letter unless asked to.
"""

from __future__ import annotations

import re

from labmail.letter import charsets, words
from labmail.letter.header import Header, HeaderField
from labmail.letter.mime import Entity, scan


def without_field(letter: bytes, name: str) -> bytes:
    """Without the fields of this name: no Date, no Message-ID, no References."""
    return _with(letter, name, b"")


def with_raw_subject(letter: bytes, subject: str, charset: str = "utf-8") -> bytes:
    """A subject in raw octets: UTF-8 without SMTPUTF8, or worse, another charset."""
    return _with(letter, "Subject", b"Subject: " + charsets.encode(subject, charset) + b"\r\n")


def with_mislabelled_subject(letter: bytes, subject: str, written: str, labelled: str) -> bytes:
    """An encoded word whose charset is not the one its octets are `written` in."""
    payload = "".join(f"={octet:02X}" for octet in charsets.encode(subject, written))
    line = f"Subject: =?{labelled}?q?{payload}?=\r\n"
    return _with(letter, "Subject", line.encode("ascii"))


def with_cut_characters(letter: bytes, subject: str) -> bytes:
    """Encoded words that are cut in the middle of a character (against RFC 2047 §5)."""
    octets = subject.encode("utf-8")
    ways = ([octets[at : at + n] for at in range(0, len(octets), n)] for n in range(20, 9, -1))
    torn = (way for way in ways if not all(charsets.fits(chunk, "utf-8") for chunk in way))
    chunks = next(torn, [octets])
    coded = ["".join(f"={octet:02X}" for octet in chunk) for chunk in chunks]
    lines = "\r\n ".join(f"=?utf-8?q?{each}?=" for each in coded)
    return _with(letter, "Subject", f"Subject: {lines}\r\n".encode("ascii"))


def with_encoded_word_name(letter: bytes, name: str) -> bytes:
    """The first named file's name as an encoded word in a parameter (against RFC 2047 §5)."""
    coded = " ".join(words.encoded(name)).encode("ascii")
    return _with_name(letter, b'filename="' + coded + b'"')


def with_raw_name(letter: bytes, name: str, charset: str = "utf-8") -> bytes:
    """The first named file's name in raw octets (against RFC 2045 §5.1)."""
    return _with_name(letter, b'filename="' + charsets.encode(name, charset) + b'"')


def with_mislabelled_text(letter: bytes, labelled: str) -> bytes:
    """The first text part says another charset than its octets are in."""
    for entity in scan(letter).walk():
        field = _field(entity, "Content-Type")
        if field and b"charset=" in field.raw.lower():
            line = re.sub(rb'(?i)charset="?[^";\s]*"?', f'charset="{labelled}"'.encode(), field.raw)
            return letter[: field.at] + line + letter[field.end :]
    raise ValueError("This letter has no text part that names a charset.")


def with_duplicate(letter: bytes, name: str, value: str) -> bytes:
    """A second field of a name that may stand once only (against RFC 5322 §3.6)."""
    return f"{name}: {value}\r\n".encode() + letter


def with_injected_subject(letter: bytes, subject: str, injected: str) -> bytes:
    """What a program without guards makes of the subject ``…\\r\\nBcc: …``."""
    return _with(letter, "Subject", f"Subject: {subject}\r\n{injected}\r\n".encode())


def with_bare_line_feeds(letter: bytes) -> bytes:
    """Lines that end in LF alone, as ``msg.as_bytes()`` writes them (against RFC 5321 §2.3.8)."""
    return letter.replace(b"\r\n", b"\n")


def _with(letter: bytes, name: str, line: bytes) -> bytes:
    """The first field of this name replaced by `line`, further ones taken out; a new line
    goes to the end of the header if there was none."""
    header = Header(scan(letter).header, 0)
    found = header.all(name)
    at = found[0].at if found else max((field.end for field in header.fields), default=0)
    before = _rest(letter[:at], 0, ())
    return before + line + _rest(letter, at, found)


def _rest(letter: bytes, at: int, fields: tuple[HeaderField, ...]) -> bytes:
    """The octets from `at` on, without these fields."""
    kept = b""
    for field in fields:
        kept += letter[at : field.at]
        at = field.end
    return kept + letter[at:]


def _with_name(letter: bytes, parameter: bytes) -> bytes:
    """The first attachment's file name written as this parameter."""
    for entity in scan(letter).walk():
        field = _field(entity, "Content-Disposition")
        if field and field.valued().parameters:
            line = b"Content-Disposition: " + field.valued().value + b";\r\n " + parameter
            return letter[: field.at] + line + b"\r\n" + letter[field.end :]
    raise ValueError("This letter carries no named file.")


def _field(entity: Entity, name: str) -> HeaderField | None:
    return Header(entity.header, entity.start).get(name)
