"""What a message says: the text in which SEARCH looks for words.

A search must not care how words travelled (RFC 3501 §6.4.4): ``=?UTF-8?Q?Ch=C3=A0o?=`` and
``Chào``, base64 and quoted-printable are the same text.  So encoded words, transfer
encodings and charsets are undone, and letters are folded: case does not matter, nor
whether a Vietnamese vowel was typed as one character or as a letter and its marks.

Decoding is for looking only; what FETCH hands out is never touched.
"""

from __future__ import annotations

import binascii
import codecs
import quopri
import re
import unicodedata
from collections.abc import Iterator

from labmail.imap.fields import valued
from labmail.imap.mime import Entity

_ENCODED_WORD = re.compile(rb"=\?([^?\s]{1,40})\?([QqBb])\?([^?\s]*)\?=")  # RFC 2047 §2
_BETWEEN_WORDS = re.compile(rb"(\?=)\s+(?==\?[^?\s]{1,40}\?[QqBb]\?)")  # RFC 2047 §6.2
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_MAX_TEXT = 8 * 1024 * 1024  # octets of one part that are decoded


def fold(text: str) -> str:
    """The form in which texts are compared."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def field_text(value: bytes) -> str:
    """A header field's value in Unicode: encoded words undone."""
    joined = _BETWEEN_WORDS.sub(rb"\1", value)
    pieces: list[str] = []
    at = 0
    for word in _ENCODED_WORD.finditer(joined):
        pieces.append(_unicode(joined[at : word.start()], "utf-8"))
        pieces.append(_encoded_word(word))
        at = word.end()
    return "".join(pieces) + _unicode(joined[at:], "utf-8")


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
    content = entity.content[:_MAX_TEXT]
    if encoding == b"base64":
        content = _from_base64(content)
    elif encoding == b"quoted-printable":
        content = quopri.decodestring(content)
    charset = entity.content_type.get(b"charset") or b"utf-8"
    return _unicode(content, charset.decode("ascii", "replace"))


def _encoded_word(word: re.Match[bytes]) -> str:
    if word[2] in b"Bb":
        content = _from_base64(word[3])
    else:
        content = quopri.decodestring(word[3], header=True)
    charset = word[1].partition(b"*")[0]  # RFC 2231 §5: a language may follow
    return _unicode(content, charset.decode("ascii", "replace"))


def _from_base64(content: bytes) -> bytes:
    """What can be read of it: line ends and stray characters do not matter (RFC 2045 §6.8)."""
    letters = _NOT_BASE64.sub(b"", content)
    whole = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


_ASCII_NAMES = frozenset({"ascii"})
_NOT_OF_MAIL = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"})


def _unicode(content: bytes, charset: str) -> str:
    """The octets as text.  An unknown charset, and ASCII that is not, are read as UTF-8."""
    try:
        name = codecs.lookup(charset).name.replace("_", "-")
        if name not in _ASCII_NAMES | _NOT_OF_MAIL:
            return content.decode(name, "replace")
    except (LookupError, ValueError):  # no such charset, or one that is none of text
        pass
    return content.decode("utf-8", "replace")
