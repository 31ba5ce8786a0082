"""The map of the world: domains are towns, hosts stand in them, clients outside.

A domain is not a machine, and a machine is not a program: the map keeps them apart.  Each arrow
starts at who opened the connection, and carries the number of its step in the list
below; so the route of a letter can be followed by counting.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from labmail.trace.events import (
    ConnectFailed,
    Connection,
    Deferred,
    Delivered,
    Event,
    HostStarted,
    HostStopped,
    LookedUp,
)
from labmail.trace.recorder import Trace
from labmail.views.chars import plural, visible
from labmail.views.spoken import Way, everything, listed, names_by_address, protocol, way
from labmail.views.view import Picture

if TYPE_CHECKING:
    from labmail.views.paper import Paper

_CLIENT_ROLES = {"laptop", "client", "phone", "desktop"}


@dataclass(frozen=True, slots=True)
class Spot:
    """A host on the map; `services` are those that listen now."""

    name: str
    ip: str
    services: tuple[str, ...]
    role: str = "mail"

    @property
    def up(self) -> bool:
        return bool(self.services)


@dataclass(frozen=True, slots=True)
class Town:
    """A domain with the hosts that serve it."""

    domain: str
    hosts: tuple[Spot, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered step: an arrow, or (source == target) something that happened there."""

    source: str
    target: str
    words: str
    way: Way = Way.NONE
    lookup: bool = False
    failed: bool = False


class WorldMap(Picture):
    """The world of a trace, and the routes that its letters took."""

    def __init__(self, trace: Trace) -> None:
        spots, domains = _hosts(trace)
        self.steps = _steps(trace)
        self.resolvers = tuple(s for s in spots.values() if s.role == "dns")
        clients = [s for s in spots.values() if s.role in _CLIENT_ROLES]
        used = dict.fromkeys(n for step in self.steps for n in (step.source, step.target))
        strangers = [_stranger(trace, name) for name in used if name not in spots]
        self.clients = (*(c for c in clients if c.name in used or not used), *strangers)
        self.towns = _towns(s for s in spots.values() if s.role not in {"dns", *_CLIENT_ROLES})
        self.towns = tuple(replace(t, domain=domains.get(t.domain, t.domain)) for t in self.towns)

    def home(self, name: str) -> str:
        """The domain of the town that a host stands in, or that a client's name speaks of."""
        for town in self.towns:
            if any(h.name == name for h in town.hosts):
                return town.domain
        return name.partition(".")[2]

    def alt(self) -> str:
        places = listed((t.domain for t in self.towns), 8) or "none"
        if not self.steps:
            return f"Map of the world: {plural(len(self.towns), 'domain')}: {places}."
        told = "; ".join(f"{i}. {s.words}" for i, s in enumerate(self.steps[:8], 1))
        count = plural(len(self.steps), "step")
        return f"Map with the domains {places}, and a route in {count}: {told}."

    def text(self) -> str:
        out = ["The world"]
        for town in self.towns:
            out += [f"  {town.domain}", *(f"    {_spot_line(h)}" for h in town.hosts)]
        if self.resolvers:
            out += ["  DNS", *(f"    {_spot_line(h)}" for h in self.resolvers)]
        if self.clients:
            out += ["  clients", *(f"    {c.name}  {c.ip}" for c in self.clients)]
        if self.steps:
            out += ["", "The route (an arrow starts at who opened)"]
            out += [_step_line(i, step) for i, step in enumerate(self.steps, 1)]
        return "\n".join(out)

    def draw(self) -> Paper:
        from labmail.views.world_map_draw import drawn

        return drawn(self)


def _spot_line(spot: Spot) -> str:
    services = ", ".join(spot.services) or "stopped: nothing listens"
    return f"{spot.name}  {spot.ip}  {services}"


def _step_line(number: int, step: Step) -> str:
    if step.source == step.target:
        return f"  {number:2}. {step.words}"
    shaft = "··▶" if step.lookup else "──✘" if step.failed else "══▶"
    return f"  {number:2}. {step.source} {shaft} {step.target}: {step.words}"


# --- hosts ------------------------------------------------------------------------------------


