"""The one list of events, and stretches of it.

`Recorder` is written by the lab's loop thread only; `Trace` is what everybody
reads, from any thread.  A trace is a window on the list: it goes on growing until
it is stopped, and knows what came before it (`earlier`), so that a picture can
name hosts that were started long ago.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from labmail.trace.events import (
    Command,
    Connection,
    Datagram,
    Event,
    Layer,
    Reply,
    Sent,
    Side,
    Span,
)

E = TypeVar("E", bound=Event)

Emit = Callable[..., Event]
"""``emit(Kind, **fields)``: what parts of the world are handed in order to record."""

EVENT_SIZE = 256
"""Octets that an event takes beside the bytes in it, roughly."""

Render = Callable[[Any, str], str]
"""``render(thing, "text" or "html")``: how a thing of the trace is shown.  Set by the
package's front, so that nothing down here imports the views."""

_render: Render | None = None


def set_renderer(render: Render) -> None:
    """Tell traces and snapshots how to show themselves in a terminal and in a notebook."""
    global _render
    _render = render


def compact(data: bytes) -> bytes:
    """The same bytes in a place of their own, to be kept.

    A socket reads into a block of 256 KiB and gives back what it did not fill, down to a
    whole page: kept as they came, the five bytes of ``NOOP`` would cost 4 KiB.
    """
    return bytes(memoryview(data))


