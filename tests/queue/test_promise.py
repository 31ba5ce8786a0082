"""The promise as a whole: whatever happens, each recipient ends in exactly one way.

A random story of letters, answers, waiting, flushing, holding and crashes; at
its end the other side always answers, five lab days pass, and the books must balance.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from labmail.queue.outcome import Outcome, Result
from labmail.queue.runner import MailQueue
from labmail.queue.schedule import Schedule
from labmail.queue.spool import Spool
from labmail.runtime.agenda import Agenda
from labmail.runtime.clock import Clock
from labmail.runtime.ids import Ids
from labmail.trace.events import Accepted, Bounced, Dequeued, Relayed
from labmail.trace.parcel import Envelope, Parcel
from labmail.trace.recorder import Recorder

PEOPLE = [f"{name}@{domain}.example" for name in "ab" for domain in "xy"]
SENDERS = st.sampled_from(["son@hanoi.example", ""])
ANSWERS = st.sampled_from(["relayed", "deferred", "refused", "delivered", "raise", "silence"])


class Promise(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.ids = Ids("promise")
        self.trace = Recorder(self.clock.now)
        self.complaints: list[BaseException] = []
        self.answers: dict[str, str] = {}
        self.delivered: Counter[tuple[str, str]] = Counter()
        self.runner = asyncio.Runner()
        self.agenda = Agenda(self.clock, self._rest, lambda _, e: self.complaints.append(e))
        self.start()

    def start(self) -> None:
        self.queue = MailQueue(
            "h.example",
            Spool(Path(self._folder.name)),
            Schedule(),
            self.agenda,
            self.clock.now,
            self.ids,
            self.trace.emit,
            self.transmit,
        )

    async def _rest(self) -> None:
        return None

    async def transmit(self, parcel: Parcel, queue_id: str, attempt: int) -> list[Outcome]:
        outcomes = []
        for address in parcel.envelope.addresses:
            result = self.answers.get(address, "relayed")
            if result == "raise":
                raise OSError("no route to host")
            if result != "silence":
                found = cast(Result, result)
                self.delivered[queue_id, address] += found == "delivered"
                outcomes.append(Outcome(address, found, "reply", "4.0.0"))
        return outcomes

    @rule(sender=SENDERS, people=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4))
    def accept(self, sender: str, people: list[str]) -> None:
        parcel = Parcel(self.ids.number("parcel"), Envelope.of(sender, people), b"x\r\n")
        self.queue.accept(parcel, role="submission")

    @rule(who=st.sampled_from([*PEOPLE, "son@hanoi.example"]), answer=ANSWERS)
    def other_side(self, who: str, answer: str) -> None:
        self.answers[who] = answer

    @rule(hours=st.sampled_from([0, 1, 4, 30]))
    def advance(self, hours: int) -> None:
        to = self.clock.now() + timedelta(hours=hours)
        self.runner.run(self.agenda.advance_to(to))

    @rule()
    def flush(self) -> None:
        self.queue.flush()

    @precondition(lambda self: bool(len(self.queue)))
    @rule(data=st.data())
    def hold_or_release(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from(self.queue.rows()))
        (self.queue.release if row.state == "held" else self.queue.hold)(row.queue_id)

    @rule()
    def crash(self) -> None:
        self.agenda.clear()
        self.start()
        self.queue.resume()

    @invariant()
    def no_work_broke(self) -> None:
        assert not self.complaints

    @invariant()
    def the_folder_is_the_queue(self) -> None:
        ids = {row.queue_id for row in self.queue.rows()}
        files = {entry.name for entry in Path(self._folder.name).iterdir()}
        assert files == {f"{each}.{kind}" for each in ids for kind in ("eml", "json")}

    def teardown(self) -> None:
        try:
            self.answers.clear()
            for row in self.queue.rows():
                self.queue.release(row.queue_id)
            self.runner.run(self.agenda.advance_to(self.clock.now() + timedelta(days=6)))
            self.balance()
        finally:
            self.runner.close()
            self._folder.cleanup()

    def balance(self) -> None:
        assert len(self.queue) == 0 and not self.agenda.upcoming()
        events = self.trace.events()
        ends = Counter(
            (e.queue_id, e.recipient) for e in events if isinstance(e, (Relayed, Bounced))
        )
        ends += self.delivered
        accepted = [e for e in events if isinstance(e, Accepted)]
        promised = {(e.queue_id, a) for e in accepted for a in e.envelope.addresses}
        assert ends == Counter(promised)
        gone = Counter(e.queue_id for e in events if isinstance(e, Dequeued))
        assert gone == Counter(e.queue_id for e in accepted)
        self.nobody_hears_twice(accepted, [e for e in events if isinstance(e, Bounced)])

    @staticmethod
    def nobody_hears_twice(accepted: list[Accepted], bounced: list[Bounced]) -> None:
        senders = {e.queue_id: e.envelope.reverse_path for e in accepted}
        notices = [e.parcel for e in accepted if e.role == "notification"]
        assert set(notices) == {e.dsn for e in bounced if e.dsn is not None}
        assert len(notices) == len(set(notices))
        assert all((e.dsn is not None) == bool(senders[e.queue_id]) for e in bounced)


TestPromise = Promise.TestCase
TestPromise.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
