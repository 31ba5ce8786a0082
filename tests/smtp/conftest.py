"""What the SMTP tests share: a host made of dictionaries, and a connection made of memory."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from labmail.net.connection import Line, Listener
from labmail.net.limits import Limits
from labmail.net.network import Network
from labmail.runtime.ids import Ids
from labmail.smtp.dialog import Dialog
from labmail.smtp.faults import Fault, Faults
from labmail.smtp.post import Client, Role
from labmail.smtp.replies import Reply
from labmail.smtp.server import MailServer
from labmail.trace.events import Connection, Place
from labmail.trace.parcel import Envelope
from labmail.trace.recorder import Recorder

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOST = "mx1.saigon.example"


@dataclass
class Box:
    """A host: knows one user, takes mail for one domain, keeps what it accepts."""

    letters: list[tuple[Envelope, bytes, Client]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    breaks: Exception | None = None

    def login(self, user: str, password: str) -> str | None:
        return user if (user, password) == ("minh@saigon.example", "mật khẩu") else None

    def fault(self, verb: str, client: Client, recipient: str) -> Fault | None:
        return self.faults.strike(verb, client.reverse_path or "", recipient)

    def sender_refusal(self, reverse_path: str, client: Client) -> Reply | None:
        if reverse_path == "villain@spam.example":
            return Reply(550, "5.7.1", "We know you")
        return None

    async def refusal(self, recipient: str, client: Client) -> Reply | None:
        self.asked.append(recipient)
        await asyncio.sleep(0)
        local, _, domain = recipient.rpartition("@")
        if recipient.lower() == "postmaster" or client.authenticated:
            return None
        if domain.lower() != "saigon.example":
            return Reply(550, "5.7.1", "Relay access denied")
        return None if local in ("minh", "lan", "mình") else Reply(550, "5.1.1", "No such user")

    def queue_id(self) -> str:
        return f"Q{len(self.letters) + 1}"

    def accept(self, queue_id: str, envelope: Envelope, content: bytes, client: Client) -> None:
        if self.breaks:
            raise self.breaks
        self.letters.append((envelope, content, client))


class MemoryLine:
    """A line without a socket: what the server says is kept, and heard by an observer."""

    def __init__(self, tls: bool) -> None:
        place = Place(HOST, "198.51.100.25", 25)
        client = Place("smtp.hanoi.example", "192.0.2.25", 49152)
        self.connection = Connection(1, "smtp", client, place)
        self.parcel = 7
        self.tls_on = tls
        self.handshaking = False
        self.closed = False
        self.reason = ""
        self.limits: list[tuple[str, str]] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.notes: list[Any] = []
        self.observer = Dialog()
        self.reports: list[Any] = []
        self.said = bytearray()
        self.handshakes = 0
        self.paused = False
        self.silent = False

    def limit(self, limit: str, action: str) -> None:
        self.limits.append((limit, action))

    def emit(self, kind: type, **fields: Any) -> None:
        self.events.append((kind.__name__, fields))

    def note(self, output: Any) -> None:
        self.notes.append(output)

    def fall_silent(self) -> None:
        self.silent = True

    def close(self, reason: str = "") -> None:
        self.closed, self.reason = True, self.reason or reason

    async def start_tls(self, context: Any) -> bool:
        self.handshakes += 1
        self.tls_on = True
        self.observer.tls_started()
        return True


class MemoryTransport(asyncio.Transport):
    def __init__(self, line: MemoryLine) -> None:
        super().__init__()
        self.line = line

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.line.closed, f"said after the end: {bytes(data)!r}"
        self.line.said += data
        self.line.reports += self.line.observer.server_said(bytes(data))

    def close(self) -> None:
        self.line.close()

    def is_closing(self) -> bool:
        return self.line.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.25", 49152) if name == "peername" else default

    def pause_reading(self) -> None:
        self.line.paused = True

    def resume_reading(self) -> None:
        self.line.paused = False


class Session:
    """One client in front of one `MailServer`."""

    def __init__(self, box: Box, **settings: Any) -> None:
        self.box = box
        self.line = MemoryLine(settings.pop("tls", False))
        arguments: dict[str, Any] = {
            "limits": Limits(),
            "now": lambda: NOON,
            "ids": Ids("test"),
            "tls_context": object(),
        }
        role = settings.pop("role", "exchange")
        self.server = MailServer(box, HOST, role, line=self.line, **(arguments | settings))
        self.server.connection_made(MemoryTransport(self.line))
        self._read = 0

    async def rest(self) -> None:
        """Let the server work until it waits for more."""
        for _ in range(12):
            await asyncio.sleep(0)

    async def send(self, data: bytes) -> bytes:
        """Say this; what the server answers."""
        if not self.line.closed:
            self.line.reports += self.line.observer.client_said(data)
            self.server.data_received(data)
        await self.rest()
        return self.heard()

    def heard(self) -> bytes:
        """What the server has said since the last time."""
        new = bytes(self.line.said[self._read :])
        self._read = len(self.line.said)
        return new

    async def greet(self, *lines: str) -> None:
        """Hear the greeting and say these lines, not looking at the answers."""
        await self.rest()
        for line in lines:
            await self.send(line.encode() + b"\r\n")
        self.heard()

    async def letter(self, content: bytes) -> bytes:
        """A whole transaction with this content after DATA; the answer to its end."""
        await self.greet(
            "EHLO smtp.hanoi.example",
            "MAIL FROM:<son@hanoi.example>",
            "RCPT TO:<minh@saigon.example>",
            "DATA",
        )
        return await self.send(content)

    async def hang_up(self) -> None:
        self.line.closed = True
        self.server.connection_lost(None)
        await self.rest()


@asynccontextmanager
async def _serving(
    box: Box,
    context: ssl.SSLContext | None,
    limits: Limits | None = None,
    *,
    implicit: ssl.SSLContext | None = None,
    role: Role = "exchange",
) -> AsyncIterator[tuple[Network, Recorder]]:
    """The server of `box` on a network of the lab, with real sockets, at HOST's port 25."""
    place = Place(HOST, "198.51.100.25", 25)
    recorder, ids = Recorder(lambda: NOON, 16 * 1024 * 1024), Ids("test")
    network = Network(recorder, ids)
    network.add_address(place.ip, place.name)
    limits = limits or Limits()

    def serve(line: Line) -> MailServer:
        return MailServer(
            box,
            place.name,
            role,
            line=line,
            limits=limits,
            now=lambda: NOON,
            ids=ids,
            tls_context=context,
        )

    await network.listen(Listener(place, "smtp", serve, limits, implicit, observe=Dialog))
    try:
        yield network, recorder
    finally:
        await network.close()


@pytest.fixture
def serving() -> Callable[..., Any]:
    """A server with real sockets: ``async with serving(box, tls_context) as (network, recorder)``,
    on a running loop."""
    return _serving


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def meet(box: Box) -> Callable[..., Session]:
    """Another client in front of another server of the same host (on a running loop)."""
    return partial(Session, box)


@pytest.fixture
def play(box: Box) -> Callable[..., None]:
    """Run a story: `play(story, **settings)` calls ``await story(session)`` on a loop."""

    def run(story: Callable[[Session], Any], **settings: Any) -> None:
        async def main() -> None:
            session = Session(box, **settings)
            try:
                await story(session)
            finally:
                await session.hang_up()

        asyncio.run(main())

    return run


@pytest.fixture
def small() -> Limits:
    """Limits that are quickly reached."""
    return replace(Limits(), message=1000, recipients=3, bad_commands=5)
