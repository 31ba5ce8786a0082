"""The vocabulary of the trace.

Everything that happens in a world of mail is one event in one ordered list.
Events come in three levels, and each level answers its own question:

*wire*  Which bytes moved?  Connections, bytes in both directions, TLS, datagrams.
*talk*  What was said?      Command, reply, the state of the session before and after.
*post*  What became of the letter?  Accepted, queued, looked up, attempted, delivered, fetched.

Levels are not derived from each other by the reader: each event was recorded
where it happened.  A `Connection` ties wire and talk together; a parcel number
ties the post events of one letter together (and never goes on the wire).

Bytes that were said are counted from 0 in each direction of a connection: the
*said* stream.  It runs on through STARTTLS, so an offset names one byte of the
conversation whether it was said in the open or inside TLS.  The bytes of TLS
records (`Layer.CIPHER`) are counted apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from labmail.trace.parcel import Envelope

Span = tuple[int, int]
"""Half-open range of byte positions: (start, end)."""


class Layer(StrEnum):
    """Who can read these bytes."""

    OPEN = "open"
    """No TLS: said in the clear; the two ends and every eavesdropper read it."""
    CIPHER = "cipher"
    """TLS records, as they cross the network: what an eavesdropper gets."""
    INSIDE = "inside"
    """What was said inside TLS: only the two ends read it."""


class Side(StrEnum):
    """The two ends of a connection: the client opened it."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Place:
    """One end of a conversation: a host's name and its address and port in the lab."""

    name: str
    ip: str
    port: int

    def __str__(self) -> str:
        return f"{self.name} [{self.ip}]:{self.port}"


@dataclass(frozen=True, slots=True)
class Connection:
    """Which connection an event belongs to.

    `number` counts the connections of a lab from 1.  `service` is the name of
    the well-known port: smtp, submission, submissions, pop3, pop3s, imap,
    imaps, domain.
    """

    number: int
    service: str
    client: Place
    server: Place

    def __str__(self) -> str:
        return f"#{self.number} {self.client.name} → {self.server.name}:{self.server.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Anything that happened: `seq` is its place in the one list, `at` the lab time."""

    level: ClassVar[str] = ""
    seq: int
    at: datetime


