"""A command line: a verb, and perhaps an argument (RFC 5321 §2.4, §4.1.1).

Server and observer cut lines the same way, because they do it here.
"""

from __future__ import annotations

import re

_COMMAND = re.compile(rb"([A-Za-z]{1,20})(?:[ \t]+(.*))?", re.DOTALL)
_AUTH_RESPONSE = re.compile(rb"AUTH[ \t]+\S+[ \t]+(\S.*)", re.IGNORECASE | re.DOTALL)


def split_command(line: bytes) -> tuple[str, bytes]:
    """Verb in capitals and argument of a line without its CRLF; ("", line) if the line does not
    begin with a word of letters.  Spaces at the end do not count (RFC 5321 §4.1.1)."""
    found = _COMMAND.fullmatch(line.rstrip(b" \t\r"))
    if found is None:
        return "", line
    return found[1].decode("ascii").upper(), found[2] or b""


def secret_part(line: bytes) -> tuple[int, int] | None:
    """Where the initial response stands in an AUTH command (RFC 4954 §4); None if there is none."""
    found = _AUTH_RESPONSE.fullmatch(line)
    return found.span(1) if found else None
