"""A message is read when it must be, and not before."""

from __future__ import annotations

import pytest

from labmail.imap.opened import Opened
from labmail.imap.selected import Selected
from labmail.mailbox.errors import NoSuchMessage
from tests.imap.house import PHO, House


def test_what_is_known_without_reading(house: House) -> None:
    selected = Selected(house.inbox, read_only=False)
    opened = Opened(selected, house.inbox.message(2))
    house.inbox.expunge([2], how="test")
    assert (opened.number, opened.recent, opened.message.uid) == (2, True, 2)
    with pytest.raises(NoSuchMessage):
        _ = opened.content


def test_content(house: House) -> None:
    opened = Opened(Selected(house.inbox, read_only=True), house.inbox.message(1))
    assert opened.content == PHO
    assert opened.entity.content == b"At seven?\r\n"
