"""Received and Return-Path: the fields that the post writes on a letter.

Every server that takes a letter writes a *Received* field on top of it: from
whom, by whom, how, for whom, when.  Read from the bottom up they are the way
the letter came (RFC 5321 §4.4).  *Return-Path* is written once, at final delivery,
and holds the reverse-path that would otherwise be lost with the envelope.  One
that is there before is a forgery or a leftover, and is taken off.

Below the trace fields a letter's bytes are its author's and nobody changes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from labmail.smtp.post import Client

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
    """The header fields of a letter, top down, up to the empty line or to the first line that
    is no field (RFC 5322 §2.2)."""
    start = 0
    while start < len(content):
        end = _end_of_field(content, start)
        name, colon, _ = content[start:end].partition(b":")
        name = name.rstrip(b" \t")
        if not colon or not name or any(not 33 <= octet <= 126 for octet in name):
            return
        yield Field(name.decode("ascii").lower(), start, end)
        start = end


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


def without_return_path(content: bytes) -> bytes:
    """The letter without any Return-Path field; the very same bytes if it had none."""
    found = [field for field in header_fields(content) if field.name == "return-path"]
    if not found:
        return content
    starts = [0, *(field.end for field in found)]
    ends = [*(field.start for field in found), len(content)]
    return b"".join(content[start:end] for start, end in zip(starts, ends, strict=True))


def with_return_path(content: bytes, reverse_path: str) -> bytes:
    """The letter as it goes into a mailbox: one Return-Path, on top (RFC 5321 §4.4)."""
    return f"Return-Path: <{reverse_path}>\r\n".encode() + without_return_path(content)


def _end_of_field(content: bytes, start: int) -> int:
    """Behind the CR LF that is not followed by a space or tab (RFC 5322 §2.2.3)."""
    while True:
        at = content.find(b"\r\n", start)
        if at < 0:
            return len(content)
        start = at + 2
        if content[start : start + 1] not in (b" ", b"\t"):
            return start
