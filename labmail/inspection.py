"""Looking into a running world without touching it."""

from __future__ import annotations

import email.policy
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from hashlib import blake2b
from typing import TYPE_CHECKING

from labmail.mailbox.errors import MailboxError
from labmail.net.addresses import IMPLICIT_TLS, SERVICES
from labmail.smtp.trace_fields import without_return_path
from labmail.trace.events import Accepted, Delivered
from labmail.trace.letters import card
from labmail.trace.recorder import Trace
from labmail.trace.snapshots import (
    BoxRow,
    BoxSnapshot,
    CacheRow,
    CacheSnapshot,
    EnvelopeCard,
    HealthRow,
    QueueRow,
    QueueSnapshot,
    ZoneRow,
    ZoneSnapshot,
)
from labmail.world import HostSpec

if TYPE_CHECKING:
    from labmail.dns.zone import Zone
    from labmail.host import MailHost
    from labmail.running import RunningWorld

ROLES = {
    "smtp": "takes mail from other servers (MX)",
    "submission": "takes mail from users, STARTTLS (MSA)",
    "submissions": "takes mail from users, inside TLS (MSA)",
    "pop3": "lets users fetch mail",
    "pop3s": "lets users fetch mail, inside TLS",
    "imap": "lets users read mail where it lies",
    "imaps": "lets users read mail where it lies, inside TLS",
}
"""What each service is for, in a few words."""


def queue_snapshot(host: MailHost, at: datetime) -> QueueSnapshot:
    """What lies in the host's queue."""
    rows = (
        QueueRow(
            queue_id=letter.queue_id,
            sender=letter.sender,
            recipient=letter.recipient,
            state=letter.state,
            attempts=letter.attempts,
            next_try=letter.next_try,
            reason=letter.reason,
            parcel=letter.parcel,
        )
        for letter in host.queue.rows()
    )
    return QueueSnapshot(host.spec.name, tuple(rows), at)


def box_snapshot(host: MailHost, address: str, mailbox: str) -> BoxSnapshot:
    """What lies in a mailbox; raises NoSuchMailbox when there is none of this name."""
    box = host.store.account(address).open(mailbox)
    parser = BytesHeaderParser(EmailMessage, policy=email.policy.default)
    rows = []
    for message in box.messages():
        header = parser.parsebytes(box.read(message.uid))
        rows.append(
            BoxRow(
                uid=message.uid,
                flags=tuple(sorted(message.flags)),
                size=message.size,
                date=message.internal_date,
                file=message.file,
                subject=one_line(header["Subject"]),
            )
        )
    return BoxSnapshot(address, box.name, box.uidvalidity, tuple(rows), box.uidnext)


def zone_snapshot(zone: Zone) -> ZoneSnapshot:
    """A zone as it is served now."""
    rows = (ZoneRow(r.name, r.ttl, r.rtype, r.data, r.line) for r in zone.records())
    return ZoneSnapshot(zone.origin, zone.file, zone.serial, zone.text, tuple(rows))


def cache_snapshot(world: RunningWorld, name: str) -> CacheSnapshot:
    """What the resolver of a machine remembers; raises LookupError when there is none."""
    rows = (
        CacheRow(k.name, k.rtype, k.status, k.records, k.ttl, k.expires)
        for k in world.resolver_of(name).known()
    )
    return CacheSnapshot(name, tuple(rows), world.clock.now())


def stored_letter(host: MailHost, address: str, mailbox: str, uid: int) -> bytes:
    """The octets of a letter as they lie in a mailbox.

    Raises NoSuchMailbox or NoSuchMessage when there is none.
    """
    return host.store.account(address).open(mailbox).read(uid)


# --- letters, wherever they lie -------------------------------------------------------------


def queue_card(host: MailHost, queue_id: str) -> EnvelopeCard:
    """A letter as it waits in the host's queue; raises NoSuchLetter when it does not."""
    parcel = host.queue.parcel(queue_id)
    where = f"as it waits in the queue of {host.spec.name}"
    return EnvelopeCard(parcel.envelope, parcel.content, where, parcel.number, host.spec.name)


def box_card(host: MailHost, address: str, mailbox: str, uid: int) -> EnvelopeCard:
    """A letter as it lies in a mailbox, where it has no envelope any more; raises
    NoSuchMailbox or NoSuchMessage."""
    box = host.store.account(address).open(mailbox)
    number = box.message(uid).parcel
    where = f"as it lies in {box.name} of {address}"
    return EnvelopeCard(None, box.read(uid), where, number, host.spec.name)


