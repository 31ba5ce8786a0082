"""The notification that tells a sender what became of the letter.

A host that gives up on a letter owes its sender word of it (RFC 5321 §6.1).
The word is a letter of its own, a *delivery status notification*, in three parts
(RFC 6522): one for people, one for programs (RFC 3464), and the letter it is
about, or its header.

    multipart/report; report-type=delivery-status
    ├── text/plain                 what happened, in words
    ├── message/delivery-status    the same in fields: a group for the letter,
    │                              then one for each recipient
    └── message/rfc822             the letter (or text/rfc822-headers)

Two rules keep notifications from becoming a plague.  They travel with the null
reverse-path ``<>``, and nothing that came with ``<>`` is ever answered with one
(RFC 5321 §4.5.5): so a notification that cannot be delivered ends there.  And
who sends a letter may say for each recipient what to be told (NOTIFY, RFC 3461
§4.1).

All that is inserted here was written by strangers: addresses, the other side's
replies, the letter itself.  Fields are built by `field` and `escaped` only, so
that no stranger's CR or LF begins a line, and no byte above 127 stands where it
may not.
"""

from __future__ import annotations

import quopri
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Literal

from labmail.queue.letter import Copy, Letter
from labmail.runtime.ids import Ids
from labmail.trace.parcel import Envelope, Parcel, Recipient

Action = Literal["failed", "delayed", "delivered", "relayed"]
"""What is reported of a recipient (RFC 3464 §2.3.3)."""

RETURN_AT_MOST = 50_000
"""A letter of more octets is not sent back whole, only its header."""

_NEWS: dict[Action, tuple[str, str]] = {
    "failed": (
        "Undelivered: your letter did not arrive",
        "Your letter could not be delivered to the recipients below. It will not be tried again.",
    ),
    "delayed": (
        "Delayed: your letter is still on its way",
        "Your letter is late for the recipients below. You need not send it again: "
        "this host goes on trying.",
    ),
    "delivered": (
        "Delivered: your letter has arrived",
        "Your letter lies in the mailbox of the recipients below.",
    ),
    "relayed": (
        "Relayed: your letter was handed on",
        "Your letter was handed on to a host that reports no deliveries. "
        "You will hear no more unless something goes wrong.",
    ),
}
"""For each action a subject and a sentence; the first action that occurs gives the subject."""

_ASKED: dict[Action, str] = {
    "failed": "FAILURE",
    "delayed": "DELAY",
    "delivered": "SUCCESS",
    "relayed": "SUCCESS",
}
"""The NOTIFY keyword that asks for each action."""

_CLASS: dict[Action, str] = {"failed": "5", "delayed": "4", "delivered": "2", "relayed": "2"}


@dataclass(frozen=True, slots=True)
class Report:
    """What the sender is told of one copy."""

    copy: Copy
    action: Action


def wanted(envelope: Envelope, recipient: Recipient, action: Action) -> bool:
    """Whether the sender may and wants to hear this about this recipient."""
    if not envelope.reverse_path:
        return False  # RFC 5321 §4.5.5: nobody is there to be told
    if recipient.notify is None:
        return action in ("failed", "delayed")  # RFC 3461 §4.1: the default
    asked = {word.strip().upper() for word in recipient.notify.split(",")}
    return "NEVER" not in asked and _ASKED[action] in asked


def compose(
    *,
    host: str,
    letter: Letter,
    reports: Sequence[Report],
    content: bytes,
    number: int,
    ids: Ids,
    now: datetime,
    retry_until: datetime,
    return_at_most: int = RETURN_AT_MOST,
) -> Parcel:
    """The notification about these recipients of a letter, ready for the queue.

    `host` is who reports, `content` the letter's bytes, `number` the parcel number of
    the notification, `retry_until` when delayed copies will be given up.
    """
    returned, kind = _returned(letter, reports, content, return_at_most)
    people = _for_people(host, letter, reports)
    programs = _for_programs(host, letter, reports, retry_until)
    parts = (people, programs, _part(kind, _transfer(returned), returned))
    eight_bit = not all(part.isascii() for part in parts)
    boundary = _boundary(ids, parts)
    header = _header(host, letter, reports, ids, now, boundary, eight_bit)
    body = b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts)
    sender = letter.envelope.reverse_path
    envelope = Envelope(
        reverse_path="",  # RFC 3461 §6.1
        recipients=(Recipient(sender),),
        body="8BITMIME" if eight_bit else "7BIT",
        smtputf8=not sender.isascii(),
    )
    return Parcel(number, envelope, header + b"\r\n" + body + b"--%b--\r\n" % boundary)


