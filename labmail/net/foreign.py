"""A program outside the lab gets an address in it.

A real Postfix may listen on a port of this machine.  Attached, it is a host of the lab's world
like any other: it has a name and an address there, hosts of the lab dial it on a well-known
port, and what is said is recorded::

    lab host ── socket ──▶ ┌ line: the tap ┐ ── far end: a socket ──▶ the program
             ◀──────────── └───────────────┘ ◀────────────────────── on 127.0.0.1

The line passes bytes on and adds none.  When the two ends begin TLS, the lab has no key: from
there on the records are all that it hears, as an eavesdropper would (`labmail.net.hello`).

The program is called *before* its caller is told that anybody has answered, so that a program
that is away refuses connections, as it would in life.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from labmail.net.addresses import IMPLICIT_TLS, SERVICES
from labmail.net.connection import Line, Listener, Observer
from labmail.net.hello import Choice, is_client_hello, server_choice
from labmail.net.limits import Limits
from labmail.net.network import LOOPBACK, Network
from labmail.runtime.counts import is_whole
from labmail.trace.events import HostStarted, HostStopped, Layer, Place, Side, TlsStarted

DOCUMENTATION = tuple(
    map(
        ipaddress.ip_network,
        ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"),
    )
)
"""Addresses that nobody has (RFC 5737 §3, RFC 3849 §2)."""

MAX_NAME = 253
"""Letters of a whole name: 255 octets on the wire (RFC 1035 §2.3.4)."""

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"  # RFC 1123 §2.1
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")

Observers = Mapping[str, Callable[[], Observer]]
"""{service: makes who listens to what is said there}"""


class ForeignServer:
    """A server that is not the lab's, at an address of the lab.

    `ports` says where it really listens on 127.0.0.1: {service: port}.  Raises ValueError,
    saying what to give instead, for what cannot be attached.
    """

    def __init__(
        self, network: Network, name: str, ip: str, ports: Mapping[str, int], observers: Observers
    ) -> None:
        _check(name, ip, ports, network.name_of(ip))
        self.name = name
        self.ip = ip
        self.ports = dict(ports)
        self._network = network
        self._observers = observers
        self._listeners: list[Listener] = []
        self._calls = {service: _Calls(port) for service, port in ports.items()}

    async def attach(self) -> None:
        """Give the program its address."""
        self._network.add_address(self.ip, self.name)
        for service in self.ports:
            listener = self._listener(service)
            await self._network.listen(listener, _PassingLine)
            self._listeners.append(listener)
        self._network.recorder.emit(
            HostStarted,
            host=self.name,
            addresses=(self.ip,),
            services=self._services(),
            role="foreign",
        )

    async def detach(self) -> None:
        """Take the address back: open connections are cut, new ones refused.  Harmless twice."""
        if self._listeners:
            listeners, self._listeners = self._listeners, []
            for listener in listeners:
                await self._network.unlisten(listener)
            for calls in self._calls.values():
                calls.hang_up()
            self._network.recorder.emit(HostStopped, host=self.name, services=self._services())

    def _services(self) -> tuple[tuple[str, int], ...]:
        return tuple((service, SERVICES[service]) for service in self.ports)

    def _listener(self, service: str) -> Listener:
        in_the_clear = service not in IMPLICIT_TLS
        return Listener(
            Place(self.name, self.ip, SERVICES[service]),
            service,
            self._calls[service].serve,
            Limits(),
            observe=self._observers.get(service) if in_the_clear else None,
            ready=self._calls[service].answered,
        )


class _Calls:
    """Calls the program, and gives each line its end of a connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._answered: deque[_FarEnd] = deque()

    async def answered(self) -> bool:
        """Whether the program has answered a call.  Whoever of the lab asks becomes a line next:
        one is like the other, so first come, first served."""
        loop = asyncio.get_running_loop()
        try:
            _, far = await loop.create_connection(_FarEnd, LOOPBACK, self._port)
        except OSError:
            return False
        self._answered.append(far)
        return True

    def serve(self, line: Line) -> asyncio.Protocol:
        """What talks on a line: the program, by way of a connection to it."""
        return _NearEnd(line, self._answered.popleft() if self._answered else None)

    def hang_up(self) -> None:
        """End calls whose caller has not come to the line."""
        while self._answered:
            self._answered.popleft().transport.close()


