"""Looking into a running world without touching it."""

from __future__ import annotations

import email.policy
import socket
import ssl
from collections.abc import Iterable
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from hashlib import blake2b
from typing import TYPE_CHECKING

from labmail.net.addresses import IMPLICIT_TLS, SERVICES
from labmail.trace.snapshots import (
    BoxRow,
    BoxSnapshot,
    CacheRow,
    CacheSnapshot,
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
    for host in world.hosts.values():
        yield host.spec.name
        yield host.running
        yield from host.queue.rows()
        for account in host.store.accounts():
            for info in account.mailboxes():
                box = account.open(info.name)
                yield account.address, info.name, box.messages()
