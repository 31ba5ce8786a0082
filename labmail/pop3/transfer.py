"""A letter as it crosses the wire.

The bytes of the letter go out as they are; a line of one dot ends them.  So that
no line of the letter is taken for that end, a line that begins with a dot gets
another one in front (RFC 1939 §3); the client takes it off again.

Two cases lie outside of the RFC's picture of a letter.  One that does not end with CRLF
gets a CRLF on the wire, for the dot must stand on a line of its own.  And a
dot after a bare LF is doubled as well: there are clients, Python's own among
them, that take LF for a line's end, and ``LF . CR LF`` would end the letter early
and make its rest look like replies.
"""

from __future__ import annotations

import re

CRLF = b"\r\n"
END = b".\r\n"
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


def stuffed(content: bytes) -> bytes:
    """The letter with its dots doubled and the final dot: ready for the wire."""
    body = _LEADING_DOT.sub(b"..", content)
    if body and not body.endswith(CRLF):
        body += CRLF
    return body + END


def top(content: bytes, lines: int) -> bytes:
    """The header, the empty line, and the first `lines` lines of the body (RFC 1939 §7).

    All of it, if the letter has no more lines than that, or no body.
    """
    end = _start_of_body(content)
    for _ in range(lines):
        newline = content.find(CRLF, end)
        if newline < 0:
            return content
        end = newline + len(CRLF)
    return content[:end]


def _start_of_body(content: bytes) -> int:
    """Where the body begins: behind the first empty line."""
    if content.startswith(CRLF):
        return len(CRLF)
    blank = content.find(CRLF + CRLF)
    return len(content) if blank < 0 else blank + 2 * len(CRLF)
