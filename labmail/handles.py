"""The parts of a world, as the notebook handles them: a host, the DNS, the network, a
laptop, a program outside.

A handle is a name and a way to ask for things.  It holds nothing of its own, so it stays
good when the lab is reset.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from labmail.dns.desk import ZoneChange
from labmail.inspection import cache_snapshot, queue_snapshot, zone_snapshot
from labmail.net.addresses import port_of
from labmail.net.faults import Block, Cut, Delay, Fault, Way
from labmail.policy.greylist import Rules
from labmail.queue.runner import MailQueue
from labmail.queue.schedule import Schedule
from labmail.runtime.clock import duration
from labmail.smtp import faults
from labmail.smtp.faults import Deed
from labmail.smtp.lenient import leniencies
from labmail.trace.snapshots import CacheSnapshot, QueueSnapshot, ZoneSnapshot
from labmail.world import LaptopSpec

if TYPE_CHECKING:
    from labmail.lab import Lab
    from labmail.running import RunningWorld

T = TypeVar("T")


class HostHandle:
    """One host, as the notebook handles it: stop it, start it again, plan trouble for it.

    Trouble is planned at a *moment* of an SMTP session: a verb ("RCPT"), "CONNECT" for the
    greeting, "." for the end of the letter.  It strikes the next `times` times, or every
    time until `heal`.  ``sender="*@hanoi.example"`` and (at RCPT) ``recipient=…`` say whom
    it is meant for.  Several plans for one moment are used up one after the other.
    """

    def __init__(self, name: str, lab: Lab) -> None:
        self.name = name
        self._lab = lab

    def __repr__(self) -> str:
        listening = ", ".join(self.running) or "nothing"
        trouble = self._lab._look(lambda w: w.trouble_of(self.name))
        return f"{self.name}: listens for {listening}" + (f"; {trouble}" if trouble else "")

    @property
    def running(self) -> tuple[str, ...]:
        """The services that listen now."""
        return self._lab._look(lambda w: w.services_of(self.name))

    def stop(self, *services: str) -> None:
        """Stop services of the host, or all of it: from now on connections are refused."""
        self._change("stop", services)

    def start(self, *services: str) -> None:
        """Start services of the host again, or all of it."""
        self._change("start", services)

    def unplug(self) -> None:
        """Pull the plug: nothing listens, the queue tries nothing, and what was not written to
        disk is lost.  `start` begins again from the files."""
        self._lab.settle()
        self._lab._do(self._lab._look(lambda w: w.mail_host(self.name)).unplug())

    @property
    def queue(self) -> QueueHandle:
        """What waits here, and what a postmaster can do with it."""
        return QueueHandle(self.name, self._lab)

    def greylist(
        self,
        after: str | float | timedelta | None = "5m",
        *,
        window: str | float | timedelta = "2d",
        bits: int = 32,
    ) -> None:
        """Ask strangers to come again from now on, as in RFC 6647; ``None``: take everybody.

        Who calls for the first time, from this address, with this sender and this recipient,
        hears 450, until `after` has passed; who comes again later than `window` counts as new.
        bits: how many bits of the caller's address are compared: 24 makes all machines of a
        small network one caller.  Raises ValueError for rules that make no sense.
        """
        rules = after and Rules(duration(after), window=duration(window), bits=bits)
        self._lab.settle()
        self._lab._look(lambda w: w.mail_host(self.name).greylist_by(rules or None))

    @property
    def greylists(self) -> bool:
        """Whether strangers are asked to come again here."""
        return self._lab._look(lambda w: w.mail_host(self.name).greylist is not None)

    def send_from(self, *addresses: str) -> None:
        """Call other hosts from these addresses, each attempt at a letter from the next one: a
        pool of senders.  Without an address: from the host's own again.  Raises ValueError for
        what is no address or is another host's."""
        self._lab.settle()
        self._lab._look(lambda w: w.mail_host(self.name).send_from(_free(w, self.name, addresses)))

    # --- planned trouble ------------------------------------------------------------------

    def answer(
        self,
        verb: str,
        reply: str,
        *,
        times: int | None = None,
        sender: str | None = None,
        recipient: str | None = None,
    ) -> None:
        """Refuse a command: ``host.answer("RCPT", "450 4.2.1 Mailbox busy, try again", times=2)``.

        It is not carried out, and `reply` is the answer; 421 also ends the session.  Raises
        ValueError when there is no such moment, or when `reply` is no refusal.
        """
        self._plan(verb, faults.refusal(reply), times, sender, recipient)

    def hang_up(
        self,
        verb: str,
        when: str = "before",
        *,
        times: int | None = None,
        sender: str | None = None,
        recipient: str | None = None,
    ) -> None:
        """End the connection: *before* the command is carried out, *between* that and the
        answer, or *after* the answer.

        ``host.hang_up(".", "between", times=1)``: the letter is taken, and the client never
        hears the 250.
        """
        self._plan(verb, faults.hang_up(when), times, sender, recipient)

    def silence(
        self,
        verb: str,
        *,
        times: int | None = None,
        sender: str | None = None,
        recipient: str | None = None,
    ) -> None:
        """Do not answer.  Other hosts lose patience at once, without waiting real minutes; a
        program of yours waits for as long as its own ``timeout=`` says, at most 10 seconds."""
        self._plan(verb, faults.Silence(), times, sender, recipient)

    def lenient(self, *roles: str) -> None:
        """Make the host lenient about line ends, as old servers were: as ``"sender"`` it takes a
        lone LF and passes it on, as ``"receiver"`` it takes LF for the end of a line, and LF .
        LF for the end of a letter.  Together they let letters be smuggled (see
        `labmail.smtp.lenient`).  It holds for connections to come, until `heal`."""
        self._lab.settle()
        found = leniencies(roles)
        self._lab._look(lambda w: w.mail_host(self.name).be_lenient(found))

    def heal(self) -> None:
        """Forget all planned trouble, and be strict about line ends again."""
        self._lab._look(lambda w: w.mail_host(self.name).heal())

    def _plan(
        self,
        verb: str,
        deed: Deed,
        times: int | None,
        sender: str | None,
        recipient: str | None,
    ) -> None:
        fault = faults.planned(verb, deed, times=times, sender=sender, recipient=recipient)
        self._lab._look(lambda w: w.mail_host(self.name).faults.plan(fault))

    def _change(self, what: str, services: tuple[str, ...]) -> None:
        self._lab.settle()
        self._lab._do(self._lab._running.change(self.name, what, services))


