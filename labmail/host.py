"""One mail host: its services, wired together.

The parts of a host do not know each other.  A letter that the SMTP server has
read goes to the queue, what the queue takes up goes to another host or into a
mailbox, what lies in a mailbox is read over POP3 and IMAP — and each of these
hand-overs is a method of `MailHost`::

    SMTP ──accept──▶ queue ──transmit──▶ local domain?  ──yes──▶ mailbox ◀── POP3, IMAP
                                             └─no─▶ route ─▶ relay to the next hop
"""

from __future__ import annotations

import asyncio
import hmac
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from labmail.dns.resolver import Resolver
from labmail.imap.core import ImapCore
from labmail.mailbox.account import Account
from labmail.mailbox.errors import NoSuchAccount
from labmail.mailbox.store import MailStore
from labmail.net.addresses import IMPLICIT_TLS, SERVICES
from labmail.net.connection import Line, Listener
from labmail.net.driver import Driver
from labmail.net.limits import Limits
from labmail.net.network import Network
from labmail.policy.greylist import Acquaintance, Greylist, Rules, Triplet
from labmail.pop3.core import Pop3Core
from labmail.queue.outcome import Outcome
from labmail.queue.runner import MailQueue
from labmail.queue.schedule import Schedule
from labmail.queue.spool import Spool
from labmail.runtime.agenda import Agenda
from labmail.runtime.ca import Authority
from labmail.runtime.clock import Clock
from labmail.runtime.ids import Ids
from labmail.sending import Sender
from labmail.smtp.dialog import Dialog
from labmail.smtp.dotreader import DotReader
from labmail.smtp.faults import Fault, Faults
from labmail.smtp.lenient import Leniency, LenientDotReader
from labmail.smtp.post import Client, Role
from labmail.smtp.replies import Reply
from labmail.smtp.route import Route
from labmail.smtp.server import MailServer
from labmail.smtp.trace_fields import with_return_path
from labmail.trace.events import Greylisted, HostStarted, HostStopped, Place, Routed
from labmail.trace.parcel import Envelope, Parcel, Recipient
from labmail.trace.recorder import Recorder
from labmail.world import HostSpec, World

POP3_PATIENCE = 600.0  # seconds; RFC 1939 §3 asks for 10 minutes or more
IMAP_PATIENCE = 1800.0  # seconds; RFC 3501 §5.4 asks for 30 minutes or more


@dataclass(frozen=True, slots=True)
class Ground:
    """What all hosts of a lab stand on."""

    world: World
    network: Network
    recorder: Recorder
    clock: Clock
    agenda: Agenda
    ids: Ids
    authority: Authority
    durable: bool


@dataclass(frozen=True, slots=True)
class Habits:
    """What was changed about a host since the lab began: planned faults, weaknesses that are
    switched on, whom it greylists and by which rules (None: nobody), from which addresses it
    sends, and when its queue tries."""

    planned: Mapping[Fault, int | None]
    lenient: frozenset[Leniency]
    rules: Rules | None
    acquaintances: Mapping[Triplet, Acquaintance]
    pool: tuple[str, ...]
    schedule: Schedule


