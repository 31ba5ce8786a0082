"""What must be true of a letter before a server takes it.

All of this is looked at when the letter has ended: only then does the client listen
again (RFC 5321 §4.2.5).

*The header has a limit of its own.*  It is read field by field, by each server on the
way and by each reader; a letter of a million fields costs its sender nothing and everybody
else seconds.  So a header is refused that is larger, or has more fields, than any letter
needs that a person or a program wrote in good faith.  The size is the one up to which
the readers of the lab look for fields: what is taken is read to its end.
"""

from __future__ import annotations

from itertools import islice

from labmail.letter.fields import MAX_HEADER, header_end
from labmail.smtp import replies
from labmail.smtp.dotreader import DotReader
from labmail.smtp.replies import Refusal
from labmail.smtp.trace_fields import MAX_HOPS, header_fields, hops

MAX_FIELDS = 1000
"""Fields of one header."""


def checked(letter: DotReader, *, lone_newlines: bool = False) -> bytes:
    """The letter; raises Refusal if there is something about it that nobody can take.

    lone_newlines: a CR or LF may stand alone (a weakness, see `labmail.smtp.lenient`).
    """
    if letter.too_big:
        raise Refusal(replies.TOO_BIG)
    if letter.has_bare_newline and not lone_newlines:
        raise Refusal(replies.BARE_NEWLINE_IN_CONTENT)  # RFC 5321 §2.3.8
    if letter.has_long_line:
        raise Refusal(replies.CONTENT_LINE_TOO_LONG)  # RFC 5321 §4.5.3.1.6
    if letter.has_nul:
        raise Refusal(replies.NUL_IN_CONTENT)  # RFC 2045 §2.8
    content = letter.content
    if _header_too_big(content):
        raise Refusal(replies.HEADER_TOO_BIG)
    if hops(content) > MAX_HOPS:
        raise Refusal(replies.TOO_MANY_HOPS)  # RFC 5321 §6.3
    return content


def _header_too_big(content: bytes) -> bool:
    if header_end(content, 0, min(len(content), MAX_HEADER + 1)) > MAX_HEADER:
        return True
    return any(True for _ in islice(header_fields(content), MAX_FIELDS, None))