class QueueHandle:
    """The queue of one host, as its postmaster handles it.  It shows itself as it is now."""

    def __init__(self, host: str, lab: Lab) -> None:
        self.host = host
        self._lab = lab

    def __repr__(self) -> str:
        return repr(self.now())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return self.now()._repr_mimebundle_()

    def now(self) -> QueueSnapshot:
        """What waits, and why."""
        self._lab.settle()
        return self._lab._look(lambda w: queue_snapshot(w.mail_host(self.host), w.clock.now()))

    def hold(self, queue_id: str) -> None:
        """Keep a letter without trying it, until `release`.  Raises NoSuchLetter, naming those
        there are; so do the others."""
        self._do(lambda queue: queue.hold(queue_id))

    def release(self, queue_id: str) -> None:
        """End the hold of a letter: it is tried now."""
        self._do(lambda queue: queue.release(queue_id))

    def flush(self, queue_id: str | None = None) -> None:
        """Try a letter now, or all; what is on hold stays where it is."""
        self._do(lambda queue: queue.flush(queue_id))

    def bounce(self, queue_id: str) -> None:
        """Give a letter up: it leaves the queue, and its sender is told."""
        self._do(lambda queue: queue.bounce(queue_id))

    @property
    def schedule(self) -> Schedule:
        """When letters are tried again, and when they are given up."""
        return self._lab._look(lambda w: w.mail_host(self.host).queue.schedule)

    def retry(self, schedule: Schedule | str = "standard", **changes: object) -> None:
        """Try again by this schedule from now on: ``retry("postfix", warn_after="4h")``.

        A letter that waits already keeps the time of its next try.  Raises ValueError for a
        style that there is not, or a schedule that makes no sense.
        """
        if isinstance(schedule, str):
            schedule = Schedule.styled(schedule, **changes)
        elif changes:
            raise ValueError("give a schedule, or a style and changes to it: not both")
        wanted = schedule
        self._do(lambda queue: setattr(queue, "schedule", wanted))

    def _do(self, act: Callable[[MailQueue], object]) -> None:
        self._lab.settle()
        self._lab._look(lambda w: act(w.mail_host(self.host).queue))
        self._lab.settle()


