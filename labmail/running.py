"""A world, running: everything that lives on the lab's loop thread.

`RunningWorld` puts the ground together (clock, ids, recorder, network, agenda,
certificates), starts the name server and the mail hosts on it, and does what
`labmail.lab.Lab` asks for on behalf of the notebook.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from labmail.checkpoint import Checkpoint, Remembers, memories, recall, save_files
from labmail.dns.answers import Answer
from labmail.dns.desk import ZoneDesk
from labmail.dns.resolver import Resolver
from labmail.dns.server import DnsServer
from labmail.dns.transport import DnsDatagramProtocol, DnsStreamProtocol, framed, read_framed
from labmail.dns.zone import load_zone
from labmail.host import Ground, MailHost
from labmail.net.addresses import SERVICES
from labmail.net.connection import Listener
from labmail.net.faults import EVERYBODY, Ends, Fault
from labmail.net.foreign import ForeignServer
from labmail.net.limits import Limits
from labmail.net.network import Network
from labmail.paths import data_file
from labmail.runtime.agenda import Agenda
from labmail.runtime.ca import Authority
from labmail.runtime.clock import Clock
from labmail.runtime.ids import Ids
from labmail.smtp.dialog import Dialog
from labmail.trace.events import (
    CacheFlushed,
    ClockMoved,
    FaultMended,
    FaultPlanned,
    HostStarted,
    HostStopped,
    Place,
    WorkFailed,
)
from labmail.trace.recorder import Recorder
from labmail.world import LaptopSpec, World

DNS_PORT = SERVICES["domain"]
SMTP = ("smtp", "submission", "submissions")


class RunningWorld:
    """One world at work.  Make it, and call its methods, on the loop thread only.

    folder: where mailboxes and queues are kept.  durable: whether letters must
    survive a power cut as well as a crash (each is then flushed to the disk).
    authority: that of a world which this one goes on from.
    """

    def __init__(
        self,
        world: World,
        clock: Clock,
        seed: str,
        folder: Path,
        *,
        durable: bool,
        memory: int,
        authority: Authority | None = None,
    ) -> None:
        self.world = world
        self.clock = clock
        self.folder = folder
        self.recorder = Recorder(clock.now, memory)
        self.ids = Ids(seed)
        self.network = Network(self.recorder, self.ids)
        self.agenda = Agenda(clock, self.network.rest, self._complain)
        self.authority = Authority(folder, authority)
        self.dns = DnsServer(load_zone(data_file("zones", f"{z}.zone")) for z in world.dns.zones)
        self.desk = ZoneDesk(self.dns, world.dns.zones, world.dns.host, self.recorder.emit)
        self._dns_listener: Listener | None = None
        ground = Ground(
            world,
            self.network,
            self.recorder,
            clock,
            self.agenda,
            self.ids,
            self.authority,
            durable,
        )
        self._resolvers: dict[str, Resolver] = {}
        self.hosts = {
            spec.name: MailHost(
                spec, ground, self.resolver(spec.name, spec.address), folder / spec.name
            )
            for spec in world.hosts.values()
        }
        self.foreign: dict[str, ForeignServer] = {}
        """Programs outside that have an address here, by name."""
        self._live: asyncio.Task[None] | None = None
        self._errands: set[asyncio.Future[int]] = set()

    async def start(self) -> None:
        """Start the name server and all mail hosts; take up what queues still hold."""
        asyncio.get_running_loop().set_exception_handler(self._on_loop_error)
        self.network.pass_time = self._pass_time
        await self.start_dns()
        for laptop in self.world.laptops.values():
            self.network.add_address(laptop.address, laptop.name)
            self.recorder.emit(
                HostStarted,
                host=laptop.name,
                addresses=(laptop.address,),
                services=(),
                role="laptop",
                domains=(laptop.owner.rpartition("@")[2],),
            )
        for host in self.hosts.values():
            self.network.add_address(host.spec.address, host.spec.name)
            if host.spec.public:
                self.network.translate(host.spec.public, host.spec.address)
            await host.start()
            host.resume()
        if self.clock.runs:
            self._live = asyncio.ensure_future(self.agenda.run_forever())
        else:
            self.network.on_stranger_gone = self._run_due_soon

    async def close(self) -> None:
        """Stop everything; what is queued stays in the spool."""
        self.network.on_stranger_gone = lambda: None
        for task in (self._live, *self._errands):
            if task is not None:
                task.cancel()
        for host in self.hosts.values():
            host.retire()
        self.agenda.clear()
        for name in list(self.foreign):
            await self.detach(name)
        await self.network.close()
        for host in self.hosts.values():
            host.close()
        self.authority.close()

    # --- checkpoints ------------------------------------------------------------------------

    def _parts(self) -> dict[str, Remembers]:
        """Everything with a memory.  The record is the last: coming back leaves no trace."""
        for laptop in self.world.laptops.values():  # theirs are made when they are needed
            self.resolver(laptop.name, laptop.address)
        resolvers = {f"resolver of {name}": r for name, r in self._resolvers.items()}
        hosts = {f"host {name}": host for name, host in self.hosts.items()}
        return {
            "ids": self.ids,
            "network": self.network,
            "dns": self.dns,
            **resolvers,
            **hosts,
            "record": self.recorder,
        }

    def checkpoint(self, name: str, files: Path) -> Checkpoint:
        """This moment; `files` is where a copy of the mail goes."""
        save_files(self.folder, files)
        listening = {host: self.services_of(host) for host in (*self.hosts, self.world.dns.host)}
        attached = [(p.name, p.ip, dict(p.ports)) for p in self.foreign.values()]
        remembered = {"listening": listening, "attached": attached, **memories(self._parts())}
        return Checkpoint(name, self.clock.now(), files, remembered)

    async def go_on_from(self, checkpoint: Checkpoint) -> None:
        """Be as the world was then.  Its files are in place, and this world has just started."""
        for host, services in checkpoint.memories["listening"].items():
            closed = [s for s in self.services_of(host) if s not in services]
            if closed:
                await self.change(host, "stop", tuple(closed))
        for name, ip, ports in checkpoint.memories["attached"]:
            await self.attach(name, ip, ports)
        recall(self._parts(), checkpoint.memories)

    def services_of(self, name: str) -> tuple[str, ...]:
        """The services of this host that listen now."""
        if name == self.world.dns.host:
            return ("domain",) if self._dns_listener else ()
        return self.hosts[name].running

    def mail_host(self, name: str) -> MailHost:
        """The mail host of this name; raises LookupError for the name server."""
        if name not in self.hosts:
            raise LookupError(f"{name} is no mail host; there are: {', '.join(self.hosts)}")
        return self.hosts[name]

    def trouble_of(self, name: str) -> str:
        """What is planned to go wrong at this host, in words."""
        return self.hosts[name].trouble if name in self.hosts else ""

    async def change(self, name: str, what: str, services: tuple[str, ...]) -> None:
        """Start or stop services of a host; raises ValueError for one it does not have."""
        if name == self.world.dns.host:
            await (self.start_dns() if what == "start" else self.stop_dns())
            return
        host = self.hosts[name]
        for service in services:
            if service not in host.spec.services:
                raise ValueError(
                    f"{name} has no service {service!r}; it has: {', '.join(host.spec.services)}"
                )
        await (host.start(services) if what == "start" else host.stop(services))

    # --- programs outside -----------------------------------------------------------------

    async def attach(self, name: str, ip: str, ports: Mapping[str, int]) -> None:
        """Give a program outside the lab a name and an address in it, in place of what had this
        name before; raises ValueError, saying what to give instead."""
        if name.lower() in (machine.lower() for machine in self.machines()):
            raise ValueError(
                f"{name} is a machine of this world: give the program another name, such as "
                "mail.ngoai.example"
            )
        program = ForeignServer(self.network, name, ip, ports, dict.fromkeys(SMTP, Dialog))
        await self.detach(name)
        await program.attach()
        self.foreign[name] = program

    async def detach(self, name: str) -> None:
        """Take the address back; harmless when there is no such program."""
        if program := self.foreign.pop(name, None):
            await program.detach()

    # --- names ----------------------------------------------------------------------------

    async def start_dns(self) -> None:
        """Let the name server listen, over UDP and TCP."""
        if self._dns_listener is not None:
            return
        spec = self.world.dns
        place = Place(spec.host, spec.address, DNS_PORT)
        self.network.add_address(spec.address, spec.host)
        listener = Listener(
            place, "domain", lambda _line: DnsStreamProtocol(self.dns.answer), Limits()
        )
        await self.network.listen_with_datagrams(
            listener,
            lambda record, silent: DnsDatagramProtocol(self.dns.answer, record, silent),
        )
        self._dns_listener = listener
        self.recorder.emit(
            HostStarted,
            host=spec.host,
            addresses=(spec.address,),
            services=(("domain", DNS_PORT),),
            role="dns",
        )

    async def stop_dns(self) -> None:
        """Let the name server fall silent."""
        if self._dns_listener is None:
            return
        await self.network.unlisten(self._dns_listener)
        self._dns_listener = None
        self.recorder.emit(HostStopped, host=self.world.dns.host, services=(("domain", DNS_PORT),))

    def resolver(self, name: str, ip: str) -> Resolver:
        """The resolver of this host or laptop, with a memory of its own."""
        if name not in self._resolvers:
            self._resolvers[name] = Resolver(
                name,
                lambda query, tcp: self._ask(name, ip, query, tcp),
                self.clock.now,
                self.recorder.emit,
                self.ids,
                self.world.dns.host,
            )
        return self._resolvers[name]

    def resolver_of(self, name: str) -> Resolver:
        """The resolver of a machine by name; raises LookupError, naming those there are."""
        machines = self.machines()
        if name not in machines or name == self.world.dns.host:
            known = ", ".join(m for m in machines if m != self.world.dns.host)
            raise LookupError(f"no machine called {name!r} looks names up; there are: {known}")
        return self.resolver(name, machines[name])

    def flush_caches(self, name: str | None) -> None:
        """Let one resolver, or all of them, forget everything."""
        if name is not None:
            self.resolver_of(name)
        for host, resolver in self._resolvers.items():
            if name in (None, host) and (known := len(resolver.known())):
                resolver.flush()
                self.recorder.emit(CacheFlushed, host=host, forgotten=known)

    def plan_dns_failure(self, name: str, rtype: str, status: str, times: int | None) -> None:
        """Let the name server fail, and put it on record."""
        failure = self.dns.fail(name, rtype, status, times)
        self._fault(FaultPlanned, "dns", str(failure))

    def heal_dns(self, name: str | None, rtype: str | None) -> None:
        """Take back planned failures of the name server."""
        for failure in self.dns.heal(name, rtype):
            self._fault(FaultMended, "dns", str(failure))

    def plan_network_fault(self, fault: Fault) -> None:
        """Let something go wrong on the way, and put it on record."""
        self._fault(FaultPlanned, "network", str(fault))
        self.network.plan(fault)

    def mend_network(self, one: str | None, other: str | None) -> None:
        """Take back planned faults of the network."""
        ends = [None if name is None else self.ends(name) for name in (one, other)]
        for fault in self.network.faults.mend(*ends):
            self._fault(FaultMended, "network", str(fault))

    def _fault(self, kind: type[FaultPlanned | FaultMended], part: str, what: str) -> None:
        self.recorder.emit(kind, host=self.world.name, part=part, what=what)

    async def _ask(self, name: str, ip: str, query: bytes, tcp: bool) -> bytes:
        server = self.world.dns.address
        if not tcp:
            return await self.network.ask(name, ip, server, DNS_PORT, query)
        sock = await self.network.dial(name, ip, server, DNS_PORT)
        reader, writer = await asyncio.open_connection(sock=sock)
        try:
            writer.write(framed(query))
            return await read_framed(reader)
        except asyncio.IncompleteReadError:
            raise ConnectionError(f"{self.world.dns.host} hung up without an answer") from None
        finally:
            writer.close()

    async def dig(self, laptop: LaptopSpec, name: str, rtype: str) -> Answer:
        """Look a name up from a laptop."""
        return await self.resolver(laptop.name, laptop.address).lookup(name, rtype)

    # --- connections from the notebook ----------------------------------------------------

    def knows(self, host: str) -> bool:
        """Whether this name or address belongs to the world: its addresses, and all names in
        or below the domains that its name server answers for."""
        try:
            return self.network.name_of(str(ipaddress.ip_address(host))) is not None
        except ValueError:
            name = host.lower().rstrip(".")
        zones = {zone.origin for zone in self.dns.zones}.union(self.world.dns.zones)
        return name.endswith(".example") or any(
            name == zone or name.endswith(f".{zone}") for zone in zones
        )

    async def dial_from(self, laptop: LaptopSpec, host: str, port: int) -> socket.socket:
        """Connect a program of this laptop, to the first of the host's addresses that answers;
        what is due in the world is done first."""
        await self.settle()
        problem: OSError = socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {host}")
        for ip in await self._addresses(laptop, host):
            try:
                return await self.network.dial(laptop.name, laptop.address, ip, port, kind="laptop")
            except OSError as error:
                problem = error
        raise problem

    async def _addresses(self, laptop: LaptopSpec, host: str) -> list[str]:
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            answer = await self.dig(laptop, host, "A")
            if answer.status == "NODATA":
                answer = await self.dig(laptop, host, "AAAA")
        if answer.status in ("SERVFAIL", "TIMEOUT"):
            raise socket.gaierror(
                socket.EAI_AGAIN, f"Temporary failure in name resolution: {host} ({answer.status})"
            )
        return answer.addresses()

    # --- the network ------------------------------------------------------------------------

    def machines(self) -> dict[str, str]:
        """Every machine of the world, and its address."""
        places = {m.name: m.address for m in self.world.laptops.values()}
        places |= {host.spec.name: host.spec.address for host in self.hosts.values()}
        return places | {self.world.dns.host: self.world.dns.address}

    def ends(self, name: str | None) -> Ends:
        """The machines that a name stands for: one of them, or all those of a domain; None:
        everybody.  Raises LookupError when there is none."""
        if name is None:
            return EVERYBODY
        machines = self.machines()
        if name in machines:
            return Ends(name, frozenset({machines[name]}))
        found = {ip for host, ip in machines.items() if host.endswith(f".{name}")}
        found |= {h.spec.address for h in self.hosts.values() if name in h.spec.domains}
        if not found:
            raise LookupError(
                f"no machine and no domain is called {name!r}; there are: {', '.join(machines)}"
            )
        return Ends(name, frozenset(found))

    def _pass_time(self, length: timedelta) -> None:
        """What is due in the meantime is done when its turn comes: nobody on the way waits for
        the world's own work."""
        self.clock.move_to(self.clock.now() + length)

    # --- time -----------------------------------------------------------------------------

    async def settle(self) -> None:
        """Wait until the world is at rest: nothing due now, no conversation of its own open."""
        if self.clock.runs:
            await self.agenda.idle()
            await self.network.rest()
        else:
            await self.agenda.run_due()

    async def advance_to(self, when: datetime) -> None:
        """Move lab time, doing everything that becomes due on the way."""
        before = self.clock.now()
        await self.agenda.advance_to(when)
        self.recorder.emit(ClockMoved, host=self.world.name, before=before, after=self.clock.now())

    def _run_due_soon(self) -> None:
        errand = asyncio.ensure_future(self.agenda.run_due())
        self._errands.add(errand)  # the loop itself holds its tasks only weakly
        errand.add_done_callback(self._errands.discard)

    def _on_loop_error(self, _loop: asyncio.AbstractEventLoop, about: dict[str, Any]) -> None:
        """Something broke where nobody waits for it, as in a server: asyncio would write it into
        whatever cell runs just now, so it goes on record instead."""
        self._complain("the world's loop", about.get("exception") or RuntimeError(about["message"]))

    def _complain(self, what: str, error: BaseException) -> None:
        self.recorder.emit(
            WorkFailed, host=self.world.name, what=what, error=f"{type(error).__name__}: {error}"
        )
