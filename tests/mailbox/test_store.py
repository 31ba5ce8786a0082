"""The store: accounts, and what is on disk."""

from __future__ import annotations

import json

import pytest

from labmail.mailbox.errors import MailboxError, NoSuchAccount
from labmail.mailbox.store import MailStore
from labmail.runtime.ids import Ids
from tests.mailbox.place import ADDRESS, HOST, LETTER, NOON, Killed, Place


def test_an_account_is_made_once(place: Place) -> None:
    account = place.store.add_account("Minh@Saigon.Example")
    assert account is place.account
    assert account is place.store.account("MINH@saigon.example")
    assert place.store.accounts() == [account]
    assert account.address == ADDRESS


def test_accounts_come_in_the_order_in_which_they_were_added(place: Place) -> None:
    for number in range(12):
        place.store.add_account(f"u{number}@saigon.example")
    addresses = [account.address for account in place.store.accounts()]
    place.again()
    assert [account.address for account in place.store.accounts()] == addresses


def test_nobody_there(place: Place) -> None:
    with pytest.raises(NoSuchAccount, match="add the account"):
        place.store.account("son@hanoi.example")


@pytest.mark.parametrize("address", ["", "minh", "mi\nnh@x", "\0@x"])
def test_what_is_no_address(place: Place, address: str) -> None:
    with pytest.raises(MailboxError, match="local@domain"):
        place.store.add_account(address)


def test_what_lies_on_disk_can_be_read_by_people(place: Place) -> None:
    place.deliver("Q1")
    account = json.loads((place.folder / "account-1" / "account.json").read_text())
    mailbox = json.loads((place.folder / "account-1" / "mailbox-1" / "mailbox.json").read_text())
    assert account["address"] == ADDRESS
    assert mailbox["name"] == "INBOX"
    assert mailbox["uidvalidity"] == place.inbox.uidvalidity


def test_two_stores_with_the_same_seed_write_the_same_names(place: Place) -> None:
    place.deliver("Q1")
    place.inbox.append(b"x")
    other = Place(place.folder.with_name("other"))
    other.deliver("Q1")
    other.inbox.append(b"x")
    assert other.files() == place.files()
    assert other.inbox.uidvalidity == place.inbox.uidvalidity
    other.store.close()


def test_a_crash_while_an_account_is_made_leaves_nothing_half_made(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*args: object, **more: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("labmail.mailbox.meta.os.replace", killed)
        with pytest.raises(Killed):
            place.store.add_account("son@saigon.example")
    place.again()
    assert [account.address for account in place.store.accounts()] == [ADDRESS]
    son = place.store.add_account("son@saigon.example")
    assert len(son.mailboxes()) == 5


def test_an_account_nobody_can_name_is_an_error(place: Place) -> None:
    (place.account.folder / "account.json").write_text("[]")
    with pytest.raises(MailboxError, match="repair the file"):
        MailStore(place.folder, HOST, lambda: NOON, place.recorder.emit, Ids(1))


def test_durable_means_fsync(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("labmail.mailbox.maildir.os.fsync", synced.append)
    folder = place.folder.with_name("durable")
    store = MailStore(folder, HOST, lambda: NOON, place.recorder.emit, Ids(1), durable=True)
    inbox = store.add_account(ADDRESS).open("INBOX")
    before = len(synced)
    inbox.deliver(b"x\r\n", recipient=ADDRESS, parcel=None, key="Q1")
    assert len(synced) == before + 2  # the file, and the folder that names it
    store.close()


def test_the_highest_number_of_a_letter_is_known(place: Place) -> None:
    assert place.store.highest_parcel() == 0
    place.account.open("Sent").append(LETTER)
    assert place.store.highest_parcel() == 0
    place.deliver("Q1")
    place.again()
    assert place.store.highest_parcel() == 7
