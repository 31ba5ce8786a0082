"""The table: what RFC 1939 and its extensions allow, and where."""

from __future__ import annotations

from labmail.pop3.states import AUTHORIZATION, STATES, TRANSACTION, UPDATE, states_of


def test_only_quit_leads_to_update() -> None:
    ways = [
        (state, verb)
        for state, commands in STATES.items()
        for verb, after in commands.items()
        if after == UPDATE
    ]
    assert ways == [(TRANSACTION, "QUIT")]


def test_nothing_leads_back_to_authorization() -> None:
    assert AUTHORIZATION not in STATES[TRANSACTION].values()
    assert STATES[UPDATE] == {}


def test_where_a_command_belongs() -> None:
    assert states_of("RETR") == (TRANSACTION,)
    assert states_of("CAPA") == (AUTHORIZATION, TRANSACTION)
    assert states_of("APOP") == ()
