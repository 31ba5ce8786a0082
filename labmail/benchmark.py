"""How fast is the lab here?  Each number stands beside something comparable, from the same run.

Numbers of a machine that does other things at the same time mean little by
themselves; what counts is the comparison.  Nothing is timed in the tests.
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP

from labmail.dns.server import DnsServer
from labmail.dns.zone import load_zone
from labmail.lab import Lab
from labmail.paths import data_file
from labmail.runtime.loop import LoopThread
from labmail.trace.events import Accepted

LETTERS = 400
QUESTIONS = 2000
RUNS = 5
SENDER, RECIPIENT = "son@hanoi.example", "minh@saigon.example"
LETTER = (
    b"From: son@hanoi.example\r\nTo: minh@saigon.example\r\nSubject: benchmark\r\n"
    b"Date: Mon, 02 Mar 2026 09:00:00 +0700\r\nMessage-ID: <b@hanoi.example>\r\n\r\n"
    + b"One line of a letter, about as long as lines are.\r\n"
    * 20
)
QUESTION = b"LB\x01\x00\x00\x01\0\0\0\0\0\0\x06saigon\x07example\0\x00\x0f\x00\x01"
"""MX saigon.example? (RFC 1035 §4.1)"""


@dataclass(frozen=True, slots=True)
class Measure:
    """One row: what was measured, for the lab and for what it is compared with.

    `unit` is "ms" (less is better) or "/s" (more is better).
    """

    what: str
    lab: float
    beside: str
    other: float | None
    unit: str

    def __str__(self) -> str:
        row = f"{self.what:<42} {self.lab:>9,.0f} {self.unit:<3}"
        if self.other is None:
            return row
        ratio = self.lab / self.other
        return f"{row}  {self.beside:<28} {self.other:>9,.0f} {self.unit:<3}  × {ratio:.2f}"


def measure_all() -> Iterator[Measure]:
    """All measures, one after the other."""
    yield measure_import()
    yield measure_start()
    yield from measure_acceptance()
    yield measure_journey()
    yield measure_dns()


def measure_import() -> Measure:
    """Importing the package, in a fresh interpreter each time."""
    return Measure(
        "import labmail; from labmail import Lab",
        _import_time("from labmail import Lab"),
        "import aiosmtpd.smtp",
        _import_time("import aiosmtpd.smtp"),
        "ms",
    )


def measure_start() -> Measure:
    """From `Lab()` to a world in which every service answers."""
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        lab = Lab()
        times.append((time.perf_counter() - began) * 1000)
        lab.close()
    return Measure("Lab() to a ready world", statistics.median(times), "", None, "ms")


def measure_acceptance() -> Iterator[Measure]:
    """Letters taken on one connection, spooled and recorded; beside aiosmtpd that drops them,
    and aiosmtpd that puts them into a Maildir.

    All are measured in turn, several times: the machine is not the same at any two moments.
    """
    ours, dropping, keeping = [], [], []
    with tempfile.TemporaryDirectory(prefix="labmail-") as folder:
        for number in range(RUNS):
            ours.append(_accepted_per_second())
            dropping.append(_taken_per_second(_Dropping()))
            keeping.append(_taken_per_second(Mailbox(Path(folder, str(number)))))
    what, lab = "letters accepted, spooled and recorded", statistics.median(ours)
    yield Measure(what, lab, "aiosmtpd, letters dropped", statistics.median(dropping), "/s")
    yield Measure(what, lab, "aiosmtpd, into a Maildir", statistics.median(keeping), "/s")


def _accepted_per_second() -> float:
    with (
        Lab() as lab,
        smtplib.SMTP("mx1.saigon.example", 25, local_hostname="bench.example") as client,
    ):
        rate = _letters_per_second(client)
        assert len(lab.trace.of(Accepted)) == LETTERS
    return rate


def _taken_per_second(handler: object) -> float:
    with (
        _bare_server(handler) as port,
        smtplib.SMTP("127.0.0.1", port, "bench.example") as client,
    ):
        return _letters_per_second(client)


def measure_journey() -> Measure:
    """Letters from submission through queue, DNS, relay and queue into the mailbox."""
    with Lab() as lab:
        son = lab.user(SENDER)
        letters = LETTERS // 4
        with son.smtp() as client:
            began = time.perf_counter()
            for _ in range(letters):
                client.sendmail(SENDER, [RECIPIENT], LETTER)
        lab.settle()
        rate = letters / (time.perf_counter() - began)
        assert len(lab.box(RECIPIENT).rows) == letters
    return Measure("letters from submission to mailbox", rate, "", None, "/s")


def measure_dns() -> Measure:
    """DNS answers over UDP; beside the same answers without a network."""
    wire = QUESTION
    server = DnsServer([load_zone(data_file("zones", "saigon.example.zone"))])
    with Lab() as lab:
        port = lab.endpoints()["dns"]["port"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(5)
            sock.connect(("127.0.0.1", port))

            def ask() -> bytes:
                sock.send(wire)
                return sock.recv(4096)

            rate = _per_second(ask, QUESTIONS)

    alone = _per_second(lambda: server.answer(wire, True), QUESTIONS)
    return Measure("DNS answers over UDP", rate, "the same without a network", alone, "/s")


def _import_time(statement: str) -> float:
    """Median milliseconds of a statement in fresh interpreters."""
    program = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    times = []
    for _ in range(RUNS):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
        times.append(float(done.stdout) * 1000)
    return statistics.median(times)


def _letters_per_second(client: smtplib.SMTP) -> float:
    return _per_second(lambda: client.sendmail(SENDER, [RECIPIENT], LETTER), LETTERS)


def _per_second(action: Callable[[], object], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        action()
    return times / (time.perf_counter() - began)


class _Dropping:
    """A handler that takes every letter and keeps none."""

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        return "250 OK"


@contextmanager
def _bare_server(handler: object) -> Iterator[int]:
    """aiosmtpd alone, on a thread of its own; its port."""
    loop = LoopThread("bare-aiosmtpd")

    async def start() -> asyncio.Server:
        running = asyncio.get_running_loop()
        return await running.create_server(
            lambda: SMTP(handler, hostname="bare.example"), "127.0.0.1", 0
        )

    server = loop.call(start())
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.run_soon(server.close)
        loop.stop()
