"""Commands of the not authenticated state: who are you (RFC 3501 §6.2).

A password is only taken where nobody can overhear it: inside TLS.  Elsewhere the
server says LOGINDISABLED, and refuses with PRIVACYREQUIRED (RFC 5530 §3) — too late for
a client that has said it already, which is why clients must look first.
"""

from __future__ import annotations

import base64
import binascii

from labmail.imap.commands.handler import Handler
from labmail.imap.grammar import Decoder, NotGrammar
from labmail.imap.response import Answer, Ask, Refusal
from labmail.imap.session import Session
from labmail.net.core import HangUp, Limit, LogIn, StartTls

MAX_FAILED_LOGINS = 5
"""Wrong passwords in one session."""


def starttls(session: Session, dec: Decoder) -> Answer:
    """STARTTLS: from here on encrypted; what was said in the clear is forgotten (§6.2.1)."""
    dec.expect_end()
    if session.tls != "offered":
        why = "TLS is on already" if session.tls == "on" else "This server has no TLS"
        return Answer("BAD", why)
    return Answer("OK", "Begin TLS now", then=(StartTls(),))


def login(session: Session, dec: Decoder) -> Answer:
    """LOGIN user password (§6.2.3)"""
    dec.expect_sp()
    user = dec.expect_text()
    dec.expect_sp()
    password = dec.expect_text()
    dec.expect_end()
    _require_privacy(session)
    return _log_in(session, user, password, "LOGIN")


def authenticate(session: Session, dec: Decoder) -> Answer | Ask:
    """AUTHENTICATE mechanism [initial response] (§6.2.2, RFC 4959 §3)"""
    dec.expect_sp()
    mechanism = dec.expect_word("the name of a SASL mechanism")
    initial = dec.rest() if dec.sp() else None
    dec.expect_end()
    if mechanism != "PLAIN":
        raise Refusal(f"No mechanism {mechanism[:20]} here; there is PLAIN", "CANNOT")
    _require_privacy(session)
    if initial is None:
        return Ask(b"", lambda line: _plain(session, line))
    return _plain(session, b"" if initial == b"=" else initial)


def _plain(session: Session, response: bytes) -> Answer:
    """SASL PLAIN: [authzid] NUL authcid NUL password, in base64 (RFC 4616 §2)."""
    if response == b"*":
        return Answer("BAD", "AUTHENTICATE was cancelled")
    try:
        said = base64.b64decode(response, validate=True).decode("utf-8")
        authzid, user, password = said.split("\0")
    except (binascii.Error, ValueError) as error:
        raise NotGrammar("expected base64 of: NUL, user, NUL, password") from error
    if authzid and authzid.casefold() != user.casefold():
        raise Refusal("One user cannot act as another here", "AUTHORIZATIONFAILED")
    return _log_in(session, user, password, "PLAIN")


def _require_privacy(session: Session) -> None:
    if not session.passwords_allowed:
        way = "STARTTLS first" if session.tls == "offered" else "connect with TLS"
        raise Refusal(f"No passwords in the clear: {way}", "PRIVACYREQUIRED")


def _log_in(session: Session, user: str, password: str, mechanism: str) -> Answer:
    account = session.login(user, password)
    session.outputs.append(LogIn(account.address if account else user, mechanism, bool(account)))
    if account is None:
        return _failed(session)
    session.account = account
    return Answer("OK", f"{account.address} is logged in", f"CAPABILITY {session.capabilities()}")


def _failed(session: Session) -> Answer:
    """The same words whether the user or the password is wrong: RFC 5530 §3."""
    session.failed_logins += 1
    answer = Answer("NO", "User and password do not go together", "AUTHENTICATIONFAILED")
    if session.failed_logins < MAX_FAILED_LOGINS:
        return answer
    over = (Limit("failed logins", "closed"), HangUp("too many failed logins"))
    return Answer(answer.kind, f"{answer.text}; too many attempts", answer.code, then=over)


COMMANDS: dict[str, Handler] = {
    "STARTTLS": starttls,
    "LOGIN": login,
    "AUTHENTICATE": authenticate,
}
