"""From a line of the client to what it says: the rules that hold for every command.

What is wrong with a line or a path is answered here, with the reply that fits.
"""

from __future__ import annotations

import re
from contextlib import suppress

from labmail.smtp import replies
from labmail.smtp.commands import split_command
from labmail.smtp.paths import BadPath, Path, PathTooLong, read_path
from labmail.smtp.replies import Refusal, Reply

_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

HTTP_VERBS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"})
"""What a web program would say first."""


def read_command(line: bytes) -> tuple[str, str]:
    """Verb and argument of a line; raises Refusal for one that cannot be read."""
    if not line.endswith(b"\r\n") or b"\r" in line[:-2]:  # RFC 5321 §2.3.8
        raise Refusal(replies.BARE_NEWLINE)
    try:
        text = line[:-2].decode("utf-8")  # RFC 6531 §3.1; who may say what comes later
    except UnicodeDecodeError as error:
        raise Refusal(replies.NOT_TEXT) from error
    if _CONTROLS.search(text):
        raise Refusal(replies.NOT_TEXT)
    if not text.strip():
        raise Refusal(replies.EMPTY_LINE)
    verb, argument = split_command(line[:-2])
    return verb, argument.decode("utf-8")


def address_of(argument: str) -> str:
    """The address that MAIL or RCPT names; "" if it names none that can be read."""
    with suppress(BadPath):
        return read_path(argument.partition(":")[2].strip()).address
    return ""


def sender_path(argument: str) -> Path:
    """The path behind ``FROM:``; raises Refusal.  What is wrong with a sender's address has codes
    of its own (RFC 3463 §3.2)."""
    too_long, unreadable = replies.SENDER_TOO_LONG, replies.BAD_SENDER_SYNTAX
    return _path_behind("FROM:", argument, replies.MAIL_SYNTAX, too_long, unreadable)


def recipient_path(argument: str) -> Path:
    """The path behind ``TO:``; raises Refusal."""
    too_long, unreadable = replies.RECIPIENT_TOO_LONG, replies.BAD_RECIPIENT_SYNTAX
    return _path_behind("TO:", argument, replies.RCPT_SYNTAX, too_long, unreadable)


def _path_behind(
    keyword: str, argument: str, usage: Reply, too_long: Reply, unreadable: Reply
) -> Path:
    """A space after the colon is forgiven."""
    if argument[: len(keyword)].upper() != keyword:
        raise Refusal(usage)
    text = argument[len(keyword) :].strip()
    if not text.startswith("<"):
        raise Refusal(usage)
    try:
        return read_path(text)
    except PathTooLong as error:
        raise Refusal(too_long) from error
    except BadPath as error:
        raise Refusal(unreadable) from error
