"""From bytes to one complete command, within limits.

An IMAP command is not a line.  It is a line that may stop in the middle, at a
literal: ``{5}`` at the end of a line announces five octets of anything, after which
the line goes on, perhaps to the next literal (RFC 3501 §4.3).

    C: A1 LOGIN {3}                 a synchronising literal: the client waits …
    S: + Ready for 3 octets         … for this,
    C: son {6+}                     a non-synchronising one does not wait (RFC 7888)
    C: secret

So the framer alternates between reading a line and counting octets, and hands out
a `Frame` when a line ends without announcing a literal.  The decoder is given the
whole frame and never has to ask for more: it can be written as if all were there.

Everything is limited by what is *buffered*: the line, one literal, all of them,
their number.  A command over a limit is refused, and the session stays in step:

* A synchronising literal is refused by not saying ``+``; the client that hears NO
  does not send it.
* A non-synchronising literal is already under way.  It is read and thrown away, as
  are the rest of the line and what else it announces, and then refused (RFC 7888 §4).
* So is the rest of a line that is too long.
* What is thrown away has a limit too; beyond it, the only way out is BYE.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARKER = re.compile(rb"\{(\d+)(\+)?\}\r?\n\Z")
_MARKER_LENGTH = 32  # octets at the end of a line in which a marker is looked for
_HEAD = 128  # octets kept of a refused command: enough for its tag and name


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """What is read for one command, in octets (`literals`: how many).

    `line` holds for each stretch between literals, `literal` for one literal,
    `total` for the whole command, `drain` for what is thrown away of a refused one.
    """

    line: int
    literal: int
    total: int
    literals: int
    drain: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One complete command: as it came, without the CRLF at its end.

    `offset` is the position of its first octet in all the framer was given.
    """

    data: bytes
    offset: int


@dataclass(frozen=True, slots=True)
class GoAhead:
    """The client waits for ``+`` before it sends a literal of `size` octets."""

    size: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that was not read: `head` is how it began, offset..end where it was.

    `limit` says what was too much ("" for a line that ended wrongly), `code` is the
    response code that fits, `fatal` whether the session cannot go on.
    """

    head: bytes
    offset: int
    end: int
    problem: str
    code: str = ""
    limit: str = ""
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class _Problem:
    text: str
    limit: str = ""
    code: str = ""


_BARE_LF = _Problem("a line ends in CR LF, this one in LF alone (RFC 3501 section 2.2)")


class Framer:
    """Collects commands from bytes that come in any portions.

    Feed it, then call `next` until that returns None.  `limits` may be replaced
    between two commands (they are wider after login).
    """

    def __init__(self, limits: FrameLimits) -> None:
        self.limits = limits
        self._buffer = bytearray()
        self._position = 0  # of the buffer's first octet, in all that was given
        self._searched = 0  # octets of the buffer known to hold no LF
        self._begin()

    def _begin(self) -> None:
        self._kept = bytearray()  # the command so far
        self._start = self._position
        self._literal_left = 0
        self._literals = 0
        self._announced = 0  # octets of all its literals
        self._dropped = 0
        self._problem: _Problem | None = None

    @property
    def given(self) -> int:
        """How many octets have come so far."""
        return self._position + len(self._buffer)

    def feed(self, data: bytes) -> None:
        """These bytes came."""
        self._buffer += data

    def discard(self) -> Frame:
        """Forget everything that came and was not handed out; it is returned for the record."""
        forgotten = Frame(bytes(self._kept + self._buffer), self._start)
        self._position += len(self._buffer)
        self._buffer.clear()
        self._searched = 0
        self._begin()
        return forgotten

    def next(self, continuation: bool = False) -> Frame | GoAhead | Refused | None:
        """The next thing to act on; None when more bytes are needed.

        `continuation` asks for a line that is no command (the client's part of
        AUTHENTICATE): braces at its end mean nothing.
        """
        while True:
            if self._literal_left and not self._read_literal():
                return None
            line = self._read_line()
            if line is None:
                return self._refusal(fatal=True) if self._drained_too_much() else None
            announced = None if continuation else _MARKER.search(line, len(line) - _MARKER_LENGTH)
            if announced is None:
                return self._finish()
            waits = announced[2] is None
            self._announce(int(announced[1]))
            if self._problem is None:
                self._literal_left = int(announced[1])
                if waits:
                    return GoAhead(self._literal_left)
            elif waits:
                return self._refusal()  # the client hears NO instead of "+"
            else:
                self._literal_left = int(announced[1])
                if self._dropped + self._literal_left > self.limits.drain:
                    return self._refusal(fatal=True)

    def _read_literal(self) -> bool:
        """Take what has come of a literal; was that all of it?"""
        self._literal_left -= self._take(min(self._literal_left, len(self._buffer)))
        return self._literal_left == 0

    def _read_line(self) -> bytes | None:
        """Take a line with its end; None, and too long a line is cut, until it has come."""
        end = self._buffer.find(b"\n", self._searched) + 1
        if (end or len(self._buffer)) > self.limits.line:
            self._refuse(_Problem(f"a line has at most {self.limits.line} octets", "line"))
        if end:
            line = bytes(self._buffer[:end])
            if not line.endswith(b"\r\n"):
                self._refuse(_BARE_LF)
            self._take(end)
            self._searched = 0
            return line
        if self._problem:
            self._take(max(0, len(self._buffer) - _MARKER_LENGTH))
        self._searched = len(self._buffer)
        return None

    def _take(self, size: int) -> int:
        """Move octets from the buffer to the command, or to nowhere if it is refused."""
        room = size if self._problem is None else max(0, _HEAD - len(self._kept))
        self._kept += self._buffer[: min(size, room)]
        if self._problem:
            self._dropped += size
        del self._buffer[:size]
        self._position += size
        return size

    def _announce(self, size: int) -> None:
        """A literal of this size is to come: is there room for it?"""
        limits = self.limits
        self._literals += 1
        self._announced += size
        if size > limits.literal:
            problem = f"a literal has at most {limits.literal} octets here, not {size}"
            self._refuse(_Problem(problem, "literal", "TOOBIG"))
        elif self._announced > limits.total or len(self._kept) > limits.total:
            problem = f"a command has at most {limits.total} octets here"
            self._refuse(_Problem(problem, "command", "TOOBIG"))
        elif self._literals > limits.literals:
            self._refuse(_Problem(f"a command has at most {limits.literals} literals", "literals"))

    def _refuse(self, problem: _Problem) -> None:
        if self._problem is None:
            self._problem = problem
            del self._kept[_HEAD:]

    def _drained_too_much(self) -> bool:
        return self._problem is not None and self._dropped > self.limits.drain

    def _finish(self) -> Frame | Refused:
        if self._problem:
            return self._refusal()
        frame = Frame(bytes(memoryview(self._kept)[:-2]), self._start)
        self._begin()
        return frame

    def _refusal(self, fatal: bool = False) -> Refused:
        problem = self._problem
        assert problem is not None
        head = bytes(self._kept).rstrip(b"\r\n")
        refused = Refused(
            head, self._start, self._position, problem.text, problem.code, problem.limit, fatal
        )
        self._begin()
        return refused
