"""Everything a server of the lab ever answers.

A reply has three readers.  The client's program looks at the first digit of the
code and decides: done (2), go on (3), try again later (4), give up (5).  The
enhanced code (RFC 3463) says in the same words everywhere what it is about, and
is what a bounce quotes.  The text is for people.

The texts stand here once, each under a name, so that the same thing is always
said in the same words, and a lesson or a test can refer to it.  Replies are
frozen; one with a detail is made by a function.

Enhanced codes belong to replies of class 2, 4 and 5, but not to the greeting and
not to the answers to EHLO and HELO (RFC 2034 §4).
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")  # RFC 3463 §2
_UNSAFE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
TEXT_WIDTH = 480
"""Octets of text in one line: a reply line has 512 with code and CRLF (RFC 5321 §4.5.3.1.5)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: code, enhanced code ("" where there is none) and text.

    The text may have several lines, parted by a line feed.  Other control
    characters raise ValueError: a CR here would begin a reply of its own.
    """

    code: int
    enhanced: str
    text: str

    def __post_init__(self) -> None:
        if not 200 <= self.code <= 599:
            raise ValueError(f"{self.code} is no SMTP reply code: expected 200 to 599")
        if _UNSAFE.search(self.text):
            raise ValueError(f"the reply text {self.text!r} holds a control character")

    @classmethod
    def heard(cls, code: int, text: str) -> Reply:
        """A reply as a client heard it: the enhanced code is taken from the text's first line,
        and repeats of it from the others; control characters become spaces."""
        lines = [_UNSAFE.sub(" ", line) for line in text.split("\n")]
        found = _ENHANCED.match(lines[0])
        enhanced = found[1] if found else ""
        if enhanced:
            lines = [line.removeprefix(enhanced).lstrip() for line in lines]
        return cls(code, enhanced, "\n".join(lines))

    @property
    def positive(self) -> bool:
        """Done, or go on (RFC 5321 §4.2.1)."""
        return self.code < 400

    @property
    def temporary(self) -> bool:
        """Not now: the same command may work later."""
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        """No: the client should not repeat it as it was."""
        return self.code >= 500

    @property
    def status(self) -> str:
        """The enhanced code, or the general one of its class (RFC 3463 §3.1)."""
        return self.enhanced or f"{min(self.code // 100, 5)}.0.0"

    def __str__(self) -> str:
        return " ".join(filter(None, (str(self.code), self.enhanced, *self.text.split("\n"))))

    def __bytes__(self) -> bytes:
        """The reply on the wire, CRLF included: ``250-`` lines and a last ``250 ``
        (RFC 5321 §4.2.1).

        Replies are ASCII: what is not appears as an escape, because the client
        may not know SMTPUTF8 (RFC 6531 §3.7.4).
        """
        mark = f"{self.enhanced} " if self.enhanced else ""
        lines = self.text.split("\n")
        parts = ["-"] * (len(lines) - 1) + [" "]
        said = (
            f"{self.code}{part}{mark}{line}".encode("ascii", "backslashreplace")
            for part, line in zip(parts, lines, strict=True)
        )
        return b"".join(line[:TEXT_WIDTH] + b"\r\n" for line in said)


class Refusal(Exception):
    """The command is not carried out: `reply` is the answer."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class Farewell(Refusal):
    """The command is not carried out, and the session ends: `limit` names what was too much."""

    def __init__(self, reply: Reply, limit: str) -> None:
        super().__init__(reply)
        self.limit = limit


# --- done --------------------------------------------------------------------------

SENDER_OK = Reply(250, "2.1.0", "Sender ok")
RECIPIENT_OK = Reply(250, "2.1.5", "Recipient ok")
OK = Reply(250, "2.0.0", "Ok")
RESET = Reply(250, "2.0.0", "Transaction forgotten")
AUTHENTICATED = Reply(235, "2.7.0", "Authentication succeeded")
READY_FOR_TLS = Reply(220, "2.0.0", "Ready to start TLS")
WILL_TRY = Reply(252, "2.0.0", "Cannot verify the user; send a letter and see")  # RFC 5321 §3.5.3
GOODBYE = Reply(221, "2.0.0", "Good-bye")


