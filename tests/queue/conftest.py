"""A host's queue on a bench: real clock, agenda, recorder and spool; a scripted other side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from labmail.queue.outcome import Outcome
from labmail.queue.runner import MailQueue
from labmail.queue.schedule import Schedule
from labmail.queue.spool import Spool
from labmail.runtime.agenda import Agenda
from labmail.runtime.clock import Clock, duration
from labmail.runtime.ids import Ids
from labmail.trace.events import Event
from labmail.trace.parcel import Envelope, Parcel, Recipient
from labmail.trace.recorder import Recorder

LETTER = b"From: son@hanoi.example\r\nSubject: Chao\r\n\r\nHello.\r\n"

Answer = Callable[[str, int], Outcome]


def relayed(address: str, attempt: int = 1) -> Outcome:
    return Outcome(address, "relayed", "250 2.0.0 queued", "2.0.0", "mx1.saigon.example", "ip")


def deferred(address: str, attempt: int = 1) -> Outcome:
    return Outcome(address, "deferred", "450 4.2.1 busy", "4.2.1", "mx1.saigon.example", "ip")


def refused(address: str, attempt: int = 1) -> Outcome:
    return Outcome(address, "refused", "550 5.1.1 unknown", "5.1.1", "mx1.saigon.example", "ip")


def delivered(address: str, attempt: int = 1) -> Outcome:
    return Outcome(address, "delivered", "in INBOX", "2.0.0")


class Bench:
    """One host with its queue.  `answers` says how each address fares; `sent` is what was tried."""

    def __init__(self, folder: Path, **schedule: Any) -> None:
        self.folder = folder
        self.schedule = Schedule(**schedule)
        self.clock = Clock()
        self.trace = Recorder(self.clock.now)
        self.ids = Ids("bench")
        self.complaints: list[tuple[str, BaseException]] = []
        self.agenda = Agenda(self.clock, self._rest, lambda *what: self.complaints.append(what))
        self.answers: dict[str, Answer] = {}
        self.sent: list[tuple[tuple[str, ...], int]] = []
        self.letters: list[Parcel] = []
        self.runner = asyncio.Runner()
        self.start()

    def start(self, **options: Any) -> None:
        """A new process on the same spool: nothing of the old one is remembered."""
        self.spool = Spool(self.folder)
        self.queue = MailQueue(
            "smtp.hanoi.example",
            self.spool,
            self.schedule,
            self.agenda,
            self.clock.now,
            self.ids,
            self.trace.emit,
            self.transmit,
            **options,
        )

    async def _rest(self) -> None:
        await asyncio.sleep(0)

    async def transmit(self, parcel: Parcel, queue_id: str, attempt: int) -> list[Outcome]:
        await asyncio.sleep(0)
        addresses = parcel.envelope.addresses
        self.sent.append((addresses, attempt))
        self.letters.append(parcel)
        return [self.answers.get(a, relayed)(a, attempt) for a in addresses]

    def accept(
        self, *recipients: str | Recipient, sender: str = "son@hanoi.example", **envelope: Any
    ) -> str:
        content = envelope.pop("content", LETTER)
        made = Envelope.of(sender, recipients)
        if envelope:
            made = Envelope(made.reverse_path, made.recipients, **envelope)
        return self.queue.accept(
            Parcel(self.ids.number("parcel"), made, content), role="submission"
        )

    def settle(self) -> None:
        self.runner.run(self.agenda.run_due())
        assert not self.complaints

    def advance(self, span: str | timedelta) -> None:
        self.runner.run(self.agenda.advance_to(self.clock.now() + duration(span)))
        assert not self.complaints

    def kinds(self) -> list[str]:
        return [type(e).__name__ for e in self.trace.events()]

    def of(self, *kinds: type[Event]) -> list[Any]:
        return [e for e in self.trace.events() if isinstance(e, kinds)]

    def close(self) -> None:
        self.runner.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "spool")
    yield made
    made.close()


@pytest.fixture
def benches(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Benches with a schedule of their own."""
    made: list[Bench] = []

    def make(**schedule: Any) -> Bench:
        made.append(Bench(tmp_path / f"spool{len(made)}", **schedule))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def answer() -> dict[str, Answer]:
    """The ways an attempt can end, by name."""
    return {
        "relayed": relayed,
        "deferred": deferred,
        "refused": refused,
        "delivered": delivered,
    }
