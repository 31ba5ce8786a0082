"""The state machine of an SMTP session, as one table (RFC 5321 §4.1.4).

A session begins when the server has greeted.  The client says who it is, then
runs as many transactions as it likes, each of them MAIL, RCPT (once or more
often), DATA::

    opening ──220──▶ greeted ──EHLO──▶ ready ──MAIL──▶ mail ──RCPT──▶ rcpt ──DATA──▶ data
                                         ▲                                            │
                                         └───────────────── "." ──────────────────────┘

In mail it is the *reply* that moves the machine, not the command: MAIL answered
with 550 leaves everything as it was.  So the table says where a verb leads if
the answer is positive.  It is blind to roles: the server asks it whether a verb
is in order, an observer follows a session of others with it, and the picture in
the notebook is drawn from it.

Three things are no verbs and have names all the same: "" is the greeting
nobody asked for, "." the end of the content, and "(auth)" a line that goes on
with AUTH.

Three things do not fit into such a table and are named below it: a reply of the
3yz class means "go on", not "done" (`GO_ON`); the content, an AUTH exchange and
the opening are over whatever the answer to them is (`ENDS_ANYHOW`); and 421
closes the session from everywhere (RFC 5321 §3.8).

TLS, and who the client is, are no states.  They are facts beside the state,
which STARTTLS changes by making a session begin again (RFC 3207 §4.2).
"""

from __future__ import annotations


def _anytime(state: str) -> dict[str, str]:
    """Verbs that are in order at any time and change nothing (RFC 5321 §4.1.4)."""
    return {"NOOP": state, "HELP": state, "VRFY": state, "EXPN": state, "QUIT": "closed"}


STATES: dict[str, dict[str, str]] = {
    "opening": {"": "greeted"},
    "greeted": {
        "EHLO": "ready",
        "HELO": "ready",
        "RSET": "greeted",
        **_anytime("greeted"),
    },
    "ready": {
        "MAIL": "mail",
        "STARTTLS": "greeted",  # RFC 3207 §4.2: the client has to say EHLO again
        "AUTH": "ready",
        "EHLO": "ready",
        "HELO": "ready",
        "RSET": "ready",
        **_anytime("ready"),
    },
    "mail": {
        "RCPT": "rcpt",
        "EHLO": "ready",
        "HELO": "ready",
        "RSET": "ready",
        **_anytime("mail"),
    },
    "rcpt": {
        "RCPT": "rcpt",
        "DATA": "rcpt",  # only 354 leads on, see GO_ON
        "EHLO": "ready",
        "HELO": "ready",
        "RSET": "ready",
        **_anytime("rcpt"),
    },
    "data": {".": "ready"},
    "auth": {"(auth)": "ready"},
    "unwelcome": {"QUIT": "closed"},  # RFC 5321 §3.1: greeted with 554
    "closed": {},
}
"""{state: {verb: next state if the answer is positive}}"""

GO_ON: dict[str, str] = {"DATA": "data", "AUTH": "auth", "(auth)": "auth"}
"""Where 3yz leads: the server waits for more of the same (RFC 5321 §4.2.1, RFC 4954 §4)."""

ENDS_ANYHOW: dict[str, str] = {"data": "ready", "auth": "ready", "opening": "unwelcome"}
"""States that the answer to their end leaves, be it positive or negative (RFC 5321 §4.1.1.4),
and where a negative one leads."""

VERBS: frozenset[str] = frozenset(
    verb for verbs in STATES.values() for verb in verbs if verb.isalpha()
)
"""The commands there are."""


def in_order(state: str, verb: str) -> bool:
    """Whether a server in this state may carry out this verb."""
    return verb in STATES[state]


def after(state: str, verb: str, code: int) -> str:
    """The state after `verb` was answered with `code`.

    A verb that was out of order, or that nobody knows, changes nothing,
    whatever was answered; an unknown state raises KeyError.
    """
    verbs = STATES[state]
    if code == 421:  # RFC 5321 §3.8
        return "closed"
    if verb not in verbs:
        return state
    if 300 <= code < 400:
        return GO_ON.get(verb, state)
    if code < 300:
        return verbs[verb]
    return ENDS_ANYHOW.get(state, state)
