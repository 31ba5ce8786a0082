"""The state table: complete, closed, and the one the core runs by."""

from __future__ import annotations

from labmail.imap.core import HANDLERS
from labmail.imap.states import EXPUNGE_HELD_BACK, STATES, STATES_ON_NO, State, where_allowed


def test_every_state_has_a_row_and_every_arrow_ends_in_a_state() -> None:
    assert set(STATES) == set(State)
    assert {after for row in STATES.values() for after in row.values()} <= set(State)
    assert not STATES[State.LOGOUT]


def test_the_table_and_the_handlers_name_the_same_commands() -> None:
    assert {verb for row in STATES.values() for verb in row} == set(HANDLERS)


def test_exceptions_are_about_commands_of_the_table() -> None:
    for state, row in STATES_ON_NO.items():
        assert set(row) <= set(STATES[state])
    assert set(HANDLERS) >= EXPUNGE_HELD_BACK


def test_where_a_command_is_allowed() -> None:
    assert where_allowed("LOGIN") == (State.NOT_AUTHENTICATED,)
    assert where_allowed("UID FETCH") == (State.SELECTED,)
    assert where_allowed("HELO") == ()
