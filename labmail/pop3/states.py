"""The states of a POP3 session.

RFC 1939 §3 knows three.  In AUTHORIZATION the client says who it is; in
TRANSACTION it has the maildrop to itself and works on it; QUIT takes it to
UPDATE, and only there are marked messages removed.  A session that ends in any
other way never sees UPDATE, and nothing is removed.

The table says which commands there are in a state, and which state follows *if
the answer is positive*.  After -ERR the state is what it was: it is the reply
that moves the machine.

What does not fit the table: PASS must follow a USER that was answered with +OK;
AUTH takes a further line, which has no verb, if the client did not send its
credentials at once; STLS starts the session anew, under TLS, in the same state; and
QUIT ends the session even where it is answered -ERR, because a marked message
could not be removed (RFC 1939 §6).
"""

from __future__ import annotations

AUTHORIZATION = "AUTHORIZATION"
TRANSACTION = "TRANSACTION"
UPDATE = "UPDATE"
CLOSED = "CLOSED"
"""The connection ends without UPDATE: QUIT came before any login."""

STATES: dict[str, dict[str, str]] = {
    AUTHORIZATION: {
        "USER": AUTHORIZATION,  # RFC 1939 §7
        "PASS": TRANSACTION,  # RFC 1939 §7
        "AUTH": TRANSACTION,  # RFC 5034 §4
        "STLS": AUTHORIZATION,  # RFC 2595 §4
        "CAPA": AUTHORIZATION,  # RFC 2449 §5
        "QUIT": CLOSED,  # RFC 1939 §4
    },
    TRANSACTION: {
        "STAT": TRANSACTION,  # RFC 1939 §5
        "LIST": TRANSACTION,
        "RETR": TRANSACTION,
        "DELE": TRANSACTION,
        "NOOP": TRANSACTION,
        "RSET": TRANSACTION,
        "TOP": TRANSACTION,  # RFC 1939 §7
        "UIDL": TRANSACTION,
        "CAPA": TRANSACTION,  # RFC 2449 §5
        "QUIT": UPDATE,  # RFC 1939 §6
    },
    UPDATE: {},
    CLOSED: {},
}

VERBS = frozenset(verb for commands in STATES.values() for verb in commands)


def states_of(verb: str) -> tuple[str, ...]:
    """The states in which this command may be given."""
    return tuple(state for state, commands in STATES.items() if verb in commands)
