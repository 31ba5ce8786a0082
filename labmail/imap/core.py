"""The IMAP server as a core without I/O: bytes in, outputs out (`labmail.net.core`).

What happens to a command, in order:

1. `framer` collects it, asks for its literals, refuses what is too much.
2. It is recorded (`Heard`), with its password marked.
3. Its tag and verb are read; the state table says whether it is allowed now.
4. Its handler reads the rest, acts, says what is untagged, returns an `Answer`.
5. What has happened in the mailbox meanwhile is said: that is the moment for it
   (RFC 3501 §5.2).
6. The answer is sent, and moves the state.

A command is finished before the next one is looked at, however many have come at once
(§5.5).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from labmail.imap.commands import any as any_state
from labmail.imap.commands import auth, nonauth, select
from labmail.imap.commands.handler import Handler
from labmail.imap.framer import Frame, FrameLimits, Framer, GoAhead, Refused
from labmail.imap.grammar import Decoder, NotGrammar
from labmail.imap.masking import secrets_among, secrets_of
from labmail.imap.response import CRLF, Answer, Ask, Refusal, status_line
from labmail.imap.session import CheckPassword, Session
from labmail.imap.states import EXPUNGE_HELD_BACK, STATES, STATES_ON_NO, State, where_allowed
from labmail.mailbox.errors import BadMailboxName, MailboxError, MailboxExists, NoSuchMailbox
from labmail.net.core import (
    Enough,
    HandOn,
    HangUp,
    Heard,
    Limit,
    Output,
    never_enough,
    nothing_early,
)
from labmail.net.limits import Limits

HANDLERS: dict[str, Handler] = {
    **any_state.COMMANDS,
    **nonauth.COMMANDS,
    **auth.COMMANDS,
    **select.COMMANDS,
}
"""Every command there is."""

LITERALS = 50
"""Literals of one command."""
LETTERS_AT_ONCE = 4
"""What is answered to bytes that came at once, in letters of the greatest size: all of it is
in memory before the first octet is sent, and "fetch everything" is a short command."""

_CODES: tuple[tuple[type[MailboxError], str], ...] = (  # RFC 5530 §3
    (NoSuchMailbox, "NONEXISTENT"),
    (MailboxExists, "ALREADYEXISTS"),
    (BadMailboxName, "CANNOT"),
)


class ImapCore:
    """One IMAP session; `Core` says what its methods mean and when to call them.

    `login` checks a user's password, `tls` is "none", "offered" (STARTTLS) or "on"
    (implicit).  Passwords are taken under TLS only, unless `allow_clear`.
    """

    def __init__(
        self,
        host: str,
        login: CheckPassword,
        tls: Literal["none", "offered", "on"],
        limits: Limits,
        now: Callable[[], datetime],
        *,
        allow_clear: bool = False,
    ) -> None:
        self._session = Session(host, login, tls, limits, now, allow_clear)
        self._framer = Framer(frame_limits(limits, logged_in=False))
        self._asked: tuple[str, Ask] | None = None  # tag, and what the next line goes to
        self._bad_commands = 0
        self.hand_on: HandOn = nothing_early
        self.enough: Enough = never_enough
        self._deaf = False  # hanging up, or waiting for the handshake

    # --- Core -----------------------------------------------------------------------------

    def greet(self) -> list[Output]:
        """The server speaks first (RFC 3501 §7.1.1)."""
        session = self._session
        text = f"{session.host} is ready"
        code = f"CAPABILITY {session.capabilities()}"
        session.say(status_line("*", "OK", text, code), "OK")
        return session.take_outputs()

    def receive(self, data: bytes) -> list[Output]:
        """Bytes of the client: act on every command that is complete."""
        self._framer.feed(data)
        self._session.room = LETTERS_AT_ONCE * self._session.limits.message
        while not (self._deaf or self.enough()):
            found = self._framer.next(self._asked is not None)
            if found is None:
                break
            self._act_on(found)
        if self._deaf:
            self._framer.discard()
        return self._session.take_outputs()

    def tls_started(self) -> list[Output]:
        """Begin anew, inside TLS: the client asks for the capabilities again (§6.2.1)."""
        self._session.tls = "on"
        self._deaf = False
        return []

    def changed(self) -> list[Output]:
        """Nothing: between commands an IMAP client does not expect to hear anything; it is
        told when its next command ends (§7.4.1)."""
        return []

    def timed_out(self) -> list[Output]:
        """The autologout timer (RFC 3501 §5.4)."""
        if self._deaf:
            return [HangUp("autologout")]
        self._bye("Silent for too long", HangUp("autologout"))
        return self._session.take_outputs()

    def lost(self) -> list[Output]:
        """The connection is gone."""
        self._stop_listening()
        self._session.leave_mailbox()
        return self._session.take_outputs()

    # --- from bytes to a command -------------------------------------------------------------

    def _act_on(self, found: Frame | GoAhead | Refused) -> None:
        if isinstance(found, GoAhead):
            self._say_plus(f"Ready for {found.size} octets".encode("ascii"))
        elif isinstance(found, Refused):
            self._refuse(found)
        elif self._asked:
            self._continue(*self._asked, found)
        elif found.data:  # an empty line is no command
            self._command(found)

    def _say_plus(self, text: bytes) -> None:
        self._session.say(b"+ " + text + CRLF, "+", self._session.verb)

    def _refuse(self, refused: Refused) -> None:
        """A command that was not read; the framer is in step again, or the session ends."""
        tag, verb = (self._asked[0], "(auth)") if self._asked else _names_of(refused.head)
        secrets = ((0, len(refused.head)),) if self._asked else secrets_of(refused.head)
        on_wire = tuple((refused.offset + start, refused.end) for start, _ in secrets)
        self._hear(refused.head, refused.offset, verb, tag, secrets, on_wire)
        self._asked = None
        outputs = self._session.outputs
        if refused.limit:
            outputs.append(Limit(refused.limit, "closed" if refused.fatal else "refused"))
        if refused.fatal:
            return self._bye(refused.problem, HangUp(f"limit: {refused.limit}"))
        if refused.code:
            return self._finish(tag, verb, Answer("NO", refused.problem, refused.code))
        return self._finish(tag, verb, Answer("BAD", refused.problem))

    def _hear(
        self,
        line: bytes,
        offset: int,
        verb: str,
        tag: str,
        secrets: tuple[tuple[int, int], ...],
        on_wire: tuple[tuple[int, int], ...] | None = None,
    ) -> None:
        """Record a command.  Where it was read whole, its places on the wire are those in it."""
        if on_wire is None:
            on_wire = tuple((offset + start, offset + end) for start, end in secrets)
        state = self._session.state.value
        self._session.outputs.append(Heard(verb, line, state, offset, tag, secrets, on_wire))
        self._session.outputs = self.hand_on(self._session.outputs)

    def _command(self, frame: Frame) -> None:
        dec = Decoder(frame.data)
        tag, verb = _names_of(frame.data)
        self._hear(frame.data, frame.offset, verb, tag, secrets_of(frame.data))
        self._session.verb, self._session.command_at = verb, frame.offset
        try:
            dec.expect_tag()
            dec.expect_sp()
            handler = self._handler(_read_verb(dec))
        except NotGrammar as error:
            return self._finish(tag, verb, Answer("BAD", str(error)))
        return self._run(tag, verb, lambda: handler(self._session, dec))

    def _handler(self, verb: str) -> Handler:
        """The command's handler.  Raises `NotGrammar` if there is none, or not in this state."""
        if verb in STATES[self._session.state]:
            return HANDLERS[verb]
        states = where_allowed(verb)
        if not states:
            raise NotGrammar(f"there is no command {verb[:40]}")
        allowed = " or ".join(states)
        raise NotGrammar(f"{verb} needs the state {allowed}; this is {self._session.state}")

    def _continue(self, tag: str, ask: Ask, frame: Frame) -> None:
        """The line that a `+` asked for."""
        self._hear(frame.data, frame.offset, "(auth)", tag, ((0, len(frame.data)),))
        self._asked = None
        self._run(tag, self._session.verb, lambda: ask.then(frame.data))

    # --- from a command to its answer ---------------------------------------------------------

    def _run(self, tag: str, verb: str, step: Callable[[], Answer | Ask]) -> None:
        """One step of a command, whatever it ends in."""
        try:
            result = step()
        except NotGrammar as error:
            result = Answer("BAD", str(error))
        except Refusal as refusal:
            result = refusal.answer
        except MailboxError as error:
            code = next((code for kind, code in _CODES if isinstance(error, kind)), "")
            result = Answer("NO", str(error), code)
        except OSError as error:  # the disk is full, or the like
            text = f"The server could not do that ({type(error).__name__}); try again later"
            result = Answer("NO", text, "UNAVAILABLE")
        if isinstance(result, Ask):
            self._asked = (tag, result)
            self._say_plus(result.challenge)
        else:
            self._finish(tag, verb, result)

    def _finish(self, tag: str, verb: str, answer: Answer) -> None:
        """Tell what is new, send the answer, move the state, do what it entails."""
        session = self._session
        self._tell_updates(verb)
        if answer.then:
            self._stop_listening()
        before = session.state
        after = {
            "OK": STATES[before].get(verb, before),
            "NO": STATES_ON_NO.get(before, {}).get(verb, before),
        }.get(answer.kind, before)
        if after is not State.SELECTED:
            session.leave_mailbox()
        session.say(answer.line(tag), answer.kind, verb, tag if tag != "*" else "", after)
        session.outputs += answer.then
        session.verb = ""
        self._framer.limits = frame_limits(session.limits, session.account is not None)
        self._after(answer)

    def _tell_updates(self, verb: str) -> None:
        """What happened in the open mailbox; but for EXPUNGE nobody asked, and no verb is
        answered."""
        session = self._session
        if session.selected is None:
            return
        asked, session.verb = session.verb, verb if verb == "EXPUNGE" else ""
        for update in session.selected.updates(expunge=verb not in EXPUNGE_HELD_BACK):
            session.untagged(update)
        session.verb = asked

    def _after(self, answer: Answer) -> None:
        """What an answer means for the session as a whole."""
        session = self._session
        if session.selected is not None and session.selected.vanished:
            return self._bye("The open mailbox was deleted or made anew", HangUp("mailbox deleted"))
        if answer.kind == "BAD":
            self._bad_commands += 1
            if self._bad_commands >= session.limits.bad_commands:
                session.outputs.append(Limit("bad commands", "closed"))
                self._bye("Too many commands that make no sense", HangUp("bad commands"))
        return None

    def _stop_listening(self) -> None:
        """Throw away what has come and was not acted on (before TLS: RFC 3501 §6.2.1).

        It is on record all the same, so a password in it has to be marked.
        """
        self._deaf = True
        end = self._framer.given
        rest = self._framer.discard()
        secrets = ((0, len(rest.data)),) if self._asked else secrets_among(rest.data)
        if rest.data and secrets:
            on_wire = tuple((rest.offset + start, end) for start, _ in secrets)
            self._hear(rest.data, rest.offset, "", "", secrets, on_wire)

    def _bye(self, text: str, hang_up: HangUp) -> None:
        """The server ends the session (RFC 3501 §7.1.5)."""
        session = self._session
        session.leave_mailbox()
        self._stop_listening()
        session.say(status_line("*", "BYE", text), "BYE", after=State.LOGOUT)
        session.outputs.append(hang_up)
        self._asked = None


def frame_limits(limits: Limits, logged_in: bool) -> FrameLimits:
    """What is read of one command: much less of somebody who has not said who they are.

    A line may have 8,000 octets or more (RFC 2683 §3.2.1.5): twice what SMTP allows.
    """
    line = 2 * limits.command_line
    literal = limits.message if logged_in else limits.literal_before_login
    total = literal + (line if logged_in else 3 * literal)
    return FrameLimits(line, literal, total, LITERALS, drain=total)


def _names_of(command: bytes) -> tuple[str, str]:
    """Tag and verb, for the record and the answer: ``*`` and "" where they cannot be read
    (RFC 3501 §7.1.3)."""
    tag = "*"
    dec = Decoder(command)
    try:
        name = dec.expect_tag()
        dec.expect_sp()
        tag = name
        return tag, _read_verb(dec)
    except NotGrammar:
        return tag, ""


def _read_verb(dec: Decoder) -> str:
    """The command's name in capitals; ``UID FETCH`` is one name."""
    verb = dec.expect_word("the name of a command")
    if verb == "UID":
        dec.expect_sp()
        verb += " " + dec.expect_word("FETCH, STORE, COPY or SEARCH")
    return verb
