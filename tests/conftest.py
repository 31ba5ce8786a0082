"""A lab for whoever wants one, in this process or as ``labmail up`` in another."""

import contextlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from labmail import Lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The course world, running, for one test."""
    with Lab() as lab:
        yield lab
    assert [t.name for t in threading.enumerate() if t.name == "mail-lab"] == []


@dataclass
class Up:
    """A running ``labmail up``."""

    process: subprocess.Popen[str]
    folder: Path
    ends: dict[str, Any] = field(default_factory=dict)

    def address(self, host: str, service: str) -> tuple[str, int]:
        real = self.ends["hosts"][host]["services"][service]
        return real["host"], real["port"]

    def port(self, host: str, service: str) -> int:
        return self.address(host, service)[1]

    @property
    def ca(self) -> str:
        return str(self.ends["ca_file"])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Ask it to stop; its exit status and what else it said."""
        self.process.send_signal(number)
        rest, errors = self.process.communicate(timeout=30)
        return self.process.returncode, rest + errors


def start(folder: Path, *options: str) -> Up:
    """Start it, and wait until it says that it runs."""
    folder.mkdir(exist_ok=True)
    file = folder / "endpoints.json"
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "labmail.cli", "up", "--endpoints", file, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:  # it says so when everything listens
        said.append(line)
        if line.startswith("  Accounts"):
            break
    else:
        process.wait(10)
        assert process.stderr is not None
        pytest.fail(f"labmail up did not start: {''.join(said)} {process.stderr.read()}")
    return Up(process, folder, json.loads(file.read_text("utf-8")))


@pytest.fixture
def labmail_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Up]]:
    """Starts ``labmail up`` with these options; it is stopped with the test."""
    started: list[Up] = []
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def begin(*options: str) -> Up:
        started.append(start(tmp_path / "run", *options))
        return started[-1]

    yield begin
    for up in started:
        with contextlib.suppress(ProcessLookupError):
            up.process.kill()
        up.process.communicate()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One ``labmail up`` for all the tests of a file."""
    up = start(tmp_path_factory.mktemp("town"))
    yield up
    status, said = up.stop()
    assert (status, "Traceback" in said) == (0, False), said
