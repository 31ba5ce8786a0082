from __future__ import annotations

import pytest

from labmail.smtp import states


def test_a_session_walks_the_table():
    state = "opening"
    for verb, code, expected in [
        ("", 220, "greeted"),
        ("MAIL", 503, "greeted"),
        ("EHLO", 250, "ready"),
        ("MAIL", 250, "mail"),
        ("RCPT", 550, "mail"),
        ("RCPT", 250, "rcpt"),
        ("NOOP", 250, "rcpt"),
        ("DATA", 354, "data"),
        (".", 250, "ready"),
        ("QUIT", 221, "closed"),
    ]:
        state = states.after(state, verb, code)
        assert state == expected, f"after {verb} {code}"


@pytest.mark.parametrize(
    ("state", "verb", "code", "expected"),
    [
        ("rcpt", "DATA", 451, "rcpt"),
        ("data", ".", 550, "ready"),
        ("data", "", 421, "closed"),
        ("opening", "", 554, "unwelcome"),
        ("opening", "", 421, "closed"),
        ("unwelcome", "EHLO", 503, "unwelcome"),
        ("unwelcome", "QUIT", 221, "closed"),
        ("ready", "AUTH", 334, "auth"),
        ("auth", "(auth)", 334, "auth"),
        ("auth", "(auth)", 535, "ready"),
        ("ready", "AUTH", 235, "ready"),
        ("ready", "STARTTLS", 220, "greeted"),
        ("ready", "STARTTLS", 454, "ready"),
        ("rcpt", "RSET", 250, "ready"),
        ("mail", "EHLO", 250, "ready"),
        ("rcpt", "MAIL", 503, "rcpt"),
        ("ready", "FOO", 500, "ready"),
    ],
)
def test_the_reply_moves_the_machine(state, verb, code, expected):
    assert states.after(state, verb, code) == expected


def test_every_state_is_reached_and_every_target_exists():
    targets = {t for verbs in states.STATES.values() for t in verbs.values()}
    targets |= set(states.GO_ON.values()) | set(states.ENDS_ANYHOW.values())
    assert targets == set(states.STATES) - {"opening"}


def test_the_verbs_are_those_of_the_standard():
    assert sorted(states.VERBS) == [
        *("AUTH", "DATA", "EHLO", "EXPN", "HELO", "HELP", "MAIL"),
        *("NOOP", "QUIT", "RCPT", "RSET", "STARTTLS", "VRFY"),
    ]
