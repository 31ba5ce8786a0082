"""Which bytes of a command are a password.

The trace keeps every byte, and marks the secret ones so that views can mask them.
A password must be found in commands that are wrong, too: in a LOGIN with a word too
many, and in the most common mistake of all, the forgotten tag ("LOGIN son secret",
which IMAP reads as a command SON with the tag LOGIN).  So this looks with its own
eyes, generously: from where the password begins, or could begin, everything is
secret up to the end of the command.
"""

from __future__ import annotations

import re

from labmail.trace.events import Span

_COMMAND = re.compile(rb" *(?:[^ \r\n]+ +)?(LOGIN|AUTHENTICATE)(?= |\Z)[ ]*", re.IGNORECASE)
_MECHANISM = re.compile(rb"[^ \r\n]+ *")
_USER = re.compile(rb'(?:"(?:[^"\\\r\n]|\\.)*"|[^ "{\r\n]+) +')
_LINE_END = re.compile(rb"\n")
_LITERAL = re.compile(rb"\{(\d{1,9})\+?\}\r\n")


def secrets_of(command: bytes, at: int = 0) -> tuple[Span, ...]:
    """The spans of `command` (a frame, or the head of one, from `at` on) that nobody should
    see."""
    found = _COMMAND.match(command, at)
    if found is None:
        return ()
    start = found.end()
    if found[1].upper() == b"LOGIN":
        start = _after_user(command, start)
    elif mechanism := _MECHANISM.match(command, start):
        start = mechanism.end()
    return ((start, len(command)),) if start < len(command) else ()


def secrets_among(commands: bytes) -> tuple[Span, ...]:
    """The span from the first password on, in commands that nobody took apart."""
    places = (0, *(line.end() for line in _LINE_END.finditer(commands)))
    for at in places:
        if secrets := secrets_of(commands, at):
            return secrets
    return ()


def _after_user(command: bytes, start: int) -> int:
    """Where the second argument of LOGIN begins; `start` itself when the first is unclear."""
    if user := _USER.match(command, start):
        return user.end()
    if literal := _LITERAL.match(command, start):
        end = literal.end() + int(literal[1])
        return end + 1 if command[end : end + 1] == b" " else start
    return start
