"""Where a command line holds a password.

The trace keeps every byte; views mask the spans named here.  In doubt it is a
secret: a mistyped PASS still shows the password.
"""

from __future__ import annotations

import re

from labmail.trace.events import Span

_SECRET = re.compile(
    rb"[ \t]*(?:PASS[ \t]?+|AUTH[ \t]+[^ \t]+[ \t]+)(?P<secret>.+)", re.IGNORECASE | re.DOTALL
)


def secrets_of(line: bytes) -> tuple[Span, ...]:
    """The spans of a command line that hold a password or credentials."""
    match = _SECRET.match(line)
    return () if match is None else (match.span("secret"),)


def secrets_among(lines: bytes) -> tuple[Span, ...]:
    """The span from the first password on, in lines that nobody took apart."""
    begin = 0
    for line in lines.splitlines(keepends=True):
        if secrets := secrets_of(line):
            return ((begin + secrets[0][0], len(lines)),)
        begin += len(line)
    return ()


def all_of(line: bytes) -> tuple[Span, ...]:
    """The whole line is a secret: the answer to a challenge."""
    return ((0, len(line)),) if line else ()
