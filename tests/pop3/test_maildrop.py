"""The maildrop of one session: numbers that hold, marks, the lock."""

from __future__ import annotations

import pytest

from labmail.mailbox.store import MailboxError, MaildropLocked
from labmail.pop3.maildrop import Maildrop, NoMessage
from tests.pop3.house import House


def test_numbers_hold_to_the_end(house: House) -> None:
    drop = Maildrop(house.account)
    drop.mark(1)
    assert [number for number, _ in drop.listed()] == [2, 3]
    assert (drop.count(), drop.octets()) == (2, 106)
    with pytest.raises(NoMessage):
        drop.message(1)
    drop.unmark_all()
    assert drop.message(1).uid == 1


def test_unique_ids_are_one_to_seventy_visible_characters(house: House) -> None:
    drop = Maildrop(house.account)
    names = [drop.unique_id(message) for _, message in drop.listed()]
    assert len(set(names)) == 3
    assert all(len(name) == 16 and name.isalnum() for name in names)


def test_update_removes_what_is_marked(house: House) -> None:
    drop = Maildrop(house.account)
    drop.mark(3)
    assert drop.update() == 1
    assert [message.uid for message in house.inbox.messages()] == [1, 2]


def test_the_lock_is_given_back(house: House) -> None:
    drop = Maildrop(house.account)
    with pytest.raises(MaildropLocked):
        Maildrop(house.account)
    drop.release()
    Maildrop(house.account)


def test_a_maildrop_that_cannot_be_opened_is_not_left_locked(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(name: str) -> None:
        raise MailboxError("damaged")

    with monkeypatch.context() as patch:
        patch.setattr(house.account, "open", broken)
        with pytest.raises(MailboxError):
            Maildrop(house.account)
    Maildrop(house.account)
