r"""Where DATA ends, and where it does not.

A letter sent with DATA ends with a line that holds one dot: CR LF ``.`` CR LF,
those five octets and nothing else (RFC 5321 §4.1.1.4).  The CR LF in front may be
the one that ended the command line itself.  A line of the letter that begins
with a dot is sent with a second one in front, which the receiver takes away
(§4.5.2).

*Smuggling.*  Servers that also take LF ``.`` LF or CR ``.`` CR for the end can be
made to see two letters where the hop before saw one; the second is then the
attacker's, sent by an honest host.  So here nothing but the five octets ends a
letter, and a letter that holds a lone CR or LF is refused, *after* its true end:
to refuse earlier would turn the rest of it into commands.  The refusal is
550 5.5.2, a syntax error: CR and LF never appear alone (RFC 5321 §2.3.8).

*The machine.*  To find five octets that may arrive in any number of pieces one
must remember how much of them has been seen.  The last four octets say that, so
they are the state; the transition is a search in state + new octets.  It begins
as if CR LF had just been read.

*Memory.*  At most `limit` octets of letter (and the dots that were doubled) are
kept.  Past that nothing is kept, and the search for the end goes on: an answer
in the middle would put the two sides out of step.

*Lines.*  A sender must not send lines of more than 1,000 octets with CR LF
(§4.5.3.1.6), but many do, and §4.5.3.1 asks receivers to take what they can.
Nothing here depends on lines being short, so 2,048 octets are taken, twice the
standard; beyond that a next hop would cut or refuse the letter, and it is better
refused here, where its sender still listens.
"""

from __future__ import annotations

END = b"\r\n.\r\n"
LINE_LIMIT = 2048
"""Octets of one line of a letter, CR LF included."""


class DotReader:
    """Reads the octets after 354 up to the end of the letter.

    limit: octets of letter to keep (RFC 1870 §5 counts them with CR LF and
    without doubled or final dots).  Zero keeps nothing and only looks for the end.
    """

    line_end = b"\r\n"
    """What ends a line of the letter (RFC 5321 §2.3.8)."""

    def __init__(self, limit: int) -> None:
        self.octets = 0
        """What crossed the wire so far: doubled dots and, at last, the final dot included."""
        self.size = 0
        """What the letter measures."""
        self.finished = False
        self.has_nul = False
        self._limit = limit
        self._kept = bytearray()
        self._keeping = True
        self._tail = b"\r\n"
        self._crs = self._lfs = self._pairs = 0
        self._line = self._longest = 0

    def feed(self, data: bytes) -> bytes | None:
        """Take what arrived.  None: more is needed.  Else the letter has ended, and this is
        what came after it (perhaps nothing): the next commands."""
        assert not self.finished, "the letter has ended already"
        window = self._tail + data
        at = self._find_end(window)
        if at < 0:
            self._take(data)
            return None
        ended = at - len(self._tail)  # in data; the rest is not ours
        self._take(data[:ended])
        self._drop_final_dot(2 if window[:at].endswith(b"\r\n") else 1)
        self.finished = True
        return data[ended:]

    @property
    def content(self) -> bytes:
        """The letter: dot-stuffing undone, otherwise as it came."""
        assert self.finished, "the letter has not ended yet"
        stuffed = b"\r\n" + self._lines()
        return stuffed.replace(b"\r\n.", b"\r\n")[2:]  # RFC 5321 §4.5.2

    @property
    def kept(self) -> int:
        """Octets held in memory."""
        return len(self._kept)

    @property
    def too_big(self) -> bool:
        """Whether the letter is larger than the limit."""
        return self.size > self._limit

    @property
    def has_bare_newline(self) -> bool:
        """Whether a CR or LF stood alone.  Ask when the letter has ended."""
        return not self._crs == self._lfs == self._pairs

    @property
    def has_long_line(self) -> bool:
        """Whether a line had more than LINE_LIMIT octets."""
        return max(self._longest, self._line) > LINE_LIMIT

    def _find_end(self, window: bytes) -> int:
        """Where in `window` the letter is over; -1 if it is not."""
        at = window.find(END)
        return at + len(END) if at >= 0 else -1

    def _lines(self) -> bytes | bytearray:
        """What was kept, as lines that end with CR LF."""
        return self._kept

    def _take(self, data: bytes) -> None:
        window = self._tail + data
        before = self._tail[-len(self.line_end) :]
        self.octets += len(data)
        self.size += len(data) - (before + data).count(self.line_end + b".")
        self._count_newlines(before[-1:] + data, data)
        self._measure_lines(data)
        self.has_nul = self.has_nul or b"\0" in data
        self._tail = window[-4:]
        self._keep(data)

    def _keep(self, data: bytes) -> None:
        if self.size > self._limit + 2:  # 2: the CR LF of the final line is not the letter's
            self._keeping = False
            self._kept.clear()
        elif self._keeping:
            self._kept += data

    def _count_newlines(self, window: bytes, data: bytes) -> None:
        self._crs += data.count(b"\r")
        self._lfs += data.count(b"\n")
        self._pairs += window.count(b"\r\n")

    def _measure_lines(self, data: bytes) -> None:
        first, *others = data.split(b"\n")
        self._line += len(first)
        if others:
            whole = max((len(line) for line in others[:-1]), default=0)
            self._longest = max(self._longest, self._line + 1, whole + 1)
            self._line = len(others[-1])

    def _drop_final_dot(self, line_end: int) -> None:
        """The dot was counted as a doubled one; what is left of its line is its end."""
        self.size -= line_end
        if self._keeping:
            del self._kept[-(line_end + 1) :]
