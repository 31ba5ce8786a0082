"""`Lab`: the face of the world that notebooks use.

A lab is a world that runs: its hosts serve on loopback, its queues work, its
clock stands still until it is moved.  All of that lives on one thread of its
own; the methods here ask that thread and wait for the answer.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import socket
import ssl
import weakref
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from labmail.checkpoint import Checkpoint, restore_files
from labmail.handles import DnsHandle, ForeignHandle, HostHandle, Laptop, NetworkHandle
from labmail.inspection import (
    box_card,
    box_snapshot,
    check_service,
    fingerprint,
    letter_cards,
    queue_card,
    queue_snapshot,
    stored_letter,
    written_card,
)
from labmail.net import stdlib
from labmail.net.addresses import SERVICES
from labmail.net.guard import guard_thread, release_thread
from labmail.running import RunningWorld
from labmail.runtime.ca import Authority
from labmail.runtime.clock import Clock, RunningClock, duration
from labmail.runtime.loop import LoopThread
from labmail.runtime.place import TemporaryFolder
from labmail.smtp.route import Route
from labmail.trace.letters import card
from labmail.trace.recorder import Trace
from labmail.trace.snapshots import (
    BoxSnapshot,
    CardRow,
    DnsSnapshot,
    EnvelopeCard,
    HealthSnapshot,
    QueueSnapshot,
)
from labmail.user import User
from labmail.world import LaptopSpec, World, load_world

T = TypeVar("T")

NOTEBOOK_MEMORY = 512 * 1024 * 1024
"""Octets of conversation that a notebook's lab remembers."""
LIVE_MEMORY = 64 * 1024 * 1024
"""Octets that a lab remembers which may run for weeks."""

_open_labs: weakref.WeakSet[Lab] = weakref.WeakSet()
_births = itertools.count(1)


class LabClosed(RuntimeError):
    """The lab has been closed; a new one is made with ``Lab()``."""


