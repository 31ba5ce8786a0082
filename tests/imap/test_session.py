"""What a session knows and may do."""

from __future__ import annotations

from typing import Any

import pytest

from labmail.imap.response import Letter, Refusal
from labmail.imap.selected import Selected
from labmail.imap.session import Session
from labmail.imap.states import State
from labmail.net.core import Deliver, Say
from labmail.net.limits import Limits
from tests.imap.house import HOST, NOON, House


def session(house: House, tls: str, **more: Any) -> Session:
    return Session(HOST, house.login, tls, Limits(), lambda: NOON, **more)


@pytest.mark.parametrize(
    ("tls", "allow_clear", "words"),
    [
        ("on", False, "AUTH=PLAIN"),
        ("none", False, "AUTH=PLAIN"),
        ("offered", False, "STARTTLS LOGINDISABLED"),
        ("offered", True, "STARTTLS AUTH=PLAIN"),
    ],
)
def test_capabilities(house: House, tls: str, allow_clear: bool, words: str) -> None:
    capabilities = session(house, tls, allow_clear=allow_clear).capabilities()
    assert capabilities == f"IMAP4rev1 LITERAL+ SASL-IR {words}"


def test_a_letter_is_delivered_between_two_lines(house: House) -> None:
    one = session(house, "on", verb="FETCH")
    one.untagged(b"1 FETCH (BODY[] ", Letter(b"ab"), b")")
    state = State.NOT_AUTHENTICATED.value
    assert one.take_outputs() == [
        Say(b"* 1 FETCH (BODY[] {2}\r\n", "*", "FETCH", state, state),
        Deliver(b"ab"),
        Say(b")\r\n", "*", "FETCH", state, state),
    ]
    assert one.take_outputs() == []


def test_read_only_is_not_writable(house: House) -> None:
    one = session(house, "on")
    one.selected = Selected(house.inbox, read_only=True)
    with pytest.raises(Refusal):
        one.writable()
    one.leave_mailbox()
    assert one.selected is None