def _free(world: RunningWorld, host: str, addresses: Sequence[str]) -> tuple[str, ...]:
    """These addresses, if `host` may call from them."""
    found = tuple(str(ipaddress.ip_address(a)) for a in addresses)
    for ip in found:
        if (owner := world.network.name_of(ip)) not in (None, host):
            raise ValueError(f"{ip} is the address of {owner}: give {host} another one")
    return found


class DnsHandle:
    """The DNS of the world: read its zones, change them, and plan what no zone can express."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def __repr__(self) -> str:
        zones = self._lab._look(lambda w: [zone.origin for zone in w.dns.zones])
        lines = [f"the DNS of the world: {', '.join(zones)}"]
        lines += [f"  planned: {failure}" for failure in self.failures]
        return "\n".join(lines)

    # --- zones ------------------------------------------------------------------------------

    @property
    def zones(self) -> tuple[str, ...]:
        """The names of the zones that are served now."""
        return self._lab._look(lambda w: tuple(zone.origin for zone in w.dns.zones))

    def zone(self, origin: str) -> ZoneSnapshot:
        """A zone as it is served now, its text and its records; raises LookupError, naming
        those there are."""
        return self._lab._look(lambda w: zone_snapshot(w.dns.zone(origin)))

    def load(self, source: str | Path, origin: str | None = None) -> ZoneChange:
        """Serve a zone from now on, in place of the one with the same name if there is one.

        source: the text of a master file, the path of one (``….zone``), or a name of
        ``data/zones`` such as "saigon.example".  Resolvers go on believing what they remember.
        Raises ZoneError, which points at the line, and LookupError for a name that is not there.
        """
        return self._change(lambda w: w.desk.load(source, origin))

    def edit(self, origin: str, old: str, new: str) -> ZoneChange:
        """Replace one place of a zone's text and load it; the serial grows by itself.

        Harmless twice: where `new` stands there already, nothing changes.  Raises LookupError
        when `old` does not stand there exactly once, ZoneError when the new text is no zone.
        """
        return self._change(lambda w: w.desk.edit(origin, old, new))

    def remove(self, origin: str) -> ZoneChange:
        """Serve this zone no more."""
        return self._change(lambda w: w.desk.remove(origin))

    def reset(self) -> None:
        """Serve the zones that the lab began with, and forget all planned failures.

        What resolvers remember they go on believing: see `flush`.
        """
        self._change(lambda w: w.desk.reset())
        self.heal()

    # --- failures ---------------------------------------------------------------------------

    @property
    def failures(self) -> tuple[str, ...]:
        """The planned failures that are still to come, in words."""
        return self._lab._look(lambda w: tuple(map(str, w.dns.failures)))

    def fail(self, name: str, rtype: str, status: str, times: int | None = None) -> None:
        """Fail questions for `name` and `rtype` ("ANY": every type): the next `times` of them,
        or all until `heal`.

        status: "SERVFAIL", "REFUSED", "TIMEOUT" (silence), "LAME" (of a whole zone: its server
        does not know it), or "TRUNCATED" (over UDP there is only: ask over TCP).  Raises
        ValueError for another one, or when name or type cannot be one.
        """
        self._change(lambda w: w.plan_dns_failure(name, rtype, status, times))

    def heal(self, name: str | None = None, rtype: str | None = None) -> None:
        """Forget the planned failures of a name, or of a name and a type, or all of them.

        Raises ValueError when name or type cannot be one.
        """
        self._change(lambda w: w.heal_dns(name, rtype))

    # --- what resolvers remember ------------------------------------------------------------

    def cache(self, host: str) -> CacheSnapshot:
        """What the resolver of a host or laptop remembers, with the seconds each thing has left."""
        return self._lab._look(lambda w: cache_snapshot(w, host))

    def flush(self, host: str | None = None) -> None:
        """Let the resolver of a host or laptop forget everything; without a name, all of them."""
        self._change(lambda w: w.flush_caches(host))

    def _change(self, change: Callable[[RunningWorld], T]) -> T:
        self._lab.settle()
        return self._lab._look(change)


class NetworkHandle:
    """The network of the world: plan what goes wrong on the way.

    Names are those of machines ("mx1.saigon.example", "son-laptop.hanoi.example"), or of
    domains: then all machines of the domain are meant.  Nothing waits in real time.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def __repr__(self) -> str:
        lines = [f"  {fault}" for fault in self.faults] or ["  nothing goes wrong"]
        return "\n".join(["the network of the world:", *lines])

    @property
    def faults(self) -> tuple[str, ...]:
        """What is planned to go wrong, in words."""
        return self._lab._look(lambda w: tuple(map(str, w.network.faults.planned)))

    def cut(self, a: str, b: str | None = None, how: str = "timed out") -> None:
        """From now on nothing passes between two ends, or between one and everybody.

        how: what a caller finds: "timed out" (packets vanish), "refused" (a firewall says no) or
        "no route".  Connections between the two are cut at once.  Mended with `mend`.
        """
        self._plan(lambda w: Cut(w.ends(a), w.ends(b), Way.called(how)))

    def block(
        self, host: str, port: int | str, how: str = "timed out", *, inward: bool = False
    ) -> None:
        """Let no new connection out of a host to this port anywhere; `inward`: none into it.

        port: a number, or the name of a service, such as 25 or "smtp".  Connections that are
        open stay open.
        """
        number = port_of(port)
        self._plan(lambda w: Block(w.ends(host), number, inward, Way.called(how)))

    def delay(self, a: str, b: str | None, round_trip: str | float | timedelta) -> None:
        """Let each round trip between two ends take so long, on lab time: "80ms".

        Lab time moves by it whenever one side has to wait for the other: connecting, TLS, each
        answer that the client awaits before it goes on, each reply of the DNS.
        """
        length = duration(round_trip)
        self._plan(lambda w: Delay(w.ends(a), w.ends(b), length))

    def mend(self, a: str | None = None, b: str | None = None) -> None:
        """Take back every fault that touches `a`, or lies between `a` and `b`, or all faults."""
        self._lab.settle()
        self._lab._look(lambda w: w.mend_network(a, b))

    def _plan(self, fault: Callable[[RunningWorld], Fault]) -> None:
        self._lab.settle()
        self._lab._look(lambda w: w.plan_network_fault(fault(w)))
        self._lab.settle()


