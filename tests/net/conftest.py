import asyncio
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest

from labmail.net.connection import Line, Listener
from labmail.net.driver import Driver
from labmail.net.limits import Limits
from labmail.net.network import Network
from labmail.runtime.ca import Authority
from labmail.runtime.clock import Clock
from labmail.runtime.ids import Ids
from labmail.runtime.loop import LoopThread
from labmail.trace.events import Place
from labmail.trace.recorder import Recorder, Trace

SERVER = Place("echo.hanoi.example", "192.0.2.25", 110)


def load_echo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("echo_core", Path(__file__).with_name("echo.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Town:
    """A network with one echo server on it, running in a thread."""

    folder: Path
    limits: Limits = field(default_factory=Limits)
    implicit_tls: bool = False

    def __post_init__(self) -> None:
        self.loop = LoopThread()
        self.recorder = Recorder(Clock().now)
        self.trace = Trace(self.recorder)
        self.authority = Authority(self.folder)
        self.network = Network(self.recorder, Ids("town"))
        self.echo_core = load_echo().EchoCore
        context = self.authority.server_context(SERVER.name)
        self.lines: list[Line] = []

        def serve(line: Line) -> asyncio.Protocol:
            self.lines.append(line)
            return Driver(self.echo_core(), line, context)

        self.listener = Listener(
            SERVER, "pop3", serve, self.limits, context if self.implicit_tls else None
        )
        self.loop.call(self.start())

    async def start(self) -> None:
        self.network.add_address(SERVER.ip, SERVER.name)
        self.network.add_address("192.0.2.10", "son-laptop.hanoi.example")
        await self.network.listen(self.listener)

    def dial(self, kind: str = "laptop"):  # type: ignore[no-untyped-def]
        sock = self.loop.call(
            self.network.dial(
                "son-laptop.hanoi.example", "192.0.2.10", SERVER.ip, SERVER.port, kind=kind
            )
        )
        sock.settimeout(10)
        return sock

    def rest(self) -> None:
        self.loop.call(self.network.rest())

    def until_closed(self) -> None:
        async def wait() -> None:
            while self.listener.lines:
                await asyncio.sleep(0)

        self.loop.call(asyncio.wait_for(wait(), 10))

    def close(self) -> None:
        self.loop.call(self.network.close())
        self.loop.stop()


@pytest.fixture
def make_town(tmp_path: Path) -> Iterator[Callable[..., Town]]:
    towns: list[Town] = []

    def make(**options: object) -> Town:
        towns.append(Town(tmp_path, **options))  # type: ignore[arg-type]
        return towns[-1]

    yield make
    for town in towns:
        town.close()
