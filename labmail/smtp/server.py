"""The SMTP server of a lab host, in both of its roles.

*submission* (587, 465) takes letters from the host's own users, who have to say
who they are; *exchange* (25) takes letters for the host's domains from anybody.
The dialogue is the same, so it is one class.

It stands on aiosmtpd: that brings the life of a connection, the session and the
envelope, the clock, and the table of ``smtp_*`` methods.  Where aiosmtpd is weak
this class does the work itself:

* Its command loop and its DATA reader hold lines without end, take LF for CR LF,
  and wait for the end of an endless line.  Here `Intake` and `DotReader` read.
* Its ``command_size_limits`` live on the class, are cleared by each new connection
  and grow with each EHLO of any client.  Here limits are frozen and handed in.
* Its STARTTLS rebuilds the transport from inside; here the line does TLS.
* Its replies carry no enhanced codes; here each reply comes from `replies`.

How a command is carried out: the table in `states` says whether the verb is in
order; the method ``smtp_VERB`` answers with `say`, or raises `Refusal` with the
answer; `say` moves the state.  One reply for one command, in the order
of the commands: that is all PIPELINING asks of a server (RFC 2920 §3.2).  A client
that goes on without waiting where it must wait (after DATA and AUTH, whose answers
decide what the next bytes are) is cut off.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from aiosmtpd.smtp import SMTP, syntax

from labmail.net.connection import Line
from labmail.net.core import LogIn
from labmail.net.limits import Limits
from labmail.runtime.ids import Ids
from labmail.smtp import replies, states
from labmail.smtp.arguments import HTTP_VERBS, address_of, read_command, recipient_path, sender_path
from labmail.smtp.content import checked
from labmail.smtp.dotreader import DotReader
from labmail.smtp.faults import SILENCE_SECONDS, Answer, Fault, HangUp, Silence
from labmail.smtp.intake import Intake, LineTooLong
from labmail.smtp.lenient import Leniency, LenientDotReader, mended
from labmail.smtp.parameters import mail_parameters, rcpt_parameters
from labmail.smtp.paths import Path, is_hello_name
from labmail.smtp.post import Client, Post, Role, settled
from labmail.smtp.replies import Farewell, Refusal, Reply
from labmail.smtp.sasl import MECHANISMS, BadResponse, Mechanism, decoded
from labmail.smtp.submission import completed
from labmail.smtp.trace_fields import on_top, received, without_forgeries
from labmail.smtp.transaction import Transaction
from labmail.trace.events import FaultStruck, RecipientRefused
from labmail.trace.parcel import Recipient

DATA_SECONDS = 600.0
"""Real seconds for one whole letter: a client that sends an octet a minute is never silent
for long, and never done."""

_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})

_quiet = logging.getLogger("mail.log")  # aiosmtpd's: the trace tells what happened, nothing else
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


class MailServer(SMTP):
    """One SMTP session, seen from the server.

    post: the host (see `Post`).  line: the connection, which also records.
    tls_context: what STARTTLS presents; None where STARTTLS is not offered.
    now: lab time.  ids: gives Message-IDs to letters without.  allow_clear: let
    passwords through without TLS (a lesson on eavesdropping does).  lenient: see
    `labmail.smtp.lenient`, a weakness that only a lesson switches on.
    also_ours: further names of the host; results of checks in them are forged when
    they come in from outside.
    """

    def __init__(
        self,
        post: Post,
        hostname: str,
        role: Role,
        *,
        line: Line,
        limits: Limits,
        now: Callable[[], datetime],
        ids: Ids,
        tls_context: ssl.SSLContext | None = None,
        allow_clear: bool = False,
        lenient: frozenset[Leniency] = frozenset(),
        also_ours: tuple[str, ...] = (),
    ) -> None:
        super().__init__(
            handler=None,
            hostname=hostname,
            timeout=limits.idle_seconds,
            loop=asyncio.get_running_loop(),
        )
        self.state = "opening"
        self.client = Client(line.connection, role, tls=line.tls_on, parcel=line.parcel)
        self._post = post
        self._line = line
        self._limits = limits
        self._now = now
        self._ids = ids
        self._starttls_context = tls_context
        self._allow_clear = allow_clear
        self._lenient = lenient
        self._our_names = (hostname, *also_ours)
        self._verb = ""
        self._errors = self._refused = 0
        self._hanging_up = ""
        self._intake: Intake
        self._steps = {verb: getattr(self, f"smtp_{verb}") for verb in sorted(states.VERBS)}

    # --- the life of a connection -------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._intake = Intake(transport.pause_reading, transport.resume_reading)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._intake.feed(data)

    def eof_received(self) -> bool:
        """The client sends no more; what it asked is still answered."""
        self._intake.end()
        return True

    def timed_out(self) -> None:
        """Say good-bye to a client that was silent, or busy, for too long."""
        if self.transport is not None and not self.transport.is_closing():
            self._writer.write(bytes(replies.TIMED_OUT))
        self._hang_up("timed out")

    def _timeout_cb(self) -> None:
        """aiosmtpd's clock runs for one command, or for one whole letter."""
        if self.transport is None or self.transport.is_closing():
            return  # the line's own clock was quicker
        self._line.limit("command time", "closed" if self._line.handshaking else "421, closed")
        self.timed_out()

    def _create_envelope(self) -> Transaction:
        return Transaction()

    def _hang_up(self, reason: str = "") -> None:
        self.state = "closed"
        self._line.close(reason)

    @property
    def _transaction(self) -> Transaction:
        return cast(Transaction, self.envelope)

    # --- the loop -----------------------------------------------------------------------

    async def _handle_client(self) -> None:
        await self._answer(self._greet())
        while self.state != "closed":
            self._reset_timeout()
            await self._answer(self._hear())

    async def _answer(self, doing: Any) -> None:
        """Carry something out; if it is refused, or fails, say so."""
        try:
            await doing
        except Farewell as farewell:
            self._give_up(farewell.reply, farewell.limit)
        except Refusal as refusal:
            await self.say(refusal.reply)
        except ConnectionError:
            self._hang_up()
        except OSError as error:
            full = error.errno in _DISK_FULL
            await self.say(replies.NO_SPACE if full else replies.trouble(error))
        except Exception as error:  # whatever broke in the host: the client keeps its letter
            await self.say(replies.trouble(error))

    async def say(self, reply: Reply) -> None:
        """Answer the command.  The state moves, and errors are counted."""
        if self.transport is None or self.state == "closed":
            return
        if self._hanging_up == "between":
            self._hang_up("planned")
            return
        self._writer.write(bytes(reply))
        self.state = states.after(self.state, self._verb, reply.code)
        if self.state in ("greeted", "ready"):  # no transaction in these
            self._forget_transaction()
        with suppress(ConnectionError):  # whoever does not listen any more is not waited for
            await self._writer.drain()
        if self.state == "closed":
            self._hang_up(reply.text if reply.code == 421 else "")
        elif self._hanging_up:
            self._hang_up("planned")
        elif reply.permanent:
            self._count(reply)

    def _count(self, reply: Reply) -> None:
        """What made no sense, and recipients that are refused, each wear out our patience."""
        if self._verb == "RCPT" and reply.code // 10 == 55:  # x5z: not syntax (RFC 5321 §4.2.1)
            self._refused += 1
        else:
            self._errors += 1
        if self._errors >= self._limits.bad_commands:
            self._give_up(replies.TOO_MANY_ERRORS, "errors")
        elif self._refused >= self._limits.refused_recipients:
            self._give_up(replies.TOO_MANY_ERRORS, "refused recipients")

    def _give_up(self, reply: Reply, limit: str) -> None:
        """Say why, and hang up: this client is not worth more."""
        self._line.limit(limit, f"{reply.code}, closed")
        if self.transport is not None and self.state != "closed":
            self._writer.write(bytes(reply))
        self._hang_up(reply.text)

    async def _greet(self) -> None:
        await self._meet_fault("")
        await self.say(replies.greeting(self.hostname))

    async def _hear(self) -> None:
        """Read one command and carry it out."""
        try:
            line = await self._intake.line(self._limits.command_line)
        except LineTooLong:
            raise Farewell(replies.LINE_TOO_LONG, "command line") from None
        if line is None:
            self._hang_up()
        else:
            await self._obey(line)

    async def _obey(self, line: bytes) -> None:
        self._verb, argument = self._read(line)
        if self._verb in HTTP_VERBS:
            raise Farewell(replies.NOT_HTTP, "HTTP")
        step = self._steps.get(self._verb)
        if step is None:
            raise Refusal(replies.UNKNOWN_COMMAND)
        if not states.in_order(self.state, self._verb):
            raise Refusal(self._out_of_order())
        await self._meet_fault(self._verb, argument)
        await step(argument)

    def _read(self, line: bytes) -> tuple[str, str]:
        self._verb = ""
        return read_command(mended(line) if "receiver" in self._lenient else line)

    def _out_of_order(self) -> Reply:
        match self.state, self._verb:
            case "unwelcome", _:
                return replies.ONLY_QUIT
            case "greeted", _:
                return replies.HELLO_FIRST
            case "ready", _:
                return replies.MAIL_FIRST
            case _, "MAIL":
                return replies.NESTED_MAIL
            case "mail", "DATA":
                return replies.RECIPIENT_FIRST
            case _:
                return replies.NOT_NOW

    # --- EHLO, STARTTLS -----------------------------------------------------------------

    @syntax("HELO host")
    async def smtp_HELO(self, argument: str) -> None:
        self._introduce(argument, esmtp=False)
        await self.say(replies.hello(self.hostname))

    @syntax("EHLO host")
    async def smtp_EHLO(self, argument: str) -> None:
        self._introduce(argument, esmtp=True)
        await self.say(replies.hello(self.hostname, self._extensions()))

    def _introduce(self, name: str, *, esmtp: bool) -> None:
        if not is_hello_name(name) or not name.isascii():
            raise Refusal(replies.EHLO_SYNTAX)
        self.client = replace(self.client, helo=name, esmtp=esmtp)

    def _extensions(self) -> tuple[str, ...]:
        offered = ["PIPELINING", f"SIZE {self._limits.message}", "8BITMIME", "SMTPUTF8"]
        if self._starttls_context is not None and not self.client.tls:
            offered.append("STARTTLS")
        if self._auth_offered:
            offered.append("AUTH " + " ".join(MECHANISMS))
        return (*offered, "ENHANCEDSTATUSCODES", "DSN", "HELP")

    @syntax("STARTTLS")
    async def smtp_STARTTLS(self, argument: str) -> None:
        self._without_argument(argument)
        if self.client.tls:
            raise Refusal(replies.TLS_IS_ON)  # RFC 3207 §4.2
        if self._starttls_context is None:
            raise Refusal(replies.NOT_OFFERED)
        await self.say(replies.READY_FOR_TLS)
        if self.state == "closed":
            return
        self._intake.forget()  # RFC 3207 §4.2: said in the clear, perhaps by somebody in between
        if not await self._line.start_tls(self._starttls_context):
            self._hang_up("TLS failed")
            return
        self.client = Client(
            self.client.connection, self.client.role, tls=True, parcel=self.client.parcel
        )

    # --- AUTH ---------------------------------------------------------------------------

    @property
    def _auth_offered(self) -> bool:
        return self.client.role == "submission" and (self.client.tls or self._allow_clear)

    @syntax("AUTH mechanism [initial-response]")
    async def smtp_AUTH(self, argument: str) -> None:
        self._insist_on_silence()
        mechanism, initial = self._auth_request(argument)
        try:
            user, password = mechanism.read(await self._ask(mechanism, initial))
        except BadResponse as error:
            raise Refusal(replies.NOT_BASE64) from error
        account = await settled(self._post.login(user, password))
        name = argument.split()[0].upper()
        self._line.note(LogIn(account or user, name, ok=account is not None))
        if account is None:
            raise Refusal(replies.BAD_CREDENTIALS)
        self.client = replace(self.client, authenticated=account)
        await self.say(replies.AUTHENTICATED)

    def _auth_request(self, argument: str) -> tuple[Mechanism, bytes | None]:
        if self.client.role != "submission" or not self.client.esmtp:
            raise Refusal(replies.NOT_OFFERED)
        if not self._auth_offered:
            raise Refusal(replies.ENCRYPTION_FIRST)  # RFC 4954 §6
        if self.client.authenticated is not None:
            raise Refusal(replies.ALREADY_AUTHENTICATED)  # RFC 4954 §4
        words = argument.split()
        if not 1 <= len(words) <= 2:
            raise Refusal(replies.AUTH_SYNTAX)
        mechanism = MECHANISMS.get(words[0].upper())
        if mechanism is None:
            raise Refusal(replies.UNKNOWN_MECHANISM)
        return mechanism, words[1].encode() if len(words) == 2 else None

    async def _ask(self, mechanism: Mechanism, initial: bytes | None) -> list[bytes]:
        """The client's answers; the first may have come with the command (RFC 4954 §4)."""
        answers = [] if initial is None else [decoded(initial)]
        for question in mechanism.challenges[len(answers) :]:
            await self.say(replies.challenge(question))
            self._verb = "(auth)"
            answers.append(decoded(await self._auth_line()))
        return answers

    async def _auth_line(self) -> bytes:
        try:
            line = await self._intake.line(self._limits.command_line)
        except LineTooLong:
            raise Farewell(replies.AUTH_LINE_TOO_LONG, "authentication line") from None
        if line is None:
            raise ConnectionResetError
        if line.strip() == b"*":
            raise Refusal(replies.AUTH_CANCELLED)
        return line.removesuffix(b"\n").removesuffix(b"\r")

    # --- MAIL, RCPT ---------------------------------------------------------------------

    @syntax("MAIL FROM:<address>", extended=" [parameters]")
    async def smtp_MAIL(self, argument: str) -> None:
        self._insist_on_login()
        path = sender_path(argument)
        self._refuse_parameters_after_helo(path)
        given = mail_parameters(path.rest)
        self._insist_on_whole_domain(path, replies.SENDER_NOT_QUALIFIED)
        if not path.address.isascii() and not given.smtputf8:
            raise Refusal(replies.NOT_ASCII_SENDER)  # RFC 6531 §3.5
        if given.size is not None and given.size > self._limits.message:
            raise Refusal(replies.TOO_BIG)  # RFC 1870 §6.1
        client = replace(self.client, reverse_path=path.address)
        await self._refuse_if(await settled(self._post.sender_refusal(path.address, client)))
        self.client = client
        transaction = self._transaction
        transaction.reverse_path = path.address
        transaction.body, transaction.smtputf8 = given.body, given.smtputf8
        transaction.ret, transaction.envid = given.ret, given.envid
        await self.say(replies.SENDER_OK)

    @syntax("RCPT TO:<address>", extended=" [parameters]")
    async def smtp_RCPT(self, argument: str) -> None:
        path = recipient_path(argument)
        if not path.address:
            raise Refusal(replies.NO_NULL_RECIPIENT)
        self._refuse_parameters_after_helo(path)
        given = rcpt_parameters(path.rest)
        self._insist_on_whole_domain(path, replies.RECIPIENT_NOT_QUALIFIED)
        if not path.address.isascii() and not self._transaction.smtputf8:
            raise Refusal(replies.NOT_ASCII_RECIPIENT)
        if len(self._transaction.recipients) >= self._limits.recipients:
            raise Refusal(replies.TOO_MANY_RECIPIENTS)  # RFC 5321 §4.5.3.1.10
        await self._ask_about(path.address)
        recipient = Recipient(path.address, notify=given.notify, orcpt=given.orcpt)
        self._transaction.recipients.append(recipient)
        await self.say(replies.RECIPIENT_OK)

    async def _ask_about(self, recipient: str) -> None:
        refusal = await settled(self._post.refusal(recipient, self.client))
        if refusal is not None:
            self._line.emit(
                RecipientRefused,
                host=self.hostname,
                parcel=self.client.parcel,
                connection=self.client.connection,
                recipient=recipient,
                reply=str(refusal),
            )
            raise Refusal(refusal)

    def _insist_on_login(self) -> None:
        if self.client.role == "submission" and self.client.authenticated is None:
            raise Refusal(replies.AUTH_FIRST if self._auth_offered else replies.TLS_FIRST)

    def _insist_on_whole_domain(self, path: Path, refusal: Reply) -> None:
        """What a user may leave out at home means nothing elsewhere (RFC 6409 §4.2)."""
        if self.client.role == "submission" and path.unfinished:
            raise Refusal(refusal)

    def _refuse_parameters_after_helo(self, path: Path) -> None:
        if path.rest and not self.client.esmtp:  # RFC 5321 §3.3: they come with EHLO
            raise Refusal(replies.unknown_parameter(path.rest.split()[0].partition("=")[0]))

    # --- DATA ---------------------------------------------------------------------------

    @syntax("DATA")
    async def smtp_DATA(self, argument: str) -> None:
        self._without_argument(argument)
        if "receiver" not in self._lenient:
            self._insist_on_silence()
        await self.say(replies.SEND_CONTENT)
        if self.state == "closed":
            return
        self._verb = "."
        letter = await self._read_letter()
        if letter is None:  # the client hung up in the middle: nothing has happened
            self._hang_up()
            return
        self._reset_timeout()
        if letter.too_big:
            self._line.limit("message size", "552")
        content = checked(letter, lone_newlines="sender" in self._lenient)
        await self._meet_fault(".")
        queue_id = await self._hand_over(content)
        self._errors = self._refused = 0
        self.client = replace(self.client, parcel=None)  # it has brought what it came with
        await self.say(replies.queued(queue_id))

    async def _read_letter(self) -> DotReader | None:
        self._reset_timeout(DATA_SECONDS)
        reader = LenientDotReader if "receiver" in self._lenient else DotReader
        letter = reader(self._limits.message)
        while (chunk := await self._intake.chunk()) is not None:
            rest = letter.feed(chunk)
            if rest is not None:
                self._intake.give_back(rest)
                return letter
        return None

    async def _hand_over(self, content: bytes) -> str:
        """Put our Received on top and give the letter to the host.  Returns the queue id."""
        envelope = self._transaction.sealed()
        if self.client.role == "submission":
            content = completed(content, now=self._now, message_id=self._message_id)
        queue_id = self._post.queue_id()
        trace = received(
            self.client,
            host=self.hostname,
            queue_id=queue_id,
            recipients=envelope.addresses,
            smtputf8=envelope.smtputf8,
            when=self._now(),
        )
        stamped = on_top(trace, without_forgeries(content, self._our_names))
        await settled(self._post.accept(queue_id, envelope, stamped, self.client))
        return queue_id

    def _message_id(self) -> str:
        return self._ids.message_id(self.hostname)

    # --- the small ones -----------------------------------------------------------------

    @syntax("RSET")
    async def smtp_RSET(self, argument: str) -> None:
        self._without_argument(argument)
        await self.say(replies.RESET)

    @syntax("NOOP [anything]")
    async def smtp_NOOP(self, argument: str) -> None:
        await self.say(replies.OK)

    @syntax("VRFY address")
    async def smtp_VRFY(self, argument: str) -> None:
        """The same answer for everybody: who exists is not told (RFC 5321 §7.3)."""
        if not argument:
            raise Refusal(replies.VRFY_SYNTAX)
        await self.say(replies.WILL_TRY)

    @syntax("EXPN list")
    async def smtp_EXPN(self, argument: str) -> None:
        raise Refusal(replies.NO_EXPANSION)

    @syntax("HELP [command]")
    async def smtp_HELP(self, argument: str) -> None:
        """What there is, or how one command is written (RFC 5321 §4.1.1.8)."""
        if not argument:
            usages = (self._usage(verb) for verb in self._steps)
            await self.say(replies.usage(("Commands:", *filter(None, usages))))
            return
        usage = self._usage(argument.upper())
        if usage is None:
            raise Refusal(replies.NO_SUCH_HELP)
        await self.say(replies.usage((usage,)))

    def _usage(self, verb: str) -> str | None:
        """How a command is written; None for one that is not offered here."""
        step = self._steps.get(verb)
        offered = verb != "AUTH" or self.client.role == "submission"
        if step is None or not offered:
            return None
        return f"{step.__smtp_syntax__}{step.__smtp_syntax_extended__ or ''}"

    @syntax("QUIT")
    async def smtp_QUIT(self, argument: str) -> None:
        self._without_argument(argument)
        await self.say(replies.GOODBYE)

    def _forget_transaction(self) -> None:
        self.envelope = Transaction()
        self.client = replace(self.client, reverse_path=None)

    # --- planned faults -----------------------------------------------------------------

    async def _meet_fault(self, verb: str, argument: str = "") -> None:
        """Let happen what was planned to happen here; nothing else does then."""
        address = address_of(argument)
        client = replace(self.client, reverse_path=address) if verb == "MAIL" else self.client
        recipient = address if verb == "RCPT" else ""
        fault = await settled(self._post.fault(verb, client, recipient))
        if fault is not None:
            self._line.emit(
                FaultStruck, connection=self.client.connection, verb=verb, fault=str(fault)
            )
            await self._suffer(fault)

    async def _suffer(self, fault: Fault) -> None:
        match fault.deed:
            case Answer(reply):
                raise Refusal(reply)
            case HangUp("before"):
                self._hang_up("planned")
                raise ConnectionAbortedError
            case HangUp(when):
                self._hanging_up = when
            case Silence():
                self._line.fall_silent()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ignore(), SILENCE_SECONDS)
                self._hang_up("planned silence")
                raise ConnectionAbortedError

    async def _ignore(self) -> None:
        """Listen to nothing, until the client hangs up."""
        while await self._intake.chunk() is not None:
            pass

    # --- helpers ------------------------------------------------------------------------

    def _without_argument(self, argument: str) -> None:
        if argument:
            raise Refusal(replies.NO_ARGUMENTS)

    def _insist_on_silence(self) -> None:
        """The answer decides what the next bytes are: a client that has sent them already is
        out of step, or up to something (RFC 2920 §3.1)."""
        if len(self._intake):
            raise Farewell(replies.OUT_OF_STEP, "pipelining")

    async def _refuse_if(self, reply: Reply | None) -> None:
        if reply is not None:
            raise Refusal(reply)
