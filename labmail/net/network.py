"""Virtual addresses, real sockets.

Hosts of the lab have documentation addresses (RFC 5737) and well-known ports.
None of these exists on this machine: each (address, port) where something
listens stands for an ephemeral socket on 127.0.0.1.  So the lab needs no root,
no fixed ports, and two labs never clash.

Who calls?  The server sees a connection from 127.0.0.1 and some port.  A lab
host that dials therefore binds its socket first and writes the port into the
book of callers *before* it connects; the server looks it up.  Nothing is added
to the wire.  A caller that is not in the book comes from outside the lab.
"""

from __future__ import annotations

import asyncio
import socket
from asyncio import FIRST_COMPLETED
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from labmail.net.addresses import service_of
from labmail.net.connection import Caller, Line, Listener
from labmail.net.faults import Cut, Fault, Faults, Way, between
from labmail.runtime.ids import Ids
from labmail.trace.events import ConnectFailed, Datagram, Place, Side
from labmail.trace.recorder import Recorder, compact

LOOPBACK = "127.0.0.1"
FIRST_CALLING_PORT = 49152  # RFC 6335 §6: dynamic ports begin here
OUTSIDE = ("outside", "192.0.2.200")
"""The name and address under which programs outside the lab's process appear."""
STRANGERS_REMEMBERED = 1000
"""Programs outside that keep their calling port in the trace while they send datagrams."""
UDP_PATIENCE = 2.0
"""Real seconds to wait for an answer by UDP.  A server of the lab answers at once, or says that
it will not: this is for datagrams that the system itself has lost."""
QUIET_TURNS = 4
"""Turns of the loop in which nothing happens, after which nothing will happen by itself."""

Peer = tuple[str, int]
RecordDatagram = Callable[[Peer, Side, bytes], None]
KeepSilent = Callable[[Peer], None]
ServeDatagrams = Callable[[RecordDatagram, KeepSilent], asyncio.DatagramProtocol]
"""Makes the protocol that answers datagrams; it is handed the function that records them, and
the one to call where there will be no answer."""


class NoRoute(OSError):
    """Nobody in the lab has this address."""


