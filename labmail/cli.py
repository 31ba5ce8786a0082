"""The command line: ``labmail up``, ``labmail doctor``, ``labmail bench``.

``labmail up`` runs a world in the terminal until Ctrl-C, for programs outside
the notebook: Thunderbird, mutt, curl, dig.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from labmail import doctor
from labmail.paths import DataNotFound

if TYPE_CHECKING:
    from labmail.lab import Lab


STOP = (signal.SIGINT, signal.SIGTERM)
"""The signals that ask the world to stop."""


class Interrupted(BaseException):
    """SIGINT or SIGTERM: time to stop."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status (0: all well, 1: it says why not)."""
    options = _parser().parse_args(arguments)
    status: int = options.run(options)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="labmail", description="A small world of mail that runs on this machine only."
    )
    commands = parser.add_subparsers(required=True, metavar="command")
    up = commands.add_parser("up", help="run a world until Ctrl-C and say how to reach it")
    up.add_argument("--world", default="course", help="a name in data/worlds, or a .toml file")
    up.add_argument(
        "--endpoints", type=Path, metavar="FILE", help="write real hosts and ports as JSON"
    )
    up.add_argument(
        "--data", type=Path, metavar="DIR", help="keep mailboxes and queues here between runs"
    )
    up.add_argument(
        "--pcap", type=Path, metavar="FILE", help="when it stops, write what happened for Wireshark"
    )
    up.add_argument(
        "--clock",
        choices=("running", "frozen"),
        default="running",
        help="lab time: runs with real time (queues retry), or stands still",
    )
    up.set_defaults(run=_up)
    check = commands.add_parser("doctor", help="is this machine ready? what to do if not")
    check.set_defaults(run=_doctor)
    bench = commands.add_parser("bench", help="how fast is the lab here, beside others?")
    bench.set_defaults(run=_bench)
    return parser


def _doctor(options: argparse.Namespace) -> int:
    findings = doctor.examine()
    _print(doctor.report(findings))
    return 0 if all(finding.ok for finding in findings) else 1


def _bench(options: argparse.Namespace) -> int:
    from labmail.benchmark import measure_all

    for measure in measure_all():
        _print(str(measure))
    return 0


def _up(options: argparse.Namespace) -> int:
    try:
        with _signals():
            return _run(options)
    except Interrupted:
        _print("The world has stopped.")
        return 0


def _run(options: argparse.Namespace) -> int:
    """Run a world until a signal comes; return only when it cannot be run."""
    from labmail.dns.masterfile import ZoneError
    from labmail.lab import Lab
    from labmail.world import WorldError

    try:
        with Lab(options.world, data=options.data, live=options.clock == "running") as lab:
            _announce(lab, options)
            try:
                while True:
                    signal.pause() if hasattr(signal, "pause") else _wait()
            finally:
                if options.pcap is not None:
                    lab.trace.to_pcapng(options.pcap)
    except (WorldError, ZoneError, DataNotFound, OSError) as error:
        print(f"labmail up: {error}", file=sys.stderr)
        return 1


def _announce(lab: Lab, options: argparse.Namespace) -> None:
    endpoints = lab.endpoints()
    if options.endpoints is not None:
        write_endpoints(options.endpoints, endpoints)
    _print(how_to_connect(endpoints))


def write_endpoints(file: Path, endpoints: dict[str, Any]) -> None:
    """Write the endpoints as JSON; the file appears whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            json.dump(endpoints, stream, indent=2, ensure_ascii=False)
            stream.write("\n")
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise


def how_to_connect(endpoints: dict[str, Any]) -> str:
    """What a person needs to set up a mail program."""
    lines = [f"The world {endpoints['world']!r} is running. Stop it with Ctrl-C.", ""]
    dns = endpoints["dns"]
    lines += [
        f"  DNS: dig @{dns['host']} -p {dns['port']} saigon.example MX",
        f"  Certificate authority to trust: {endpoints['ca_file']}",
        "",
    ]
    for name, host in endpoints["hosts"].items():
        lines.append(f"  {name} [{host['ip']}]")
        for service, real in host["services"].items():
            lines.append(f"    {service:<12} {real['host']}:{real['port']}")
    lines += ["", "  Accounts (user name = address):"]
    lines += [f"    {a['address']:<30} {a['password']}" for a in endpoints["accounts"]]
    return "\n".join(lines)


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """Turn the first SIGINT or SIGTERM into `Interrupted`; stopping is not to be interrupted
    itself, so further ones do nothing."""
    before = {number: signal.getsignal(number) for number in STOP}

    def interrupt(number: int, frame: FrameType | None) -> None:
        for each in STOP:
            signal.signal(each, signal.SIG_IGN)
        raise Interrupted

    for number in STOP:
        signal.signal(number, interrupt)
    try:
        yield
    except Interrupted:
        raise
    except BaseException:
        _restore(before)
        raise
    else:
        _restore(before)


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _wait() -> None:
    """Wait for a signal where `signal.pause` does not exist (Windows)."""
    with contextlib.suppress(EOFError):
        sys.stdin.read()


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
