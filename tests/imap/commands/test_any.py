"""CAPABILITY, NOOP and LOGOUT: in every state."""

from __future__ import annotations

import pytest

from tests.imap.house import LOGIN, Client, House

STATES = [[], [LOGIN], [LOGIN, "SELECT INBOX"]]


@pytest.mark.parametrize("commands", STATES)
def test_in_every_state(house: House, commands: list[str]) -> None:
    client = Client(house.core())
    for command in commands:
        client.do(command)
    assert client.lines("CAPABILITY")[0].startswith("CAPABILITY IMAP4rev1 ")
    assert client.lines("NOOP") == []
    assert client.do("LOGOUT").startswith(b"* BYE ")
    assert client.do("NOOP") == b""
