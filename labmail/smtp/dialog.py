"""Listens to an SMTP session and tells what was said.

The observer stands at the tap: it is given the bytes of both sides as they are
said, cut anywhere, and makes of them commands, replies and letters.  It never
speaks, and the server does not know that it is there.

Two things make this more than cutting lines.

*What a line is depends on the answer to the line before.*  After DATA come
commands if the answer was 503 and a letter if it was 354; after AUTH comes a
password if it was 334.  So nothing the client says is read before the answers
to all it said earlier are known.

*A client may be ahead of the server.*  With PIPELINING (RFC 2920) several commands
arrive at once.  They wait here, and come out one by one, each after the reply to
the one before: in the order in which the server lived through it, with the state
it was in.

That also makes the reports independent of how the bytes were cut.  What waits is
bounded; a client that floods is no longer listened to (the server has its own
defences), its bytes are only counted.

What is a password is marked, also where a client has spelt AUTH wrong, goes on although
it was refused, or says it in the clear behind STARTTLS, where no server reads it.
"""

from __future__ import annotations

from collections.abc import Iterator

from labmail.net.core import Carried, Heard, Say, Unread
from labmail.smtp import states
from labmail.smtp.commands import secret_part, split_command, tries_auth
from labmail.smtp.dotreader import DotReader
from labmail.trace.events import Side

LINE_KEPT = 16_384
"""Octets of one line that are reported; a longer line is cut."""
BACKLOG = 4 * 1024 * 1024
"""Octets that may wait for answers."""
REPLY_LINES = 1000
"""Lines of one reply that are kept."""

Report = Heard | Say | Carried | Unread


