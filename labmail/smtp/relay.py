"""Hands one letter to one next hop.

    EHLO (or HELO) ─▶ STARTTLS, EHLO again ─▶ MAIL ─▶ RCPT for each ─▶ DATA, letter ─▶ QUIT

The client is aiosmtplib; the socket is connected already, and what to do with
the result is decided by the queue.  Four rules make this a relay:

* *Each recipient has a result of its own*, a `Reply`: what the other side said
  last about them, or what happened here instead.
* *Nothing is changed on the way.*  What the next hop cannot take as it is (octets
  above 127 without 8BITMIME, a UTF-8 address without SMTPUTF8, a lone CR or LF) is
  not sent and not mangled: it fails for good, with the code for it.
* *Trouble on the way is temporary*: a lost connection, silence, 421.
* *At least once.*  If the connection is lost after the final dot, before the answer
  to it, the other side may have the letter or not.  It is tried again: twice is
  better than never (RFC 5321 §6.1 and RFC 1047 are about that doubt).

Parameters are said only if the other side offers what they belong to
(RFC 5321 §4.1.1.3).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from aiosmtplib import SMTP, SMTPException, SMTPResponse, SMTPResponseException
from aiosmtplib.errors import SMTPServerDisconnected, SMTPTimeoutError

from labmail.smtp.paths import BadPath, read_path
from labmail.smtp.replies import Reply
from labmail.trace.parcel import Envelope, Recipient

PATIENCE = 60.0
"""Real seconds to wait for each answer.  Out in the world it is minutes
(RFC 5321 §4.5.3.2); on loopback silence this long is a fault."""

QUIT_PATIENCE = 5.0
"""Real seconds to wait for the answer to QUIT.  It says nothing any more, and until it has come
the queue does not know that the letter is gone: a crash in between sends it twice."""

NO_EHLO = frozenset({500, 501, 502, 504, 550})
"""Answers to EHLO after which HELO is worth a try (RFC 5321 §3.2, §4.1.1.1)."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """What became of one letter at one next hop.

    `results` has the last word about each recipient; positive means that the
    other side has taken responsibility.  `final` is the answer to the final dot,
    None if it never came to that.  `dsn` says whether the next hop offers DSN, and
    so will report to the sender itself (RFC 3461 §5.2.2).  `welcome` is false when it never
    came to MAIL: what the other side said then is about itself, not about this letter.
    """

    results: Mapping[str, Reply]
    final: Reply | None = None
    tls: bool = False
    dsn: bool = False
    welcome: bool = True


async def relay(
    sock: socket.socket,
    *,
    helo: str,
    server_name: str,
    envelope: Envelope,
    content: bytes,
    tls_context: ssl.SSLContext | None,
    require_tls: bool = False,
    patience: float = PATIENCE,
    out_of_time: asyncio.Event | None = None,
    as_it_is: bool = False,
) -> HandOver:
    """Hand the letter over.  Takes the socket, and closes it; never raises for what happens on
    the network or what the other side says.

    helo: our name.  server_name: the next hop's, for its certificate.
    tls_context: used if STARTTLS is offered; None: never.  require_tls: rather wait
    than send in the clear.  patience: real seconds for each answer.  out_of_time: when it is
    set, patience is over at once.  as_it_is: send a lone CR or LF, too (a weakness, see
    `labmail.smtp.lenient`).
    """
    client = SMTP(
        sock=sock,
        hostname=server_name,
        local_hostname=helo,
        timeout=patience,
        start_tls=False,
        tls_context=tls_context,
    )
    out_of_time = out_of_time or asyncio.Event()
    watch = asyncio.ensure_future(_hang_up_at(out_of_time, sock))
    conversation = _Conversation(client, envelope, content, out_of_time, as_it_is)
    try:
        return await conversation.run(require_tls=require_tls)
    finally:
        watch.cancel()
        client.close()
        if not conversation.connected:
            sock.close()


class _Stop(Exception):
    """Nothing more can be done for the recipients still open: `reply` is their result."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class _Conversation:
    """One letter, one next hop."""

    def __init__(
        self,
        client: SMTP,
        envelope: Envelope,
        content: bytes,
        out_of_time: asyncio.Event,
        as_it_is: bool,
    ) -> None:
        self._client = client
        self._envelope = envelope
        self._content = content
        self._out_of_time = out_of_time
        self._as_it_is = as_it_is
        self._results: dict[str, Reply] = {}
        self._tls = False
        self._dsn = False
        self._welcome = False
        self._where = "before the greeting"
        self.connected = False
        """Whether the socket is in the client's hands, which closes it then."""

    async def run(self, *, require_tls: bool) -> HandOver:
        final = None
        try:
            final = await self._hand_over(require_tls)
        except _Stop as stop:
            self._close_open_ones(stop.reply)
        except SMTPResponseException as refused:
            self._close_open_ones(_heard(refused))
        except (SMTPTimeoutError, SMTPServerDisconnected, SMTPException, OSError) as error:
            self._close_open_ones(self._lost(error))
        await self._quit()
        return HandOver(dict(self._results), final, self._tls, self._dsn, self._welcome)

    async def _hand_over(self, require_tls: bool) -> Reply | None:
        """The answer to the final dot; None where nobody was there to get the letter."""
        await self._greet(require_tls)
        self._welcome = True
        await self._mail()
        taken = [r.address for r in self._envelope.recipients if await self._rcpt(r)]
        if not taken:
            return None
        final = await self._data()
        self._results.update(dict.fromkeys(taken, final))
        return final

    # --- step by step -------------------------------------------------------------------

    async def _greet(self, require_tls: bool) -> None:
        await self._client.connect()
        self.connected = True
        self._where = "at EHLO"
        await self._hello()
        wanted = self._client.tls_context is not None
        if wanted and self._client.supports_extension("starttls"):
            await self._start_tls()
        if require_tls and not self._tls:
            # RFC 3463 §3.8: X.7.4, a security feature that is not supported
            raise _Stop(Reply(454, "4.7.4", "TLS is required, and the next hop offers none"))
        self._dsn = self._client.supports_extension("dsn")

    async def _hello(self) -> None:
        try:
            await self._client.ehlo()
        except SMTPResponseException as refused:
            if refused.code not in NO_EHLO or not self._client.is_connected:
                raise
            await self._client.helo()

    async def _start_tls(self) -> None:
        self._where = "at STARTTLS"
        try:
            await self._client.starttls()
        except SMTPResponseException:
            return  # opportunistic: go on as we are (RFC 3207 §4.1)
        except ssl.SSLError as error:
            self._client.close()
            reason = (error.reason or "no reason given").replace("_", " ").lower()
            raise _Stop(Reply(454, "4.7.5", f"TLS failed: {reason}")) from error
        self._tls = True
        self._where = "at EHLO"
        await self._hello()

    async def _mail(self) -> None:
        self._where = "at MAIL"
        if not _sayable(self._envelope.reverse_path):
            raise _Stop(Reply(553, "5.1.7", "The sender's address cannot be sent"))
        self._check_content()
        await self._say("MAIL FROM", self._envelope.reverse_path, self._mail_parameters())

    async def _rcpt(self, recipient: Recipient) -> bool:
        """Whether the other side takes this recipient.  If not, the result is written down."""
        self._where = "at RCPT"
        if recipient.address in self._results:
            return False  # named twice: one copy is enough
        problem = self._problem(recipient.address)
        if problem is not None:
            self._results[recipient.address] = problem
            return False
        try:
            await self._say("RCPT TO", recipient.address, self._rcpt_parameters(recipient))
        except SMTPResponseException as refused:
            if not self._client.is_connected:  # 421: that was the last word to everybody
                raise
            self._results[recipient.address] = _not_too_many(_heard(refused))
            return False
        return True

    def _problem(self, address: str) -> Reply | None:
        if not _sayable(address):
            return _BAD_RECIPIENT
        if not address.isascii() and not self._offered("smtputf8"):
            return _NO_SMTPUTF8
        return None

    async def _data(self) -> Reply:
        self._where = "in DATA, so the letter may have arrived"
        try:
            code, text = await self._client.execute_command(b"DATA")
            if 300 <= code < 400:  # the first digit decides, here and below (RFC 5321 §4.2.1)
                code, text = await self._content_sent()
            elif code < 300:
                code = 0  # it cannot have taken what was not sent
        except SMTPResponseException as refused:
            return _heard(refused)
        return Reply.heard(code, text) if 200 <= code < 300 else _answered(code, text)

    async def _content_sent(self) -> SMTPResponse:
        """Send the letter; the answer to its end.  aiosmtplib would look for lines of its own,
        ended by a lone CR or LF, and mend them: here the octets are the author's."""
        protocol = self._client.protocol
        if protocol is None:
            raise SMTPServerDisconnected("The connection is gone")
        protocol.write(stuffed(self._content) + b".\r\n")
        return await protocol.read_response(timeout=self._client.timeout)

    async def _quit(self) -> None:
        """RFC 5321 §4.1.1.10; what is answered makes no difference any more."""
        if self._client.is_connected:
            try:
                await self._client.quit(timeout=QUIT_PATIENCE)
            except (SMTPException, OSError):
                self._client.close()

    # --- what to say -----------------------------------------------------------------------

    async def _say(self, command: str, address: str, parameters: Iterable[str]) -> None:
        line = " ".join((f"{command}:<{address}>", *parameters)).encode("utf-8")
        code, text = await self._client.execute_command(line)
        if not 200 <= code < 300:
            raise SMTPResponseException(code, text)

    def _offered(self, extension: str) -> bool:
        return self._client.supports_extension(extension)

    def _mail_parameters(self) -> list[str]:
        said = []
        if self._offered("size"):
            said.append(f"SIZE={len(self._content)}")  # RFC 1870 §3
        if self._offered("8bitmime"):
            said.append(f"BODY={'7BIT' if self._content.isascii() else '8BITMIME'}")
        if self._wants_smtputf8() and self._offered("smtputf8"):
            said.append("SMTPUTF8")
        if self._dsn and self._envelope.ret:
            said.append(f"RET={self._envelope.ret}")
        if self._dsn and self._envelope.envid:
            said.append(f"ENVID={self._envelope.envid}")
        return said

    def _wants_smtputf8(self) -> bool:
        addresses = (self._envelope.reverse_path, *self._envelope.addresses)
        return self._envelope.smtputf8 or not all(map(str.isascii, addresses))

    def _rcpt_parameters(self, recipient: Recipient) -> list[str]:
        said = []
        if self._dsn and recipient.notify:
            said.append(f"NOTIFY={recipient.notify}")
        if self._dsn and recipient.orcpt:
            said.append(f"ORCPT={recipient.orcpt}")
        return said

    # --- what cannot be sent ---------------------------------------------------------------

    def _check_content(self) -> None:
        """Stop if this letter cannot go to this hop as it is."""
        if not self._as_it_is and not _only_crlf(self._content):
            raise _Stop(_BARE_NEWLINE)
        if self._needs_smtputf8() and not self._offered("smtputf8"):
            raise _Stop(_NO_SMTPUTF8)
        if not self._content.isascii() and not self._offered("8bitmime"):
            raise _Stop(_NO_8BITMIME)
        limit = self._client.esmtp_extensions.get("size", "")
        if limit.isdecimal() and 0 < int(limit) < len(self._content):
            raise _Stop(_TOO_BIG)

    def _needs_smtputf8(self) -> bool:
        """Whether sender or header are beyond ASCII (RFC 6531 §3.2).  Recipients are looked at
        one by one: the others may still be reached."""
        header = self._content.partition(b"\r\n\r\n")[0]
        return not self._envelope.reverse_path.isascii() or (
            self._envelope.smtputf8 and not header.isascii()
        )

    # --- results ---------------------------------------------------------------------------

    def _close_open_ones(self, reply: Reply) -> None:
        for address in self._envelope.addresses:
            self._results.setdefault(address, reply)

    def _lost(self, error: Exception) -> Reply:
        """RFC 3463 §3.5: X.4.2, bad connection."""
        waited = isinstance(error, TimeoutError) or self._out_of_time.is_set()
        kind = "no answer in time" if waited else "connection lost"
        return Reply(451, "4.4.2", f"{kind} {self._where}")


