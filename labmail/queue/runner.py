"""The queue at work.

    accept ──▶ spool ──▶ agenda ──▶ transmit ──▶ relayed, delivered   settled
                           ▲            │
                           │            ├──▶ deferred   back to the agenda, until too old
                           └────────────┘
                                        └──▶ refused    settled; the sender is told

A letter is tried domain by domain: its recipients at one domain travel in one
transmission, those of different domains do not wait for each other.  How a
letter is transmitted, and that some domains are the host's own, the queue does
not know: `transmit` is handed in.

The order of writing decides what a crash can do.  First the notification is
safe, then the letter's new state, and only then the trace says so.  A crash in
between repeats something: the recipient gets a second copy, the sender a second
notification.  It never loses anything.  That is the bargain of all mail: at
least once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from labmail.queue.dsn import Action, Report, compose, wanted
from labmail.queue.lanes import Lanes
from labmail.queue.letter import Copy, Letter, NoSuchLetter, QueueRow, State
from labmail.queue.outcome import Outcome, failed_attempt, one_each, put_off, settle, summary
from labmail.queue.schedule import Schedule
from labmail.queue.spool import Spool
from labmail.runtime.agenda import Agenda, Ticket
from labmail.runtime.ids import Ids
from labmail.trace.events import (
    Accepted,
    Attempted,
    Bounced,
    Connection,
    Deferred,
    Dequeued,
    Held,
    PostEvent,
    Queued,
    Relayed,
    Released,
    SpoolTrouble,
)
from labmail.trace.parcel import Parcel
from labmail.trace.recorder import Emit

Transmit = Callable[[Parcel, str, int], Awaitable[Sequence[Outcome]]]
"""``await transmit(parcel, queue_id, attempt)``: hand on a letter to its recipients, who are
all of one domain, and report an outcome for each."""

AT_ONCE = 5
"""How many letters travel to one domain at a time."""

_Key = tuple[str, str]
"""A queue id and a domain: what is tried together."""


class MailQueue:
    """The queue of one host.

    `now` is lab time; work is written down on `agenda`; `emit` records.  All
    methods belong on the lab's loop.  After a start `resume` brings back what
    the spool holds.
    """

    def __init__(
        self,
        host: str,
        spool: Spool,
        schedule: Schedule,
        agenda: Agenda,
        now: Callable[[], datetime],
        ids: Ids,
        emit: Emit,
        transmit: Transmit,
        at_once: int = AT_ONCE,
    ) -> None:
        self._host = host
        self._spool = spool
        self.schedule = schedule
        """When letters are tried again and given up; a new one holds from the next attempt on."""
        self._agenda = agenda
        self._now = now
        self._ids = ids
        self._emit = emit
        self._transmit = transmit
        self._letters: dict[str, Letter] = {}
        self._tickets: dict[_Key, Ticket] = {}
        self._under_way: set[_Key] = set()
        self._lanes = Lanes(at_once)
        self._stopped = False

    # --- letters come ---------------------------------------------------------------

    def fresh_id(self) -> str:
        """A queue id that no letter here has; ids may begin again after a restart."""
        while (queue_id := self._ids.queue_id(self._host)) in self._letters:
            continue
        return queue_id

    def accept(
        self,
        parcel: Parcel,
        *,
        role: str,
        connection: Connection | None = None,
        queue_id: str | None = None,
    ) -> str:
        """Take responsibility for a letter; its queue id.

        When this returns, the letter is in the spool and the server may say 250.
        `queue_id` is one from `fresh_id` that the letter's Received field already names.

        Raises:
            ValueError: the envelope has no recipients, or holds control characters.
            OSError: the spool cannot be written, or has a letter with this queue id;
                nothing was accepted.
        """
        letter = self._store(parcel, role, queue_id)
        self._announce(letter, connection)
        return letter.queue_id

    def _store(self, parcel: Parcel, role: str, queue_id: str | None = None) -> Letter:
        """Write a new letter to the spool."""
        letter = Letter.fresh(queue_id or self.fresh_id(), parcel, role, self._now())
        self._spool.add(letter, parcel.content)
        self._letters[letter.queue_id] = letter
        return letter

    def _announce(self, letter: Letter, connection: Connection | None = None) -> None:
        self._record(
            letter,
            Accepted,
            envelope=letter.envelope,
            size=letter.size,
            role=letter.role,
            connection=connection,
        )
        self._record(letter, Queued, recipients=letter.envelope.addresses)
        self._plan_all(letter)

    # --- letters wait -----------------------------------------------------------------

    def _plan_all(self, letter: Letter) -> None:
        for domain in letter.domains:
            self._plan(letter.queue_id, domain)
            self._call_next(domain)

    def _plan(self, queue_id: str, domain: str) -> bool:
        """Write down the next attempt at this domain in place of what was written before;
        whether there is one."""
        key = (queue_id, domain)
        if ticket := self._tickets.pop(key, None):
            ticket.cancel()
        letter = self._letters.get(queue_id)
        if letter is None or not self._may_try(letter, domain):
            return False
        waiting = letter.waiting(domain)
        if waiting:
            when = max(self._now(), min(copy.next_try for copy in waiting))
            what = f"{self._host} tries {queue_id} to {domain}"
            self._tickets[key] = self._agenda.at(when, what, lambda: self._try(key))
        return bool(waiting)

    def _may_try(self, letter: Letter, domain: str) -> bool:
        under_way = (letter.queue_id, domain) in self._under_way
        return not (letter.held or self._stopped or under_way)

    def _call_next(self, domain: str) -> None:
        """Let the next letter in the domain's line try, passing over those that may not."""
        while (following := self._lanes.maybe_next(domain)) is not None:
            if self._plan(following, domain):
                return

    # --- letters go --------------------------------------------------------------------

    async def _try(self, key: _Key) -> None:
        """One attempt, if there is something due and a place in the domain's lane."""
        queue_id, domain = key
        self._tickets.pop(key, None)
        letter = self._letters.get(queue_id)
        if letter is not None and self._may_try(letter, domain):
            due = tuple(copy.address for copy in letter.due(domain, self._now()))
            if not due:
                self._plan(queue_id, domain)
            elif self._lanes.take(domain, queue_id):
                await self._go(letter, domain, due)
        self._call_next(domain)

    async def _go(self, letter: Letter, domain: str, due: tuple[str, ...]) -> None:
        """Attempt, apply what came of it, and write down what is next."""
        key = (letter.queue_id, domain)
        self._under_way.add(key)
        outcomes: tuple[Outcome, ...] = ()
        try:
            outcomes = await self._attempt(letter, domain, due)
        finally:  # also when the attempt is broken off: then nothing has come of it
            self._under_way.discard(key)
            self._lanes.leave(domain)
            self._land(letter.queue_id, domain, outcomes)
            self._plan(letter.queue_id, domain)

    async def _attempt(
        self, letter: Letter, domain: str, due: tuple[str, ...]
    ) -> tuple[Outcome, ...]:
        """Transmit to these recipients: whatever happens, exactly one outcome for each."""
        number = 1 + max(copy.attempts for copy in letter.waiting(domain))
        try:
            content = self._spool.content(letter.queue_id)
            parcel = Parcel(letter.parcel, letter.envelope.for_recipients(due), content)
            reported: Sequence[Outcome] = await self._transmit(parcel, letter.queue_id, number)
        except Exception as error:  # whatever broke, the letter is kept
            reported = failed_attempt(due, error)
        return one_each(due, reported)

    # --- outcomes count -------------------------------------------------------------------

    def _land(
        self, queue_id: str, domain: str, outcomes: tuple[Outcome, ...], *, attempted: bool = True
    ) -> None:
        """Apply what an attempt achieved, or what somebody decided without one: notification,
        then state, then trace."""
        letter = self._letters.get(queue_id)
        copies = self._settled(letter, domain, outcomes) if letter else {}
        if letter is None or not copies:
            return
        if not attempted:
            copies = {c.address: _untried(c, copies) for c in letter.waiting(domain)}
        reports = self._reports(letter, copies, outcomes)
        notice: Letter | None = None
        if reports:
            try:
                notice = self._notify(letter, reports)
            except Exception as error:  # whatever broke, the sender is told later
                self._trouble(queue_id, f"the notification could not be kept: {error}")
                copies = {a: self._unless_final(letter, c) for a, c in copies.items()}
                reports = []
        copies.update(self._warned(reports))
        after = letter.with_copies(copies.values())
        self._keep(after)
        if attempted:
            self._tell_attempt(after, copies, outcomes)
        self._tell(after, copies, reports, notice)

    def _warned(self, reports: list[Report]) -> dict[str, Copy]:
        late = (report.copy for report in reports if report.action == "delayed")
        return {copy.address: replace(copy, warned=True) for copy in late}

    def _settled(
        self, letter: Letter, domain: str, outcomes: tuple[Outcome, ...]
    ) -> dict[str, Copy]:
        """The copies after these outcomes, by address."""
        before = {copy.address: copy for copy in letter.waiting(domain)}
        return {
            outcome.recipient: settle(
                before[outcome.recipient],
                outcome,
                arrived=letter.arrived,
                now=self._now(),
                schedule=self.schedule,
                lot=self._lot(letter, before[outcome.recipient]),
            )
            for outcome in outcomes
            if outcome.recipient in before
        }

    def _lot(self, letter: Letter, copy: Copy) -> float:
        """What draws the wait before a copy's next try: the same for all recipients at one
        domain, so that they go on travelling together."""
        domain = copy.recipient.domain
        return self._ids.lot(f"retry {letter.queue_id} {domain} {copy.attempts}")

    def _unless_final(self, letter: Letter, copy: Copy) -> Copy:
        """A copy whose sender could not be told: not given up, but tried again later."""
        if copy.state is not State.BOUNCED:
            return copy
        reason = f"{copy.reply} (and the notification could not be kept)"
        return put_off(copy, reason, arrived=letter.arrived, schedule=self.schedule)

    def _keep(self, letter: Letter) -> None:
        """Bring memory and spool to the letter's new state."""
        queue_id = letter.queue_id
        try:
            if letter.settled:
                del self._letters[queue_id]
                self._spool.remove(queue_id)
            else:
                self._letters[queue_id] = letter
                self._spool.update(letter)
        except OSError as error:
            self._trouble(queue_id, f"the new state could not be kept: {error}")

    def _tell(
        self,
        letter: Letter,
        copies: dict[str, Copy],
        reports: list[Report],
        notice: Letter | None,
    ) -> None:
        """Record what became of each recipient, and what follows."""
        told = {report.copy.address for report in reports}
        for copy in copies.values():
            dsn = notice.parcel if notice and copy.address in told else None
            self._tell_copy(letter, copy, dsn)
        if notice:
            self._announce(notice)
        if letter.settled:
            self._record(letter, Dequeued)

    def _tell_attempt(
        self, letter: Letter, copies: dict[str, Copy], outcomes: tuple[Outcome, ...]
    ) -> None:
        """Record an attempt to reach a next hop; own mailboxes are none."""
        outcome = summary(outcomes)
        if outcome != "delivered":
            last = outcomes[-1]
            self._record(
                letter,
                Attempted,
                recipients=tuple(copies),
                to=last.to,
                ip=last.ip,
                number=max(copy.attempts for copy in copies.values()),
                outcome=outcome,
                reply=last.reply,
            )

    def _tell_copy(self, letter: Letter, copy: Copy, dsn: int | None) -> None:
        """Record what became of one copy; final delivery the mailbox has recorded itself."""
        if copy.state is State.RELAYED:
            self._record(letter, Relayed, recipient=copy.address, to=copy.to, reply=copy.reply)
        elif copy.state is State.BOUNCED:
            self._record(
                letter,
                Bounced,
                recipient=copy.address,
                reason=copy.reply,
                status=copy.status,
                dsn=dsn,
            )
        elif copy.waiting:
            self._record(
                letter,
                Deferred,
                recipient=copy.address,
                reason=copy.reply,
                attempts=copy.attempts,
                next_try=copy.next_try,
            )

    # --- senders are told -------------------------------------------------------------------

    def _reports(
        self, letter: Letter, copies: dict[str, Copy], outcomes: tuple[Outcome, ...]
    ) -> list[Report]:
        """What the sender may and wants to hear."""
        reports = []
        for outcome in outcomes:
            if copy := copies.get(outcome.recipient):
                action = self._action(letter, copy, outcome)
                if action and wanted(letter.envelope, copy.recipient, action):
                    reports.append(Report(copy, action))
        return reports

    def _action(self, letter: Letter, copy: Copy, outcome: Outcome) -> Action | None:
        """The news there is about a copy, if there is any."""
        if copy.state is State.BOUNCED:
            return "failed"
        if copy.state is State.DELIVERED:
            return "delivered"
        if copy.state is State.RELAYED:
            return None if outcome.notifies else "relayed"
        late = self.schedule.late(letter.arrived, self._now())
        return "delayed" if late and not copy.warned else None

    def _notify(self, letter: Letter, reports: list[Report]) -> Letter:
        """Write the notification and put it into the queue; it is safe when this returns."""
        try:
            content = self._spool.content(letter.queue_id)
        except OSError:
            content = b""  # the sender is told even if nothing can be returned
        parcel = compose(
            host=self._host,
            letter=letter,
            reports=reports,
            content=content,
            number=self._ids.number("parcel"),
            ids=self._ids,
            now=self._now(),
            retry_until=self.schedule.expiry(letter.arrived),
        )
        return self._store(parcel, "notification")

    # --- people look and act -----------------------------------------------------------------

    def __len__(self) -> int:
        """How many letters are in the queue."""
        return len(self._letters)

    def rows(self) -> tuple[QueueRow, ...]:
        """The queue as it is now: a line for each letter and recipient, oldest letter first."""
        return tuple(row for letter in tuple(self._letters.values()) for row in letter.rows())

    def parcel(self, queue_id: str) -> Parcel:
        """A letter as it lies here, addressed to those who still wait for it.

        Raises:
            NoSuchLetter: there is no letter with this queue id.
            OSError: its file cannot be read.
        """
        letter = self._letter(queue_id)
        waiting = [copy.address for copy in letter.copies if copy.waiting]
        envelope = letter.envelope.for_recipients(waiting)
        return Parcel(letter.parcel, envelope, self._spool.content(queue_id))

    def flush(self, queue_id: str | None = None) -> None:
        """Make one letter, or all, due now; letters on hold stay where they are.

        Raises:
            NoSuchLetter: there is no letter with this queue id.
        """
        chosen = list(self._letters.values()) if queue_id is None else [self._letter(queue_id)]
        for letter in chosen:
            self._letters[letter.queue_id] = letter.due_at(self._now())
            self._plan_all(letter)

    def hold(self, queue_id: str) -> None:
        """Keep a letter without trying it, until `release`.

        Raises:
            NoSuchLetter: there is no letter with this queue id.
        """
        letter = self._letter(queue_id)
        if not letter.held:
            self._change(replace(letter, held=True), Held)

    def bounce(self, queue_id: str) -> None:
        """Give a letter up, on hold or not: its sender is told, as after the last try.

        Raises:
            NoSuchLetter: there is no letter with this queue id.
        """
        letter = self._letter(queue_id)
        reason = f"given up by the postmaster of {self._host}"
        for domain in letter.domains:
            waiting = letter.waiting(domain)
            # RFC 3463 §3.1: X.0.0, there is nothing more to say than yes or no.
            given_up = tuple(Outcome(c.address, "refused", reason, "5.0.0") for c in waiting)
            self._land(queue_id, domain, given_up, attempted=False)
            self._plan(queue_id, domain)

    def release(self, queue_id: str) -> None:
        """End the hold of a letter; it is due now.

        Raises:
            NoSuchLetter: there is no letter with this queue id.
        """
        letter = self._letter(queue_id)
        if letter.held:
            self._change(replace(letter, held=False).due_at(self._now()), Released)

    def _change(self, letter: Letter, kind: type[Held] | type[Released]) -> None:
        self._keep(letter)
        self._record(letter, kind)
        self._plan_all(letter)

    def _letter(self, queue_id: str) -> Letter:
        try:
            return self._letters[queue_id]
        except KeyError:
            there = ", ".join(self._letters) or "none"
            raise NoSuchLetter(
                f"{self._host} has no letter {queue_id!r} in its queue; letters there: {there}"
            ) from None

    # --- the host stops and starts -------------------------------------------------------------

    def stop(self) -> None:
        """Begin no more attempts.  Letters stay in the spool; `resume` goes on with them."""
        self._stopped = True
        for ticket in self._tickets.values():
            ticket.cancel()
        self._tickets.clear()

    def resume(self) -> tuple[QueueRow, ...]:
        """Bring back what the spool holds, as after a restart; the queue as it is then.

        A letter that cannot be read is set aside and recorded (`SpoolTrouble`).

        Raises:
            OSError: the spool's folder cannot be read.
        """
        self.stop()
        loaded = self._spool.load()
        self._stopped = False
        self._letters = {letter.queue_id: letter for letter in loaded.letters}
        for damage in loaded.damaged:
            self._trouble(damage.queue_id, f"set aside as {damage.file}: {damage.problem}")
        for letter in loaded.letters:
            if letter.settled:
                self._keep(letter)
                self._record(letter, Dequeued)
                continue
            waiting = tuple(copy.address for copy in letter.copies if copy.waiting)
            self._record(letter, Queued, recipients=waiting)
            self._plan_all(letter)
        return self.rows()

    # --- the record -------------------------------------------------------------------------------

    def _record(self, letter: Letter, kind: type[PostEvent], **fields: object) -> None:
        self._emit(kind, host=self._host, parcel=letter.parcel, queue_id=letter.queue_id, **fields)

    def _trouble(self, queue_id: str, problem: str) -> None:
        letter = self._letters.get(queue_id)
        parcel = letter.parcel if letter else None
        self._emit(SpoolTrouble, host=self._host, parcel=parcel, queue_id=queue_id, problem=problem)


def _untried(before: Copy, after: dict[str, Copy]) -> Copy:
    """The copy after a decision that no attempt stands behind."""
    return replace(after[before.address], attempts=before.attempts, last_try=before.last_try)