# --- wire: which bytes moved ------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class WireEvent(Event):
    level: ClassVar[str] = "wire"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected(WireEvent):
    """A TCP connection was opened by its client."""

    connection: Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectFailed(WireEvent):
    """A client dialled and nobody answered: connection refused, no route, timed out."""

    client: Place
    server: Place
    reason: str
    parcel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent(WireEvent):
    """Bytes moved in one direction, as one write or one read had them.

    `offset` is the position of the first byte: in the said stream for OPEN and
    INSIDE, among the TLS records for CIPHER.  `secrets` are spans *of data*
    that hold a password or the like: views mask them unless asked not to.
    """

    connection: Connection
    sender: Side
    layer: Layer
    offset: int
    data: bytes
    secrets: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsStarted(WireEvent):
    """The TLS handshake ended well.  `mode` is "implicit" or "starttls" (RFC 8314 §3).

    `keys` opens the session's records to who has them, see `capture.key_log`.  They are
    other ones each time, so two events that differ in nothing else are equal.
    """

    connection: Connection
    mode: str
    version: str
    cipher: str
    keys: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFailed(WireEvent):
    """The TLS handshake, or the TLS session later on, broke.  `keys` are those of a handshake
    that had come so far."""

    connection: Connection
    reason: str
    keys: str = field(default="", repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(WireEvent):
    """The connection ended.  `by` says who closed it first, `reason` why if that is unusual."""

    connection: Connection
    by: Side
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagram(WireEvent):
    """One UDP packet: DNS questions and answers travel so (RFC 1035 §4.2.1)."""

    client: Place
    server: Place
    sender: Side
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitReached(WireEvent):
    """A server protected itself: what was too much, and what it did."""

    connection: Connection
    limit: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultStruck(WireEvent):
    """A fault that was planned struck, at this verb of this connection ("" is the greeting, "."
    the end of the content).  `fault` says what happened instead."""

    connection: Connection
    verb: str
    fault: str


# --- talk: what was said ------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkEvent(Event):
    level: ClassVar[str] = "talk"
    connection: Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(TalkEvent):
    """One command line of the client.

    `verb` is the command in capitals ("MAIL", "UID FETCH"); "(auth)" for a
    line that continues AUTH and "" for one that cannot be read.  `line` is the
    line without its CRLF (an IMAP command with literals is joined, literals
    included); `secrets` are spans of `line`.  `tag` is IMAP's tag.  `state` is
    the session's state before the command.
    """

    verb: str
    line: bytes
    state: str
    tag: str = ""
    secrets: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(TalkEvent):
    """One reply of the server: the answer to `verb` ("" for the greeting, and for
    what nobody asked for).

    `code` is what the client's program decides on: "250" (SMTP), "+OK" or
    "-ERR" (POP3), "OK", "NO", "BAD", "BYE", "+" or "*" (IMAP).  `lines` are the
    reply's lines without CRLF.  `before` and `after` are session states.
    """

    verb: str
    code: str
    lines: tuple[bytes, ...]
    before: str
    after: str
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content(TalkEvent):
    """A letter, or a part of one, crossed a session: `size` octets said by `sender`.

    `offset` is where it begins in the sender's said stream, so that the bytes
    can be read from the `Sent` events.  `size` counts what crossed the wire
    (dot-stuffing and the final dot included).
    """

    sender: Side
    offset: int
    size: int


# --- post: what became of the letter ---------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PostEvent(Event):
    """`host` is the name of the host where it happened, `parcel` the letter's number
    (None where it is about no letter)."""

    level: ClassVar[str] = "post"
    host: str
    parcel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStarted(PostEvent):
    """Services of a host began to listen.  `services` pairs a service's name with its port;
    `role` is what the world file calls the host (e.g. "mail", "dns", "laptop")."""

    addresses: tuple[str, ...]
    services: tuple[tuple[str, int], ...]
    role: str = "mail"
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStopped(PostEvent):
    """Services of a host stopped listening."""

    services: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockMoved(PostEvent):
    """Lab time was moved."""

    before: datetime
    after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlanned(PostEvent):
    """Somebody arranged that something goes wrong.  `part` of the world is "dns" or "network";
    `what` says it in words."""

    part: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultMended(PostEvent):
    """A planned fault was taken back: `part` and `what` as when it was planned."""

    part: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneChanged(PostEvent):
    """The name server serves another zone than before, or none.

    `how` is "loaded", "edited", "removed" or "restored"; `added` and `removed` are whole
    records; a serial is None where there is no zone.  `note` says what is odd about it.
    """

    origin: str
    how: str
    serial_before: int | None
    serial: int | None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheFlushed(PostEvent):
    """The host's resolver was made to forget everything: so many things, `forgotten`."""

    forgotten: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkFailed(PostEvent):
    """A piece of the world's own work broke; nothing else was stopped by it."""

    what: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn(PostEvent):
    """A user proved who they are, on a connection of the given service."""

    connection: Connection
    account: str
    mechanism: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginFailed(PostEvent):
    connection: Connection
    account: str
    mechanism: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientRefused(PostEvent):
    """A server said no to one RCPT TO."""

    connection: Connection
    recipient: str
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Greylisted(PostEvent):
    """A host that greylists judged a caller (RFC 6647): `welcome`, or asked to come again not
    before `again`.  `network`, `sender` and `recipient` are the triplet that it compares."""

    connection: Connection
    network: str
    sender: str
    recipient: str
    welcome: bool
    why: str
    again: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(PostEvent):
    """A server took responsibility for a letter: its 250 to the final dot (RFC 5321 §4.2.5).

    `role` is "submission" (RFC 6409) or "exchange"; `connection` is None for a
    letter the host wrote itself (a bounce).
    """

    queue_id: str
    envelope: Envelope
    size: int
    role: str
    connection: Connection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued(PostEvent):
    """The letter lies in the host's queue, for these recipients."""

    queue_id: str
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedUp(PostEvent):
    """A host asked the DNS.

    `status` is NOERROR, NODATA (the name exists, that type does not),
    NXDOMAIN, SERVFAIL, REFUSED or TIMEOUT; `answers` are the records' data in
    master file form ("10 mx1.saigon.example."); `server` is "cache" when the
    resolver still knew it.
    """

    name: str
    rtype: str
    status: str
    answers: tuple[str, ...]
    ttl: int | None
    server: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed(PostEvent):
    """The next hops for a domain, best first: (preference, host, addresses) each
    (RFC 5321 §5.1).  `local` means this host delivers itself; `note` says what was
    left out or why there is no way."""

    domain: str
    hops: tuple[tuple[int, str, tuple[str, ...]], ...]
    local: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted(PostEvent):
    """One attempt to hand recipients of one letter to one next hop.

    `outcome` is "relayed", "deferred" or "refused" for the attempt as a whole
    ("mixed" when recipients fared differently); `reply` is the last word of
    the other side, or the error.
    """

    queue_id: str
    recipients: tuple[str, ...]
    to: str
    ip: str
    number: int
    outcome: str
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed(PostEvent):
    """The next hop has taken responsibility for this recipient's copy."""

    queue_id: str
    recipient: str
    to: str
    reply: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred(PostEvent):
    """Not now: the copy stays in the queue until `next_try`."""

    queue_id: str
    recipient: str
    reason: str
    attempts: int
    next_try: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounced(PostEvent):
    """Never: the host gave up on this recipient.  `dsn` is the parcel number of the
    notification, None where none may be sent (RFC 5321 §4.5.5)."""

    queue_id: str
    recipient: str
    reason: str
    status: str
    dsn: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dequeued(PostEvent):
    """The letter left the queue: every recipient has been dealt with."""

    queue_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(PostEvent):
    """Somebody put the letter on hold: it is kept and not tried."""

    queue_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(PostEvent):
    """The hold has ended; the letter is due now."""

    queue_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolTrouble(PostEvent):
    """The files of a letter in the queue could not be read or written; `problem` says
    what is wrong and what was done (nothing is ever deleted because of it)."""

    queue_id: str
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered(PostEvent):
    """Final delivery: the letter lies in a mailbox (RFC 5321 §4.4)."""

    recipient: str
    account: str
    mailbox: str
    uid: int
    file: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(PostEvent):
    """A client put a message into a mailbox itself (IMAP APPEND or COPY)."""

    account: str
    mailbox: str
    uid: int
    file: str
    size: int
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched(PostEvent):
    """A client read a message, or part of it.  `how` is e.g. "POP3 RETR" or "IMAP BODY[]"."""

    account: str
    mailbox: str
    uid: int
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagsChanged(PostEvent):
    account: str
    mailbox: str
    uid: int
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expunged(PostEvent):
    """A message is gone from a mailbox (IMAP EXPUNGE, POP3 QUIT after DELE)."""

    account: str
    mailbox: str
    uid: int
    how: str
