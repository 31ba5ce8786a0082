"""The index: transactions, and trouble with the file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from labmail.mailbox.index import DamagedIndex, Index, IndexFailed
from labmail.mailbox.model import Message
from tests.mailbox.place import NOON

MESSAGE = Message(1, frozenset({"\\Seen"}), 3, NOON, 7, "m/new/x", 2, "0a")


def test_a_batch_is_stored_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.sqlite")
    box = index.add_box("account-1/mailbox-1", 1, 1).id
    with pytest.raises(ValueError), index.batch():
        index.put(box, MESSAGE)
        with index.batch():
            index.count(box, 2, 2)
        raise ValueError("something went wrong")
    assert index.messages(box) == []
    with index.batch():
        index.put(box, MESSAGE)
    assert index.messages(box) == [MESSAGE]
    index.close()


def test_what_is_gone_is_remembered(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.sqlite")
    box = index.add_box("account-1/mailbox-1", 1, 1).id
    index.put(box, MESSAGE)
    assert index.uid_of(box, "0a") == 1
    index.drop(box, [MESSAGE], 3)
    assert index.messages(box) == []
    assert index.uid_of(box, "0a") == 1
    assert index.uid_of(box, "0b") is None
    assert index.gone_since(box, 2) == [1]
    index.forget("account-1/mailbox-1")
    assert index.box("account-1/mailbox-1") is None
    assert index.uid_of(box, "0a") is None
    index.close()


def test_a_file_that_is_no_index(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(DamagedIndex, match="made again"):
        Index(tmp_path / "index.sqlite")


def test_an_index_of_another_format(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(DamagedIndex, match="format 99"):
        Index(path)


def test_a_place_where_no_file_can_be(tmp_path: Path) -> None:
    with pytest.raises(IndexFailed):
        Index(tmp_path / "nowhere" / "index.sqlite")
