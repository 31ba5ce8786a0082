"""Runs a protocol without I/O on a connection.

One driver serves POP3 and IMAP alike: it greets, feeds bytes to the core, does
what the core's outputs ask for, upgrades to TLS, and says good-bye when the
client has been silent for too long.  Whatever it does, it records.

A client that asks for more than it reads is made to wait: its commands are kept
until it has read most of the answers to those before.
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
        core.enough = self._enough
        self._line = line
        self._tls = tls
        self._held_up = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._do(self._core.greet())

    def data_received(self, data: bytes) -> None:
        self._do(self._core.receive(data))

        if self._held_up:
            asyncio.get_running_loop().call_soon(self._go_on)

    def resume_writing(self) -> None:
        """The client has read what was waiting for it."""
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._do(self._core.lost())

    def changed(self) -> None:
        """A mailbox this session watches has changed."""
        self._do(self._core.changed())

    def timed_out(self) -> None:
        """The line's patience is over."""
        self._do(self._core.timed_out())

    def _enough(self) -> bool:
        self._held_up = self._line.unread > self._line.listener.limits.unread
        return self._held_up

    def _go_on(self) -> None:
        """Take up the commands that had to wait; if much is still unread, the line calls
        `resume_writing` when it no longer is."""
        while self._held_up and not self._enough():
            self._do(self._core.receive(b""))

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
