"""Received and Return-Path: the fields that the post writes on a letter.

Every server that takes a letter writes a *Received* field on top of it: from
whom, by whom, how, for whom, when.  Read from the bottom up they are the way
the letter came (RFC 5321 §4.4).  *Return-Path* is written once, at final delivery,
and holds the reverse-path that would otherwise be lost with the envelope.  One
that is there before is a forgery or a leftover, and is taken off.

*Authentication-Results* say what a server found out about a letter's sender, and name
that server in their first word.  Readers trust those of their own server.  So one
that comes in from outside and bears our name was not written by us, and is
taken off at the border too (RFC 8601 §5); those of others are their own affair.

Below the trace fields a letter's bytes are its author's and nobody changes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from labmail.letter.fields import fields_of, header_end
from labmail.smtp.post import Client

_PASSED_OVER = (b"From ", b":", b" ", b"\t")
_TOKEN = re.compile(rb"[^\x00-\x20()<>@,;:\\\"/\[\]?=]+")  # RFC 2045 §5.1
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)

MAX_COMMENT = 4096
"""Octets of comments in front of the author of Authentication-Results that are looked through."""

MAX_HOPS = 50
"""More Received fields than this mean a loop (RFC 5321 §6.3 asks for 100 at least as the limit
of a simple counter; with Postfix and others the lab takes 50: its ways are short)."""


@dataclass(frozen=True, slots=True)
class Field:
    """A header field as it stands in the letter: `start` and `end` are positions of its bytes,
    folded lines and last CR LF included."""

    name: str
    start: int
    end: int


def header_fields(content: bytes) -> Iterator[Field]:
    """The header fields of a letter, top down, up to the empty line (RFC 5322 §2.2).

    These are the fields that the readers of the lab find, by the same rule: a line that is
    no field (``From …`` out of an mbox file, a folded line with nothing above it, words
    without a colon) is passed over, and what stands below it is header all the same.  A
    server that stopped there would let a forger hide behind one such line.
    """
    for field in fields_of(content[: header_end(content)]):
        yield Field(field.name.decode("ascii").lower(), field.at, field.at + len(field.raw))


def has_header(content: bytes) -> bool:
    """Whether the letter begins with a header, and not at once with what its author says."""
    first = next(header_fields(content), None)
    return first is not None and (first.start == 0 or content.startswith(_PASSED_OVER))


def protocol(client: Client, smtputf8: bool) -> str:
    """What stands behind ``with``: ESMTPSA is ESMTP under TLS after AUTH (RFC 3848)."""
    if not client.esmtp:
        return "SMTP"
    kind = "UTF8SMTP" if smtputf8 else "ESMTP"  # RFC 6531 §4.3
    return kind + ("S" if client.tls else "") + ("A" if client.authenticated else "")


def received(
    client: Client,
    *,
    host: str,
    queue_id: str,
    recipients: tuple[str, ...],
    smtputf8: bool,
    when: datetime,
) -> bytes:
    """The Received field a server puts on top of a letter (RFC 5321 §4.4).

    The recipient is named only if there is one: who else gets the letter is
    nobody's business (§7.2).
    """
    place = client.connection.client
    literal = f"IPv6:{place.ip}" if ":" in place.ip else place.ip  # RFC 5321 §4.1.3
    for_whom = f"\r\n\tfor <{recipients[0]}>" if len(recipients) == 1 else ""
    text = (
        f"Received: from {client.helo} ({place.name} [{literal}])\r\n"
        f"\tby {host} with {protocol(client, smtputf8)} id {queue_id}"
        f"{for_whom};\r\n\t{format_datetime(when)}\r\n"
    )
    return text.encode("utf-8")


def hops(content: bytes) -> int:
    """How many Received fields there are."""
    return sum(field.name == "received" for field in header_fields(content))


def on_top(fields: bytes, content: bytes) -> bytes:
    """The letter below these fields.  One that begins with a fold has no header at all: an
    empty line keeps its author's words from going on with our field."""
    gap = b"\r\n" if content[:1] in (b" ", b"\t") else b""
    return fields + gap + content


def without_return_path(content: bytes) -> bytes:
    """The letter without any Return-Path field; the very same bytes if it had none."""
    return _without(content, [f for f in header_fields(content) if f.name == "return-path"])


def without_forgeries(content: bytes, our_names: Iterable[str]) -> bytes:
    """The letter without what only we may write on it: Return-Path, and Authentication-Results
    in one of our names; the very same bytes if there was none of them.

    Results whose author cannot be read go too: nobody can say that they are not ours.
    """
    ours = {*(name.lower() for name in our_names), ""}

    def is_forged(field: Field) -> bool:
        if field.name == "return-path":
            return True
        value = content[field.start : field.end].partition(b":")[2]
        return field.name == "authentication-results" and author_of_results(value) in ours

    return _without(content, [field for field in header_fields(content) if is_forged(field)])


def author_of_results(value: bytes) -> str:
    """The authserv-id of Authentication-Results, in small letters; "" if there is none.

    It is the first word, perhaps in quotes; comments, which may hold comments, and
    folds may stand in front (RFC 8601 §2.2, RFC 5322 §3.2.2).
    """
    rest = _without_comments_in_front(value)
    quoted = _QUOTED.match(rest)
    if quoted is not None:
        word = _QUOTED_PAIR.sub(rb"\1", quoted[1])
    else:
        found = _TOKEN.match(rest)
        word = found[0] if found is not None else b""
    return word.decode("utf-8", "replace").strip().rstrip(".").lower()


def _without_comments_in_front(value: bytes) -> bytes:
    """What is left behind white space and comments; nothing if they go on and on."""
    depth = at = 0
    while at < min(len(value), MAX_COMMENT):
        octet = value[at : at + 1]
        if octet == b"(":
            depth += 1
        elif octet == b")" and depth:
            depth -= 1
        elif octet == b"\\" and depth:
            at += 1
        elif not depth and octet not in b" \t\r\n":
            return value[at:]
        at += 1
    return b""


def _without(content: bytes, found: list[Field]) -> bytes:
    if not found:
        return content
    starts = [0, *(field.end for field in found)]
    ends = [*(field.start for field in found), len(content)]
    return b"".join(content[start:end] for start, end in zip(starts, ends, strict=True))


def with_return_path(content: bytes, reverse_path: str) -> bytes:
    """The letter as it goes into a mailbox: one Return-Path, on top (RFC 5321 §4.4)."""
    return f"Return-Path: <{reverse_path}>\r\n".encode() + without_return_path(content)
