"""How fast is the lab here?  ``python3 start.py bench``

Each number stands beside something comparable, measured in the same run on the same machine:
numbers of other machines, or of yesterday, say nothing.  Servers run in a process of their own,
as they do in life, so that the client does not slow them down.

    import          `import labmail`                    beside  `import aiosmtpd.smtp`
    start           `Lab()` until it serves
    acceptance      letters a second, one connection    beside  aiosmtpd alone: keeps, drops
    delivery        letters a second, from 587 into the mailbox
    names           DNS answers a second over UDP       beside  dnspython: parse, build, no network
"""

from __future__ import annotations

import argparse
import multiprocessing
import smtplib
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

LETTER = b"Subject: bench\r\nFrom: a@b.example\r\n\r\n" + (b"0123456789" * 7 + b"\r\n") * 14
"""1 KiB, a short letter."""


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def median_of(work: Callable[[], float], times: int = 5) -> float:
    return statistics.median(work() for _ in range(times))


def report(what: str, value: str, beside: str = "") -> None:
    sys.stdout.write(f"{what:<44}{value:>16}   {beside}\n")
    sys.stdout.flush()


# --- servers in processes of their own ----------------------------------------------------------


def serve_lab(pipe: Any) -> None:
    from labmail import Lab

    with Lab() as lab:
        pipe.send(lab.endpoints())
        pipe.recv()


def serve_live(pipe: Any) -> None:
    from labmail import Lab

    with Lab(live=True) as lab:
        pipe.send(lab.endpoints())
        while pipe.recv() == "how many?":
            pipe.send(
                len(
                    lab._running.hosts["mx1.saigon.example"]
                    .store.account("minh@saigon.example")
                    .open("INBOX")
                    .messages()
                )
            )


def serve_aiosmtpd(pipe: Any, *, folder: str = "") -> None:
    """aiosmtpd alone: its own server, a handler that says yes and drops the letter, or keeps it
    as a server must that says 250: in a file, written aside and then renamed."""
    import asyncio
    import itertools
    import os

    from aiosmtpd.smtp import SMTP

    numbers = itertools.count()

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            if folder:
                name = os.path.join(folder, str(next(numbers)))
                with open(f"{name}.tmp", "xb") as file:
                    file.write(envelope.original_content)
                os.replace(f"{name}.tmp", name)
            return "250 OK"

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(Handler(), hostname="bench.example", enable_SMTPUTF8=True, loop=loop),
            "127.0.0.1",
            0,
        )
        pipe.send(server.sockets[0].getsockname()[1])
        await loop.run_in_executor(None, pipe.recv)
        server.close()

    asyncio.run(main())


def serve_keeping_aiosmtpd(pipe: Any) -> None:
    with tempfile.TemporaryDirectory(prefix="labmail-") as folder:
        serve_aiosmtpd(pipe, folder=folder)


@contextmanager
def process(serve: Callable[[Any], None]) -> Any:
    """A server; the block gets (what it said first, the pipe to it)."""
    methods = multiprocessing.get_context("spawn")
    ours, theirs = methods.Pipe()
    child = methods.Process(target=serve, args=(theirs,))
    child.start()
    try:
        yield ours.recv(), ours
    finally:
        ours.send("stop")
        child.join()


# --- what is measured ---------------------------------------------------------------------------


def imports() -> None:
    def run(code: str) -> float:
        return median_of(
            lambda: seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True))
        )

    bare = run("pass")
    ours, theirs = run("import labmail") - bare, run("import aiosmtpd.smtp") - bare
    report("import labmail", f"{ours * 1000:.0f} ms", f"aiosmtpd.smtp: {theirs * 1000:.0f} ms")


def start() -> None:
    from labmail import Lab

    def once() -> float:
        begin = time.perf_counter()
        with Lab():
            return time.perf_counter() - begin

    once()  # the first imports everything
    report("Lab() until it serves", f"{median_of(once) * 1000:.0f} ms")


def rate_of(port: int, letters: int, recipient: str) -> float:
    """Letters a second that this server accepts, on one connection."""
    with smtplib.SMTP("127.0.0.1", port, local_hostname="bench.example") as server:
        server.ehlo()
        send = lambda: server.sendmail("a@b.example", [recipient], LETTER)  # noqa: E731
        for _ in range(20):
            send()
        return letters / seconds(lambda: [send() for _ in range(letters)])


def acceptance(letters: int) -> None:
    """In turns, so that what else the machine does hits all alike."""
    rates: dict[str, list[float]] = {"lab": [], "drops": [], "keeps": []}
    with (
        process(serve_lab) as (ends, _),
        process(serve_aiosmtpd) as (drops, _),
        process(serve_keeping_aiosmtpd) as (keeps, _),
    ):
        lab = ends["hosts"]["mx1.saigon.example"]["services"]["smtp"]["port"]
        for _ in range(5):
            for name, port in (("lab", lab), ("drops", drops), ("keeps", keeps)):
                rates[name].append(rate_of(port, letters, "minh@saigon.example"))
    lab_rate, dropped, kept = (statistics.median(rates[name]) for name in rates)
    report(
        "accepted into the queue, everything recorded",
        f"{lab_rate:.0f} letters/s",
        f"bare aiosmtpd keeps each in a file: {kept:.0f}/s ({lab_rate / kept:.0%}), "
        f"keeps nothing: {dropped:.0f}/s ({lab_rate / dropped:.0%})",
    )


def delivery(letters: int) -> None:
    """From Sơn's mail program, through 587 and two hosts, into Minh's mailbox."""
    with process(serve_live) as (ends, pipe):
        real = ends["hosts"]["smtp.hanoi.example"]["services"]["submission"]
        context = ssl.create_default_context(cafile=ends["ca_file"])
        context.check_hostname = False

        def all_of_them() -> None:
            with smtplib.SMTP(real["host"], real["port"], local_hostname="bench.example") as server:
                server.starttls(context=context)
                server.login("son@hanoi.example", "hoa-sen-1")
                for _ in range(letters):
                    server.sendmail("son@hanoi.example", ["minh@saigon.example"], LETTER)
            there = 0
            while there < letters:
                pipe.send("how many?")
                there = pipe.recv()

        report(
            "submitted, relayed and in the mailbox",
            f"{letters / seconds(all_of_them):.0f} letters/s",
        )


def names(questions: int) -> None:
    import dns.message
    import dns.rrset

    asked = dns.message.make_query("saigon.example", "MX").to_wire()

    def parse_and_build() -> None:
        query = dns.message.from_wire(asked)
        answer = dns.message.make_response(query)
        answer.answer.append(
            dns.rrset.from_text(
                "saigon.example.",
                3600,
                "IN",
                "MX",
                "10 mx1.saigon.example.",
                "20 mx2.saigon.example.",
            )
        )
        answer.to_wire()

    with process(serve_lab) as (ends, _), socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.connect((ends["dns"]["host"], ends["dns"]["port"]))

        def ask() -> None:
            sock.send(asked)
            sock.recv(4096)

        ask()
        ours = questions / seconds(lambda: [ask() for _ in range(questions)])
    theirs = questions / seconds(lambda: [parse_and_build() for _ in range(questions)])
    report(
        "DNS over UDP, one after the other",
        f"{ours:.0f} answers/s",
        f"dnspython alone: {theirs:.0f}/s",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="How fast is the lab here?")
    parser.add_argument("--letters", type=int, default=400, help="letters of each round")
    options = parser.parse_args()
    imports()
    start()
    acceptance(options.letters)
    delivery(options.letters // 2)
    names(options.letters * 5)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