def _hosts(trace: Trace) -> tuple[dict[str, Spot], dict[str, str]]:
    """The hosts as they stand at the end of the trace, and titles of towns that serve more
    than one domain."""
    spots: dict[str, Spot] = {}
    titles: dict[str, str] = {}
    for event in everything(trace):
        if isinstance(event, HostStarted):
            now = spots.get(event.host)
            services = dict.fromkeys([*(now.services if now else ()), *_named(event.services)])
            ip = event.addresses[0] if event.addresses else (now.ip if now else "")
            role = "dns" if set(services) == {"domain"} else event.role
            spots[event.host] = Spot(event.host, ip, tuple(services), role)
            if event.domains:
                titles.setdefault(_domain(event.host), listed(event.domains, 2))
        elif isinstance(event, HostStopped) and event.host in spots:
            gone = set(_named(event.services))
            now = spots[event.host]
            left = tuple(s for s in now.services if s not in gone)
            spots[event.host] = replace(now, services=left)
    return spots, titles


def _named(services: Iterable[tuple[str, int]]) -> list[str]:
    return [name for name, _ in services]


def _domain(host: str) -> str:
    return host.partition(".")[2] or host


def _towns(spots: Iterable[Spot]) -> tuple[Town, ...]:
    found: dict[str, list[Spot]] = {}
    for spot in spots:
        found.setdefault(_domain(spot.name), []).append(spot)
    return tuple(Town(domain, tuple(hosts)) for domain, hosts in found.items())


def _stranger(trace: Trace, name: str) -> Spot:
    """A client that never listened: known only from its connections."""
    for event in trace.events:
        ends: list[tuple[str, str]] = []
        connection: Connection | None = getattr(event, "connection", None)
        if connection is not None:
            ends = [(connection.client.name, connection.client.ip)]
        elif isinstance(event, ConnectFailed):
            ends = [(p.name, p.ip) for p in (event.client, event.server)]
        for found, ip in ends:
            if found == name:
                return Spot(name, ip, (), "client")
    return Spot(name, "", (), "client")


# --- steps ------------------------------------------------------------------------------------


def _steps(trace: Trace) -> tuple[Step, ...]:
    names = names_by_address(trace)
    steps: list[Step] = []
    seen: set[int] = set()
    for event in trace.events:
        step = _step(trace, event, names, seen)
        if step is None:
            continue
        if steps and _same_errand(steps[-1], step):
            steps[-1] = _merged(steps[-1], step)
        else:
            steps.append(step)
    return tuple(steps)


def _step(trace: Trace, event: Event, names: dict[str, str], seen: set[int]) -> Step | None:
    if isinstance(event, LookedUp):
        if event.server == "cache":
            return None
        words = f"asks {event.rtype} {visible(event.name)}"
        words += "" if event.status == "NOERROR" else f" ({event.status})"
        return Step(event.host, names.get(event.server, event.server), words, lookup=True)
    if isinstance(event, ConnectFailed):
        words = f"port {event.server.port}: {visible(event.reason)}"
        return Step(event.client.name, event.server.name, words, failed=True)
    if isinstance(event, Delivered):
        words = f"delivered at {event.host}: {visible(event.mailbox)} of {visible(event.account)}"
        return Step(event.host, event.host, words)
    if isinstance(event, Deferred):
        return Step(event.host, event.host, f"{event.host} keeps the letter and will try again")
    connection: Connection | None = getattr(event, "connection", None)
    if connection is None or connection.number in seen or connection.service == "domain":
        return None
    seen.add(connection.number)
    how = way(trace, connection)
    errand = {Way.PUSH: "gives the letter (push)", Way.PULL: "takes the letter (pull)"}
    words = f"{protocol(connection)}, port {connection.server.port}"
    words = f"{words}: {errand[how]}" if how in errand else f"opens {words}"
    return Step(connection.client.name, connection.server.name, words, how)


def _same_errand(a: Step, b: Step) -> bool:
    same = (a.source, a.target, a.lookup, a.failed, a.way) == (
        b.source, b.target, b.lookup, b.failed, b.way,
    )  # fmt: skip
    idle = a.source != a.target and not a.failed and a.way is Way.NONE
    return same and (a.lookup or idle or a.words.partition(" ×")[0] == b.words)


def _merged(a: Step, b: Step) -> Step:
    if a.lookup:
        return replace(a, words=f"{a.words}, {b.words.removeprefix('asks ')}")
    if a.words.startswith("opens ") and a.words != b.words:
        more = b.words.removeprefix("opens ")
        return a if more in a.words else replace(a, words=f"{a.words}; {more}")
    words, _, count = a.words.partition(" ×")
    return replace(a, words=f"{words} ×{int(count or 1) + 1}")
