"""One accepted connection: the tap.

Between the socket and the server that talks on it stands a `Line`.  All bytes
pass through it, in both directions, so whatever client program is at the other
end, everything is recorded::

    socket ── records ──▶ ┌ Line ──────────────────────────┐ ── words ──▶  aiosmtpd, or the
           ◀─────────────  │ CIPHER  [ TLS ]  INSIDE / OPEN │ ◀───────────  driver of POP3 and IMAP
                           └────────────────────────────────┘

The tap below TLS sees what an eavesdropper sees, the tap above it what was
said.  TLS itself happens here and nowhere else: from the first byte (implicit)
or when the server calls `start_tls` after its positive reply (STARTTLS, STLS).

An *observer* may listen to the words (SMTP's does, because aiosmtpd reads its
commands itself) and turn them into talk events; POP3 and IMAP report theirs
through the driver.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from labmail.net.core import Carried, Heard, Limit, LogIn, Output, Say, Unread
from labmail.net.limits import Limits
from labmail.net.tls import Records, TlsServer
from labmail.net.transport import LineTransport
from labmail.trace.events import (
    Closed,
    Command,
    Connected,
    Connection,
    Content,
    Event,
    Layer,
    LimitReached,
    LoggedIn,
    LoginFailed,
    Place,
    Reply,
    Sent,
    Side,
    TlsFailed,
    TlsStarted,
)
from labmail.trace.recorder import Recorder, compact

COMMAND_KEPT = 16_384
"""Octets of one command that its event repeats.  IMAP's may hold a letter; all its octets are in
the `Sent` events."""


WRITE_BUFFER = 64 * 1024
"""Octets that wait for the client before the server stops listening to it."""


class Observer(Protocol):
    """Listens to what is said on a line and reports commands, replies and letters.

    `upgrading`: the two sides have agreed upon TLS and are about to begin it.
    """

    upgrading: bool

    def client_said(self, data: bytes) -> Iterable[Output]: ...
    def server_said(self, data: bytes) -> Iterable[Output]: ...
    def tls_started(self) -> None: ...
    def lost(self) -> Iterable[Output]: ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the client's end of a connection.

    `kind` is "host" (a server of the lab dials out), "laptop" (a program in the
    notebook) or "outside" (a program that is no part of the lab's process).
    """

    place: Place
    kind: str
    parcel: int | None = None
    out_of_time: asyncio.Event | None = None
    """Set when the server has been told to be silent: the caller has waited long enough then,
    as if its minutes had passed."""


@dataclass(slots=True)
class Listener:
    """What listens on one (address, port) of the lab.

    `serve` makes the protocol that talks on a line; `tls` is set for services
    that begin with the handshake; `observe` makes the observer of a line.  `ready` is asked
    before somebody calls, where who listens may be away.
    """

    place: Place
    service: str
    serve: Callable[[Line], asyncio.Protocol]
    limits: Limits
    tls: ssl.SSLContext | None = None
    observe: Callable[[], Observer] | None = None
    ready: Callable[[], Awaitable[bool]] | None = None
    server: asyncio.Server | None = None
    lines: set[Line] = field(default_factory=set)

    @property
    def real_port(self) -> int:
        """The port on 127.0.0.1 that stands for this address and port."""
        assert self.server is not None, f"nothing listens yet at {self.place}"
        port: int = self.server.sockets[0].getsockname()[1]
        return port


class Exchange(Protocol):
    """What a line needs of the network it belongs to."""

    recorder: Recorder

    def claim(self, real_port: int, listener: Listener) -> Caller: ...
    def next_connection(self) -> int: ...
    def waited_for(self, line: Line) -> None: ...
    def line_changed(self, line: Line) -> None: ...


