"""The state machine of an IMAP session, as one table (RFC 3501 §3).

There are four states.  Who has not said who they are is *not authenticated*; who
has is *authenticated* and must open a mailbox; who has done that has *selected*
one.  After LOGOUT nothing more can be said.

In mail it is the reply that moves the machine: the table says where a command
leads **if it is answered OK**.  Answered NO or BAD, it leads nowhere.  Two things
do not fit and are named:

* SELECT and EXAMINE first close the mailbox that is open, so that their NO leaves
  a session with nothing selected (§6.3.1): `STATES_ON_NO`.
* A server may say BYE at any time; then the state is *logout*.

A command that a state's row does not list is not allowed in that state: BAD.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where a session stands (RFC 3501 §3)."""

    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"
    LOGOUT = "logout"


def _any_state(state: State) -> dict[str, State]:
    return {"CAPABILITY": state, "NOOP": state, "LOGOUT": State.LOGOUT}  # RFC 3501 §6.1


def _logged_in(state: State) -> dict[str, State]:
    staying = (  # RFC 3501 §6.3
        *("CREATE", "DELETE", "RENAME", "SUBSCRIBE", "UNSUBSCRIBE"),
        *("LIST", "LSUB", "STATUS", "APPEND"),
    )
    return {
        **_any_state(state),
        "SELECT": State.SELECTED,
        "EXAMINE": State.SELECTED,
        **dict.fromkeys(staying, state),
    }


STATES: dict[State, dict[str, State]] = {
    State.NOT_AUTHENTICATED: {
        **_any_state(State.NOT_AUTHENTICATED),
        "STARTTLS": State.NOT_AUTHENTICATED,  # RFC 3501 §6.2
        "AUTHENTICATE": State.AUTHENTICATED,
        "LOGIN": State.AUTHENTICATED,
    },
    State.AUTHENTICATED: _logged_in(State.AUTHENTICATED),
    State.SELECTED: {
        **_logged_in(State.SELECTED),
        "CHECK": State.SELECTED,  # RFC 3501 §6.4
        "CLOSE": State.AUTHENTICATED,
        "EXPUNGE": State.SELECTED,
        "SEARCH": State.SELECTED,
        "FETCH": State.SELECTED,
        "STORE": State.SELECTED,
        "COPY": State.SELECTED,
        "UID SEARCH": State.SELECTED,
        "UID FETCH": State.SELECTED,
        "UID STORE": State.SELECTED,
        "UID COPY": State.SELECTED,
    },
    State.LOGOUT: {},
}
"""{state: {verb: next state if the answer is OK}}"""

STATES_ON_NO: dict[State, dict[str, State]] = {
    State.SELECTED: {"SELECT": State.AUTHENTICATED, "EXAMINE": State.AUTHENTICATED},
}
"""{state: {verb: next state if the answer is NO}}, where that is not the same state."""

EXPUNGE_HELD_BACK = frozenset({"FETCH", "STORE", "SEARCH"})
"""Commands that speak in sequence numbers: while they are answered no number may
change, so no EXPUNGE is sent (RFC 3501 §7.4.1).  Their UID twins are other commands."""


def where_allowed(verb: str) -> tuple[State, ...]:
    """The states in which this command may be given (none: there is no such command)."""
    return tuple(state for state, verbs in STATES.items() if verb in verbs)
