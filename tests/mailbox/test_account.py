"""An account: names, trees of names, subscriptions, the lock of the maildrop."""

from __future__ import annotations

import pytest

from labmail.mailbox.errors import BadMailboxName, MailboxExists, MaildropLocked, NoSuchMailbox
from tests.mailbox.place import LETTER, Killed, Place


def names(place: Place) -> list[str]:
    return [info.name for info in place.account.mailboxes()]


def test_an_account_begins_with_inbox_and_the_special_ones(place: Place) -> None:
    listed = [(i.name, i.special_use, i.subscribed) for i in place.account.mailboxes()]
    assert listed == [
        ("INBOX", None, True),
        ("Drafts", "\\Drafts", True),
        ("Junk", "\\Junk", True),
        ("Sent", "\\Sent", True),
        ("Trash", "\\Trash", True),
    ]


def test_what_was_made_is_there_the_next_time(place: Place) -> None:
    place.account.create("Việc/2026")
    place.account.delete("Junk")
    place.account.subscribe("Việc/2026", True)
    before = names(place)
    assert before == ["INBOX", "Drafts", "Sent", "Trash", "Việc", "Việc/2026"]
    place.again()
    assert names(place) == before
    assert "Việc/2026" in place.account.subscriptions()


def test_inbox_is_inbox_in_any_case(place: Place) -> None:
    assert place.account.open("iNbOx") is place.account.open("INBOX")
    with pytest.raises(MailboxExists):
        place.account.create("inbox")
    assert place.account.create("Inbox/sub").name == "INBOX/sub"
    with pytest.raises(NoSuchMailbox):
        place.account.open("sent")


def test_a_mailbox_made_again_has_another_uidvalidity(place: Place) -> None:
    seen = set()
    for _ in range(3):
        seen.add(place.account.create("work").uidvalidity)
        place.account.delete("work")
        place.again()
    assert len(seen) == 3
    assert place.account.create("work").uidvalidity > max(seen)


def test_deleting_leaves_those_below(place: Place) -> None:
    place.account.create("a/b")
    place.account.delete("a")
    assert "a" not in names(place)
    assert "a/b" in names(place)
    with pytest.raises(BadMailboxName):
        place.account.delete("inbox")
    with pytest.raises(NoSuchMailbox):
        place.account.delete("a")


def test_deleting_leaves_no_files(place: Place) -> None:
    work = place.account.create("work")
    work.append(LETTER)
    place.account.delete("work")
    assert not work.folder.exists()
    assert list(place.account.folder.glob("deleted-*")) == []


def test_renaming_takes_those_below_along(place: Place) -> None:
    place.account.create("a/b/c")
    place.account.create("ab")
    box = place.account.open("a/b")
    box.append(LETTER)
    place.account.rename("a", "x/y")
    assert [n for n in names(place) if n[0] in "ax"] == ["ab", "x", "x/y", "x/y/b", "x/y/b/c"]
    assert place.account.open("x/y/b") is box
    place.again()
    assert place.account.open("x/y/b").read(1) == LETTER


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("nobody", "x", NoSuchMailbox),
        ("a", "Sent", MailboxExists),
        ("a", "a", MailboxExists),
        ("a", "a/b/c", BadMailboxName),
        ("a", "../x", BadMailboxName),
    ],
)
def test_renaming_that_cannot_be(place: Place, old: str, new: str, error: type[Exception]) -> None:
    place.account.create("a")
    before = names(place)
    with pytest.raises(error):
        place.account.rename(old, new)
    assert names(place) == before


def test_renaming_inbox_moves_its_messages(place: Place) -> None:
    place.deliver("Q1")
    place.account.rename("INBOX", "old mail")
    assert place.inbox.messages() == ()
    assert place.account.open("old mail").read(1) == LETTER


def test_a_subscription_outlives_its_mailbox(place: Place) -> None:
    place.account.create("list")
    place.account.subscribe("list")
    place.account.delete("list")
    assert "list" in place.account.subscriptions()
    place.account.subscribe("list", False)
    assert "list" not in place.account.subscriptions()
    with pytest.raises(NoSuchMailbox):
        place.account.subscribe("list")


def test_one_owner_at_a_time(place: Place) -> None:
    minh, phone = object(), object()
    place.account.lock_maildrop(minh)
    place.account.lock_maildrop(minh)
    with pytest.raises(MaildropLocked):
        place.account.lock_maildrop(phone)
    place.account.unlock_maildrop(phone)
    with pytest.raises(MaildropLocked):
        place.account.lock_maildrop(phone)
    place.account.unlock_maildrop(minh)
    place.account.lock_maildrop(phone)


@pytest.mark.parametrize("step", ["labmail.mailbox.account.os.rename", "shutil.rmtree"])
def test_a_crash_while_deleting_leaves_a_mailbox_or_none(
    place: Place, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def killed(*args: object, **more: object) -> None:
        raise Killed

    place.account.create("work").append(LETTER)
    with monkeypatch.context() as patch:
        patch.setattr(step, killed)
        with pytest.raises(Killed):
            place.account.delete("work")
    place.again()
    assert [p.name for p in place.account.folder.glob("deleted-*")] == []
    for info in place.account.mailboxes():
        place.account.open(info.name).messages()


def test_a_crash_while_creating_leaves_nothing_half_made(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*args: object, **more: object) -> None:
        raise Killed

    before = names(place)
    with monkeypatch.context() as patch:
        patch.setattr("labmail.mailbox.account.os.rename", killed)
        with pytest.raises(Killed):
            place.account.create("work")
    place.again()
    assert names(place) == before
    assert list(place.account.folder.glob("making-*")) == []
    place.account.create("work")


def test_a_thousand_mailboxes_are_enough(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labmail.mailbox.account.MAX_MAILBOXES", 7)
    place.account.create("six")
    with pytest.raises(BadMailboxName, match="delete one"):
        place.account.create("seven/eight")
    assert "seven" not in names(place)