class Dialog:
    """The observer of one session.

    letter: how the server that is listened to finds the end of a letter.
    """

    def __init__(self, letter: type[DotReader] = DotReader) -> None:
        self._letter_reader = letter
        self.state = "opening"
        """The session's state, see `states`."""
        self._asked: str | None = ""
        """The verb whose answer is due; None when it is the client's turn.  First of all the
        server greets, which nobody asks for."""
        self._waiting = bytearray()
        self._offset = 0
        """Where `_waiting` begins in the client's stream."""
        self._skipping = False
        self.upgrading = False
        """Whether the two sides are beginning TLS."""
        self._flooded = False
        self._tries_auth = False
        """Whether what waits for an answer is AUTH, or was meant to be."""
        self._auth_refused = False
        self._letter: DotReader | None = None
        self._letter_at = 0
        self._unfinished = bytearray()
        self._reply: list[bytes] = []

    # --- the tap calls these --------------------------------------------------------------

    def client_said(self, data: bytes) -> list[Report]:
        """The client said this.  Returns what can be told now."""
        self._waiting += data
        if self.upgrading:
            return self._drop_before_tls()
        if self._flooded:
            self._drop(len(self._waiting))
            return []
        reports = list(self._read_on())
        if len(self._waiting) > BACKLOG:
            self._flooded = True
            self._drop(len(self._waiting))
        return reports

    def server_said(self, data: bytes) -> list[Report]:
        """The server said this.  Returns what can be told now."""
        reports: list[Report] = []
        *lines, rest = (bytes(self._unfinished) + data).split(b"\n")
        self._unfinished = bytearray(rest[:LINE_KEPT])
        for line in lines:
            if len(self._reply) < REPLY_LINES:
                self._reply.append(line[:LINE_KEPT].removesuffix(b"\r") + b"\r\n")
            if line[3:4] != b"-":  # RFC 5321 §4.2.1: "-" means more lines follow
                reports.append(self._replied())
                reports += self._drop_before_tls() if self.upgrading else []
                reports.extend(self._read_on())
        return reports

    def tls_started(self) -> None:
        """The handshake is through.  After STARTTLS the session begins again (RFC 3207 §4.2)."""
        self.upgrading = False

    def lost(self) -> list[Report]:
        """The connection is gone.  A command that was cut off, or never answered, is told only
        if there is a password in it, which has to be marked."""
        reports: list[Report] = []
        while self._letter is None and self._waiting:
            offset, end = self._offset, self._waiting.find(b"\n") + 1
            line = self._drop(end or len(self._waiting)).removesuffix(b"\n").removesuffix(b"\r")
            heard = self._heard(self._verb(line), line[:LINE_KEPT], offset)
            reports += [heard] if heard.secrets else []
        return reports

    # --- the server's side ------------------------------------------------------------------

    def _replied(self) -> Say:
        data = b"".join(self._reply)
        code = data[:3].decode("ascii", "replace")
        verb, before = self._asked or "", self.state
        if code.isdecimal():
            self.state = states.after(before, verb, int(code))
            if self._tries_auth or verb in states.VERBS:
                self._auth_refused = self._tries_auth and int(code) >= 400
            self.upgrading = verb == "STARTTLS" and self.state != before
        self._reply.clear()
        self._asked = None
        if self.state == "data" and self._letter is None:
            self._letter, self._letter_at = self._letter_reader(limit=0), self._offset
        return Say(data, code, verb, before, self.state)

    # --- the client's side ------------------------------------------------------------------

    def _read_on(self) -> Iterator[Report]:
        """Read what waits, as far as the answers known so far allow."""
        self._skip()
        while self._asked is None and self._waiting:
            report = self._read_letter() if self._letter else self._read_line()
            if report is None:
                return
            yield report
            self._skip()

    def _read_letter(self) -> Carried | None:
        assert self._letter is not None
        letter = self._letter
        rest = letter.feed(self._drop(len(self._waiting)))
        if rest is None:
            return None
        self._waiting[:] = rest
        self._offset -= len(rest)
        self._letter, self._asked = None, "."
        return Carried(Side.CLIENT, self._letter_at, letter.octets)

    def _read_line(self) -> Heard | None:
        offset = self._offset
        end = self._waiting.find(b"\n", 0, LINE_KEPT)
        if end >= 0:
            line = self._drop(end + 1)[:-1].removesuffix(b"\r")
        elif len(self._waiting) >= LINE_KEPT:
            line, self._skipping = self._drop(LINE_KEPT), True
        else:
            return None
        self._asked = self._verb(line)
        self._tries_auth = self._asked == "(auth)" or tries_auth(line)
        return self._heard(self._asked, line, offset)

    def _verb(self, line: bytes) -> str:
        if self.state == "auth":
            return "(auth)"
        return "" if self._skipping else split_command(line)[0]

    def _heard(self, verb: str, line: bytes, offset: int) -> Heard:
        span = self._secret(verb, line)
        return Heard(
            verb,
            line,
            self.state,
            offset,
            secrets=(span,) if span else (),
            wire_secrets=((offset + span[0], offset + span[1]),) if span else (),
        )

    def _secret(self, verb: str, line: bytes) -> tuple[int, int] | None:
        """What of the line must be masked: answers of AUTH, and what looks like one that a
        client sent although AUTH had been refused."""
        answers = verb == "(auth)" and line != b"*"
        if answers or (self._auth_refused and verb not in states.VERBS):
            return (0, len(line)) if line else None
        return None if verb == "(auth)" else secret_part(line)

    def _skip(self) -> None:
        """Drop the rest of a line that was too long to be kept."""
        if self._skipping and self._waiting:
            end = self._waiting.find(b"\n")
            self._skipping = end < 0
            self._drop(end + 1 if end >= 0 else len(self._waiting))

    def _drop_before_tls(self) -> list[Report]:
        """Said in the clear behind STARTTLS: never read (RFC 3207 §4.2), and perhaps a password."""
        start = self._offset
        self._drop(len(self._waiting))
        return [Unread(start, self._offset)] if self._offset > start else []

    def _drop(self, count: int) -> bytes:
        dropped = bytes(self._waiting[:count])
        del self._waiting[:count]
        self._offset += count
        return dropped