class MailHost:
    """One mail host, running.  The lab's loop thread is the only caller."""

    def __init__(self, spec: HostSpec, ground: Ground, resolver: Resolver, folder: Path) -> None:
        self.spec = spec
        self.resolver = resolver
        self.faults = Faults()
        """What is planned to go wrong here."""
        self.lenient: frozenset[Leniency] = frozenset()
        """A weakness that only a lesson switches on, see `labmail.smtp.lenient`."""
        self.greylist: Greylist | None = None
        """Who is asked to come again; None: nobody."""
        self._pool: tuple[str, ...] = ()
        self._unplugged = False
        self.stand_in: Callable[[Line], asyncio.Protocol] | None = None
        """Who answers on port 25 instead of the host's own server: in a lesson, a person."""
        self._ground = ground
        self._listeners: dict[str, Listener] = {}
        now, emit, ids = ground.clock.now, ground.recorder.emit, ground.ids
        self.store = MailStore(folder / "mail", spec.name, now, emit, ids, durable=ground.durable)
        self.queue = MailQueue(
            spec.name,
            Spool(folder / "queue", durable=ground.durable),
            ground.world.schedule,
            ground.agenda,
            now,
            ids,
            emit,
            self.transmit,
        )
        self._sender = Sender(
            spec.name,
            spec.address,
            (spec.name, *spec.also_known_as),
            ground.network,
            resolver,
            ids,
            emit,
            _opportunistic_tls(),
        )
        for account in ground.world.accounts.values():
            if account.domain in spec.domains:
                self.store.add_account(account.address)

    # --- services -------------------------------------------------------------------------

    @property
    def running(self) -> tuple[str, ...]:
        """The services that listen now, in the order of the world file."""
        return tuple(s for s in self.spec.services if s in self._listeners)

    async def start(self, services: Iterable[str] = ()) -> None:
        """Begin to listen: with these services, or with all of the host."""
        wanted = [s for s in (tuple(services) or self.spec.services) if s not in self._listeners]
        for service in wanted:
            listener = self._listener(service)
            await self._ground.network.listen(listener)
            self._listeners[service] = listener
        if wanted:
            self._record(HostStarted, wanted)
        if self._unplugged:
            self._unplugged = False
            self.resume()

    async def unplug(self) -> None:
        """Be as after a power cut: nothing listens, nothing is tried, and what was not on disk is
        gone.  `start` begins again with what is."""
        await self.stop()
        self.queue.stop()
        self._unplugged = True

    async def stop(self, services: Iterable[str] = ()) -> None:
        """Stop listening: with these services, or with all; open connections are cut."""
        wanted = [s for s in (tuple(services) or self.spec.services) if s in self._listeners]
        for service in wanted:
            await self._ground.network.unlisten(self._listeners.pop(service))
        if wanted:
            self._record(HostStopped, wanted)

    def memory(self) -> Habits:
        """What was changed about this host."""
        greylist = self.greylist
        return Habits(
            self.faults.memory(),
            self.lenient,
            greylist.rules if greylist else None,
            greylist.memory() if greylist else {},
            self._pool,
            self.queue.schedule,
        )

    def recall(self, memory: Habits) -> None:
        """Be so again."""
        self.lenient = memory.lenient
        self.faults.recall(dict(memory.planned))
        self.greylist_by(memory.rules)
        if self.greylist:
            self.greylist.recall(memory.acquaintances)
        self.send_from(memory.pool)
        self.queue.schedule = memory.schedule

    def greylist_by(self, rules: Rules | None) -> None:
        """Ask strangers to come again from now on, remembering nobody yet; None: take everybody."""
        self.greylist = Greylist(rules) if rules else None

    def send_from(self, addresses: tuple[str, ...]) -> None:
        """Call other hosts from these addresses: each attempt at a letter from the next of them,
        as a large sender hands a retry to whichever of its machines is free.  None: its own."""
        for ip in addresses:
            self._ground.network.add_address(ip, self.spec.name)
        self._pool = addresses

    def resume(self) -> None:
        """Take up what the queue's spool still holds from an earlier run; letters to come get
        numbers that no letter here has."""
        queued = (row.parcel for row in self.queue.resume())
        self._ground.ids.skip_to("parcel", max([self.store.highest_parcel(), *queued]))

    def retire(self) -> None:
        """Begin no new attempts: the lab closes."""
        self.queue.stop()

    def close(self) -> None:
        """Let go of files; what is queued or delivered stays on disk."""
        self.store.close()

    @property
    def trouble(self) -> str:
        """What is planned to go wrong here, in words."""
        words = [f"planned: {self.faults}"] if list(self.faults) else []
        words += [f"lenient {role}" for role in sorted(self.lenient)]
        words += ["greylists strangers"] if self.greylist else []
        words += ["unplugged"] if self._unplugged else []
        return "; ".join(words)

    def be_lenient(self, roles: frozenset[Leniency]) -> None:
        """Be lenient about line ends from now on, in these roles too."""
        self.lenient |= roles

    def heal(self) -> None:
        """Forget what was planned to go wrong, and be strict again."""
        self.faults.heal()
        self.lenient = frozenset()

    def _record(self, kind: type[HostStarted] | type[HostStopped], services: list[str]) -> None:
        spec = self.spec
        about: dict[str, object] = {
            "host": spec.name,
            "services": tuple((s, SERVICES[s]) for s in services),
        }
        if kind is HostStarted:
            about |= {"addresses": (spec.address,), "domains": spec.domains or spec.relays_for}
        self._ground.recorder.emit(kind, **about)

    def _listener(self, service: str) -> Listener:
        place = Place(self.spec.name, self.spec.address, SERVICES[service])
        tls = self.certificate() if service in IMPLICIT_TLS else None
        match service:
            case "pop3" | "pop3s":
                limits = replace(Limits(), idle_seconds=POP3_PATIENCE)
                return Listener(place, service, self._serve_pop3, limits, tls)
            case "imap" | "imaps":
                limits = replace(Limits(), idle_seconds=IMAP_PATIENCE)
                return Listener(place, service, self._serve_imap, limits, tls)
            case _:
                return Listener(place, service, self._serve_smtp, Limits(), tls, self._observe_smtp)

    def certificate(self) -> ssl.SSLContext:
        """What this host presents in TLS: one certificate for all its names."""
        return self._ground.authority.server_context(self.spec.name, *self.spec.also_known_as)

    def _serve_smtp(self, line: Line) -> asyncio.Protocol:
        if self.stand_in is not None and line.listener.service == "smtp":
            return self.stand_in(line)
        role: Role = "exchange" if line.listener.service == "smtp" else "submission"
        return MailServer(
            self,
            hostname=self.spec.name,
            role=role,
            line=line,
            tls_context=self.certificate(),
            limits=line.listener.limits,
            now=self._ground.clock.now,
            ids=self._ground.ids,
            lenient=self.lenient,
            also_ours=(*self.spec.also_known_as, *self.spec.domains),
        )

    def _observe_smtp(self) -> Dialog:
        return Dialog(LenientDotReader if "receiver" in self.lenient else DotReader)

    def _serve_pop3(self, line: Line) -> asyncio.Protocol:
        core = Pop3Core(
            self.spec.name,
            self.log_in,
            _tls_state(line),
            line.listener.limits,
            allow_clear=_on_this_machine(line),
        )
        return Driver(core, line, self.certificate())

    def _serve_imap(self, line: Line) -> asyncio.Protocol:
        core = ImapCore(
            self.spec.name,
            self.log_in,
            _tls_state(line),
            line.listener.limits,
            self._ground.clock.now,
            allow_clear=_on_this_machine(line),
        )
        return Driver(core, line, self.certificate())

    # --- who may do what ------------------------------------------------------------------

    def log_in(self, user: str, password: str) -> Account | None:
        """The account that this name and password open; None when they open none."""
        address = self.login(user, password)
        return self.store.account(address) if address else None

    def login(self, user: str, password: str) -> str | None:
        """The address of the account that this name and password open.

        The comparison takes as long for a wrong password as for a right one, and
        for an unknown user as for a known one.
        """
        address = user if "@" in user else f"{user}@{next(iter(self.spec.domains), '')}"
        account = self._ground.world.accounts.get(address.lower())
        if account is not None and account.domain not in self.spec.domains:
            account = None
        expected = account.password if account else "nobody has this password"
        matches = hmac.compare_digest(expected.encode(), password.encode())
        return account.address if account and matches else None

    def fault(self, verb: str, client: Client, recipient: str) -> Fault | None:
        """The planned fault that strikes now."""
        return self.faults.strike(verb, client.reverse_path or "", recipient)

    def sender_refusal(self, reverse_path: str, client: Client) -> Reply | None:
        """Any sender will do."""
        return None

    def refusal(self, recipient: str, client: Client) -> Reply | None:
        """Why this host does not take mail for this recipient; None when it does.

        A host takes mail for its own people, for the domains it backs up, and —
        from its own users — for anybody (RFC 5321 §3.6.2: no relaying for strangers).
        """
        domain = Recipient(recipient).domain
        at_home = self._is_home(domain)
        if at_home and not self._account_for(recipient):
            return _unknown_user(recipient)
        if not at_home and domain not in self.spec.relays_for and not client.authenticated:
            return _relay_denied(recipient)
        return self._put_off(recipient, client)

    def _put_off(self, recipient: str, client: Client) -> Reply | None:
        """A stranger is asked to come again, if this host greylists; own users never are
        (RFC 6647 §2.7)."""
        if self.greylist is None or client.role == "submission":
            return None
        caller, sender = client.connection.client, client.reverse_path or ""
        triplet = self.greylist.triplet(caller.ip, sender, recipient)
        verdict = self.greylist.judge(caller.ip, sender, recipient, self._ground.clock.now())
        self._ground.recorder.emit(
            Greylisted,
            host=self.spec.name,
            parcel=client.parcel,
            connection=client.connection,
            network=triplet.network,
            sender=triplet.sender,
            recipient=triplet.recipient,
            welcome=verdict.welcome,
            why=verdict.why,
            again=verdict.again,
        )
        return None if verdict.welcome else _greylisted(recipient)

    def _is_home(self, domain: str) -> bool:
        """Whether mail for this domain ends here: a domain of the host, none at all (the bare
        postmaster), or the host's own name.  Under that one only the postmaster lives: it
        stands in the From of notifications, and answers must arrive (RFC 3464 §2)."""
        return domain in (*self.spec.domains, self.spec.name, "")

    def _account_for(self, recipient: str) -> Account | None:
        if recipient.partition("@")[0].lower() == "postmaster":  # RFC 5321 §4.5.1
            return self._postmaster()
        try:
            return self.store.account(recipient)
        except NoSuchAccount:
            return None

    def _postmaster(self) -> Account:
        """Who reads the postmaster's mail: the first person of the host, or, where nobody
        lives, a mailbox of the host's own."""
        people = self.store.accounts()
        return people[0] if people else self.store.add_account(f"postmaster@{self.spec.name}")

    # --- a letter comes -------------------------------------------------------------------

    def queue_id(self) -> str:
        """A queue id for the letter that is coming: its Received field will name it."""
        return self.queue.fresh_id()

    def accept(self, queue_id: str, envelope: Envelope, content: bytes, client: Client) -> None:
        """Take responsibility for a letter: when this returns, it is safe."""
        number = client.parcel or self._ground.ids.number("parcel")
        self.queue.accept(
            Parcel(number, envelope, content),
            role=client.role,
            connection=client.connection,
            queue_id=queue_id,
        )

    # --- a letter goes --------------------------------------------------------------------

    async def transmit(self, parcel: Parcel, queue_id: str, attempt: int) -> list[Outcome]:
        """Hand on a letter to recipients of one domain: into mailboxes here, or to another host."""
        domain = parcel.envelope.recipients[0].domain
        if self._is_home(domain):
            self._ground.recorder.emit(
                Routed,
                host=self.spec.name,
                parcel=parcel.number,
                domain=domain,
                hops=(),
                local=True,
            )
            return [self._deliver(parcel, queue_id, r.address) for r in parcel.envelope.recipients]
        source = self._pool[(attempt - 1) % len(self._pool)] if self._pool else ""
        return await self._sender.send(
            parcel, domain, as_it_is="sender" in self.lenient, source=source
        )

    async def route(self, domain: str) -> Route:
        """The way that a letter to this domain would take from here now."""
        return await self._sender.route(domain)

    def _deliver(self, parcel: Parcel, queue_id: str, recipient: str) -> Outcome:
        """Into the recipient's INBOX, once: several recipients may be one person, in other
        letters (``MINH@…``) or as the postmaster."""
        account = self._account_for(recipient)
        if account is None:
            return Outcome(recipient, "refused", str(_unknown_user(recipient)), "5.1.1")
        content = with_return_path(parcel.content, parcel.envelope.reverse_path)
        account.open("INBOX").deliver(
            content, recipient=recipient, parcel=parcel.number, key=f"{queue_id} {account.address}"
        )
        return Outcome(recipient, "delivered", "delivered to INBOX", "2.0.0")


def _tls_state(line: Line) -> Literal["offered", "on"]:
    return "on" if line.listener.tls is not None else "offered"


def _on_this_machine(line: Line) -> bool:
    """Whether a program outside the lab reads its mail: its password then crosses no network at
    all, so it may go without TLS, as other servers allow it for clients on their own machine."""
    return line.caller.kind == "outside"


def _opportunistic_tls() -> ssl.SSLContext:
    """Between mail servers any certificate will do: without it the letter would go in the clear
    (RFC 7435 §3)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _unknown_user(recipient: str) -> Reply:
    return Reply(550, "5.1.1", f"<{recipient}>: nobody here has this address")


def _greylisted(recipient: str) -> Reply:
    return Reply(450, "4.7.1", f"<{recipient}>: greylisted, please try again later")


def _relay_denied(recipient: str) -> Reply:
    return Reply(550, "5.7.1", f"<{recipient}>: relay access denied")
