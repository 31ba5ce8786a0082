"""What must not stand in a header is refused before it gets there.

A header is lines.  Who gets a line end into a subject or an address has written a field of
his own, perhaps a Bcc: *header injection*.  The line end may come as it is, or hidden in an
encoded word that some later program undoes: Python before 3.13 wrote
``=?utf-8?q?=0D=0ABcc:_x@y?=`` out as a real Bcc field.  So both are looked for, wherever
something is put into a header, and nothing is repaired in silence.
"""

from __future__ import annotations

import re
import unicodedata

from labmail.letter import words

_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
"""Controls, and all that some program or other takes for a line end.  A tab may stay."""
_NAMES = {"\r": "a carriage return (CR)", "\n": "a line feed (LF)", "\0": "a NUL"}


class UnsafeHeader(ValueError):
    """Something was to go into a header that would end the line or hide from the eye."""


def guarded(text: str, what: str) -> str:
    """The text in NFC, if it may stand in a header.

    what: its place, for the error: ``"subject"``.  Raises `UnsafeHeader` when it holds
    a control character, openly or hidden in an encoded word (RFC 5322 §2.2, RFC 6532 §3.1).
    """
    if found := _UNSAFE.search(text):
        raise UnsafeHeader(
            f"The {what} holds {_named(found[0])}: in a header it would begin a line of its own. "
            f"Take it out (RFC 5322 §2.2)."
        )
    for word in words.words_in(text.encode("utf-8", "replace")):
        if found := _UNSAFE.search(word.text):
            raise UnsafeHeader(
                f"The {what} hides {_named(found[0])} in an encoded word: a program that decodes "
                f"the header would see a line of its own. Take it out (RFC 5322 §2.2)."
            )
    return unicodedata.normalize("NFC", text)


def guarded_id(text: str, what: str) -> str:
    """A Message-ID or Content-ID with its angle brackets, if it is one (RFC 5322 §3.6.4).

    Raises `UnsafeHeader` when it is not.
    """
    if not re.fullmatch(r"<[!-;=?A-~]+@[!-;=?A-~]+>", guarded(text, what)):
        raise UnsafeHeader(
            f"The {what} {text!r} is no <left@right> in ASCII without spaces (RFC 5322 §3.6.4)."
        )
    return text


def _named(char: str) -> str:
    return _NAMES.get(char, f"the control character U+{ord(char):04X}")
