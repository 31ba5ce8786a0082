"""Messages: what is fetched is exact, counts as read, and is recorded."""

from __future__ import annotations

import pytest

from labmail.net.core import Deliver
from labmail.trace.events import Expunged, Fetched, Stored
from tests.imap.house import LETTERS, PICTURE, House


def test_every_octet(house: House) -> None:
    client = house.client("EXAMINE INBOX")
    client.do("FETCH 1:* BODY[]")
    assert [o.data for o in client.outputs if isinstance(o, Deliver)] == list(LETTERS)


def test_reading_sets_seen_and_says_so(house: House) -> None:
    client = house.client("SELECT INBOX")
    assert client.do("FETCH 1 BODY[TEXT]").count(b"FLAGS (\\Seen \\Recent)") == 1
    assert b"FLAGS" not in client.do("FETCH 1 BODY[TEXT]")
    assert client.do("FETCH 2 (FLAGS RFC822)").count(b"FLAGS (\\Seen \\Recent)") == 1
    client.do("FETCH 3 (BODY.PEEK[] RFC822.HEADER ENVELOPE)")
    assert [bool(m.flags) for m in house.inbox.messages()] == [True, True, False]
    assert [(event.uid, event.how) for event in house.events(Fetched)] == [
        (1, "IMAP BODY[TEXT]"),
        (1, "IMAP BODY[TEXT]"),
        (2, "IMAP RFC822"),
        (3, "IMAP BODY.PEEK[] RFC822.HEADER"),
    ]


def test_looking_is_not_reading(house: House) -> None:
    house.client("SELECT INBOX").do("FETCH 1:* FULL")
    assert house.events(Fetched) == []


def test_examine_does_not_set_seen(house: House) -> None:
    assert b"FLAGS" not in house.client("EXAMINE INBOX").do("FETCH 1 BODY[]")
    assert not house.inbox.message(1).flags


def test_the_file_was_taken_away(house: House) -> None:
    client = house.client("SELECT INBOX")
    (house.account.folder / house.inbox.message(1).file).unlink()
    assert client.answer("FETCH 1:2 BODY[]").startswith("NO [EXPUNGEISSUED]")
    assert not house.inbox.message(1).flags
    assert client.lines("SEARCH TEXT minh") == ["SEARCH 2"]


def test_uid_fetch_always_says_the_uid(house: House) -> None:
    house.inbox.expunge([1], how="test")
    client = house.client("SELECT INBOX")
    assert client.lines("UID FETCH 1:* RFC822.SIZE") == [
        f"1 FETCH (UID 2 RFC822.SIZE {len(PICTURE)})",
        "2 FETCH (UID 3 RFC822.SIZE 40)",
    ]
    assert client.lines("UID FETCH 1 UID") == []
    assert client.lines("UID SEARCH ALL") == ["SEARCH 2 3"]


def test_copy_keeps_flags_and_date(house: House) -> None:
    client = house.client("SELECT INBOX", "STORE 2 FLAGS (\\Seen $Work)")
    assert client.answer("UID COPY 2:9 Sent") == "OK Copied"
    sent = house.account.open("Sent")
    assert [m.flags for m in sent.messages()] == [{"\\Seen", "$Work"}, frozenset()]
    assert sent.read(1) == PICTURE
    assert [event.how for event in house.events(Stored)] == ["COPY", "COPY"]
    assert client.lines("COPY 1 INBOX") == ["4 EXISTS", "4 RECENT"]


def test_close_expunges_in_silence(house: House) -> None:
    client = house.client("SELECT INBOX", "STORE 1 +FLAGS \\Deleted")
    assert client.lines("CHECK") == []
    assert client.lines("CLOSE") == []
    assert [(event.uid, event.how) for event in house.events(Expunged)] == [(1, "CLOSE")]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("FETCH 4 UID", "BAD"),
        ("FETCH 0 UID", "BAD"),
        ("FETCH 1", "BAD"),
        ("STORE 1 FLAGS", "BAD"),
        ("STORE 1 LABELS (x)", "BAD"),
        ("STORE 1 +FLAGS.LOUD (x)", "BAD"),
        ("STORE 1 FLAGS \\Seen \\Draft", "OK"),
        ("STORE 1 FLAGS ()", "OK"),
        ("COPY 1 Other", "NO [TRYCREATE]"),
        ("UID COPY 9 Sent", "OK"),
        ("UID STORE 9 FLAGS (\\Seen)", "OK"),
        ("EXPUNGE 1", "BAD"),
    ],
)
def test_answers(house: House, command: str, answer: str) -> None:
    assert house.client("SELECT INBOX").answer(command).startswith(answer)


def test_an_empty_mailbox_has_no_last_message(house: House) -> None:
    client = house.client("SELECT Trash")
    assert client.answer("FETCH 1:* UID") == "BAD there are only 0 messages: no such message number"
    assert client.answer("UID FETCH 1:* UID") == "OK Fetched"
    assert client.lines("SEARCH ALL") == ["SEARCH"]