class _FarEnd(asyncio.Protocol):
    """Our end of a connection to the program: what the program says goes to the line."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self._line: Line | None = None
        self._early = bytearray()
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def join(self, line: Line) -> None:
        """Here is the line: it hears what the program has said so far, and goes on from there."""
        self._line = line
        line.write(bytes(self._early))
        if self._lost:
            line.close()

    def data_received(self, data: bytes) -> None:
        if self._line is None:
            self._early += data
        else:
            self._line.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        if self._line is not None:
            self._line.close("the program cut the connection" if exc else "")

    def pause_writing(self) -> None:
        assert self._line is not None
        self._line.stop_reading("the program does not read")

    def resume_writing(self) -> None:
        assert self._line is not None
        self._line.read_again("the program does not read")


class _NearEnd(asyncio.Protocol):
    """The line's end: what the client says goes to the program.

    Without a far end it is a line that nobody of the lab has dialled: it is closed.
    """

    def __init__(self, line: Line, far: _FarEnd | None) -> None:
        self._line = line
        self._far = far

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._far is None:
            self._line.close("only hosts of the lab reach a program by its lab address")
        else:
            self._far.join(self._line)

    def data_received(self, data: bytes) -> None:
        if self._far is not None and not self._far.transport.is_closing():
            self._far.transport.write(data)

    def eof_received(self) -> bool:
        if self._far is None or self._far.transport.is_closing():
            return False
        self._far.transport.write_eof()
        return True  # the program may have something to say yet

    def connection_lost(self, exc: Exception | None) -> None:
        if self._far is not None:
            self._far.transport.close()

    def pause_writing(self) -> None:
        if self._far is not None:
            self._far.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._far is not None:
            self._far.transport.resume_reading()


class _PassingLine(Line):
    """A line on which others begin TLS: the records pass, and nobody here can open them."""

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self._sealed = False
        self._choice: Choice | None = None

    def data_received(self, data: bytes) -> None:
        if not self._sealed and is_client_hello(data) and self._may_begin_tls():
            self._sealed = True
        if not self._sealed:
            super().data_received(data)
            return
        self._last_heard = self._loop.time()
        self._record(Side.CLIENT, Layer.CIPHER, data)
        if self._inner is not None:
            self._inner.data_received(data)
        if self._choice and not is_client_hello(data):  # it has taken what the server chose
            self._tell_tls(self._choice)
            self._choice = None

    def write(self, data: bytes) -> None:
        if not self._sealed:
            super().write(data)
        elif not (self.closing or self.closed):
            self._record(Side.SERVER, Layer.CIPHER, data)
            self._choice = server_choice(data) or self._choice
            self._to_socket(data)

    def _may_begin_tls(self) -> bool:
        """A letter may hold any bytes; who listens to what is said knows that it is one."""
        return self._observer is None or self._observer.upgrading

    def _tell_tls(self, choice: Choice) -> None:
        mode = "implicit" if self.listener.service in IMPLICIT_TLS else "starttls"
        self.emit(
            TlsStarted,
            connection=self.connection,
            mode=mode,
            version=choice.version,
            cipher=choice.cipher,
        )


def _check(name: str, ip: str, ports: Mapping[str, int], holder: str | None) -> None:
    """What cannot be attached is told, with what to give instead."""
    if not name.lower().endswith(".example"):
        raise ValueError(f"{name!r} is a name outside the lab: give one that ends in .example")
    if not _HOST_NAME.fullmatch(name) or len(name) > MAX_NAME:
        raise ValueError(
            f"{name!r} is no host's name: write small letters, digits and hyphens with single "
            f"dots between, at most 63 in a label and {MAX_NAME} in all, like mail.ngoai.example"
        )
    if not _is_for_documentation(ip):
        networks = ", ".join(map(str, DOCUMENTATION))
        raise ValueError(f"{ip!r} is no address for a lab: give one of {networks}")
    if holder not in (None, name):
        raise ValueError(f"{ip} is the address of {holder}: give {name} another one")
    if not ports:
        raise ValueError(f"say where {name} listens, like {{'smtp': 2525}}")
    for service, port in ports.items():
        if service not in SERVICES:
            raise ValueError(f"no service is called {service!r}; there are: {', '.join(SERVICES)}")
        if not is_whole(port, 1, 65535):
            raise ValueError(
                f"{service} of {name} must be a port of this machine, a number from 1 to 65535, "
                f"and not {port!r}: a lab talks to programs on {LOOPBACK} only"
            )


def _is_for_documentation(ip: str) -> bool:
    try:
        return any(ipaddress.ip_address(ip) in network for network in DOCUMENTATION)
    except ValueError:
        return False