def letter_cards(world: RunningWorld, trace: Trace, parcel: int) -> tuple[EnvelopeCard, ...]:
    """The letter at each station where it was taken, and in each mailbox where it still lies.

    Raises LookupError when no station of this trace has seen it.
    """
    found: list[EnvelopeCard] = []
    for event in trace:
        if not isinstance(event, (Accepted, Delivered)) or event.parcel != parcel:
            continue
        if isinstance(event, Delivered):
            with suppress(MailboxError):  # it may have been removed
                host = world.hosts[event.host]
                found.append(box_card(host, event.account, event.mailbox, event.uid))
        elif event.connection is not None:
            found.append(card(trace, parcel, event.host))
        elif written := written_card(world, trace, parcel, event.host):
            found.append(written)
    if not found:
        card(trace, parcel)  # says who has seen the letter, if anybody
    return tuple(found)


def written_card(
    world: RunningWorld, trace: Trace, parcel: int, host: str | None = None
) -> EnvelopeCard | None:
    """A notification as the host that wrote it put it into its queue; None when no host did.

    It came over no connection, so its bytes are looked for where they went next: they wait,
    or were told to the next hop, or lie in a mailbox of the host under a Return-Path.
    """
    for event in trace.of(Accepted):
        if event.parcel == parcel and event.connection is None and host in (None, event.host):
            content = _bytes_of(world, trace, event)
            if content is not None:
                where = f"as {event.host} wrote it"
                return EnvelopeCard(event.envelope, content, where, parcel, event.host)
    return None


def _bytes_of(world: RunningWorld, trace: Trace, written: Accepted) -> bytes | None:
    queue = world.hosts[written.host].queue
    if any(row.queue_id == written.queue_id for row in queue.rows()):
        return queue.parcel(written.queue_id).content
    number = written.parcel or 0
    if next_hop := [e for e in trace.of(Accepted) if e.parcel == number and e.connection]:
        return card(trace, number, next_hop[0].host).content
    for event in trace.of(Delivered):
        if event.parcel == number:
            with suppress(MailboxError):
                host = world.hosts[event.host]
                lies = box_card(host, event.account, event.mailbox, event.uid)
                return without_return_path(lies.content)
    return None


def one_line(field: object) -> str:
    """A header field for showing: an encoded word may hold line breaks, and what else
    pretends to be more than text (``=?utf-8?q?=0D=0ABcc:…``); that is made visible."""
    text = "" if field is None else str(field)
    return "".join(chr(0x2400 + ord(c)) if c < " " else c for c in text)


def check_service(spec: HostSpec, service: str, context: ssl.SSLContext) -> HealthRow:
    """Connect to a service as a program would, and read its greeting."""
    port = SERVICES[service]
    try:
        with socket.create_connection((spec.name, port), timeout=5) as sock:
            banner = _greeting(sock, spec.name, context if service in IMPLICIT_TLS else None)
    except OSError as error:
        return HealthRow(spec.name, service, port, _reason(error), ROLES[service], False)
    return HealthRow(spec.name, service, port, banner, ROLES[service], True)


def _greeting(sock: socket.socket, name: str, context: ssl.SSLContext | None) -> str:
    if context is not None:
        sock = context.wrap_socket(sock, server_hostname=name)
    with sock:
        received = b""
        while not received.endswith(b"\n"):
            piece = sock.recv(1024)
            if not piece:
                break
            received += piece
    return received.decode("utf-8", "replace").strip()


def _reason(error: OSError) -> str:
    return "connection refused" if isinstance(error, ConnectionRefusedError) else str(error)


def fingerprint(world: RunningWorld) -> str:
    """A short text that two worlds in the same state have in common."""
    digest = blake2b(digest_size=8)
    for fact in _facts(world):
        digest.update(f"{fact}\n".encode())
    return digest.hexdigest()


def _facts(world: RunningWorld) -> Iterable[object]:
    yield world.clock.now()
    for zone in world.dns.zones:
        yield zone.origin
        yield from map(str, zone.records())
    yield from map(str, world.dns.failures)
    yield from map(str, world.network.faults.planned)
    for program in sorted(world.foreign.values(), key=lambda program: program.name):
        yield program.name, program.ip, sorted(program.ports)  # a real port is no part of a world
    for host in world.hosts.values():
        yield host.spec.name
        yield host.running
        yield from host.queue.rows()
        for account in host.store.accounts():
            for info in account.mailboxes():
                box = account.open(info.name)
                yield account.address, info.name, box.messages()
