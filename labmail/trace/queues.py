"""Queues as they were, put together again from the trace.

A *stay* is one letter in the queue of one host, from the moment it was accepted until each of
its recipients had been dealt with: with all that was tried meanwhile.  From stays follows how
a queue looked at any lab time, and how many letters it held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from labmail.trace.events import (
    Accepted,
    Attempted,
    Bounced,
    Deferred,
    Delivered,
    Dequeued,
    Event,
    Held,
    PostEvent,
    Relayed,
    Released,
)
from labmail.trace.recorder import Trace
from labmail.trace.snapshots import QueueRow, QueueSnapshot


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened to one recipient's copy: it was "tried", and then "deferred",
    "relayed" or "bounced"; or "delivered"; or its sender was "told" that it is late.  `words` are
    the last word of the other side."""

    at: datetime
    what: str
    recipient: str
    words: str = ""
    to: str = ""


@dataclass(slots=True)
class Stay:
    """A letter in a host's queue; `left` is None while it is there."""

    host: str
    queue_id: str
    parcel: int | None
    arrived: datetime
    rows: dict[str, QueueRow]
    role: str = ""
    left: datetime | None = None
    notes: list[Note] = field(default_factory=list)

    @property
    def recipients(self) -> tuple[str, ...]:
        return tuple(self.rows)

    @property
    def attempts(self) -> tuple[Note, ...]:
        """The attempts to hand a copy to another host."""
        return tuple(n for n in self.notes if n.what == "tried")

    def notes_of(self, recipient: str) -> tuple[Note, ...]:
        """What happened to one copy."""
        return tuple(n for n in self.notes if n.recipient == recipient)


def stays(trace: Trace, host: str | None = None) -> tuple[Stay, ...]:
    """Every letter that something happened to in this stretch, in each queue it lay in (or in
    that of `host`), in the order of arrival."""
    begin = trace.events[0].seq if trace.events else 0
    found, touched = _read((*trace.earlier, *trace.events), begin)
    return tuple(s for s in found if host in (None, s.host) and id(s) in touched)


def queue_at(trace: Trace, host: str, when: datetime) -> QueueSnapshot:
    """The queue of a host as it was at a lab time, after all that happened in that moment."""
    events = [e for e in (*trace.earlier, *trace.events) if e.at <= when]
    found, _ = _read(events, 0)
    lying = [s for s in found if s.host == host and s.left is None]
    return QueueSnapshot(host, tuple(row for s in lying for row in s.rows.values()), when)


def depths(trace: Trace, host: str | None = None) -> tuple[tuple[datetime, int], ...]:
    """How many letters lay in the queue (of a host, or in all queues together), each time the
    number had changed, over the letters of this stretch."""
    changes: dict[datetime, int] = {}
    for stay in stays(trace, host):
        changes[stay.arrived] = changes.get(stay.arrived, 0) + 1
        if stay.left is not None:
            changes[stay.left] = changes.get(stay.left, 0) - 1
    count, steps = 0, []
    for at in sorted(changes):
        count += changes[at]
        steps.append((at, count))
    return tuple(steps)


def _read(events: tuple[Event, ...] | list[Event], begin: int) -> tuple[list[Stay], set[int]]:
    """All stays, and (by identity) those that an event from number `begin` on is about."""
    reader = _Reader()
    touched: set[int] = set()
    for event in events:
        if isinstance(event, PostEvent):
            touched.update(id(s) for s in reader.take(event) if event.seq >= begin)
    return reader.found, touched


class _Reader:
    """Reads events one after the other."""

    def __init__(self) -> None:
        self.found: list[Stay] = []
        self._lying: dict[tuple[str, str], Stay] = {}
        self._put_off: dict[str, list[tuple[Stay, str]]] = {}
        """By host: the copies that were put off last, and nothing else has happened there."""

    def take(self, event: PostEvent) -> Iterator[Stay]:
        """Apply an event; the stays that it is about."""
        if isinstance(event, Accepted):
            yield self._arrival(event)
            return
        for stay in self._meant(event):
            yield stay
            match event:
                case Attempted():
                    self._put_off.pop(event.host, None)
                    for address in event.recipients:
                        note = Note(event.at, "tried", address, event.reply, event.to)
                        stay.notes.append(note)
                        self._change(stay, address, attempts=event.number)
                case Deferred():
                    self._put_off.setdefault(event.host, []).append((stay, event.recipient))
                    stay.notes.append(Note(event.at, "deferred", event.recipient, event.reason))
                    self._change(
                        stay,
                        event.recipient,
                        attempts=event.attempts,
                        next_try=event.next_try,
                        reason=event.reason,
                        state="waiting",
                    )
                case Relayed() | Bounced() | Delivered():
                    self._settle(stay, event)
                case Held() | Released():
                    self._hold(stay, None if isinstance(event, Held) else event.at)
                case Dequeued():
                    stay.left = event.at
                    del self._lying[stay.host, stay.queue_id]

    def _arrival(self, event: Accepted) -> Stay:
        """A letter that a host writes itself right after putting another off says that it is
        late (RFC 3464 §2.3.3, "delayed")."""
        late = self._put_off.pop(event.host, [])
        if event.connection is None and event.role == "notification":
            for stay, address in late:
                words = f"letter {event.parcel} tells the sender"
                stay.notes.append(Note(event.at, "told", address, words))
        rows = {
            address: QueueRow(
                queue_id=event.queue_id,
                recipient=address,
                state="waiting",
                attempts=0,
                next_try=event.at,
                reason="",
                sender=event.envelope.reverse_path,
                parcel=event.parcel,
            )
            for address in event.envelope.addresses
        }
        stay = Stay(event.host, event.queue_id, event.parcel, event.at, rows, event.role)
        self.found.append(stay)
        self._lying[event.host, event.queue_id] = stay
        return stay

    def _meant(self, event: PostEvent) -> list[Stay]:
        """The letter that an event is about; a delivery names no queue id, but whom it is for."""
        if isinstance(event, Delivered):
            return [
                s
                for s in self._lying.values()
                if (s.host, s.parcel) == (event.host, event.parcel) and event.recipient in s.rows
            ][:1]
        stay = self._lying.get((event.host, getattr(event, "queue_id", "")))
        return [stay] if stay else []

    def _settle(self, stay: Stay, event: Relayed | Bounced | Delivered) -> None:
        self._put_off.pop(event.host, None)
        if isinstance(event, Bounced):
            stay.notes.append(Note(event.at, "bounced", event.recipient, event.reason))
            self._change(stay, event.recipient, state="bounced", next_try=None, reason=event.reason)
        elif isinstance(event, Relayed):
            note = Note(event.at, "relayed", event.recipient, event.reply, event.to)
            stay.notes.append(note)
            self._change(stay, event.recipient, state="relayed", next_try=None, reason=event.reply)
        else:
            stay.notes.append(Note(event.at, "delivered", event.recipient, event.mailbox))
            self._change(stay, event.recipient, state="delivered", next_try=None, reason="")

    def _hold(self, stay: Stay, until: datetime | None) -> None:
        """What waits is on hold, or due again."""
        for address, row in stay.rows.items():
            if row.state in ("waiting", "held"):
                state = "waiting" if until else "held"
                self._change(stay, address, state=state, next_try=until)

    @staticmethod
    def _change(stay: Stay, address: str, **changes: object) -> None:
        if address in stay.rows:
            stay.rows[address] = replace(stay.rows[address], **changes)  # type: ignore[arg-type]
