"""How things stood at one moment.

A trace says what happened; a snapshot says how something looked when it was
asked: a letter at one hop, a mailbox, a queue, the services of the world.
Snapshots are plain frozen data that the lab fills in, and they show themselves.
They hold no reference to the live thing: a snapshot printed later still says
what was true when it was taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from labmail.trace.parcel import Envelope
from labmail.trace.recorder import Shown


@dataclass(frozen=True, slots=True, repr=False)
class EnvelopeCard(Shown):
    """The envelope beside the letter it carries (RFC 5321 §2.3.1): two sets of addresses.

    `content` holds the letter's untouched bytes (its header is enough).  `where`
    says at which hop it was looked at, e.g. "as mx1.saigon.example accepted it".
    `host` is the machine that holds it there.  `envelope` is None where there is none any
    more: in a mailbox, and in a file.
    """

    envelope: Envelope | None
    content: bytes
    where: str = ""
    parcel: int | None = None
    host: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class CardRow(Shown):
    """The cards of one letter, station by station, in the order of the way."""

    parcel: int
    cards: tuple[EnvelopeCard, ...]


@dataclass(frozen=True, slots=True)
class BoxRow:
    """One message in a mailbox: `size` in octets, `date` is its internal date (RFC 3501
    §2.3.3), `file` its file's name below the account's folder, `subject` the raw or decoded
    Subject."""

    uid: int
    flags: tuple[str, ...]
    size: int
    date: datetime
    file: str
    subject: str


@dataclass(frozen=True, slots=True, repr=False)
class BoxSnapshot(Shown):
    """A mailbox as files and flags."""

    account: str
    mailbox: str
    uidvalidity: int
    rows: tuple[BoxRow, ...]
    uidnext: int | None = None


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One recipient's copy in a queue.  `state` is the queue's own word for it ("active",
    "deferred", "held"); `next_try` is None when no attempt is planned."""

    queue_id: str
    recipient: str
    state: str
    attempts: int
    next_try: datetime | None
    reason: str
    sender: str = ""
    parcel: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class QueueSnapshot(Shown):
    """The queue of one host, one row for each recipient still to be dealt with."""

    host: str
    rows: tuple[QueueRow, ...]
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HealthRow:
    """One service that was knocked at.  `ok` says whether it answered as it should; `banner`
    is the first line it said, or the error."""

    host: str
    service: str
    port: int
    banner: str
    role: str
    ok: bool


@dataclass(frozen=True, slots=True, repr=False)
class HealthSnapshot(Shown):
    """Who answers in this world."""

    rows: tuple[HealthRow, ...]
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One line of a mail program's list, as it came over IMAP, headers decoded."""

    uid: int
    flags: tuple[str, ...]
    sender: str
    subject: str
    date: str


@dataclass(frozen=True, slots=True, repr=False)
class InboxSnapshot(Shown):
    """The list that a mail program shows."""

    account: str
    mailbox: str
    rows: tuple[InboxRow, ...]


@dataclass(frozen=True, slots=True, repr=False)
class DnsSnapshot(Shown):
    """One answer of the DNS, as a program at `host` got it.  `ttl` is in seconds."""

    host: str
    name: str
    rtype: str
    status: str
    records: tuple[str, ...]
    ttl: int | None


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """One record of a zone: names are complete, `ttl` is in seconds, `data` in master file form,
    `line` where its entry begins in the text."""

    name: str
    ttl: int
    rtype: str
    data: str
    line: int


@dataclass(frozen=True, slots=True, repr=False)
class ZoneSnapshot(Shown):
    """A zone as it is served: the text of its master file, and the records read from it."""

    origin: str
    file: str
    serial: int
    text: str
    rows: tuple[ZoneRow, ...]


@dataclass(frozen=True, slots=True)
class CacheRow:
    """One thing that a resolver remembers for `ttl` seconds more.  `rtype` is "ANY" for a name
    that does not exist: no type of it does."""

    name: str
    rtype: str
    status: str
    records: tuple[str, ...]
    ttl: int
    expires: datetime


@dataclass(frozen=True, slots=True, repr=False)
class CacheSnapshot(Shown):
    """What the resolver of one host remembers."""

    host: str
    rows: tuple[CacheRow, ...]
    at: datetime