class Shown:
    """Base of everything that shows itself: text in a terminal, HTML in a notebook."""

    def __repr__(self) -> str:
        return _render(self, "text") if _render else object.__repr__(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        if _render is None:
            return {"text/plain": object.__repr__(self)}
        return {"text/plain": _render(self, "text"), "text/html": _render(self, "html")}


class Recorder:
    """The world's memory.

    `now` gives lab time.  `max_bytes` bounds what is kept: over it the oldest
    events are forgotten (a lab that runs for weeks must not fill the machine).

    Other threads read the list while it grows.  No lock is needed, because it only
    ever grows or has an event replaced by its fuller self; what is forgotten is
    forgotten by beginning another list, so a reader holds the old one or the new.

    What one side says is one `Sent` event until something else happens.  The
    system cuts a long letter into as many reads as it likes, each time others;
    such cuts are no part of the story, and without them it is always the same.
    """

    def __init__(self, now: Callable[[], datetime], max_bytes: int = 256 * 1024 * 1024) -> None:
        self._now = now
        self._events: list[Event] = []
        self._forgotten = 0
        self._bytes = 0
        self._max_bytes = max_bytes
        self.share = max_bytes // 4
        """Octets of one connection that are worth keeping: one that floods a server must not
        push everything else out of memory."""
        self._sent: dict[tuple[int, Side], list[int]] = {}
        self._speaker: tuple[int, Side] | None = None
        self._growing: dict[Layer, tuple[Sent, list[bytes]]] = {}
        """Who speaks now, and the pieces of what was said, until something else happens."""

    def __len__(self) -> int:
        """How many events there have been, forgotten ones included."""
        return self._forgotten + len(self._events)

    def emit(self, kind: type[E], **fields: Any) -> E:
        """Record one event of this kind and return it.

        A `Sent` that goes on where the last one ended becomes part of that one.
        """
        if kind is not Sent:
            self.pause()
        elif grown := self._grow(**fields):
            return grown  # type: ignore[return-value]
        event = kind(seq=len(self), at=self._now(), **fields)
        self._events.append(event)
        if isinstance(event, Sent):
            self._begin(event)
        self._count(_weight(event))
        return event

    def pause(self) -> int:
        """From here on new events begin; return the number of the next."""
        for event, pieces in self._growing.values():
            if len(pieces) > 1 and event.seq >= self._forgotten:
                whole = replace(event, data=b"".join(pieces))
                self._events[event.seq - self._forgotten] = whole
        self._speaker = None
        self._growing = {}
        return len(self)

    def memory(self) -> tuple[Event, ...]:
        """Everything that is on record."""
        self.pause()
        return self.events()

    def recall(self, memory: tuple[Event, ...]) -> None:
        """Begin with these events in place of those there are.  Whoever holds a trace of
        another recorder keeps what is on record there."""
        self.pause()
        self._events = list(memory)
        self._forgotten = memory[0].seq if memory else 0
        self._bytes = sum(map(_weight, memory))
        self._sent = {}

    def _begin(self, event: Sent) -> None:
        """This event is what its sender says, until something else happens."""
        speaker = (event.connection.number, event.sender)
        if event.layer is not Layer.CIPHER:
            self._sent.setdefault(speaker, []).append(event.seq)
        self._speaker = speaker
        self._growing[event.layer] = (event, [event.data])

    def _grow(
        self, connection: Connection, sender: Side, layer: Layer, data: bytes, **_: Any
    ) -> Sent | None:
        """Add to what this side is saying; None when it has not just been speaking so."""
        if self._speaker != (connection.number, sender):
            self.pause()
            return None
        if layer not in self._growing:
            return None
        event, pieces = self._growing[layer]
        pieces.append(data)
        self._count(len(data))
        return event

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self._max_bytes:
            self.pause()
            self._forget()

    def mark_secret(self, connection: Connection, sender: Side, start: int, end: int) -> None:
        """Mark bytes start..end of what `sender` said on `connection` as secret.

        The server knows what was a password only once it has read the command;
        the bytes were recorded before.  So their events are replaced by copies
        that carry the span.
        """
        self.pause()
        for seq in reversed(self._sent.get((connection.number, sender), ())):
            if seq < self._forgotten:
                break
            event = self._events[seq - self._forgotten]
            assert isinstance(event, Sent)
            span: Span = (
                max(0, start - event.offset),
                min(len(event.data), end - event.offset),
            )
            if span[0] < span[1]:
                marked = tuple(sorted({*event.secrets, span}))
                self._events[seq - self._forgotten] = replace(event, secrets=marked)
            if event.offset <= start:
                break

    def events(self, start: int = 0, stop: int | None = None) -> tuple[Event, ...]:
        """Events start..stop of the list (those not yet forgotten)."""
        growing, events = self._growing, self._events  # each as it is at this moment
        first = events[0].seq if events else 0
        high = None if stop is None else max(0, stop - first)
        listed = events[max(0, start - first) : high]
        for event, pieces in tuple(growing.values()):
            place = event.seq - listed[0].seq if listed else 0
            if 0 <= place < len(listed):
                listed[place] = replace(event, data=b"".join(tuple(pieces)))
        return tuple(listed)

    def _forget(self) -> None:
        """Drop the oldest events until half of the allowance is free."""
        drop = 0
        while self._bytes > self._max_bytes // 2 and drop < len(self._events):
            self._bytes -= _weight(self._events[drop])
            drop += 1
        self._events = self._events[drop:]
        self._forgotten += drop
        kept: dict[tuple[int, Side], list[int]] = {}
        for key, seqs in self._sent.items():
            if seqs[-1] >= self._forgotten:
                kept[key] = [seq for seq in seqs if seq >= self._forgotten]
        self._sent = kept


def _weight(event: Event) -> int:
    """Octets that an event keeps in memory, roughly."""
    match event:
        case Sent() | Datagram():
            return EVENT_SIZE + len(event.data)
        case Command():
            return EVENT_SIZE + len(event.line)
        case Reply():
            return EVENT_SIZE + sum(map(len, event.lines))
    return EVENT_SIZE


class Trace(Shown):
    """A stretch of what happened: iterate it, filter it, look at it.

    In a notebook a trace as the last line of a cell shows itself as ladder and
    transcript; in a terminal it prints the ladder.
    """

    def __init__(self, recorder: Recorder, start: int = 0, stop: int | None = None) -> None:
        self._recorder = recorder
        self._start = start
        self._stop = stop

    @property
    def events(self) -> tuple[Event, ...]:
        """All events of this stretch, in order."""
        return self._recorder.events(self._start, self._stop)

    @property
    def earlier(self) -> tuple[Event, ...]:
        """What happened before this stretch began."""
        return self._recorder.events(0, self._start)

    def stop(self) -> None:
        """Fix the end of the stretch; what happens from now on is not in it."""
        if self._stop is None:
            self._stop = self._recorder.pause()

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def of(self, *kinds: type[E]) -> tuple[E, ...]:
        """The events of these kinds: ``trace.of(Delivered)``, ``trace.of(PostEvent)``."""
        return tuple(e for e in self.events if isinstance(e, kinds))

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The connections that something happened on, in order of first appearance."""
        seen: dict[int, Connection] = {}
        for event in self.events:
            connection = getattr(event, "connection", None)
            if connection is not None:
                seen.setdefault(connection.number, connection)
        return tuple(seen.values())

    @property
    def parcels(self) -> tuple[int, ...]:
        """The numbers of the letters that something happened to, in order of first appearance."""
        numbers = (getattr(e, "parcel", None) for e in self.events)
        return tuple(dict.fromkeys(n for n in numbers if n is not None))

    def parcel(self, number: int) -> tuple[Event, ...]:
        """The post events of one letter."""
        return tuple(e for e in self.events if getattr(e, "parcel", None) == number)

    def said(self, connection: Connection | int, sender: Side | str) -> bytes:
        """All bytes that one side said on a connection, put together again: in the open
        and inside TLS."""
        return self._joined(connection, sender, {Layer.OPEN, Layer.INSIDE})

    def overheard(self, connection: Connection | int, sender: Side | str) -> bytes:
        """All bytes as they crossed the network: what an eavesdropper could store."""
        return self._joined(connection, sender, {Layer.OPEN, Layer.CIPHER})

    @property
    def key_log(self) -> str:
        """The keys of the TLS sessions that began in this stretch, as lines of a key log file."""
        from labmail.trace.capture import key_log

        return key_log(self.events)

    def to_pcapng(self, path: str | Path) -> Path:
        """Write this stretch as a file for Wireshark (see `labmail.trace.capture`); the file's
        path.  Passwords that were said, and the keys of TLS sessions, are in it."""
        from labmail.trace.capture import capture

        file = Path(path)
        file.write_bytes(capture(self.earlier, self.events))
        return file

    def _joined(
        self, connection: Connection | int, sender: Side | str, layers: set[Layer]
    ) -> bytes:
        number = connection if isinstance(connection, int) else connection.number
        return b"".join(
            e.data
            for e in self.events
            if isinstance(e, Sent)
            and e.connection.number == number
            and e.sender == sender
            and e.layer in layers
        )
