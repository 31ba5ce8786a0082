"""Dates as IMAP writes them."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from labmail.imap.dates import read_date, read_date_time, sent_date, write_date_time

HANOI = timezone(timedelta(hours=7))


def test_a_date() -> None:
    assert read_date(b"1-Feb-1994") == date(1994, 2, 1)
    assert read_date(b"17-jul-1996") == date(1996, 7, 17)


@pytest.mark.parametrize("text", [b"", b"31-Feb-1994", b"1-Foo-1994", b"1994-02-01", b"1-Feb-0000"])
def test_no_date(text: bytes) -> None:
    with pytest.raises(ValueError):
        read_date(text)


@pytest.mark.parametrize(
    ("text", "when"),
    [
        (b" 5-Jan-2026 12:00:00 +0700", datetime(2026, 1, 5, 12, tzinfo=HANOI)),
        (
            b"17-Jul-1996 02:44:25 -0730",
            datetime(1996, 7, 17, 2, 44, 25, tzinfo=timezone(-timedelta(hours=7, minutes=30))),
        ),
    ],
)
def test_a_date_time_both_ways(text: bytes, when: datetime) -> None:
    assert read_date_time(text) == when
    assert write_date_time(when) == text


@pytest.mark.parametrize(
    "text", [b"5-Jan-2026 12:00:00 +0700", b" 5-Jan-2026 25:00:00 +0700", b" 5-Jan-2026"]
)
def test_no_date_time(text: bytes) -> None:
    with pytest.raises(ValueError):
        read_date_time(text)


def test_the_day_in_a_date_field_is_the_writers() -> None:
    assert sent_date(b"Sun, 4 Jan 2026 23:30:00 -0500") == date(2026, 1, 4)
    assert sent_date(b"tomorrow") is None
    assert sent_date(b"") is None
    assert sent_date(b"Sun, 99 Jan 2026 23:30:00 -0500") is None
