"""Mailboxes as a whole."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from labmail.trace.events import Stored
from tests.imap.house import NOON, NOTE, House


def test_select_tells_what_a_client_must_know(house: House) -> None:
    house.inbox.set_flags(1, {"\\Seen", "$Work"})
    lines = house.client().lines("SELECT INBOX")
    known = "(\\Answered \\Flagged \\Deleted \\Seen \\Draft $Work"
    assert lines == [
        f"FLAGS {known})",
        "3 EXISTS",
        "3 RECENT",
        "OK [UNSEEN 2] The first message not seen",
        f"OK [PERMANENTFLAGS {known} \\*)] Flags that are kept",
        "OK [UIDNEXT 4] The next message's UID, or less",
        f"OK [UIDVALIDITY {house.inbox.uidvalidity}] UIDs hold while this does",
    ]


def test_names_are_unicode_inside(house: House) -> None:
    house.client("CREATE Th&AbA-")
    assert house.account.open("Thư").name == "Thư"


@pytest.mark.parametrize(
    "name", ['""', '"/"', '"a//b"', '"../../etc/passwd"', '"."', '"a/"/b', "{2+}\r\na\n", '"a\tb"']
)
def test_names_that_cannot_be(house: House, name: str) -> None:
    before = house.account.mailboxes()
    assert house.client().answer(f"CREATE {name}")[:3] in ("NO ", "BAD")
    assert house.account.mailboxes() == before


def test_append(house: House) -> None:
    client = house.client()
    zone = timezone(-timedelta(hours=5))
    answer = client.answer(
        b'APPEND Sent (\\seen $Work) "17-Jul-1996 02:44:25 -0500" {%d+}\r\n%s' % (len(NOTE), NOTE)
    )
    assert answer == "OK The message was stored"
    sent = house.account.open("Sent")
    (message,) = sent.messages()
    assert message.flags == {"\\Seen", "$Work"}
    assert message.internal_date == datetime(1996, 7, 17, 2, 44, 25, tzinfo=zone)
    assert sent.read(message.uid) == NOTE
    assert [event.how for event in house.events(Stored)] == ["APPEND"]


def test_append_without_more(house: House) -> None:
    client = house.client("SELECT Sent")
    assert client.lines(b"APPEND Sent {%d+}\r\n%s" % (len(NOTE), NOTE)) == ["1 EXISTS", "1 RECENT"]
    assert house.account.open("Sent").message(1).internal_date == NOON


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("APPEND Sent x", "BAD"),
        ("APPEND Sent (\\Recent) {1+}\r\nx", "BAD"),
        ("APPEND Sent {1+}\r\nx y", "BAD"),
        ("APPEND Sent {1+}\r\n\0", "NO [CANNOT]"),
        ("APPEND Other {1+}\r\nx", "NO [TRYCREATE]"),
        ('APPEND Sent "31-Dec-9999 23:59:59 -1200" {1+}\r\nx', "NO [CANNOT]"),
        ('APPEND Sent " 1-Jan-0001 00:00:00 +1200" {1+}\r\nx', "NO [CANNOT]"),
        ("STATUS INBOX ()", "BAD"),
        ("STATUS INBOX (NONSENSE)", "BAD"),
        ("STATUS Other (MESSAGES)", "NO [NONEXISTENT]"),
        ("SUBSCRIBE Other", "NO [NONEXISTENT]"),
        ("UNSUBSCRIBE Other", "OK"),
        ("RENAME Sent Trash", "NO [ALREADYEXISTS]"),
        ("LIST INBOX", "BAD"),
        ("DELETE Other", "NO [NONEXISTENT]"),
    ],
)
def test_answers(house: House, command: str, answer: str) -> None:
    assert house.client().answer(command).startswith(answer)