# --- the parts ----------------------------------------------------------------------


def _header(
    host: str,
    letter: Letter,
    reports: Sequence[Report],
    ids: Ids,
    now: datetime,
    boundary: bytes,
    eight_bit: bool,
) -> bytes:
    subject = _NEWS[_actions(reports)[0]][0]
    recipient = guarded(letter.envelope.reverse_path).encode("utf-8", "replace")  # RFC 6532 §3.2
    report = f'multipart/report; report-type=delivery-status; boundary="{boundary.decode("ascii")}"'
    return b"".join(
        (
            field("From", f"Mail Delivery System <postmaster@{host}>"),  # RFC 3464 §2
            b"To: <%b>\r\n" % recipient,
            field("Subject", subject),
            field("Date", format_datetime(now)),
            field("Message-ID", ids.message_id(host)),
            field("Auto-Submitted", "auto-replied"),  # RFC 3834 §5
            field("MIME-Version", "1.0"),
            field("Content-Type", report),  # RFC 6522 §3
            field("Content-Transfer-Encoding", "8bit" if eight_bit else "7bit"),
        )
    )


def _for_people(host: str, letter: Letter, reports: Sequence[Report]) -> bytes:
    lines = [f"This is the mail system of {host}.", ""]
    for action in _actions(reports):
        lines += [_NEWS[action][1], ""]
        for report in reports:
            if report.action == action:
                lines.append(f"<{guarded(report.copy.address)}>")
                lines += [f"    {line}" for line in _wrapped(report.copy.reply or "no reply", 70)]
        lines.append("")
    lines += [f"The queue id of your letter was {letter.queue_id}.", ""]
    text = "\n".join(lines).encode("utf-8", "replace")
    if text.isascii():
        return _part("text/plain; charset=us-ascii", "7bit", _crlf(text))
    return _part("text/plain; charset=utf-8", "quoted-printable", _crlf(quopri.encodestring(text)))


def _for_programs(
    host: str, letter: Letter, reports: Sequence[Report], retry_until: datetime
) -> bytes:
    """One group of fields about the letter, then one about each recipient (RFC 3464 §2.1)."""
    about_letter = [
        field("Reporting-MTA", f"dns; {host}"),
        field("Arrival-Date", format_datetime(letter.arrived)),
    ]
    if letter.envelope.envid is not None:  # RFC 3464 §2.2: first, if it is there
        envid = escaped(from_xtext(letter.envelope.envid))
        about_letter.insert(0, field("Original-Envelope-Id", envid))
    groups = [b"".join(about_letter)] + [_about(report, retry_until) for report in reports]
    return _part("message/delivery-status", "7bit", b"\r\n".join(groups))


def _about(report: Report, retry_until: datetime) -> bytes:
    """The fields about one recipient (RFC 3464 §2.3)."""
    copy, action = report.copy, report.action
    fields = []
    if copy.recipient.orcpt is not None:  # RFC 3464 §2.3.1
        fields.append(field("Original-Recipient", _original(copy.recipient.orcpt)))
    fields += [
        field("Final-Recipient", typed_address(copy.address)),
        field("Action", action),
        field("Status", status_for(action, copy.status)),
    ]
    if copy.to:
        fields.append(field("Remote-MTA", f"dns; {escaped(copy.to)}"))
    if copy.reply and action in ("failed", "delayed"):
        # RFC 3464 §2.3.6: for trouble only, and what is no SMTP reply must not be called one.
        kind = "smtp" if re.match(r"[2-5]\d\d[ -]", copy.reply) else "x-mail-lab"
        fields.append(field("Diagnostic-Code", f"{kind}; {escaped(copy.reply)}"))
    if copy.last_try is not None:
        fields.append(field("Last-Attempt-Date", format_datetime(copy.last_try)))
    if action == "delayed":
        fields.append(field("Will-Retry-Until", format_datetime(retry_until)))
    return b"".join(fields)


