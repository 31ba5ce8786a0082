"""One mailbox: what is stored, changed, removed, and who is told."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from labmail.mailbox.errors import MailboxError, NoSuchMailbox, NoSuchMessage
from labmail.mailbox.index import Index, IndexFailed
from labmail.mailbox.model import Change
from labmail.trace.events import Delivered, Expunged, Fetched, FlagsChanged, Stored
from tests.mailbox.place import ADDRESS, HOST, LETTER, NOON, Place


def test_a_delivered_letter_is_there_byte_for_byte(place: Place) -> None:
    content = bytes(range(256)) + b"\r\n.\r\n\n\r no end"
    message = place.deliver("Q1", content)
    assert place.inbox.read(message.uid) == content
    assert (message.uid, message.size, message.flags) == (1, len(content), frozenset())
    assert (message.internal_date, message.parcel) == (NOON, 7)
    assert place.inbox.messages() == (message,)


def test_the_file_lies_in_new_and_its_name_tells(place: Place) -> None:
    message = place.deliver("Q1")
    [file] = place.files()
    assert message.file == f"mailbox-1/{file}"
    assert (place.account.folder / message.file).read_bytes() == LETTER
    assert file.startswith(f"new/{int(NOON.timestamp())}.")
    assert file.endswith(f".{HOST},U=1,P=7,S={len(LETTER)}")


def test_a_delivery_goes_on_record(place: Place) -> None:
    message = place.deliver("Q1")
    [event] = place.events(Delivered)
    assert (event.host, event.parcel, event.recipient) == (HOST, 7, ADDRESS)
    assert (event.account, event.mailbox, event.uid) == (ADDRESS, "INBOX", 1)
    assert (event.file, event.size) == (message.file, len(LETTER))


def test_uids_are_never_given_out_twice(place: Place) -> None:
    place.deliver("Q1")
    place.deliver("Q2")
    place.inbox.expunge([2], how="EXPUNGE")
    assert place.deliver("Q3").uid == 3
    place.inbox.expunge([1, 3], how="EXPUNGE")
    place.again()
    assert place.inbox.uidnext == 4
    place.without_index()
    assert place.inbox.uidnext == 4


# --- exactly once ---------------------------------------------------------------------


def test_the_same_delivery_again_stores_nothing(place: Place) -> None:
    first = place.deliver("Q1 minh")
    assert place.deliver("Q1 minh") == first
    assert place.deliver("Q2 minh").uid == 2
    place.again()
    assert place.deliver("Q1 minh").uid == 1
    place.without_index()
    assert place.deliver("Q1 minh").uid == 1
    assert len(place.files()) == 2
    assert len(place.events(Delivered)) == 2


def test_the_same_delivery_again_does_not_bring_back_what_was_removed(place: Place) -> None:
    place.deliver("Q1 minh")
    place.inbox.expunge([1], how="POP3 QUIT")
    place.again()
    assert place.deliver("Q1 minh").uid == 1
    assert place.inbox.messages() == ()


def test_another_letter_under_the_same_key_is_not_lost(place: Place) -> None:
    place.deliver("Q1 minh")
    assert place.deliver("Q1 minh", b"another\r\n").uid == 2


# --- appending and copying --------------------------------------------------------------


def test_append_keeps_flags_and_date(place: Place) -> None:
    date = datetime(2019, 7, 1, 3, 4, 5, tzinfo=timezone(timedelta(hours=-3)))
    sent = place.account.open("Sent")
    message = sent.append(LETTER, {"\\seen", "$Forwarded"}, date, parcel=3)
    assert message.flags == {"\\Seen", "$Forwarded"}
    assert (message.internal_date, message.internal_date.utcoffset()) == (date, date.utcoffset())
    assert message.file.endswith(":2,Sa") or message.file.endswith("!2,Sa")
    [event] = place.events(Stored)
    assert (event.mailbox, event.how, event.parcel) == ("Sent", "APPEND", 3)
    place.again()
    assert place.account.open("Sent").messages() == (message,)


def test_copies_have_uids_of_their_own(place: Place) -> None:
    first = place.deliver("Q1")
    place.inbox.set_flags(1, {"\\Flagged", "work"})
    place.deliver("Q2", b"two\r\n")
    trash = place.account.open("Trash")
    trash.append(b"old\r\n")
    assert place.inbox.copy([2, 1, 99], trash) == [(2, 2), (1, 3)]
    copy = trash.message(3)
    assert copy.flags == {"\\Flagged", "work"}
    assert (copy.internal_date, copy.parcel) == (NOON, 7)
    assert trash.read(3) == place.inbox.read(first.uid)


def test_a_copy_that_fails_halfway_leaves_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.deliver("Q1")
    place.deliver("Q2")
    (place.account.folder / place.inbox.message(2).file).unlink()
    trash = place.account.open("Trash")
    with pytest.raises(NoSuchMessage):
        place.inbox.copy([1, 2], trash)
    assert trash.messages() == ()
    assert place.files(number=4) == []


# --- flags ----------------------------------------------------------------------------


def test_flags_are_in_the_file_name(place: Place) -> None:
    place.deliver("Q1")
    message = place.inbox.set_flags(1, {"\\ANSWERED", "\\Seen", "\\Recent"})
    assert message.flags == {"\\Answered", "\\Seen"}
    [file] = place.files()
    assert file.startswith("cur/") and file.endswith("2,RS")
    [event] = place.events(FlagsChanged)
    assert (event.before, event.after) == ((), ("\\Answered", "\\Seen"))
    place.again()
    assert place.inbox.message(1) == message


def test_the_same_flags_again_are_no_change(place: Place) -> None:
    place.deliver("Q1")
    message = place.inbox.set_flags(1, {"\\Seen", "Work"})
    assert place.inbox.set_flags(1, {"\\SEEN", "work"}) == message
    assert len(place.events(FlagsChanged)) == 1


@pytest.mark.parametrize("flag", ["\\Sean", "", "two words", "(", "Phở", "a%"])
def test_what_is_no_flag_is_refused(place: Place, flag: str) -> None:
    place.deliver("Q1")
    with pytest.raises(MailboxError):
        place.inbox.set_flags(1, {flag})
    assert place.inbox.message(1).flags == frozenset()


def test_more_keywords_than_letters(place: Place) -> None:
    place.deliver("Q1")
    keywords = {f"k{number:02}" for number in range(30)}
    place.inbox.set_flags(1, keywords)
    place.again()
    assert place.inbox.message(1).flags == keywords
    with pytest.raises(MailboxError, match="keywords"):
        place.inbox.set_flags(1, {f"x{number}" for number in range(300)})


# --- removing ---------------------------------------------------------------------------


def test_expunge_removes_file_and_row_and_says_so(place: Place) -> None:
    place.deliver("Q1")
    place.deliver("Q2")
    assert place.inbox.expunge([2, 2, 17], how="EXPUNGE") == [2]
    assert len(place.files()) == 1
    [event] = place.events(Expunged)
    assert (event.uid, event.how, event.parcel) == (2, "EXPUNGE", 7)
    with pytest.raises(NoSuchMessage):
        place.inbox.read(2)
    with pytest.raises(NoSuchMessage):
        place.inbox.set_flags(2, {"\\Seen"})


def test_a_message_whose_file_was_taken_cannot_be_read(place: Place) -> None:
    message = place.deliver("Q1")
    (place.account.folder / message.file).unlink()
    with pytest.raises(NoSuchMessage):
        place.inbox.read(1)
    with pytest.raises(NoSuchMessage):
        place.inbox.set_flags(1, {"\\Seen"})


def test_fetching_goes_on_record(place: Place) -> None:
    place.deliver("Q1")
    place.inbox.fetched(1, "IMAP BODY[]")
    [event] = place.events(Fetched)
    assert (event.uid, event.how, event.parcel) == (1, "IMAP BODY[]", 7)


# --- changes are numbered ---------------------------------------------------------------


def test_every_change_has_a_number_that_only_rises(place: Place) -> None:
    inbox, seen = place.inbox, []
    seen.append(inbox.highest_modseq)
    seen.append(place.deliver("Q1").modseq)
    seen.append(place.deliver("Q2").modseq)
    seen.append(inbox.set_flags(1, {"\\Seen"}).modseq)
    inbox.expunge([2], how="EXPUNGE")
    seen.append(inbox.highest_modseq)
    assert seen == sorted(set(seen))
    assert inbox.gone_since(seen[-2]) == [2]
    assert inbox.gone_since(seen[-1]) == []
    place.again()
    assert place.inbox.highest_modseq == seen[-1]
    place.without_index()
    assert place.inbox.highest_modseq > seen[-1]


# --- recent -------------------------------------------------------------------------------


def test_a_message_is_recent_for_one_session_only(place: Place) -> None:
    place.deliver("Q1")
    place.inbox.append(LETTER, {"\\Seen"})
    assert place.inbox.recent() == {1, 2}
    assert place.inbox.claim_recent("first") == {1, 2}
    assert place.inbox.claim_recent("second") == set()
    assert all(file.startswith("cur/") for file in place.files())
    assert [m.file.split("/")[1] for m in place.inbox.messages()] == ["cur", "cur"]
    place.deliver("Q2")
    place.again()
    assert place.inbox.recent() == {3}


# --- two sessions -------------------------------------------------------------------------


def test_everybody_who_watches_is_told_who_did_it(place: Place) -> None:
    minh: list[Change] = []
    laptop: list[Change] = []
    inbox = place.account.open("inbox")
    assert inbox is place.account.open("INBOX")
    stop = inbox.watch(minh.append)
    inbox.watch(laptop.append)
    place.deliver("Q1")
    inbox.set_flags(1, {"\\Seen"}, by="minh")
    stop()
    inbox.expunge([1], how="EXPUNGE", by="laptop")
    assert minh == [Change("arrived", 1), Change("flags", 1, "minh")]
    assert laptop == [*minh, Change("expunged", 1, "laptop")]


def test_who_is_told_finds_things_as_they_are_now(place: Place) -> None:
    seen: list[tuple[str, int]] = []
    inbox = place.inbox
    inbox.watch(lambda change: seen.append((change.kind, len(inbox.messages()))))
    place.deliver("Q1")
    place.deliver("Q2")
    inbox.set_flags(2, {"\\Seen"})
    inbox.expunge([1, 2], how="EXPUNGE")
    assert seen == [("arrived", 1), ("arrived", 2), ("flags", 2), ("expunged", 0), ("expunged", 0)]


def test_a_watcher_may_stop_while_it_is_told(place: Place) -> None:
    told: list[Change] = []

    def once(change: Change) -> None:
        told.append(change)
        stop()

    stop = place.inbox.watch(once)
    place.deliver("Q1")
    place.deliver("Q2")
    assert len(told) == 1


def test_a_deleted_mailbox_tells_its_sessions_and_then_refuses(place: Place) -> None:
    work = place.account.create("work")
    work.append(LETTER)
    told: list[Change] = []
    work.watch(told.append)
    place.account.delete("work")
    assert told == [Change("expunged", 1)]
    assert work.deleted
    with pytest.raises(NoSuchMailbox):
        work.messages()
    with pytest.raises(NoSuchMailbox):
        work.append(LETTER)


# --- when the index fails -----------------------------------------------------------------


def test_when_the_index_fails_nothing_has_changed(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **more: object) -> None:
        raise IndexFailed("disk is full")

    place.deliver("Q1")
    before = place.files()
    with monkeypatch.context() as patch:
        patch.setattr(Index, "put", full)
        with pytest.raises(OSError, match="disk is full"):
            place.deliver("Q2")
        with pytest.raises(OSError, match="disk is full"):
            place.inbox.set_flags(1, {"\\Seen"})
    assert place.files() == before
    assert place.deliver("Q2").uid == 2
    assert place.inbox.message(1).flags == frozenset()


def test_ten_thousand_messages(place: Place) -> None:
    inbox = place.inbox
    with place.store._context.index.batch():
        for number in range(10_000):
            inbox.deliver(b"x\r\n", recipient=ADDRESS, parcel=None, key=str(number))
    assert len(inbox.messages()) == 10_000
    assert inbox.messages() is inbox.messages()
    place.again()
    assert [m.uid for m in place.inbox.messages()] == list(range(1, 10_001))
