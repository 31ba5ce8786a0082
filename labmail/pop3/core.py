"""A POP3 session without sockets: bytes in, replies and events out.

One command after the other is read, looked up in the table of its state
(`states.STATES`), and obeyed by the method that `COMMANDS` names; its `Reply`
decides whether the state changes.  As each command is answered before the next
is looked at, a client may send many at once (PIPELINING, RFC 2449 §6.6).

Passwords are taken in the open only where there is no TLS to be had, or where a
lesson asks for it (`allow_clear`; RFC 2595 §2.3).  What came in after STLS and before
the handshake is thrown away: somebody in the middle might have put it there, to be
obeyed as if it had been said under TLS.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from labmail.mailbox.store import Account, MailboxError, MaildropLocked
from labmail.net.core import (
    Deliver,
    Enough,
    HandOn,
    HangUp,
    Heard,
    Limit,
    LogIn,
    Output,
    Say,
    StartTls,
    never_enough,
    nothing_early,
)
from labmail.net.limits import Limits
from labmail.pop3 import sasl
from labmail.pop3.maildrop import Maildrop, NoMessage
from labmail.pop3.replies import Reply, err, go_on, ok
from labmail.pop3.secrets import all_of, secrets_among, secrets_of
from labmail.pop3.states import AUTHORIZATION, STATES, VERBS, states_of
from labmail.pop3.transfer import stuffed, top
from labmail.trace.events import Span

Login = Callable[[str, str], Account | None]
"""``login(user, password)``: the account if they belong together, else None."""

IMPLEMENTATION = "Mail-Lab"
CONTINUATION = "(auth)"
"""The verb, for the record, of a line that answers a challenge of AUTH."""
_NUMBER = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Command:
    """One command: the method that obeys it, and how many arguments it takes."""

    method: str
    least: int
    most: int
    usage: str


COMMANDS: dict[str, Command] = {
    "USER": Command("_user", 1, 1, "USER name"),
    "PASS": Command("_pass", 1, 1, "PASS password"),
    "AUTH": Command("_auth", 1, 2, "AUTH PLAIN [credentials]"),
    "STLS": Command("_stls", 0, 0, "STLS"),
    "CAPA": Command("_capa", 0, 0, "CAPA"),
    "STAT": Command("_stat", 0, 0, "STAT"),
    "LIST": Command("_list", 0, 1, "LIST [number]"),
    "UIDL": Command("_uidl", 0, 1, "UIDL [number]"),
    "RETR": Command("_retr", 1, 1, "RETR number"),
    "TOP": Command("_top", 2, 2, "TOP number lines"),
    "DELE": Command("_dele", 1, 1, "DELE number"),
    "NOOP": Command("_noop", 0, 0, "NOOP"),
    "RSET": Command("_rset", 0, 0, "RSET"),
    "QUIT": Command("_quit", 0, 0, "QUIT"),
}


class BadSyntax(ValueError):
    """The command cannot be understood; the message says what it should look like."""


class Pop3Core:
    """One session.  Implements `labmail.net.core.Core`.

    `host` greets by this name; `tls` is "none" (this server has no TLS),
    "offered" (STLS is there to be used) or "on" (the connection began with TLS).
    With `allow_clear` passwords are taken in the open although STLS is offered.
    """

    def __init__(
        self,
        host: str,
        login: Login,
        tls: Literal["none", "offered", "on"],
        limits: Limits,
        *,
        allow_clear: bool = False,
    ) -> None:
        self.state = AUTHORIZATION
        self._host = host
        self._login = login
        self._tls = tls
        self._limits = limits
        self._allow_clear = allow_clear
        self._buffer = bytearray()
        self._offset = 0
        self._user_given: str | None = None
        self._user_before: str | None = None
        self._challenged = False
        self._handshake = False
        self._leaving = False
        self._closed = False
        self._bad_commands = 0
        self._drop: Maildrop | None = None
        self._outputs: list[Output] = []
        self.hand_on: HandOn = nothing_early
        self.enough: Enough = never_enough

    # --- the core's face ----------------------------------------------------------------

    def greet(self) -> list[Output]:
        """RFC 1939 §4.  No timestamp in angle brackets: APOP is not offered."""
        reply = ok(f"{self._host} POP3 server ready")
        return [Say(reply.data, reply.status, "", self.state, self.state)]

    def receive(self, data: bytes) -> list[Output]:
        self._outputs = []
        self._buffer += data
        while not self._must_wait and (line := self._next_line()) is not None:
            self._obey(line)
        if self._deaf:
            self._forget()
        return self._outputs

    def tls_started(self) -> list[Output]:
        self._handshake = False
        self._tls = "on"
        return []

    def changed(self) -> list[Output]:
        """POP3 never speaks unasked, and new mail waits for the next session."""
        return []

    def timed_out(self) -> list[Output]:
        """Hang up without a word and without UPDATE (RFC 1939 §3)."""
        return [*self.lost(), HangUp("the client was silent for too long")]

    def lost(self) -> list[Output]:
        """The connection is gone.  Nothing is removed: there was no UPDATE (RFC 1939 §6)."""
        self._outputs = []
        self._mark_unheard()
        self._close()
        return self._outputs

    def _close(self) -> None:
        self._closed = True
        self._forget()
        if self._drop is not None:
            self._drop.release()
            self._drop = None

    # --- lines --------------------------------------------------------------------------

    @property
    def _deaf(self) -> bool:
        """Whether what the client says is thrown away: after the end, and between the answer
        to STLS and the end of the handshake."""
        return self._closed or self._handshake

    @property
    def _must_wait(self) -> bool:
        return self._deaf or self.enough()

    def _forget(self) -> None:
        """Throw away what has come and was not acted on."""
        self._offset += len(self._buffer)
        self._buffer.clear()

    def _mark_unheard(self) -> None:
        """What is going to be thrown away is on record all the same: a password in it has to
        be marked."""
        rest = bytes(self._buffer)
        secrets = all_of(rest) if self._challenged else secrets_among(rest)
        if secrets:
            self._hear("", rest, secrets)

    def _next_line(self) -> bytes | None:
        """The next whole line without its end, or None.  CRLF ends a line (RFC 1939 §3); a
        lone LF does too, for the sake of people who type into netcat."""
        end = self._buffer.find(b"\n") + 1
        if (end or len(self._buffer)) > self._limits.command_line:
            self._line_too_long()
            return None
        if not end:
            return None
        return bytes(self._buffer[:end]).removesuffix(b"\n").removesuffix(b"\r")

    def _consume(self) -> None:
        """The line at the head of the buffer has been dealt with."""
        end = self._buffer.find(b"\n") + 1
        self._offset += end
        del self._buffer[:end]

    def _line_too_long(self) -> None:
        line = bytes(self._buffer[: self._limits.command_line])
        self._hear("", line, all_of(line) if self._challenged else secrets_of(line))
        self._say(err(f"a line has at most {self._limits.command_line} octets; good-bye"), "")
        self._give_up("command line")

    # --- commands -----------------------------------------------------------------------

    def _obey(self, line: bytes) -> None:
        if self._challenged:
            self._hear(CONTINUATION, line, all_of(line))
            self._consume()
            self._challenged = False
            self._answer(self._plain(line), CONTINUATION, STATES[AUTHORIZATION]["AUTH"])
            return
        verb = _verb(line)
        self._hear(verb, line, secrets_of(line))
        self._consume()
        self._user_before, self._user_given = self._user_given, None
        commands = STATES[self.state]
        if verb in commands:
            self._answer(self._run(COMMANDS[verb], line), verb, commands[verb])
        else:
            self._misplaced(verb)

    def _run(self, command: Command, line: bytes) -> Reply:
        """Obey a command that has its place in this state."""
        try:
            arguments = _arguments(line, command)
            reply = getattr(self, command.method)(*arguments)
            assert isinstance(reply, Reply)
            return reply
        except BadSyntax as problem:
            self._bad_commands += 1
            return err(str(problem))
        except NoMessage as problem:
            return err(str(problem))
        except (MailboxError, OSError):
            return err("the mailbox cannot be read at the moment; try again later", "SYS/TEMP")

    def _misplaced(self, verb: str) -> None:
        self._bad_commands += 1
        if verb in VERBS:
            places = " or ".join(states_of(verb))
            reply = err(f"{verb} belongs in {places}, this is {self.state}")
        else:
            reply = err("unknown command; CAPA lists what there is")
        self._answer(reply, verb, self.state)

    def _answer(self, reply: Reply, verb: str, following: str) -> None:
        """Say the reply; a positive one moves the machine."""
        if reply.positive and verb == "STLS":
            self._mark_unheard()
        self._say(reply, verb, following if reply.positive else self.state)
        if reply.letter is not None:
            self._outputs.append(Deliver(reply.letter))
        if reply.positive and verb == "STLS":
            self._handshake = True
            self._outputs.append(StartTls())
        if self._leaving:
            self._hang_up()
        elif self._bad_commands >= self._limits.bad_commands:
            self._say(err("too many commands that make no sense; good-bye"), "")
            self._give_up("bad commands")

    def _hear(self, verb: str, line: bytes, secrets: tuple[Span, ...]) -> None:
        wire = tuple((self._offset + start, self._offset + end) for start, end in secrets)
        self._outputs.append(
            Heard(verb, line, self.state, self._offset, secrets=secrets, wire_secrets=wire)
        )
        self._outputs = self.hand_on(self._outputs)

    def _say(self, reply: Reply, verb: str, after: str | None = None) -> None:
        before, self.state = self.state, after or self.state
        self._outputs.append(Say(reply.data, reply.status, verb, before, self.state))

    def _give_up(self, limit: str) -> None:
        self._outputs.append(Limit(limit, "hung up"))
        self._hang_up(f"limit reached: {limit}")

    def _hang_up(self, reason: str = "") -> None:
        self._close()
        self._outputs.append(HangUp(reason))

    # --- AUTHORIZATION --------------------------------------------------------------------

    @property
    def _passwords_welcome(self) -> bool:
        """Whether a password may be said now: nobody must overhear it if that can be helped."""
        return self._allow_clear or self._tls != "offered"

    def _user(self, name: str) -> Reply:
        if not self._passwords_welcome:
            return _only_under_tls()
        self._user_given = name
        return ok("now the password")  # whether the user is known is not told here

    def _pass(self, password: str) -> Reply:
        if not self._passwords_welcome:
            return _only_under_tls()
        if self._user_before is None:
            return err("PASS comes right after a USER that was answered +OK")  # RFC 1939 §7
        return self._log_in(self._user_before, password, "USER")

    def _auth(self, mechanism: str, initial: str | None = None) -> Reply:
        if mechanism.upper() != "PLAIN":
            return err("unknown mechanism; CAPA lists those there are after SASL")
        if not self._passwords_welcome:
            return _only_under_tls()
        if initial is None:
            self._challenged = True
            return go_on()
        # RFC 5034 §4: an empty initial response is written as one equals sign.
        return self._plain(b"" if initial == "=" else initial.encode())

    def _plain(self, response: bytes) -> Reply:
        if response == b"*":
            return err("cancelled, as you wish")  # RFC 5034 §4
        try:
            user, password = sasl.credentials(response)
        except sasl.BadCredentials as problem:
            self._bad_commands += 1
            return err(str(problem))
        return self._log_in(user, password, "PLAIN")

    def _log_in(self, user: str, password: str, mechanism: str) -> Reply:
        account = self._login(user, password)
        if account is None:
            self._bad_commands += 1
            self._outputs.append(LogIn(user, mechanism, ok=False))
            return err("user name and password do not belong together", "AUTH")  # RFC 3206 §5
        try:
            self._drop = Maildrop(account)
        except MaildropLocked:
            return err("another session has the maildrop; try again later", "IN-USE")
        except (MailboxError, OSError):
            return err("the maildrop cannot be opened; try again later", "SYS/TEMP")
        self._outputs.append(LogIn(account.address, mechanism, ok=True))
        return ok(f"maildrop has {self._summary()}")

    def _stls(self) -> Reply:
        if self._tls != "offered":
            return err("TLS is on already" if self._tls == "on" else "there is no TLS here")
        return ok("begin the TLS handshake now")

    # --- either state ---------------------------------------------------------------------

    def _capa(self) -> Reply:
        """RFC 2449 §5 and §6: what works, and nothing else."""
        lines = ["TOP", "UIDL", "RESP-CODES", "AUTH-RESP-CODE", "PIPELINING", "EXPIRE NEVER"]
        if self._passwords_welcome:
            lines += ["USER", "SASL PLAIN"]
        if self._tls == "offered" and self.state == AUTHORIZATION:
            lines.append("STLS")  # RFC 2595 §4
        lines.append(f"IMPLEMENTATION {IMPLEMENTATION}")
        return ok("this is what I can do", lines)

    def _quit(self) -> Reply:
        """In TRANSACTION this leads to UPDATE; the session ends in any case (RFC 1939 §6)."""
        self._leaving = True
        if self._drop is None:
            return ok("good-bye")
        try:
            removed = self._drop.update()
        except (MailboxError, OSError):
            return err("not all messages marked as deleted could be removed", "SYS/TEMP")
        return ok(f"good-bye, {_count(removed, 'message')} removed")

    # --- TRANSACTION ----------------------------------------------------------------------

    @property
    def _maildrop(self) -> Maildrop:
        assert self._drop is not None, "the table lets these commands in in TRANSACTION only"
        return self._drop

    def _summary(self) -> str:
        count, octets = self._maildrop.count(), self._maildrop.octets()
        return f"{_count(count, 'message')} ({_count(octets, 'octet')})"

    def _stat(self) -> Reply:
        return ok(f"{self._maildrop.count()} {self._maildrop.octets()}")

    def _list(self, number: str | None = None) -> Reply:
        if number is not None:
            n = _number(number)
            return ok(f"{n} {self._maildrop.message(n).size}")
        rows = [f"{n} {message.size}" for n, message in self._maildrop.listed()]
        return ok(self._summary(), rows)

    def _uidl(self, number: str | None = None) -> Reply:
        name = self._maildrop.unique_id
        if number is not None:
            n = _number(number)
            return ok(f"{n} {name(self._maildrop.message(n))}")
        rows = [f"{n} {name(message)}" for n, message in self._maildrop.listed()]
        return ok("unique ids follow", rows)

    def _retr(self, number: str) -> Reply:
        content = self._maildrop.read(_number(number), "POP3 RETR")
        return ok(_count(len(content), "octet"), letter=stuffed(content))

    def _top(self, number: str, lines: str) -> Reply:
        n, count = _number(number), _number(lines)
        content = self._maildrop.read(n, "POP3 TOP")
        return ok("top of message follows", letter=stuffed(top(content, count)))

    def _dele(self, number: str) -> Reply:
        n = _number(number)
        self._maildrop.mark(n)
        return ok(f"message {n} marked as deleted")

    def _noop(self) -> Reply:
        return ok("nothing done")

    def _rset(self) -> Reply:
        self._maildrop.unmark_all()
        return ok(f"maildrop has {self._summary()}")


def _only_under_tls() -> Reply:
    return err("passwords are taken under TLS only; say STLS first")


def _verb(line: bytes) -> str:
    """The command's keyword in capitals; "" for what cannot be one (RFC 1939 §3: three or
    four letters).  A password run together with PASS must not become a verb."""
    word = line.split(b" ", 1)[0].upper()
    return word.decode() if word.isalpha() and 3 <= len(word) <= 4 else ""


def _arguments(line: bytes, command: Command) -> list[str]:
    """The arguments of a command.  Raises BadSyntax when there are too few or too many."""
    try:
        _, _, rest = line.decode().partition(" ")
    except UnicodeDecodeError:
        raise BadSyntax(f"octets that are no text; write: {command.usage}") from None
    if any(c < " " or c == "\x7f" for c in rest):
        raise BadSyntax(f"control characters; write: {command.usage}")
    # RFC 1939 §7: all that follows PASS is the password, spaces included.
    words = [rest] if command.method == "_pass" else rest.split(" ")
    arguments = [word for word in words if word]
    if not command.least <= len(arguments) <= command.most:
        raise BadSyntax(f"write: {command.usage}")
    return arguments


def _number(text: str) -> int:
    """A message number or a count of lines.  Raises BadSyntax."""
    if not _NUMBER.fullmatch(text):
        raise BadSyntax("numbers are written with 1 to 10 digits")
    return int(text)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