def _returned(
    letter: Letter, reports: Sequence[Report], content: bytes, at_most: int
) -> tuple[bytes, str]:
    """The letter or its header, and the MIME type it goes back as."""
    asked = (letter.envelope.ret or "FULL").upper()
    # RFC 3461 §4.3: RET is about failures; any other news returns the header only.
    whole = asked != "HDRS" and "failed" in _actions(reports) and 0 < len(content) <= at_most
    header = _header_of(content)
    international = not header.isascii()  # RFC 6532 §3.7: such a header needs its own type
    if whole and not _has_loose_ends(content):
        return content, "message/global" if international else "message/rfc822"
    kind = "message/global-headers" if international else "text/rfc822-headers"
    return _crlf(_cut(header, at_most)), kind


def _header_of(content: bytes) -> bytes:
    """The letter's header section, without the empty line that ends it (RFC 5322 §2.1)."""
    if content.startswith(b"\r\n"):
        return b""
    end = content.find(b"\r\n\r\n")
    return content if end < 0 else content[: end + 2]


def _part(kind: str, encoding: str, body: bytes) -> bytes:
    ended = body if body.endswith(b"\r\n") else body + b"\r\n"
    header = field("Content-Type", kind) + field("Content-Transfer-Encoding", encoding)
    return header + b"\r\n" + ended


def _boundary(ids: Ids, parts: Sequence[bytes]) -> bytes:
    """A boundary that no part holds, not even a part written by who can guess it."""
    while True:
        boundary = ids.boundary().encode("ascii")
        if not any(boundary in part for part in parts):
            return boundary


def _actions(reports: Sequence[Report]) -> list[Action]:
    """The actions that occur, the most serious first."""
    return [action for action in _NEWS if any(r.action == action for r in reports)]


# --- strangers' text, made safe --------------------------------------------------------


def guarded(text: str) -> str:
    """The text in one line: what could begin a line, and other controls, become spaces."""
    return re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]+", " ", text).strip()


def escaped(text: str) -> str:
    """The text in one line of ASCII: other characters as ``\\u1ed3``, too much cut off."""
    line = guarded(text)
    short = line if len(line) <= 2_000 else f"{line[:2_000]} (cut off)"
    return short.encode("ascii", "backslashreplace").decode("ascii")


def from_xtext(text: str) -> str:
    """What an xtext parameter stands for: ``+40`` is ``@`` (RFC 3461 §4)."""
    return re.sub(r"\+([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), text)


def _original(orcpt: str) -> str:
    """What ORCPT said, as a status field says it: xtext is for commands only."""
    kind, _, address = orcpt.partition(";")
    if not address.isascii():
        return typed_address(address)
    return f"{kind}; {escaped(from_xtext(address))}"


def typed_address(address: str) -> str:
    """An address for a status field; a non-ASCII one in the 7-bit form of RFC 6533 §3."""
    line = guarded(address)
    if line.isascii():
        return f"rfc822; {line}"
    safe = "".join(c if " " < c <= "~" and c not in "\\+=" else f"\\x{{{ord(c):X}}}" for c in line)
    return f"utf-8; {safe}"


def status_for(action: Action, status: str) -> str:
    """The enhanced status code to report (RFC 3463 §2); a plain one if what we know is none."""
    known = re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", status, re.ASCII)
    return status if known else f"{_CLASS[action]}.0.0"


def field(name: str, value: str) -> bytes:
    """One header field, folded (RFC 5322 §2.2.3)."""
    lines = _wrapped(f"{name}: {guarded(value)}", 76)
    return "\r\n ".join(lines).encode("ascii", "backslashreplace") + b"\r\n"


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width` characters where spaces allow it, never over 900."""
    words = re.sub(r"(\S{900})(?=\S)", r"\1 ", guarded(text)).split(" ")
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [line for line in lines if line]


def _transfer(content: bytes) -> str:
    return "7bit" if content.isascii() else "8bit"


def _has_loose_ends(content: bytes) -> bool:
    """Whether the bytes could not travel as they are: bare CR, bare LF, or NUL."""
    return bool(re.search(rb"\r(?!\n)|(?<!\r)\n|\x00", content))


def _crlf(text: bytes) -> bytes:
    """Lines that end in CRLF and nothing else, without NUL."""
    return re.sub(rb"\r\n|\r|\n", b"\r\n", text.replace(b"\x00", b" "))


def _cut(header: bytes, at_most: int) -> bytes:
    """The header as far as its last whole line within so many octets."""
    return header if len(header) <= at_most else header[: header.rfind(b"\n", 0, at_most) + 1]