_BAD_RECIPIENT = Reply(553, "5.1.3", "The recipient's address cannot be sent")
_BARE_NEWLINE = Reply(550, "5.5.2", "The letter holds a lone CR or LF and cannot be sent on")
_NO_SMTPUTF8 = Reply(553, "5.6.7", "The next hop does not offer SMTPUTF8")  # RFC 6531 §3.5
_NO_8BITMIME = Reply(554, "5.6.3", "The letter is 8-bit and the next hop offers no 8BITMIME")
_TOO_BIG = Reply(552, "5.3.4", "The letter is larger than the next hop takes")  # RFC 1870 §6.1


async def _hang_up_at(out_of_time: asyncio.Event, sock: socket.socket) -> None:
    """Shut the connection when time is up: whoever waits for an answer then waits no more."""
    await out_of_time.wait()
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def stuffed(content: bytes) -> bytes:
    """The letter as it goes on the wire: a dot that begins a line is doubled, and the last line
    has an end (RFC 5321 §4.5.2, §4.1.1.4)."""
    lines = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
    return lines if lines.endswith(b"\r\n") or not lines else lines + b"\r\n"


def _only_crlf(content: bytes) -> bool:
    pairs = content.count(b"\r\n")
    return content.count(b"\r") == pairs == content.count(b"\n")


def _sayable(address: str) -> bool:
    """Whether the address can stand in a command: anything else could smuggle in a parameter,
    or a command."""
    try:
        return read_path(f"<{address}>").address == address
    except BadPath:
        return False


def _heard(refused: SMTPResponseException) -> Reply:
    """What the other side said against it.  An answer that makes no sense is trouble."""
    return _answered(refused.code, refused.message)


def _not_too_many(reply: Reply) -> Reply:
    """552 at RCPT once meant "too many recipients", which is no refusal of this one: another
    transaction will do (RFC 5321 §4.5.3.1.10).  A full mailbox says so in the enhanced code."""
    if reply.code == 552 and reply.status in ("5.0.0", "5.5.3"):
        return Reply(452, "4.5.3", reply.text)
    return reply


def _answered(code: int, text: str) -> Reply:
    if 400 <= code <= 599:
        return Reply.heard(code, text)
    return Reply(451, "4.5.0", f"The next hop's answer makes no sense: {_line(text)}")


def _line(text: str) -> str:
    return " ".join(text.split())[:200]
