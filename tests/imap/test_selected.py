"""Two sessions, one mailbox: each is told what the other did, when it may be."""

from __future__ import annotations

from labmail.imap.selected import Selected
from labmail.imap.sequences import SequenceSet
from tests.imap.house import NOTE, PHO, House


def test_both_see_each_others_flags(house: House) -> None:
    one, two = house.client("SELECT INBOX"), house.client("SELECT INBOX")
    assert one.lines("STORE 1 +FLAGS \\Flagged") == ["1 FETCH (FLAGS (\\Flagged \\Recent))"]
    assert two.lines("NOOP") == ["1 FETCH (UID 1 FLAGS (\\Flagged))"]
    assert one.lines("NOOP") == two.lines("NOOP") == []


def test_silent_is_silent_for_oneself_only(house: House) -> None:
    one, two = house.client("SELECT INBOX"), house.client("SELECT INBOX")
    assert one.lines("STORE 1:2 FLAGS.SILENT (\\Seen)") == []
    assert len(two.lines("NOOP")) == 2


def test_new_mail(house: House) -> None:
    one, two = house.client("SELECT INBOX"), house.client("SELECT INBOX")
    house.deliver(NOTE)
    assert one.lines("NOOP") == ["4 EXISTS", "4 RECENT"]
    assert two.lines("NOOP") == ["4 EXISTS", "0 RECENT"]  # \Recent is given to one session
    assert two.lines("FETCH 4 UID") == ["4 FETCH (UID 4)"]


def test_an_expunge_waits_until_numbers_may_change(house: House) -> None:
    one, two = house.client("SELECT INBOX"), house.client("SELECT INBOX")
    one.do("STORE 1 +FLAGS.SILENT \\Deleted")
    assert one.lines("EXPUNGE") == ["1 EXPUNGE"]
    assert two.lines("FETCH 2 UID") == ["2 FETCH (UID 2)"]
    assert two.lines("STORE 2 +FLAGS.SILENT \\Seen") == []
    assert two.lines("SEARCH ALL") == ["SEARCH 2 3"]
    assert two.answer("FETCH 1 FLAGS") == (
        "NO [EXPUNGEISSUED] Some of these messages have been expunged"
    )
    assert two.answer("STORE 1:2 +FLAGS.SILENT \\Seen").startswith("NO [EXPUNGEISSUED]")
    assert two.lines("UID FETCH 3 UID") == ["3 FETCH (UID 3)", "1 EXPUNGE"]
    assert two.lines("FETCH 1 UID") == ["1 FETCH (UID 2)"]


def test_a_copy_of_what_is_gone_copies_nothing(house: House) -> None:
    client = house.client("SELECT INBOX")
    house.inbox.expunge([1], how="test")
    assert client.answer("COPY 1:3 Sent").startswith("NO [EXPUNGEISSUED]")
    assert house.account.open("Sent").messages() == ()


def test_several_expunges_are_numbered_one_after_the_other(house: House) -> None:
    client = house.client("SELECT INBOX")
    house.inbox.expunge([1, 2, 3], how="test")
    assert client.lines("NOOP") == ["1 EXPUNGE", "1 EXPUNGE", "1 EXPUNGE"]


def test_what_came_and_went_unnoticed_is_not_mentioned(house: House) -> None:
    client = house.client("SELECT INBOX")
    uid = house.deliver(PHO)
    house.inbox.expunge([uid], how="test")
    assert client.lines("NOOP") == []


def test_examine_leaves_recent_alone(house: House) -> None:
    reader = house.client("EXAMINE INBOX")
    house.deliver(PHO)
    assert reader.lines("NOOP") == ["4 EXISTS", "4 RECENT"]
    assert "4 RECENT" in house.client().lines("SELECT INBOX")


def test_a_mailbox_deleted_under_a_session(house: House) -> None:
    house.account.create("Old")
    one, two = house.client("SELECT Old"), house.client()
    assert two.answer("DELETE Old") == "OK The mailbox was deleted"
    assert one.do("NOOP").endswith(b"* BYE The open mailbox was deleted or made anew\r\n")
    assert one.do("NOOP") == b""


def test_a_closed_mailbox_is_watched_no_more(house: House) -> None:
    selected = Selected(house.inbox, read_only=True)
    selected.leave()
    house.deliver(PHO)
    assert selected.updates(expunge=True) == []


def test_choosing(house: House) -> None:
    house.inbox.expunge([2], how="test")
    selected = Selected(house.inbox, read_only=True)
    assert selected.choose(SequenceSet(((2, 2),)), by_uid=False) == [3]
    assert selected.choose(SequenceSet(((2, 2),)), by_uid=True) == []
