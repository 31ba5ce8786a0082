"""What a submission server adds to a letter (RFC 6409 §8).

Mail programs are allowed to leave gaps, and Python's `EmailMessage` does: it
adds neither Date nor Message-ID.  The server that takes a letter from its author
is the one place that may fill them in.  It puts the missing fields on top and
touches nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime

from labmail.smtp.trace_fields import has_header, header_fields, on_top


def completed(
    content: bytes, *, now: Callable[[], datetime], message_id: Callable[[], str]
) -> bytes:
    """The letter with a Date (RFC 6409 §8.2) and a Message-ID (§8.3); the very same bytes if
    it has both.  `message_id` makes one, angle brackets included; it is called if needed only."""
    names = {field.name for field in header_fields(content)}
    added = ""
    if "date" not in names:
        added += f"Date: {format_datetime(now())}\r\n"
    if "message-id" not in names:
        added += f"Message-ID: {message_id()}\r\n"
    if not added:
        return content
    if not has_header(content) and not content.startswith(b"\r\n"):  # all that is there is body
        added += "\r\n"
    return on_top(added.encode("ascii"), content)
