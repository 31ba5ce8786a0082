"""Dates of IMAP: ``17-Jul-1996`` and ``"17-Jul-1996 02:44:25 -0700"`` (RFC 3501 §9).

Months have English names whatever the locale says, so `strftime` cannot be asked.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# date-text = date-day "-" date-month "-" date-year
_DATE = re.compile(rb"(\d{1,2})-([A-Za-z]{3})-(\d{4})")
# date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
_DATE_TIME = re.compile(
    rb"( \d|\d\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"
)


def read_date(text: bytes) -> date:
    """``17-Jul-1996``, the day a SEARCH asks for.  Raises `ValueError`."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a date such as 17-Jul-1996")
    return date(int(found[3]), _month(found[2]), int(found[1]))


def read_date_time(text: bytes) -> datetime:
    """``17-Jul-1996 02:44:25 -0700``, the internal date of APPEND.  Raises `ValueError`."""
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a date-time such as 17-Jul-1996 02:44:25 -0700")
    day, month, year = int(found[1]), _month(found[2]), int(found[3])
    offset = timedelta(hours=int(found[8]), minutes=int(found[9]))
    zone = timezone(-offset if found[7] == b"-" else offset)
    return datetime(year, month, day, int(found[4]), int(found[5]), int(found[6]), tzinfo=zone)


def write_date_time(when: datetime) -> bytes:
    """An internal date as FETCH says it, without its quotes; the day has two places."""
    zone = when.strftime("%z")[:5] or "+0000"
    clock = when.strftime("%H:%M:%S")
    return f"{when.day:2}-{MONTHS[when.month - 1]}-{when.year:04} {clock} {zone}".encode("ascii")


def sent_date(field: bytes) -> date | None:
    """The day in a Date: field as its writer's clock had it; None if it cannot be read.

    SENTON and its kin disregard time and zone (RFC 3501 §6.4.4).
    """
    try:
        return parsedate_to_datetime(field.decode("ascii", "replace")).date()
    except (ValueError, IndexError, TypeError, OverflowError):
        return None


def _month(name: bytes) -> int:
    english = name.decode("ascii").capitalize()
    if english not in MONTHS:
        raise ValueError(f"there is no month {english!r}")
    return MONTHS.index(english) + 1
