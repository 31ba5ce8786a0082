"""What a message says: the text in which SEARCH looks for words.

A search must not care how words travelled (RFC 3501 §6.4.4): ``=?UTF-8?Q?Ch=C3=A0o?=`` and
``Chào``, base64 and quoted-printable are the same text.  So encoded words, transfer
encodings and charsets are undone, and letters are folded: case does not matter, nor
whether a Vietnamese vowel was typed as one character or as a letter and its marks.

Decoding is for looking only; what FETCH hands out is never touched.
"""

from __future__ import annotations

from collections.abc import Iterator

from labmail.letter import charsets, encodings, words
from labmail.letter.fields import valued
from labmail.letter.mime import Entity

_MAX_TEXT = 8 * 1024 * 1024  # octets of one part that are decoded

fold = charsets.fold
"""The form in which texts are compared."""


def field_text(value: bytes) -> str:
    """A header field's value in Unicode: encoded words undone."""
    return words.decoded(value)


def header_text(entity: Entity) -> str:
    """All fields of an entity's header."""
    named = ((f.name.decode("ascii", "replace"), field_text(f.value)) for f in entity.fields)
    return "\n".join(f"{name}: {value}" for name, value in named)


def body_texts(message: Entity) -> Iterator[str]:
    """The texts of a message's body, part after part; headers of parts count as body."""
    for entity in message.walk():
        if entity is not message:
            yield header_text(entity)
        if not entity.parts and entity.message is None and _is_text(entity):
            yield _content_text(entity)


def _is_text(entity: Entity) -> bool:
    return entity.content_type.value.startswith(b"text/")


def _content_text(entity: Entity) -> str:
    encoding = valued(entity.field(b"content-transfer-encoding") or b"").value
    content = encodings.undone(entity.content[:_MAX_TEXT], encoding.decode("ascii", "replace"))
    charset = entity.content_type.get(b"charset") or b"utf-8"
    return charsets.decode(content, charset.decode("ascii", "replace"))