class Lab:
    """A small world of mail, running.

    world: the name of a file in ``data/worlds/``, a path, or a `World`.
    data: a folder that keeps mailboxes and queues between runs; without it they
    live in a temporary folder and go with the lab.
    live: lab time runs with real time and queues work by themselves; without it
    the clock stands still until `advance`.
    beside: let other labs of this process live on (else a new lab replaces them).

    Raises WorldError or ZoneError, naming file and line, when a file has a mistake.
    """

    def __init__(
        self,
        world: str | Path | World = "course",
        *,
        data: str | Path | None = None,
        live: bool = False,
        beside: bool = False,
    ) -> None:
        self.world = world if isinstance(world, World) else load_world(world)
        self._live = live
        if not beside:
            close_all()
        self._temporary = TemporaryFolder() if data is None else None
        self._folder = self._temporary.path if self._temporary else Path(data or "")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._checkpoints: dict[str, Checkpoint] = {}
        self._moments: TemporaryFolder | None = None
        """Where the files of checkpoints are."""
        self._laptop: ContextVar[LaptopSpec] = ContextVar("laptop")
        self._default_laptop = next(iter(self.world.laptops.values()))
        self._loop: LoopThread | None = None
        self._running: RunningWorld
        self._birth = next(_births)
        _open_labs.add(self)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        if not self.is_open:
            return f"a closed lab of the world {self.world.name!r}"
        return (
            f"a lab of the world {self.world.name!r}: {len(self.world.hosts)} mail hosts, "
            f"{len(self.world.accounts)} accounts; lab time {self.now():%a %d %b %Y %H:%M}"
        )

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    # --- life -----------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether the world still runs."""
        return self._loop is not None and self._loop.running

    def close(self) -> None:
        """Stop the world: no thread, socket or temporary file stays behind.  Harmless twice."""
        try:
            self._end()
        finally:
            self._checkpoints.clear()
            for folder in (self._temporary, self._moments):
                if folder is not None:
                    folder.remove()
            self._moments = None

    def _end(self) -> None:
        """Stop the world; its folder stays."""
        stdlib.uninstall(self)
        loop, self._loop = self._loop, None
        _open_labs.discard(self)
        if loop is not None and loop.running:
            self._stop(loop)

    def _stop(self, loop: LoopThread) -> None:
        try:
            if hasattr(self, "_running"):  # it may have failed before it was running
                loop.call(self._running.close())
        finally:  # however that ended, and also when Ctrl-C did
            loop.stop()
            release_thread(loop.ident or 0)

    def reset(self) -> None:
        """Start over: empty mailboxes, empty queues, Monday morning.

        Only a lab without a `data` folder can be reset.
        """
        if not self._temporary:
            raise ValueError(
                f"this lab keeps its mail in {self._folder}: delete that folder yourself"
            )
        self.close()
        self._temporary = TemporaryFolder()
        self._folder = self._temporary.path
        _open_labs.add(self)
        self._open()

    def checkpoint(self, name: str = "checkpoint") -> Checkpoint:
        """Keep this moment, to come back to it with `rewind`; a name used before is used anew.

        Only a lab without a `data` folder, whose clock stands still, has checkpoints.
        """
        if self._live or not self._temporary:
            raise ValueError(
                "only a lab of its own time that keeps nothing can go back: start one with Lab()"
            )
        self.settle()
        self._moments = self._moments or TemporaryFolder()
        files = self._moments.path / str(len(os.listdir(self._moments.path)))
        self._checkpoints[name] = self._look(lambda w: w.checkpoint(name, files))
        return self._checkpoints[name]

    def rewind(self, name: str = "checkpoint") -> None:
        """Go back to a checkpoint: mailboxes, queues, lab time and all else are as they were.

        What has happened since is not in ``lab.trace`` any more; a trace of it that was
        recorded stays as it is.  Raises LookupError, naming the checkpoints there are.
        """
        checkpoint = self._checkpoints.get(name)
        if checkpoint is None:
            known = ", ".join(map(repr, self._checkpoints)) or "none yet: make one with checkpoint"
            raise LookupError(f"there is no checkpoint {name!r}; there are: {known}")
        self._end()
        restore_files(checkpoint.files, self._folder)
        _open_labs.add(self)
        self._open(checkpoint)

    def _open(self, checkpoint: Checkpoint | None = None) -> None:
        self._loop = LoopThread()
        guard_thread(self._loop.ident or 0)
        start = Clock(checkpoint.at) if checkpoint else Clock()
        clock = RunningClock() if self._live else start
        # Where mail is kept between runs, identifiers must not begin again: a queue id that
        # was used before would name two letters.
        fresh = self._live or not self._temporary
        seed = os.urandom(16).hex() if fresh else self.world.seed
        before = self._running.authority if checkpoint else None
        self._running = self._do(self._start(clock, seed, before))
        if checkpoint:
            self._do(self._running.go_on_from(checkpoint))
        stdlib.install(self)

    async def _start(self, clock: Clock, seed: str, authority: Authority | None) -> RunningWorld:
        memory = LIVE_MEMORY if self._live else NOTEBOOK_MEMORY
        running = RunningWorld(
            self.world,
            clock,
            seed,
            self._folder,
            durable=not self._temporary,
            memory=memory,
            authority=authority,
        )
        try:
            await running.start()
        except BaseException:
            await running.close()
            raise
        return running

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        """Have the world's thread do something, and wait for it."""
        if self._loop is None:
            work.close()
            raise LabClosed("this lab is closed: start a new one with Lab()")
        return self._loop.call(work)

    def _look(self, function: Callable[[RunningWorld], T]) -> T:
        """Read something on the world's thread."""

        async def look() -> T:
            return function(self._running)

        return self._do(look())

    # --- time -----------------------------------------------------------------------------

    def now(self) -> datetime:
        """Lab time."""
        return self._look(lambda w: w.clock.now())

    def settle(self) -> None:
        """Wait until the world is at rest: nothing due now, nobody of its own talking."""
        self._do(self._running.settle())

    def advance(self, length: str | float | timedelta) -> None:
        """Move lab time forward: ``lab.advance("4h")``.

        Everything that becomes due on the way happens, each thing at its own time.
        """
        self.advance_to(self.now() + duration(length))

    def advance_to(self, when: datetime) -> None:
        """Move lab time to `when`; raises ValueError when that lies in the past."""
        if when < self.now():
            raise ValueError(f"lab time is {self.now()}: it cannot go back to {when}")
        self._do(self._running.advance_to(when))

    # --- what happened --------------------------------------------------------------------

    @property
    def trace(self) -> Trace:
        """Everything that has happened in this lab."""
        return Trace(self._running.recorder)

    @contextlib.contextmanager
    def record(self) -> Iterator[Trace]:
        """Mark a stretch of what happens: ``with lab.record() as trace: …``."""
        self._do(self._running.network.rest())
        trace = Trace(self._running.recorder, self._look(lambda w: w.recorder.pause()))
        try:
            yield trace
        finally:
            if self.is_open:
                self._do(self._running.network.rest())
                self._look(lambda _: trace.stop())

    # --- people and machines --------------------------------------------------------------

    def user(self, address: str) -> User:
        """Somebody with an account; raises LookupError, naming who there is."""
        spec = self.world.accounts.get(address)
        home = self.world.host_of(address.rpartition("@")[2])
        if spec is None or home is None:
            raise LookupError(
                f"nobody has the address {address!r}; there are: {', '.join(self.world.accounts)}"
            )
        return User(spec, home, self)

    def host(self, name: str) -> HostHandle:
        """A mail host (or the name server); raises LookupError, naming which there are."""
        names = [*self.world.hosts, self.world.dns.host]
        if name not in names:
            raise LookupError(f"no host is called {name!r}; there are: {', '.join(names)}")
        return HostHandle(name, self)

    @property
    def hosts(self) -> tuple[HostHandle, ...]:
        """All mail hosts of the world."""
        return tuple(HostHandle(name, self) for name in self.world.hosts)

    @property
    def dns(self) -> DnsHandle:
        """The DNS of the world."""
        return DnsHandle(self)

    @property
    def network(self) -> NetworkHandle:
        """The network of the world: what goes wrong on the way."""
        return NetworkHandle(self)

    def laptop(self, name: str) -> Laptop:
        """Say whose machine the notebook plays from now on: ``lab.laptop("minh")``.

        `name` is the first part of the owner's address, or the machine's full name.
        With ``with lab.laptop("minh"):`` it ends with the block.
        """
        for spec in self.world.laptops.values():
            if name in (spec.name, spec.owner, spec.owner.partition("@")[0]):
                before, self._default_laptop = self._default_laptop, spec
                return Laptop(spec, before, self)
        known = ", ".join(s.owner.partition("@")[0] for s in self.world.laptops.values())
        raise LookupError(f"no laptop belongs to {name!r}; there are those of: {known}")

    @contextlib.contextmanager
    def at_laptop_of(self, address: str) -> Iterator[LaptopSpec]:
        """Within this block, connections come from the machine of this person.

        Raises LabClosed, which is clearer than a name that nobody resolves any more.
        """
        if not self.is_open:
            raise LabClosed(
                f"the lab of this {address} is closed: "
                f'take the one of the lab that runs, lab.user("{address}")'
            )
        spec = self.world.laptop_of(address)
        token = self._laptop.set(spec)
        try:
            with stdlib.reaching(self):
                yield spec
        finally:
            self._laptop.reset(token)

    @property
    def current_laptop(self) -> LaptopSpec:
        """The machine that the notebook plays now."""
        return self._laptop.get(self._default_laptop)

    # --- looking in -----------------------------------------------------------------------

    def queue(self, host: str) -> QueueSnapshot:
        """What lies in a host's queue now, and why; raises LookupError for the name server."""
        name = self.host(host).name
        self.settle()
        return self._look(lambda w: queue_snapshot(w.mail_host(name), w.clock.now()))

    def box(self, address: str, mailbox: str = "INBOX") -> BoxSnapshot:
        """What lies in a mailbox: the files on disk, their UIDs and flags."""
        user = self.user(address)
        self.settle()
        return self._look(lambda w: box_snapshot(w.hosts[user.home.name], address, mailbox))

    def stored(self, address: str, uid: int = 1, mailbox: str = "INBOX") -> bytes:
        """A letter's octets as they lie in a mailbox: the file itself, nothing changed and
        nothing marked as read.  Raises a MailboxError when there is no such letter."""
        user = self.user(address)
        self.settle()
        return self._look(lambda w: stored_letter(w.hosts[user.home.name], address, mailbox, uid))

    def card(self, parcel: int, host: str | None = None) -> EnvelopeCard:
        """The envelope of a letter beside its letterhead, as `host` (by default the first
        host) accepted it, or wrote it itself; raises LookupError when it did not."""
        trace = self.trace
        if written := self._look(lambda w: written_card(w, trace, parcel, host)):
            return written
        return card(trace, parcel, host)

    def cards(self, parcel: int) -> CardRow:
        """The letter's cards along its way: each host that took it, each mailbox where it
        lies.  Raises LookupError when nobody has seen it."""
        self.settle()
        trace = self.trace
        return CardRow(parcel, self._look(lambda w: letter_cards(w, trace, parcel)))

    def queue_card(self, host: str, queue_id: str) -> EnvelopeCard:
        """The card of a letter that waits in a host's queue; raises LookupError when none
        there has this queue id."""
        name = self.host(host).name
        self.settle()
        return self._look(lambda w: queue_card(w.mail_host(name), queue_id))

    def box_card(self, address: str, uid: int, mailbox: str = "INBOX") -> EnvelopeCard:
        """The card of a letter in a mailbox: its envelope is gone, and this is what is left;
        raises MailboxError when there is no such letter."""
        home = self.user(address).home.name
        self.settle()
        return self._look(lambda w: box_card(w.hosts[home], address, mailbox, uid))

    def dig(self, name: str, rtype: str = "A") -> DnsSnapshot:
        """Ask the lab's DNS, as the notebook's laptop would."""
        laptop = self.current_laptop
        answer = self._do(self._running.dig(laptop, name, rtype))
        return DnsSnapshot(laptop.name, name, rtype, str(answer.status), answer.records, answer.ttl)

    def route(self, domain: str, host: str) -> Route:
        """The way to a domain as `host` finds it now, with its own resolver; nobody is called."""
        name = self.host(host).name
        return self._do(self._look(lambda w: w.mail_host(name)).route(domain))

    def health(self) -> HealthSnapshot:
        """Connect to every service of every host and read what it says first."""
        context = self.client_context()
        with stdlib.reaching(self):
            rows = [
                check_service(spec, service, context)
                for spec in self.world.hosts.values()
                for service in spec.services
            ]
        return HealthSnapshot(tuple(rows))

    def fingerprint(self) -> str:
        """A short text that is equal for two labs in the same state: time, queues, mailboxes,
        zones, what listens, which programs outside are attached (not on which real port)."""
        self.settle()
        return self._look(fingerprint)

    # --- for programs, in the notebook and outside ----------------------------------------

    @property
    def folder(self) -> Path:
        """Where mailboxes and queues lie, as files."""
        return self._folder

    @property
    def ca_file(self) -> Path:
        """The certificate of the lab's authority: trust it, and the lab's TLS verifies."""
        return self._running.authority.file

    def client_context(self) -> ssl.SSLContext:
        """A TLS context for clients that verifies names and trusts this lab only."""
        return self._look(lambda world: world.authority.client_context())

    def new_message_id(self, domain: str) -> str:
        """A fresh Message-ID, angle brackets included."""
        return self._look(lambda w: w.ids.message_id(domain))

    def attach(self, name: str, ip: str, ports: Mapping[str, int]) -> ForeignHandle:
        """Give a program outside the lab a name and an address in it::

            lab.attach("mail.ngoai.example", "203.0.113.90", {"smtp": 2525})

        From now on the lab's hosts reach port 2525 of this machine as port 25 of that
        address, and what is said there is recorded.  A zone must say so for hosts to find it.
        Raises ValueError, saying what to give instead, for what cannot be attached.
        """
        self.settle()
        self._do(self._running.attach(name, ip, ports))
        return ForeignHandle(name, ip, self)

    def endpoints(self) -> dict[str, Any]:
        """How other programs reach the lab: real hosts and ports, as ``labmail up`` writes them."""
        return self._look(self._endpoints)

    def _endpoints(self, running: RunningWorld) -> dict[str, Any]:
        def real(ip: str, port: int) -> dict[str, Any]:
            return {"host": "127.0.0.1", "port": running.network.real_port(ip, port)}

        hosts = {
            name: {
                "ip": host.spec.address,
                "services": {s: real(host.spec.address, SERVICES[s]) for s in host.running},
            }
            for name, host in running.hosts.items()
        }
        return {
            "world": self.world.name,
            "ca_file": str(running.authority.file),
            "dns": real(self.world.dns.address, SERVICES["domain"]),
            "hosts": hosts,
            "accounts": [
                {"address": a.address, "password": a.password} for a in self.world.accounts.values()
            ],
        }

    # --- for the standard library (see net.stdlib.Dialler) --------------------------------

    def knows(self, host: str) -> bool:
        """Whether this name or address belongs to the lab's world."""
        return self.is_open and self._running.knows(host)

    def dial(self, host: str, port: int) -> socket.socket:
        """A connected blocking socket from the notebook's laptop to a host of the lab."""
        sock = self._do(self._running.dial_from(self.current_laptop, host, port))
        sock.setblocking(True)
        return sock

    def laptop_name(self) -> str:
        """The name of the machine that the notebook plays."""
        return self.current_laptop.name

    def draw(self, kind: str, below: int) -> int:
        """A number from 0 to `below` - 1 that depends on the lab's seed only."""
        return int(self._running.ids.token(kind, 32), 16) % below


def current_lab() -> Lab | None:
    """The lab of this process that is open; the newest where there are several."""
    opened = (lab for lab in _open_labs if lab.is_open)
    return max(opened, key=lambda lab: lab._birth, default=None)


def close_all() -> None:
    """Close every lab of this process."""
    for lab in list(_open_labs):
        lab.close()


atexit.register(close_all)
