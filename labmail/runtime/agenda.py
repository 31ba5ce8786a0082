"""What is due, and when: the order in which the world's own work is done.

Servers answer when they are spoken to.  Everything else a world of mail does by
itself, it does because something is due: a first attempt (at once), a retry
(in half an hour), a notice (tomorrow).  Such work is written down here under
its lab time.

In a lab whose clock stands still, work is done one piece after the other, in
the order of time and then of writing down, and after each piece the network
must have come to rest before the next begins.  Two letters never race, so the
same story is told the same way every time.  In a live lab, pieces run side by
side.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from labmail.runtime.clock import Clock

Work = Callable[[], Awaitable[None]]
Rest = Callable[[], Awaitable[None]]
Complain = Callable[[str, BaseException], None]

PIECES_AT_ONCE = 20
"""How many pieces of work a live lab does side by side."""


@dataclass(order=True, slots=True)
class Ticket:
    """One piece of work on the agenda; it can be cancelled until it has begun."""

    when: datetime
    number: int
    what: str = field(compare=False)
    work: Work = field(compare=False, repr=False)
    cancelled: bool = field(default=False, compare=False)

    def cancel(self) -> None:
        """Strike this piece off the agenda; harmless when it is already done."""
        self.cancelled = True


class Agenda:
    """The work of one lab, by lab time.

    `clock` says what time it is.  `rest` waits until the network is quiet.
    `complain` is told of work that raised: one broken piece never stops the rest.
    """

    def __init__(self, clock: Clock, rest: Rest, complain: Complain) -> None:
        self._clock = clock
        self._rest = rest
        self._complain = complain
        self._tickets: list[Ticket] = []
        self._counter = 0
        self._turn = asyncio.Lock()
        self._slots = asyncio.Semaphore(PIECES_AT_ONCE)
        self._news = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def at(self, when: datetime, what: str, work: Work) -> Ticket:
        """Write down a piece of work for `when` (at once if that is past)."""
        self._counter += 1
        ticket = Ticket(when, self._counter, what, work)
        heapq.heappush(self._tickets, ticket)
        self._news.set()
        return ticket

    def next_due(self) -> datetime | None:
        """When the next piece of work is due; None when there is none."""
        while self._tickets and self._tickets[0].cancelled:
            heapq.heappop(self._tickets)
        return self._tickets[0].when if self._tickets else None

    def upcoming(self) -> list[tuple[datetime, str]]:
        """What is written down, in order: (lab time, what)."""
        return [(t.when, t.what) for t in sorted(self._tickets) if not t.cancelled]

    async def run_due(self) -> int:
        """Do everything that is due by now, one piece after the other; say how many."""
        done = 0
        async with self._turn:
            await self._rest()
            while ticket := self._pop_due():
                await self._do(ticket)
                await self._rest()
                done += 1
        return done

    async def advance_to(self, when: datetime) -> int:
        """Move lab time to `when`, hopping from one due thing to the next."""
        done = await self.run_due()
        while (due := self.next_due()) is not None and due <= when:
            self._clock.move_to(max(due, self._clock.now()))
            done += await self.run_due()
        self._clock.move_to(max(when, self._clock.now()))
        return done

    async def run_forever(self) -> None:
        """A live lab's way: begin each piece when its time has come, several at once."""
        while True:
            self._news.clear()
            while ticket := self._pop_due():
                await self._slots.acquire()
                task = asyncio.ensure_future(self._do(ticket))
                self._running.add(task)
                task.add_done_callback(self._finished)
            due = self.next_due()
            pause = None if due is None else max(0.0, (due - self._clock.now()).total_seconds())
            try:
                await asyncio.wait_for(self._news.wait(), pause)
            except TimeoutError:
                continue

    async def idle(self) -> None:
        """A live lab's rest: wait until nothing is due now and nothing is being done."""
        while self._running or ((due := self.next_due()) and due <= self._clock.now()):
            if self._running:
                await asyncio.wait(self._running)
            await asyncio.sleep(0)

    def clear(self) -> None:
        """Forget everything that is written down (the lab closes)."""
        self._tickets.clear()
        for task in self._running:
            task.cancel()

    def _pop_due(self) -> Ticket | None:
        due = self.next_due()
        if due is None or due > self._clock.now():
            return None
        return heapq.heappop(self._tickets)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._slots.release()

    async def _do(self, ticket: Ticket) -> None:
        try:
            await ticket.work()
        except Exception as error:
            self._complain(ticket.what, error)
