"""What the client has sent and nobody has read yet.

aiosmtpd reads through `asyncio.StreamReader`, which cannot forget what it holds
and hands out lines that end with a lone LF.  A mail server must be able to do
both: drop what came in the clear before TLS (RFC 3207 §4.2), and tell CR LF from
LF (RFC 5321 §2.3.8).  So the server has its own intake.

It is bounded: above `HIGH` octets the connection is not read any further, and
TCP makes the client wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

HIGH = 256 * 1024
"""Octets waiting here above which the client has to wait."""


class LineTooLong(Exception):
    """The client sent more than the limit without ending its line."""


class Intake:
    """Octets in, lines and chunks out.

    `pause` and `resume` stop and start the reading of the connection.
    """

    def __init__(self, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._buffer = bytearray()
        self._ended = False
        self._paused = False
        self._news = asyncio.Event()
        self._pause = pause
        self._resume = resume

    def __len__(self) -> int:
        """How many octets wait."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """The client sent this."""
        self._buffer += data
        self._news.set()
        if len(self._buffer) > HIGH and not self._paused:
            self._paused = True
            self._pause()

    def end(self) -> None:
        """The client will send no more."""
        self._ended = True
        self._news.set()

    def forget(self) -> None:
        """Drop what waits, unread."""
        self._take(len(self._buffer))

    def give_back(self, data: bytes) -> None:
        """Put in front again what was read too much."""
        self._buffer[:0] = data

    async def line(self, limit: int) -> bytes | None:
        """The next line, with whatever ends it (LF at least); None if there will be no more.

        Raises LineTooLong as soon as `limit` octets have come without an end.
        """
        searched = 0
        while True:
            end = self._buffer.find(b"\n", searched, limit)
            if end >= 0:
                return self._take(end + 1)
            if len(self._buffer) >= limit:
                raise LineTooLong
            if self._ended:
                return None
            searched = len(self._buffer)
            await self._more()

    async def chunk(self) -> bytes | None:
        """Whatever waits, at least one octet; None if there will be no more."""
        while not self._buffer:
            if self._ended:
                return None
            await self._more()
        return self._take(len(self._buffer))

    async def _more(self) -> None:
        self._news.clear()
        await self._news.wait()

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        if self._paused and len(self._buffer) <= HIGH:
            self._paused = False
            self._resume()
        return taken