def greeting(host: str) -> Reply:
    """The first word is the server's (RFC 5321 §4.2)."""
    return Reply(220, "", f"{host} ESMTP Mail Lab")


def hello(host: str, extensions: tuple[str, ...] = ()) -> Reply:
    """The answer to EHLO, one extension a line, or to HELO (RFC 5321 §4.1.1.1)."""
    return Reply(250, "", "\n".join((host, *extensions)))


def queued(queue_id: str) -> Reply:
    """From now on the server is responsible for the letter (RFC 5321 §4.2.5)."""
    return Reply(250, "2.0.0", f"Ok: queued as {queue_id}")


def usage(lines: tuple[str, ...]) -> Reply:
    """The answer to HELP (RFC 5321 §4.1.1.8)."""
    return Reply(214, "2.0.0", "\n".join(lines))


# --- go on -------------------------------------------------------------------------

SEND_CONTENT = Reply(354, "", "Send the letter; end it with <CRLF>.<CRLF>")


def challenge(question: bytes) -> Reply:
    """What AUTH asks for, in base64 (RFC 4954 §4)."""
    return Reply(334, "", b64encode(question).decode("ascii"))


# --- not now ------------------------------------------------------------------------

TIMED_OUT = Reply(421, "4.4.2", "You were silent for too long, closing the connection")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors, closing the connection")
NOT_HTTP = Reply(421, "4.7.0", "This is SMTP, not HTTP; closing the connection")
# A server hangs up after QUIT, 421 or a time-out only (RFC 5321 §3.8); so 421, and not the 500
# of §4.5.3.1.9.
LINE_TOO_LONG = Reply(421, "4.7.0", "Command line too long, closing the connection")
AUTH_LINE_TOO_LONG = Reply(421, "4.7.0", "Authentication line too long, closing the connection")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients in one transaction")
NO_SPACE = Reply(452, "4.3.1", "No space left to keep the letter, try again later")


def trouble(error: BaseException) -> Reply:
    """Something broke here; the client has done nothing wrong."""
    words = " ".join(str(error).split())
    said = f": {words}" if words else ""
    return Reply(451, "4.3.0", f"Local error, try again later ({type(error).__name__}{said})")


# --- never: the line itself ------------------------------------------------------------

BARE_NEWLINE = Reply(500, "5.5.2", "A line ends with CR LF; a lone LF or CR ends nothing")
NOT_TEXT = Reply(500, "5.5.2", "Control characters and broken UTF-8 are no command")
EMPTY_LINE = Reply(500, "5.5.2", "An empty line is no command")
UNKNOWN_COMMAND = Reply(500, "5.5.1", "Unknown command, say HELP for a list")
OUT_OF_STEP = Reply(554, "5.5.0", "You went on before my answer came; closing the connection")
NO_SUCH_HELP = Reply(504, "5.5.4", "There is no such command here; say HELP for a list")
NOT_OFFERED = Reply(502, "5.5.1", "Not offered here")

# --- never: order -----------------------------------------------------------------------

ONLY_QUIT = Reply(503, "5.5.1", "No mail is taken here: only QUIT is left")  # RFC 5321 §3.1
HELLO_FIRST = Reply(503, "5.5.1", "Say EHLO first")
MAIL_FIRST = Reply(503, "5.5.1", "Say MAIL FROM first")
RECIPIENT_FIRST = Reply(503, "5.5.1", "No recipient yet: say RCPT TO first")
NESTED_MAIL = Reply(503, "5.5.1", "The sender is already named; RSET to begin again")
NOT_NOW = Reply(503, "5.5.1", "Not in the middle of a transaction")
TLS_IS_ON = Reply(503, "5.5.1", "TLS is on already")
ALREADY_AUTHENTICATED = Reply(503, "5.5.1", "You have said who you are already")

