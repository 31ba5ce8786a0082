"""The JSON files: replaced as a whole, and read with suspicion."""

from __future__ import annotations

from pathlib import Path

import pytest

from labmail.mailbox.meta import (
    ACCOUNT_FILE,
    MAILBOX_FILE,
    AccountMeta,
    MailboxMeta,
    load_account,
    load_mailbox,
    save,
)


@pytest.mark.parametrize("durable", [False, True])
def test_what_was_saved_is_read(tmp_path: Path, durable: bool) -> None:
    account = AccountMeta("minh@saigon.example", ["INBOX", "Việc"], 5)
    mailbox = MailboxMeta("Việc", 6, None, 9, ["work"])
    save(tmp_path / ACCOUNT_FILE, account, durable)
    save(tmp_path / MAILBOX_FILE, mailbox, durable)
    assert load_account(tmp_path) == account
    assert load_mailbox(tmp_path) == mailbox
    assert "Việc" in (tmp_path / MAILBOX_FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"name": "x", "colour": 1}'])
def test_what_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / ACCOUNT_FILE).write_text(text)
    (tmp_path / MAILBOX_FILE).write_text(text)
    assert load_account(tmp_path) is None
    assert load_mailbox(tmp_path) is None


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    assert load_mailbox(tmp_path) is None
