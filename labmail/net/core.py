"""What a protocol without I/O takes and gives.

A *core* (POP3, IMAP) is a plain object: bytes go in, a list of outputs comes
out.  It knows no socket, no thread, no clock.  `driver` does what the outputs
ask for, in order, and records them.  That is why the same core answers the
same whether its bytes come one by one or all at once, and why a test needs
nothing but bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from labmail.trace.events import Side, Span


@dataclass(frozen=True, slots=True)
class Heard:
    """The core has read one command.

    `offset` is the position of the command's first byte in all the core was
    ever given; `secrets` are spans of `line`.
    `wire_secrets` are spans in the same counting as `offset`.
    """

    verb: str
    line: bytes
    state: str
    offset: int
    tag: str = ""
    secrets: tuple[Span, ...] = ()
    wire_secrets: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Say:
    """Send one reply: `data` goes out as it is (CRLF included), the rest is for the record."""

    data: bytes
    code: str
    verb: str
    before: str
    after: str
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Send the bytes of a letter, or of a part of one (POP3 RETR and TOP)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class LogIn:
    """For the record: somebody logged in (`ok`) or failed to."""

    account: str
    mechanism: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Limit:
    """For the record: a limit was reached, and what the server does about it."""

    limit: str
    action: str


@dataclass(frozen=True, slots=True)
class StartTls:
    """Everything said so far has been sent: begin the TLS handshake now.

    The driver calls `Core.tls_started` when the handshake is through.  What the
    client sent after its command, in the clear, the core has thrown away: it had to
    wait there (RFC 2595 §4, RFC 3501 §6.2.1).
    """


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection after what was said has been sent."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Carried:
    """For the record: a letter, or a part of one, crossed the session.

    `offset` counts in what `sender` said, `size` is in octets.
    """

    sender: Side
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Unread:
    """For the record: the client said this, and it was thrown away.  Nobody knows whether there
    is a password in it, so all of it counts as secret.  Positions as in `Heard.wire_secrets`."""

    start: int
    end: int


Output = Heard | Say | Deliver | LogIn | Limit | StartTls | HangUp | Carried | Unread


Enough = Callable[[], bool]
"""Whether so much waits to be read by the client that no more should be said."""

HandOn = Callable[[list[Output]], list[Output]]
"""Takes what is to be done so far; gives back what is still to be done."""


def nothing_early(outputs: list[Output]) -> list[Output]:
    """Hand nothing on before the method returns."""
    return outputs


def never_enough() -> bool:
    """Whoever listens reads everything at once."""
    return False


class Core(Protocol):
    """A protocol without I/O.  Every method returns what is to be done, in order.

    `hand_on` is called when a command has been read and is about to be carried
    out.  A driver sets it, to do and record what there is so far: a command then
    stands in the trace before what it brought about.

    `enough` is asked before each command; as long as it says yes, commands wait.
    A driver sets it, and calls `receive` again, with nothing, when there is room.
    """

    hand_on: HandOn
    enough: Enough

    def greet(self) -> list[Output]:
        """The connection is open (for implicit TLS: the handshake is through)."""
        ...

    def receive(self, data: bytes) -> list[Output]:
        """The client sent these bytes: any number of them, cut anywhere."""
        ...

    def tls_started(self) -> list[Output]:
        """The handshake that `StartTls` asked for is through."""
        ...

    def changed(self) -> list[Output]:
        """Something changed in a mailbox this session watches: say so if the protocol
        allows it now (else return nothing)."""
        ...

    def timed_out(self) -> list[Output]:
        """The client has been silent for too long: say good-bye and hang up."""
        ...

    def lost(self) -> list[Output]:
        """The connection is gone: release locks, forget everything.  What is returned is for
        the record: of a command that was cut off, the password in it (`Heard`)."""
        ...