class Laptop:
    """The machine that the notebook plays; as a context manager, until the block ends."""

    def __init__(self, spec: LaptopSpec, before: LaptopSpec, lab: Lab) -> None:
        self.name = spec.name
        self.address = spec.address
        self._before = before
        self._lab = lab

    def __repr__(self) -> str:
        return f"{self.name} [{self.address}]"

    def __enter__(self) -> Laptop:
        return self

    def __exit__(self, *_: object) -> None:
        self._lab._default_laptop = self._before


class ForeignHandle:
    """A program outside the lab that has an address in it; as a context manager, until the
    block ends."""

    def __init__(self, name: str, address: str, lab: Lab) -> None:
        self.name = name
        self.address = address
        self._lab = lab

    def __repr__(self) -> str:
        attached = self._lab._look(lambda w: w.foreign.get(self.name))
        services = ", ".join(attached.ports) if attached else "nothing any more"
        return f"{self.name} [{self.address}], a program outside the lab: reached for {services}"

    def detach(self) -> None:
        """Take the address back: from now on connections are refused.  Harmless twice."""
        self._lab.settle()
        self._lab._do(self._lab._running.detach(self.name))

    def __enter__(self) -> ForeignHandle:
        return self

    def __exit__(self, *_: object) -> None:
        if self._lab.is_open:
            self.detach()
