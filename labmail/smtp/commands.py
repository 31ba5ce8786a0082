"""A command line: a verb, and perhaps an argument (RFC 5321 §2.4, §4.1.1).

Server and observer cut lines the same way, because they do it here.
"""

from __future__ import annotations

import re

_COMMAND = re.compile(rb"([A-Za-z]{1,20})(?:[ \t]+(.*))?", re.DOTALL)
_AUTH = re.compile(
    rb"[^A-Za-z]*AUTH(?:ENTICATE)?[\s=:]*"
    rb"(?:(?:PLAIN|LOGIN|CRAM-MD5|DIGEST-MD5|EXTERNAL|ANONYMOUS|GSSAPI|NTLM|XOAUTH2|OAUTHBEARER"
    rb"|SCRAM-SHA-(?:1|256|512)(?:-PLUS)?)(?![\w+/-])\s*)?(.*)",
    re.IGNORECASE | re.DOTALL,
)


def split_command(line: bytes) -> tuple[str, bytes]:
    """Verb in capitals and argument of a line without its CRLF; ("", line) if the line does not
    begin with a word of letters.  Spaces at the end do not count (RFC 5321 §4.1.1)."""
    found = _COMMAND.fullmatch(line.rstrip(b" \t\r"))
    if found is None:
        return "", line
    return found[1].decode("ascii").upper(), found[2] or b""


def tries_auth(line: bytes) -> bool:
    """Whether this is AUTH, or was meant to be: ``AUTHPLAIN``, a space in front, IMAP's word."""
    return _AUTH.match(line) is not None


def secret_part(line: bytes) -> tuple[int, int] | None:
    """Where the initial response stands in an AUTH command (RFC 4954 §4); None if there is none.

    A client that spells the command wrong has sent its password all the same.  So all that
    follows the word AUTH is taken for one, except a mechanism's name that people know.
    """
    found = _AUTH.fullmatch(line)
    return found.span(1) if found and found[1] else None
