"""Commands of every state (RFC 3501 §6.1)."""

from __future__ import annotations

from labmail.imap.commands.handler import Handler
from labmail.imap.grammar import Decoder
from labmail.imap.response import CRLF, Answer
from labmail.imap.session import Session
from labmail.net.core import HangUp


def capability(session: Session, dec: Decoder) -> Answer:
    """CAPABILITY: what can this server do, for me, now?"""
    dec.expect_end()
    session.untagged(b"CAPABILITY " + session.capabilities().encode("ascii"))
    return Answer("OK", "That is what this server can do")


def noop(session: Session, dec: Decoder) -> Answer:
    """NOOP: nothing, which is the occasion to be told what has changed (§6.1.2)."""
    dec.expect_end()
    return Answer("OK", "Nothing done")


def logout(session: Session, dec: Decoder) -> Answer:
    """LOGOUT: the server says BYE first, then OK (§6.1.3)."""
    dec.expect_end()
    session.say(b"* BYE Good-bye from " + session.host.encode("ascii") + CRLF, "BYE", session.verb)
    return Answer("OK", "Logged out", then=(HangUp("LOGOUT"),))


COMMANDS: dict[str, Handler] = {"CAPABILITY": capability, "NOOP": noop, "LOGOUT": logout}