# --- never: syntax ------------------------------------------------------------------------

NO_ARGUMENTS = Reply(501, "5.5.4", "This command has no arguments")
EHLO_SYNTAX = Reply(501, "5.5.4", "Syntax: EHLO your.host.name or EHLO [address]")
MAIL_SYNTAX = Reply(501, "5.5.4", "Syntax: MAIL FROM:<address> [parameters]")
RCPT_SYNTAX = Reply(501, "5.5.4", "Syntax: RCPT TO:<address> [parameters]")
VRFY_SYNTAX = Reply(501, "5.5.4", "Syntax: VRFY address")
AUTH_SYNTAX = Reply(501, "5.5.4", "Syntax: AUTH mechanism [initial response]")
BAD_SENDER_SYNTAX = Reply(501, "5.1.7", "The sender's address cannot be read")
BAD_RECIPIENT_SYNTAX = Reply(501, "5.1.3", "The recipient's address cannot be read")
NO_NULL_RECIPIENT = Reply(501, "5.1.3", "The null path <> can be a sender only")
SENDER_TOO_LONG = Reply(501, "5.1.7", "Address too long (local part 64, domain 255 octets)")
RECIPIENT_TOO_LONG = Reply(501, "5.1.3", "Address too long (local part 64, domain 255 octets)")
SENDER_NOT_QUALIFIED = Reply(554, "5.1.8", "The sender's domain is not written out in full")
RECIPIENT_NOT_QUALIFIED = Reply(554, "5.1.2", "The recipient's domain is not written out in full")
NOT_ASCII_SENDER = Reply(553, "5.6.7", "A non-ASCII sender needs the parameter SMTPUTF8")
NOT_ASCII_RECIPIENT = Reply(553, "5.6.7", "A non-ASCII recipient needs SMTPUTF8 at MAIL")


def bad_parameter(what: str) -> Reply:
    """A parameter we know, with a value we cannot take."""
    return Reply(501, "5.5.4", what)


def unknown_parameter(name: str) -> Reply:
    """RFC 5321 §4.1.1.11."""
    return Reply(555, "5.5.4", f"Parameter {name} is not known here")


# --- never: who you are ---------------------------------------------------------------------

TLS_FIRST = Reply(530, "5.7.0", "Say STARTTLS first")  # RFC 3207 §4
AUTH_FIRST = Reply(530, "5.7.0", "Authentication required")  # RFC 4954 §6
ENCRYPTION_FIRST = Reply(538, "5.7.11", "No password in the clear: say STARTTLS first")
BAD_CREDENTIALS = Reply(535, "5.7.8", "User name or password is wrong")
UNKNOWN_MECHANISM = Reply(504, "5.5.4", "This mechanism is not offered")
AUTH_CANCELLED = Reply(501, "5.7.0", "Authentication cancelled")  # RFC 4954 §4
NOT_BASE64 = Reply(501, "5.5.2", "This is not base64, or not what the mechanism asks for")
NO_EXPANSION = Reply(502, "5.7.2", "Lists are not expanded here")

# --- never: the letter ------------------------------------------------------------------------

TOO_BIG = Reply(552, "5.3.4", "The letter is larger than this server takes")  # RFC 1870 §6.1
HEADER_TOO_BIG = Reply(552, "5.3.4", "The letter's header is larger than this server takes")
BARE_NEWLINE_IN_CONTENT = Reply(550, "5.5.2", "The letter holds a CR or LF that stands alone")
CONTENT_LINE_TOO_LONG = Reply(500, "5.6.0", "The letter holds a line that is too long")
NUL_IN_CONTENT = Reply(554, "5.6.0", "The letter holds a NUL")
TOO_MANY_HOPS = Reply(554, "5.4.6", "Too many hops: this letter goes round in a loop")
