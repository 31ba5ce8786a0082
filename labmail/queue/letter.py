"""A letter in the queue.

One letter may go to many people, and they fare differently: one copy is
relayed, one waits, one is refused for good.  So the queue keeps a state for
each recipient, a `Copy`, and a `Letter` is an envelope with its copies.  The
letter leaves the queue when no copy waits any more.

`NEXT` is the life of a copy as a table: what an attempt ends in moves the copy
from state to state.  Only WAITING has a way out; the other three are final,
which is what "exactly one outcome for each recipient" means.

Everything here is frozen.  A change makes a new letter, so that whoever looks
at the queue from outside holds a picture that cannot change under their eyes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from labmail.trace.parcel import Envelope, Parcel, Recipient


class State(StrEnum):
    """How far the host is with one recipient's copy."""

    WAITING = "waiting"
    """Not yet settled: to be tried, or to be tried again."""
    RELAYED = "relayed"
    """The next hop has taken responsibility."""
    DELIVERED = "delivered"
    """It lies in a mailbox of this host."""
    BOUNCED = "bounced"
    """Given up; the sender was told if that is allowed."""


NEXT: dict[State, dict[str, State]] = {
    State.WAITING: {
        "relayed": State.RELAYED,
        "delivered": State.DELIVERED,
        "deferred": State.WAITING,
        "refused": State.BOUNCED,
        "expired": State.BOUNCED,
    },
    State.RELAYED: {},
    State.DELIVERED: {},
    State.BOUNCED: {},
}


class NoSuchLetter(LookupError):
    """There is no letter with this queue id in the queue."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One recipient's copy: its state, and what the last attempt said.

    `next_try` is when a waiting copy is due; `reply` and `status` (an enhanced
    status code, RFC 3463) are the last word of the other side `to`; `warned`
    says whether the sender has heard that this copy is late.
    """

    recipient: Recipient
    next_try: datetime
    state: State = State.WAITING
    attempts: int = 0
    last_try: datetime | None = None
    reply: str = ""
    status: str = ""
    to: str = ""
    warned: bool = False

    @property
    def address(self) -> str:
        return self.recipient.address

    @property
    def waiting(self) -> bool:
        return self.state is State.WAITING


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One line of the queue table: a letter and one of its recipients.

    `state` is a `State`, or "held" for a waiting copy of a letter on hold;
    `next_try` is None unless the copy is going to be tried.
    """

    queue_id: str
    parcel: int
    sender: str
    recipient: str
    size: int
    arrived: datetime
    state: str
    attempts: int
    next_try: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter in the queue: envelope, copies, and when it came.

    `role` is how it came in (see `Accepted`), `size` its octets.  A `held`
    letter is kept but not tried.
    """

    queue_id: str
    parcel: int
    role: str
    arrived: datetime
    size: int
    envelope: Envelope
    copies: tuple[Copy, ...]
    held: bool = False

    @classmethod
    def fresh(cls, queue_id: str, parcel: Parcel, role: str, now: datetime) -> Letter:
        """A letter that has just come.  A recipient named twice gets one copy.

        Raises:
            ValueError: the envelope cannot be kept (see `check_envelope`).
        """
        check_envelope(parcel.envelope)
        distinct: dict[str, Recipient] = {}
        for recipient in parcel.envelope.recipients:
            distinct.setdefault(recipient.address, recipient)
        recipients = tuple(distinct.values())
        copies = tuple(Copy(recipient, next_try=now) for recipient in recipients)
        envelope = replace(parcel.envelope, recipients=recipients)
        return cls(queue_id, parcel.number, role, now, len(parcel.content), envelope, copies)

    @property
    def settled(self) -> bool:
        """Whether every recipient has been dealt with."""
        return not any(copy.waiting for copy in self.copies)

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains of the waiting copies, in the order of the envelope."""
        return tuple(dict.fromkeys(c.recipient.domain for c in self.copies if c.waiting))

    def waiting(self, domain: str) -> tuple[Copy, ...]:
        """The waiting copies for one domain, in the order of the envelope."""
        return tuple(c for c in self.copies if c.waiting and c.recipient.domain == domain)

    def due(self, domain: str, now: datetime) -> tuple[Copy, ...]:
        """Those of them to be tried now."""
        return tuple(c for c in self.waiting(domain) if c.next_try <= now)

    def with_copies(self, changed: Iterable[Copy]) -> Letter:
        """The same letter with these copies in place of the old ones."""
        new = {copy.address: copy for copy in changed}
        return replace(self, copies=tuple(new.get(c.address, c) for c in self.copies))

    def due_at(self, moment: datetime) -> Letter:
        """The same letter with every waiting copy due at this moment."""
        return self.with_copies(replace(c, next_try=moment) for c in self.copies if c.waiting)

    def rows(self) -> tuple[QueueRow, ...]:
        """The lines of the queue table, one for each recipient."""
        return tuple(self._row(copy) for copy in self.copies)

    def _row(self, copy: Copy) -> QueueRow:
        held = self.held and copy.waiting
        return QueueRow(
            queue_id=self.queue_id,
            parcel=self.parcel,
            sender=self.envelope.reverse_path,
            recipient=copy.address,
            size=self.size,
            arrived=self.arrived,
            state="held" if held else str(copy.state),
            attempts=copy.attempts,
            next_try=copy.next_try if copy.waiting and not held else None,
            reason=copy.reply,
        )


_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")


def check_envelope(envelope: Envelope) -> None:
    """Raise `ValueError` if there is nobody to send to, or if an address or a parameter
    holds a control character: CR and LF in an address become lines of their own later on."""
    if not envelope.recipients:
        raise ValueError("the envelope names no recipient: RCPT TO is missing")
    texts = [envelope.reverse_path, envelope.ret, envelope.envid, envelope.body]
    for recipient in envelope.recipients:
        texts += [recipient.address, recipient.notify, recipient.orcpt]
    for text in texts:
        if text and _UNSAFE.search(text):
            raise ValueError(
                f"the envelope holds a control character, in {text!r}: "
                "addresses and parameters are printable (RFC 5321 §4.1.2)"
            )
