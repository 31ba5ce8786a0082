"""Runs a protocol without I/O on a connection.

One driver serves POP3 and IMAP alike: it greets, feeds bytes to the core, does
what the core's outputs ask for, upgrades to TLS, and says good-bye when the
client has been silent for too long.  Whatever it does, it records.
"""

from __future__ import annotations

import asyncio
import ssl

from labmail.net.connection import Line
from labmail.net.core import Carried, Core, Deliver, HangUp, Output, Say, StartTls
from labmail.trace.events import Side


class Driver(asyncio.Protocol):
    """One core on one line.  `tls` is what STARTTLS or STLS presents to the client."""

    def __init__(self, core: Core, line: Line, tls: ssl.SSLContext | None = None) -> None:
        self._core = core
        core.hand_on = self._do_early
        self._line = line
        self._tls = tls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._do(self._core.greet())

    def data_received(self, data: bytes) -> None:
        self._do(self._core.receive(data))

    def connection_lost(self, exc: Exception | None) -> None:
        self._core.lost()

    def changed(self) -> None:
        """A mailbox this session watches has changed."""
        self._do(self._core.changed())

    def timed_out(self) -> None:
        """The line's patience is over."""
        self._do(self._core.timed_out())

    def _do_early(self, outputs: list[Output]) -> list[Output]:
        self._do(outputs)
        return []

    def _do(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case Say():
                    self._line.write(output.data)
                    self._line.note(output)
                case Deliver():
                    self._deliver(output.data)
                case StartTls():
                    self._start_tls()
                case HangUp():
                    self._line.close(output.reason)
                case _:
                    self._line.note(output)

    def _deliver(self, data: bytes) -> None:
        offset = self._line.said_by_server
        self._line.write(data)
        self._line.note(Carried(Side.SERVER, offset, len(data)))

    def _start_tls(self) -> None:
        assert self._tls is not None, "the core offered TLS without a certificate"
        self._line.start_tls(self._tls).add_done_callback(self._tls_answered)

    def _tls_answered(self, handshake: asyncio.Future[bool]) -> None:
        if not handshake.cancelled() and handshake.result():
            self._do(self._core.tls_started())
