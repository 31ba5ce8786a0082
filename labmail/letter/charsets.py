"""Octets and letters: how one becomes the other, and what it looks like when it goes wrong.

A letter carries octets.  Which characters they are, only the charset says, and who reads
with another charset than the writer's sees *mojibake* (RFC 2045 §2.2 says what a charset is).

    Phở   in UTF-8           50 68 e1 bb 9f
          in windows-1258    50 68 f5 d2        (ơ, and the hook as an octet of its own)
          in TCVN3           50 68 eb
          UTF-8 read as windows-1252:   Phá»Ÿ

Unicode itself has two spellings for most Vietnamese vowels: one character (NFC), or a
letter followed by its marks (NFD).  They look the same, and no comparison of octets finds
them equal.
"""

from __future__ import annotations

import codecs
import unicodedata

_ASCII = "ascii"
_NOT_OF_MAIL = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined"})

_TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")
"""Grave, acute, tilde, hook above, dot below: the five marks that windows-1258 sets apart."""

_TCVN3_OCTETS = bytes.fromhex(
    "b5b6b7b8b9 bbbcbdbec6 c7c8c9cacb ccced0cfd1 d2d3d4d5d6 d7d8dcddde dfe1e2e3e4 e5e6e7e8e9"
    "eaebecedee eff1f2f3f4 f5f6f7f8f9 fafbfcfdfe a8a9aaabacadae a1a2a3a4a5a6a7"
)
_TCVN3_LETTERS = (
    "àảãáạ" "ằẳẵắặ" "ầẩẫấậ" "èẻéẽẹ" "ềểễếệ" "ìỉĩíị" "òỏõóọ" "ồổỗốộ"
    "ờởỡớợ" "ùủũúụ" "ừửữứự" "ỳỷỹýỵ" "ăâêôơưđ" "ĂÂÊÔƠƯĐ"
)  # fmt: skip
_FROM_TCVN3 = dict(zip(_TCVN3_OCTETS, _TCVN3_LETTERS, strict=True))
_TO_TCVN3 = {letter: octet for octet, letter in _FROM_TCVN3.items()}


def known(charset: str) -> bool:
    """Whether this is the name of a charset that text can be read with."""
    try:
        found = codecs.lookup(charset)
        found.decode(b"")
    except (LookupError, ValueError):
        return False
    name = found.name.replace("_", "-")
    return name not in _NOT_OF_MAIL and isinstance(found.decode(b"")[0], str)


def decode(octets: bytes, charset: str, errors: str = "replace") -> str:
    """The octets as text.  An unknown charset, and ASCII that is not, are read as UTF-8."""
    try:
        name = codecs.lookup(charset).name.replace("_", "-")
        if name != _ASCII and name not in _NOT_OF_MAIL:
            return octets.decode(name, errors)
    except (LookupError, ValueError):  # no such charset, or one that is none of text
        pass
    return octets.decode("utf-8", errors)


def fits(octets: bytes, charset: str) -> bool:
    """Whether the octets are text in that charset, none left over."""
    try:
        codecs.lookup(charset)  # the empty text would be decoded without a look at the name
        octets.decode(charset, "strict")
    except (LookupError, ValueError):
        return False
    return True


def nfc(text: str) -> str:
    """Each letter with its marks as one character, where there is one."""
    return unicodedata.normalize("NFC", text)


def nfd(text: str) -> str:
    """Each letter, then its marks, as characters of their own."""
    return unicodedata.normalize("NFD", text)


def fold(text: str) -> str:
    """The form in which texts are compared: neither case nor the spelling of marks counts."""
    return nfc(nfc(text).casefold())


def misread(text: str, written: str, read: str) -> str:
    """What a reader sees who takes octets `written` in one charset for another (`read`)."""
    return encode(text, written).decode(read, "replace")


def encode(text: str, charset: str) -> bytes:
    """The text's octets.  windows-1258 and TCVN3 are done as Vietnamese needs them.

    Raises `UnicodeEncodeError` when the charset has no such character, LookupError
    when there is no such charset.
    """
    name = charset.lower().replace("_", "-")
    if name in ("windows-1258", "cp1258"):
        return to_windows_1258(text)
    return to_tcvn3(text) if name in ("tcvn3", "abc") else text.encode(charset)


def to_windows_1258(text: str) -> bytes:
    """windows-1258: the tone follows its letter as an octet of its own.

    Python's codec only takes text that is taken apart like this already.
    """
    return "".join(_tone_apart(char) for char in nfc(text)).encode("cp1258")


def _tone_apart(char: str) -> str:
    try:
        char.encode("cp1258")
    except UnicodeEncodeError:
        marks = nfd(char)
        letter = "".join(mark for mark in marks if mark not in _TONES)
        return nfc(letter) + "".join(mark for mark in marks if mark in _TONES)
    return char


def to_tcvn3(text: str) -> bytes:
    """TCVN3, which old office documents call ABC: one octet a letter, ASCII where ASCII is.

    It has no capitals with a tone: a font of its own draws them, over the same octets.
    """
    octets = bytearray()
    for place, char in enumerate(nfc(text)):
        octet = _TO_TCVN3.get(char, _TO_TCVN3.get(char.lower())) if not char.isascii() else None
        if octet is None and not char.isascii():
            raise UnicodeEncodeError("TCVN3", text, place, place + 1, "no such letter in TCVN3")
        octets.append(ord(char) if octet is None else octet)
    return bytes(octets)


def from_tcvn3(octets: bytes) -> str:
    """The letters that TCVN3 means by these octets; what it does not know becomes U+FFFD."""
    return "".join(chr(o) if o < 0x80 else _FROM_TCVN3.get(o, "\ufffd") for o in octets)
