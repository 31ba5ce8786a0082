"""What a POP3 server says.

A reply is one line that begins with +OK or -ERR (RFC 1939 §3), and after some
commands more lines, which end with a line of one dot.  AUTH knows a third kind,
"+ ", which asks the client to go on (RFC 5034 §4).

A code in brackets tells the client's *program* what the text tells its user:
[IN-USE] (RFC 2449 §8.1.2), [AUTH], [SYS/TEMP], [SYS/PERM] (RFC 3206 §4, §5).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

OK = "+OK"
ERR = "-ERR"
GO_ON = "+"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: status, text, and the lines of a multi-line answer (None if it has one
    line).  `letter` is a letter, ready for the wire, that follows the first line."""

    status: str
    text: str
    lines: tuple[str, ...] | None = None
    letter: bytes | None = None

    @property
    def positive(self) -> bool:
        return self.status == OK

    @property
    def data(self) -> bytes:
        """The bytes on the wire, without the letter."""
        rows = [f"{self.status} {self.text}"]
        if self.lines is not None:
            rows += [*self.lines, "."]  # none of our lines begins with a dot
        return "".join(f"{row}\r\n" for row in rows).encode()


def ok(text: str, lines: Iterable[str] | None = None, letter: bytes | None = None) -> Reply:
    """A positive reply."""
    return Reply(OK, text, None if lines is None else tuple(lines), letter)


def err(text: str, code: str = "") -> Reply:
    """A negative reply, with a response code such as "IN-USE" if there is one."""
    return Reply(ERR, f"[{code}] {text}" if code else text)


def go_on() -> Reply:
    """The empty challenge: the client is to send its credentials now."""
    return Reply(GO_ON, "")
