"""A counter without a clerk: the server's end of a session, where somebody else answers.

It does what a server must do before it can answer: it reads one command, or one letter, and then
waits.  What it says, and whether that makes sense, is up to whoever calls `answer`.  The
state is followed with the table of `states`, as a client would believe it to be.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from labmail.net.connection import Line
from labmail.smtp import states
from labmail.smtp.commands import split_command
from labmail.smtp.dotreader import DotReader
from labmail.smtp.judging import finished
from labmail.trace.events import FaultStruck

BY_HAND = "a person answers instead of the server"
LETTER_KEPT = 4 * 1024 * 1024
LINE_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Turn:
    """What the client has said, and what it was answered (as long as nothing: no lines).

    `verb` is "" for the greeting that the client waits for, "." for the end of a letter,
    whose octets are then in `said`.
    """

    verb: str
    said: bytes
    before: str
    lines: tuple[str, ...] = ()
    after: str = ""

    @property
    def answered(self) -> bool:
        return finished(self.lines)


class Counter(asyncio.Protocol):
    """One session.  `turns` are all of it so far; the last one may wait for an answer."""

    patient = True
    """The client is not silent while somebody thinks about an answer."""

    def __init__(self, line: Line) -> None:
        self.state = "opening"
        self.turns = [Turn("", b"", self.state)]
        self.gone = False
        self._line = line
        self._unread = bytearray()
        self._letter: DotReader | None = None
        self._news = asyncio.Event()

    @property
    def waits(self) -> bool:
        """Whether the client waits for an answer."""
        return not self.gone and not self.turns[-1].answered

    def answer(self, lines: tuple[str, ...]) -> None:
        """Say these lines; the last one may leave the reply unfinished."""
        turn = self.turns[-1]
        self._line.write("".join(f"{line}\r\n" for line in lines).encode())
        said = (*turn.lines, *lines)
        code = said[0][:3]
        after = turn.before
        if finished(said) and len(code) == 3 and code.isdecimal():
            after = states.after(turn.before, turn.verb, int(code))
        self.turns[-1] = Turn(turn.verb, turn.said, turn.before, said, after)
        self.state = after
        if not finished(said):
            return
        if after == "closed":
            self.hang_up()
        elif turn.verb == "DATA" and code == "354":
            self._letter = DotReader(LETTER_KEPT)
        self._read_on()

    def hang_up(self) -> None:
        """End the connection, after what was said has gone out."""
        self._line.close("hung up by hand")

    async def next_turn(self) -> None:
        """Wait until the client has said something, or is gone."""
        while not (self.gone or self.waits):
            self._news.clear()
            await self._news.wait()

    # --- asyncio calls these ---------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is on record that this is no server."""
        self._line.emit(FaultStruck, connection=self._line.connection, verb="", fault=BY_HAND)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        self._read_on()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self._news.set()

    # --- inside --------------------------------------------------------------------------------

    def _read_on(self) -> None:
        """Read one command, or the letter, unless the last one still waits for its answer."""
        if self.waits or self.gone:
            return
        turn = self._read_letter() if self._letter else self._read_line()
        if turn is not None:
            self.turns.append(turn)
            self._news.set()

    def _read_letter(self) -> Turn | None:
        assert self._letter is not None
        rest = self._letter.feed(bytes(self._unread))
        self._unread[:] = rest or b""
        if rest is None:
            return None
        content, self._letter = self._letter.content, None
        return Turn(".", content, self.state)

    def _read_line(self) -> Turn | None:
        end = self._unread.find(b"\n")
        if end < 0 and len(self._unread) < LINE_KEPT:
            return None
        line = bytes(self._unread[: end + 1] if end >= 0 else self._unread)
        del self._unread[: len(line)]
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        return Turn(split_command(line)[0], line, self.state)