class Line(asyncio.Protocol):
    """One connection to a server of the lab, from accept to hang-up."""

    connection: Connection
    transport: LineTransport

    def __init__(self, exchange: Exchange, listener: Listener) -> None:
        self.listener = listener
        self.caller: Caller
        self.closing = False
        self.closed = False
        self._client_is_done = False
        self._kept_back: bytearray | None = None
        self._not_reading: set[str] = set()
        self._recorded = 0
        self._exchange = exchange
        self._loop = asyncio.get_running_loop()
        self._socket: asyncio.Transport
        self._inner: asyncio.Protocol | None = None
        self._observer = listener.observe() if listener.observe else None
        self._tls: TlsServer | None = None
        self._records = Records()
        self._tls_mode = ""
        self._tls_ready: asyncio.Future[bool] | None = None
        self._said = {Side.CLIENT: 0, Side.SERVER: 0}
        self._ciphered = {Side.CLIENT: 0, Side.SERVER: 0}
        self._spoke_last = Side.CLIENT
        self._closed_by: Side | None = None
        self._close_reason = ""
        self._last_heard = self._loop.time()
        self._timers: list[asyncio.TimerHandle] = []

    # --- for servers ---------------------------------------------------------------

    @property
    def parcel(self) -> int | None:
        """The number of the letter that the caller brings, when the caller is a lab host."""
        return self.caller.parcel

    @property
    def tls_on(self) -> bool:
        """Whether what is said now is said inside TLS."""
        return self._tls is not None and self._tls.established

    @property
    def handshaking(self) -> bool:
        """Whether TLS has begun and its handshake is not through."""
        return self._tls is not None and not self._tls.established

    @property
    def unfinished(self) -> bool:
        """Whether the world is not at rest because of this line."""
        if self.closed:
            return False
        ending = self.closing or self._client_is_done
        return self.caller.kind == "host" or (ending and self._socket.get_write_buffer_size() == 0)

    def emit(self, kind: type[Event], **fields: Any) -> Event:
        """Record an event of this connection's host."""
        return self._exchange.recorder.emit(kind, **fields)

    def start_tls(self, context: ssl.SSLContext) -> asyncio.Future[bool]:
        """Begin the handshake: from now on the client's bytes are TLS records.

        Call it after the positive reply was written.  The future's result is
        True when the handshake is through and False when it failed (the line is
        then being closed).
        """
        return self._begin_tls(context, "starttls")

    def fall_silent(self) -> None:
        """The server will say nothing more: a host of the lab that waits is out of time now."""
        if self.caller.out_of_time is not None:
            self.caller.out_of_time.set()

    def limit(self, limit: str, action: str) -> None:
        """Record that the server protected itself."""
        self.emit(LimitReached, connection=self.connection, limit=limit, action=action)

    def note(self, output: Output) -> None:
        """Record what an observer or a core reports."""
        match output:
            case Heard():
                self._note_command(output)
            case Say():
                self.emit(
                    Reply,
                    connection=self.connection,
                    verb=output.verb,
                    code=output.code,
                    lines=tuple(output.data.removesuffix(b"\r\n").split(b"\r\n")),
                    before=output.before,
                    after=output.after,
                    tag=output.tag,
                )
            case Carried():
                self.emit(
                    Content,
                    connection=self.connection,
                    sender=output.sender,
                    offset=output.offset,
                    size=output.size,
                )
            case LogIn():
                self.emit(
                    LoggedIn if output.ok else LoginFailed,
                    host=self.connection.server.name,
                    connection=self.connection,
                    account=output.account,
                    mechanism=output.mechanism,
                )
            case Limit():
                self.limit(output.limit, output.action)
            case Unread():
                self._mark_secret(output.start, output.end)

    def _note_command(self, heard: Heard) -> None:
        secrets = ((start, min(end, COMMAND_KEPT)) for start, end in heard.secrets)
        self.emit(
            Command,
            connection=self.connection,
            verb=heard.verb,
            line=heard.line[:COMMAND_KEPT],
            state=heard.state,
            tag=heard.tag,
            secrets=tuple(span for span in secrets if span[0] < span[1]),
        )
        for start, end in heard.wire_secrets:
            self._mark_secret(start, end)

    def _mark_secret(self, start: int, end: int) -> None:
        self._exchange.recorder.mark_secret(self.connection, Side.CLIENT, start, end)

    @property
    def said_by_server(self) -> int:
        """How many octets the server has said so far."""
        return self._said[Side.SERVER]

    @property
    def unsent(self) -> int:
        """How many octets of the server the system has not taken yet."""
        return self._socket.get_write_buffer_size()

    @property
    def tls_object(self) -> ssl.SSLObject | None:
        """The TLS session, if there is one."""
        return self._tls.object if self._tls is not None else None

    @property
    def unread(self) -> int:
        """How many octets of the server wait to be read by the client."""
        return self.unsent + len(self._kept_back or b"")

    def stop_reading(self, why: str) -> None:
        """Read no more from the client, so that nothing piles up."""
        self._not_reading.add(why)
        self._socket.pause_reading()

    def read_again(self, why: str) -> None:
        """This is no reason any more not to read; there may be another."""
        self._not_reading.discard(why)
        if not self._not_reading and not self._socket.is_closing():
            self._socket.resume_reading()

    def close(self, reason: str = "") -> None:
        """Close from the server's side, after what was written has gone out."""
        if self.closing or self.closed:
            return
        self.closing = True
        self._closed_by = self._closed_by or Side.SERVER
        self._close_reason = self._close_reason or reason
        self._stop_clocks()
        if self._tls is not None:
            self._tls.say_goodbye()
            self._send_records()
        self._release()
        self._socket.close()
        if not self.closed and self._socket.get_write_buffer_size():
            patience = self.listener.limits.farewell_seconds
            self._timers.append(self._loop.call_later(patience, self.abort, "client does not read"))

    def abort(self, reason: str) -> None:
        """Cut the connection at once; what was not sent yet is dropped."""
        self._closed_by = self._closed_by or Side.SERVER
        self._close_reason = self._close_reason or reason
        self.closing = True
        self._socket.abort()

    def write(self, data: bytes) -> None:
        """Say something to the client.  In the middle of the handshake there is no way to say it:
        in the clear it would be no TLS record, and inside nobody has keys yet."""
        if self.closing or self.closed or self.handshaking or not data:
            return
        self._take_turns(Side.SERVER)
        if self._tls is None:
            self._record(Side.SERVER, Layer.OPEN, data)
            self._to_socket(data)
        else:
            self._record(Side.SERVER, Layer.INSIDE, data)
            self._tls.say(data)
            self._send_records()
        if self._observer is not None:
            for output in self._observer.server_said(data):
                self.note(output)

    # --- asyncio calls these -----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._socket = transport
        # Whoever waits because more than `unread` is waiting must be told when it is less.
        transport.set_write_buffer_limits(high=min(WRITE_BUFFER, self.listener.limits.unread))
        real_port = transport.get_extra_info("peername")[1]
        self.caller = self._exchange.claim(real_port, self.listener)
        self.connection = Connection(
            self._exchange.next_connection(),
            self.listener.service,
            self.caller.place,
            self.listener.place,
        )
        self.transport = LineTransport(self)
        self.listener.lines.add(self)
        self.emit(Connected, connection=self.connection)
        self._exchange.line_changed(self)
        if len(self.listener.lines) > self.listener.limits.connections:
            self.limit("connections", "closed without a word")
            self.abort("too many connections")
        else:
            self._set_timers()
            self._begin()

    def data_received(self, data: bytes) -> None:
        self._last_heard = self._loop.time()
        if self._tls is None:
            self._hear(Layer.OPEN, data)
            return
        was_ready = self._tls.established
        words = b"".join(map(self._decrypt, self._records.feed(data)))
        if words and was_ready:
            self._hear(Layer.INSIDE, words)
        elif words:  # first words on the heels of the handshake: whoever waits for it goes first
            self._loop.call_soon(self._hear, Layer.INSIDE, words)
        if self._tls.ended and not self.closing and not self.eof_received():
            self.close()

    def eof_received(self) -> bool:
        """The client will say no more.  Whether the line stays open: a server may have answers
        to what was said before (``printf … | nc`` waits for them)."""
        self._closed_by = self._closed_by or Side.CLIENT
        if self._inner is None or self._client_is_done or self.handshaking:
            return self._client_is_done and not self.handshaking
        answers = bool(self._inner.eof_received())
        # A host of the lab that says no more has hung up.
        self._client_is_done = answers and self.caller.kind != "host"
        return self._client_is_done

    def pause_writing(self) -> None:
        """The client does not read: stop listening to it."""
        self.stop_reading("the client does not read")
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        self.read_again("the client does not read")
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._stop_clocks()
        try:
            self._tell_that_it_is_lost(exc)
        finally:  # whatever broke in there: nobody may wait for this line any more
            self._forget(exc)

    def _tell_that_it_is_lost(self, exc: Exception | None) -> None:
        if rest := self._records.rest():
            self._record(Side.CLIENT, Layer.CIPHER, rest)
        if self._tls is not None and not self._tls.established:
            self._tls.take_keys()  # of a handshake that was given up: nobody will ask for them
        if self._observer is not None:
            for output in self._observer.lost():
                self.note(output)
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def _forget(self, exc: Exception | None) -> None:
        by = self._closed_by or (Side.CLIENT if exc else Side.SERVER)
        self.emit(Closed, connection=self.connection, by=by, reason=self._close_reason)
        if self._tls_ready is not None and not self._tls_ready.done():
            self._tls_ready.set_result(False)
        self.listener.lines.discard(self)
        self._exchange.line_changed(self)

    # --- inside ---------------------------------------------------------------------------

    def _begin(self) -> None:
        if self.listener.tls is None:
            self._begin_talk()
        else:
            self._begin_tls(self.listener.tls, "implicit")

    def _begin_talk(self) -> None:
        self._inner = self.listener.serve(self)
        self._inner.connection_made(self.transport)

    def _begin_tls(self, context: ssl.SSLContext, mode: str) -> asyncio.Future[bool]:
        self._tls = TlsServer(context)
        self._tls_mode = mode
        self._tls_ready = self._loop.create_future()
        return self._tls_ready

    def _decrypt(self, record: bytes) -> bytes:
        assert self._tls is not None
        if self.closing:
            return b""
        self._record(Side.CLIENT, Layer.CIPHER, record)
        was_ready = self._tls.established
        words = b""
        try:
            words = self._tls.receive(record)
        except ssl.SSLError as error:
            self._send_records()
            self._tls_broke(error)
        else:
            self._send_records()
            if self._tls.established and not was_ready:
                self._tls_established()
        return words

    def _tls_established(self) -> None:
        assert self._tls is not None and self._tls_ready is not None
        cipher = self._tls.object.cipher()
        self._take_turns(Side.CLIENT)
        self._exchange.waited_for(self)  # RFC 8446 §2: the handshake is one round trip
        self.emit(
            TlsStarted,
            connection=self.connection,
            mode=self._tls_mode,
            version=self._tls.object.version() or "",
            cipher=cipher[0] if cipher else "",
            keys=self._tls.take_keys(),
        )
        if self._observer is not None:
            self._observer.tls_started()
        if not self._tls_ready.done():
            self._tls_ready.set_result(True)
        if self._inner is None:
            self._begin_talk()

    def _tls_broke(self, error: ssl.SSLError) -> None:
        assert self._tls is not None
        reason = (error.reason or "not TLS").replace("_", " ").lower()
        keys = self._tls.take_keys()
        self.emit(TlsFailed, connection=self.connection, reason=reason, keys=keys)
        self.abort(f"TLS failed: {reason}")

    def _send_records(self) -> None:
        assert self._tls is not None
        records = self._tls.records_to_send()
        if records:
            self._record(Side.SERVER, Layer.CIPHER, records)
            self._to_socket(records)

    @contextlib.contextmanager
    def _in_one_piece(self) -> Iterator[None]:
        """Keep back what is written in this block and send it at its end: else a client that
        hangs up at the first line would sometimes be sent the second and sometimes not."""
        self._kept_back = bytearray()
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        """Send what was kept back."""
        data, self._kept_back = self._kept_back, None
        if data:
            self._to_socket(data)

    def _to_socket(self, data: bytes | bytearray) -> None:
        if self._kept_back is not None:
            self._kept_back += data
        elif not self._socket.is_closing():
            self._socket.write(data)

    def _hear(self, layer: Layer, data: bytes) -> None:
        if self.closed:
            return
        self._take_turns(Side.CLIENT)
        self._record(Side.CLIENT, layer, data)
        if self._observer is not None:
            for output in self._observer.client_said(data):
                self.note(output)
        if self._inner is not None and not self.closing:
            with self._in_one_piece():
                self._inner.data_received(data)

    def _take_turns(self, speaker: Side) -> None:
        """A client that speaks after the server has waited for its words: a way back and forth."""
        if speaker is Side.CLIENT and self._spoke_last is Side.SERVER:
            self._exchange.waited_for(self)
        self._spoke_last = speaker

    def _record(self, sender: Side, layer: Layer, data: bytes) -> None:
        counts = self._ciphered if layer is Layer.CIPHER else self._said
        offset = counts[sender]
        counts[sender] += len(data)
        if self._worth_keeping(len(data)):
            self.emit(
                Sent,
                connection=self.connection,
                sender=sender,
                layer=layer,
                offset=offset,
                data=compact(data),
            )

    def _worth_keeping(self, size: int) -> bool:
        """Whether this connection still has room in the trace; that it has none is said once."""
        share = self._exchange.recorder.share
        had_room = self._recorded <= share
        self._recorded += size
        if had_room and self._recorded > share:
            self.limit("trace", "what is said from here on is not kept")
        return self._recorded <= share

    def _set_timers(self) -> None:
        limits = self.listener.limits
        self._timers = [
            self._loop.call_later(limits.session_seconds, self._session_over),
            self._loop.call_later(limits.idle_seconds, self._look_at_silence),
        ]

    def _stop_clocks(self) -> None:
        for timer in self._timers:
            timer.cancel()

    def _session_over(self) -> None:
        self.limit("session time", "closed")
        self._time_out("session took too long")

    def _look_at_silence(self) -> None:
        """Re-arm until the client has really been silent for the whole time.  It is not the
        client who is silent while a person at the counter thinks (`patient`)."""
        silent = self._loop.time() - self._last_heard
        if getattr(self._inner, "patient", False):
            silent = 0.0
        left = self.listener.limits.idle_seconds - silent
        if left > 0:
            self._timers[1] = self._loop.call_later(left, self._look_at_silence)
        else:
            self.limit("idle time", "closed")
            self._time_out("client was silent for too long")

    def _time_out(self, reason: str) -> None:
        say_goodbye = getattr(self._inner, "timed_out", None)
        try:
            if say_goodbye is not None and not self.handshaking:
                say_goodbye()
        finally:  # whatever broke in there: the time is over
            self.close(reason)