class Network:
    """The network of one lab."""

    def __init__(self, recorder: Recorder, ids: Ids) -> None:
        self.recorder = recorder
        self._ids = ids
        self._names: dict[str, str] = {}
        self._listeners: dict[tuple[str, int], Listener] = {}
        self._datagrams: dict[tuple[str, int], tuple[asyncio.DatagramTransport, int]] = {}
        self._callers: dict[int, Caller] = {}
        self._ringing: dict[int, tuple[Listener, asyncio.Future[None]]] = {}
        self._strangers: dict[int, Place] = {}
        self._asking: dict[int, tuple[Peer, asyncio.Future[None]]] = {}
        self._behind: dict[str, str] = {}
        self.faults = Faults()
        """What is planned to go wrong on the way."""
        self.pass_time: Callable[[timedelta], None] = lambda _length: None
        """Called when lab time passes on the way, because of a planned delay."""
        self._calling_ports: Counter[str] = Counter()
        self._last_connection = 0
        self._lines: set[Line] = set()
        self.on_stranger_gone: Callable[[], None] = lambda: None
        """Called when a program from outside has hung up."""
        self._news = asyncio.Event()

    def memory(self) -> tuple[int, dict[str, int], tuple[Fault, ...]]:
        """The numbers given to connections and calling ports, and what is planned to go wrong."""
        return self._last_connection, dict(self._calling_ports), self.faults.planned

    def recall(self, memory: tuple[int, dict[str, int], tuple[Fault, ...]]) -> None:
        """Go on from there."""
        self._last_connection, ports, planned = memory
        self._calling_ports = Counter(ports)
        self.faults.recall(planned)

    # --- addresses -------------------------------------------------------------------

    def add_address(self, ip: str, name: str) -> None:
        """Make an address known: `name` is the host that has it."""
        self._names[ip] = name

    def name_of(self, ip: str) -> str | None:
        """The host that has this address; None when nobody in the lab has it."""
        return self._names.get(ip)

    def real_port(self, ip: str, port: int) -> int | None:
        """The port on 127.0.0.1 that stands for (address, port); None if nothing listens."""
        listener = self._listener_at(ip, port)
        return listener.real_port if listener else None

    def translate(self, public: str, private: str) -> None:
        """Stand a translator of addresses before a host: who calls its public address gets
        through to the private one, and the host itself knows nothing of it (RFC 2663 §4.2)."""
        self._behind[public] = private
        self._names[public] = self._names.get(private, private)

    def _listener_at(self, ip: str, port: int) -> Listener | None:
        return self._listeners.get((self._behind.get(ip, ip), port))

    # --- listening ---------------------------------------------------------------------

    async def listen(self, listener: Listener, line: type[Line] = Line) -> None:
        """Begin to listen; each connection becomes a line of this kind.  Raises OSError when
        something listens there already."""
        key = (listener.place.ip, listener.place.port)
        if key in self._listeners:
            raise OSError(f"something already listens at {listener.place}: stop it first")
        loop = asyncio.get_running_loop()
        sock = self._bound_socket(socket.SOCK_STREAM)
        listener.server = await loop.create_server(
            lambda: line(self, listener), sock=sock, backlog=1024
        )
        self._listeners[key] = listener

    async def listen_with_datagrams(self, listener: Listener, serve: ServeDatagrams) -> None:
        """Listen on TCP, and on UDP at the same real port, as a DNS server must."""
        loop = asyncio.get_running_loop()
        while True:
            await self.listen(listener)
            try:
                udp = self._bound_socket(socket.SOCK_DGRAM, listener.real_port)
            except OSError:  # another program has this UDP port: take another pair
                await self.unlisten(listener)
                continue
            try:
                transport, _ = await loop.create_datagram_endpoint(
                    lambda: serve(self._datagram_recorder(listener.place), self._keeps_silent),
                    sock=udp,
                )
            except BaseException:  # neither of the two doors stays open
                udp.close()
                await self.unlisten(listener)
                raise
            key = (listener.place.ip, listener.place.port)
            self._datagrams[key] = (transport, listener.real_port)
            return

    async def unlisten(self, listener: Listener) -> None:
        """Stop listening and cut every connection that is still open there."""
        key = (listener.place.ip, listener.place.port)
        self._listeners.pop(key, None)
        if key in self._datagrams:
            self._datagrams.pop(key)[0].close()
            self._leave_unanswered(key)
        if listener.server is not None:
            listener.server.close()
        self._refuse_ringing(listener)
        for line in list(listener.lines):
            line.abort("the server was stopped")
        while listener.lines:
            self._news.clear()
            await self._news.wait()
        listener.server = None

    async def close(self) -> None:
        """Stop everything."""
        for listener in list(self._listeners.values()):
            await self.unlisten(listener)

    # --- dialling ---------------------------------------------------------------------

    async def dial(
        self,
        name: str,
        ip: str,
        server_ip: str,
        port: int,
        *,
        kind: str = "host",
        parcel: int | None = None,
        out_of_time: asyncio.Event | None = None,
    ) -> socket.socket:
        """Open a TCP connection from host `name` with address `ip`.

        `out_of_time` is set when a server that was told to be silent lets the caller wait.
        Returns a connected, non-blocking socket.  Raises ConnectionRefusedError
        when nothing listens there, NoRoute when nobody has the address, and what
        a planned fault says when one stands in the way.
        """
        client = Place(name, ip, self._calling_port(ip))
        server = Place(self.name_of(server_ip) or server_ip, server_ip, port)
        private_ip = self._behind.get(server_ip, server_ip)
        if way := self.faults.stopping(ip, private_ip, port):
            raise self._stopped(way, client, server, parcel)
        self._round_trip(ip, private_ip)  # RFC 9293 §3.5: SYN, and the SYN that answers it
        listener = self._listener_at(server_ip, port)
        if listener is None or (listener.ready and not await listener.ready()):
            raise self._failure(client, server, parcel)
        sock = self._bound_socket(socket.SOCK_STREAM)
        real_port = sock.getsockname()[1]
        self._callers[real_port] = Caller(client, kind, parcel, out_of_time)
        try:
            await self._connect(sock, listener)
        except BaseException:
            self._callers.pop(real_port, None)
            sock.close()
            raise
        return sock

    async def _connect(self, sock: socket.socket, listener: Listener) -> None:
        """Connect, and wait until the server has taken the call: the system says "connected"
        earlier than that, and the world would be at rest too soon."""
        loop = asyncio.get_running_loop()
        real_port, taken = sock.getsockname()[1], loop.create_future()
        self._ringing[real_port] = (listener, taken)
        try:
            await loop.sock_connect(sock, (LOOPBACK, listener.real_port))
            await taken
        finally:
            self._ringing.pop(real_port, None)
            if taken.done() and not taken.cancelled():
                taken.exception()  # heard, also where the system was quicker to say so

    async def ask(self, name: str, ip: str, server_ip: str, port: int, question: bytes) -> bytes:
        """Send one datagram and wait for the one that answers it.

        Raises TimeoutError when no answer comes: a datagram to a port where
        nobody listens vanishes.
        """
        key = (server_ip, port)
        target = self._datagrams.get(key)
        client = Place(name, ip, self._calling_port(ip))
        way = self.faults.stopping(ip, server_ip, port)
        if target is None or way:
            server = Place(self.name_of(server_ip) or server_ip, server_ip, port)
            self.recorder.emit(
                Datagram, client=client, server=server, sender=Side.CLIENT, data=question
            )
            why = "it is cut off" if way else "nothing listens there"
            raise TimeoutError(f"no answer from {server}: {why}")
        self._round_trip(ip, server_ip)
        return await self._exchange(client, key, target[1], question)

    async def _exchange(
        self, client: Place, server: Peer, server_port: int, question: bytes
    ) -> bytes:
        """One datagram there and one back, through real sockets."""
        loop = asyncio.get_running_loop()
        sock = self._bound_socket(socket.SOCK_DGRAM)
        real_port = sock.getsockname()[1]
        silence: asyncio.Future[None] = loop.create_future()
        self._callers[real_port] = Caller(client, "host")
        self._asking[real_port] = (server, silence)
        try:
            await loop.sock_sendto(sock, question, (LOOPBACK, server_port))
            answer = asyncio.ensure_future(loop.sock_recvfrom(sock, 65535))
            await asyncio.wait((answer, silence), timeout=UDP_PATIENCE, return_when=FIRST_COMPLETED)
            if not answer.done():
                answer.cancel()
                raise TimeoutError(f"no answer from {server[0]}: it keeps silent")
            return answer.result()[0]
        finally:
            self._asking.pop(real_port, None)
            self._callers.pop(real_port, None)
            sock.close()

    def _keeps_silent(self, peer: Peer) -> None:
        """Whoever asked from this port will hear nothing: it need not wait for that."""
        if peer[1] in self._asking and not (silence := self._asking[peer[1]][1]).done():
            silence.set_result(None)

    def _leave_unanswered(self, server: Peer) -> None:
        """What was asked there and is not answered yet never will be."""
        for real_port, (asked, _) in list(self._asking.items()):
            if asked == server:
                self._keeps_silent((LOOPBACK, real_port))

    # --- planned faults ---------------------------------------------------------------------

    def plan(self, fault: Fault) -> None:
        """Let this go wrong from now on.  A cut ends the connections that it cuts."""
        self.faults.plan(fault)
        if isinstance(fault, Cut):
            for line in list(self._lines):
                ends = line.connection.client.ip, line.connection.server.ip
                if between(fault.one, fault.other, *ends):
                    line.abort("the network between the two was cut")

    def _round_trip(self, a: str, b: str) -> None:
        if length := self.faults.delay(a, b):
            self.pass_time(length)

    def _stopped(self, way: Way, client: Place, server: Place, parcel: int | None) -> OSError:
        self.recorder.emit(
            ConnectFailed, client=client, server=server, reason=way.reason, parcel=parcel
        )
        port = f"port {server.port} ({service_of(server.port)})"
        return way.error(f"{server.name} [{server.ip}] {port}")

    # --- rest ---------------------------------------------------------------------------

    async def rest(self) -> None:
        """Wait until no conversation that the lab itself is having is under way.

        A program in the notebook may keep its connection open for as long as it
        likes; it is at rest while the server waits for it to speak.
        """
        while not await self._quiet():
            while any(line.unfinished for line in self._lines):
                self._news.clear()
                await self._news.wait()

    async def _quiet(self) -> bool:
        """Whether nothing happens while the loop reads what already lies in the sockets."""
        happened = len(self.recorder)
        for _ in range(QUIET_TURNS):
            await asyncio.sleep(0)
        return happened == len(self.recorder) and not any(x.unfinished for x in self._lines)

    # --- what lines need (see connection.Exchange) -----------------------------------------

    def claim(self, real_port: int, listener: Listener) -> Caller:
        if real_port in self._ringing and not (taken := self._ringing[real_port][1]).done():
            taken.set_result(None)
        caller = self._callers.pop(real_port, None)
        return caller or Caller(self._outside(), "outside")

    def next_connection(self) -> int:
        self._last_connection += 1
        return self._last_connection

    def waited_for(self, line: Line) -> None:
        """One side of this line had to wait for the other before it could go on."""
        self._round_trip(line.connection.client.ip, line.connection.server.ip)

    def line_changed(self, line: Line) -> None:
        if line.closed:
            self._lines.discard(line)
            if line.caller.kind == "outside":
                self.on_stranger_gone()
        else:
            self._lines.add(line)
        self._news.set()

    # --- inside -----------------------------------------------------------------------------

    def _refuse_ringing(self, listener: Listener) -> None:
        """Whoever has called and was not yet heard is turned away."""
        for called, taken in self._ringing.values():
            if called is listener and not taken.done():
                taken.set_exception(ConnectionRefusedError(111, "Connection refused"))

    def _failure(self, client: Place, server: Place, parcel: int | None) -> OSError:
        error: OSError
        if server.ip in self._names:
            error = ConnectionRefusedError(
                111,
                f"Connection refused: {server.name} [{server.ip}] does not listen on port "
                f"{server.port} ({service_of(server.port)})",
            )
        else:
            error = NoRoute(
                113, f"No route to host: nobody in this lab has the address {server.ip}"
            )
        reason = "connection refused" if server.ip in self._names else "no route to host"
        self.recorder.emit(
            ConnectFailed, client=client, server=server, reason=reason, parcel=parcel
        )
        return error

    def _datagram_recorder(self, server: Place) -> RecordDatagram:
        def record(peer: Peer, sender: Side, data: bytes) -> None:
            client = self._sender_of_datagram(peer[1])
            self.recorder.emit(
                Datagram, client=client, server=server, sender=sender, data=compact(data)
            )

        return record

    def _sender_of_datagram(self, real_port: int) -> Place:
        if caller := self._callers.get(real_port):
            return caller.place
        if real_port not in self._strangers:
            if len(self._strangers) >= STRANGERS_REMEMBERED:
                self._strangers.clear()
            self._strangers[real_port] = self._outside()
        return self._strangers[real_port]

    def _outside(self) -> Place:
        name, ip = OUTSIDE
        return Place(name, ip, self._calling_port(ip))

    def _calling_port(self, ip: str) -> int:
        self._calling_ports[ip] += 1
        return FIRST_CALLING_PORT + (self._calling_ports[ip] - 1) % (65536 - FIRST_CALLING_PORT)

    @staticmethod
    def _bound_socket(kind: socket.SocketKind, port: int = 0) -> socket.socket:
        sock = socket.socket(socket.AF_INET, kind)
        try:
            sock.setblocking(False)
            sock.bind((LOOPBACK, port))
        except BaseException:
            sock.close()
            raise
        return sock
