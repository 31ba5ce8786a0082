"""The spool: a promise, once made, survives everything; half a promise is none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from labmail.queue import spool as module
from labmail.queue.letter import Letter, State
from labmail.queue.spool import Spool
from labmail.runtime.clock import LAB_MORNING
from labmail.trace.parcel import Envelope, Parcel

CONTENT = b"Subject: x\r\n\r\n\xff.\r\n"


def letter(queue_id: str = "Q1", number: int = 1) -> Letter:
    envelope = Envelope.of("son@hanoi.example", ["a@x.example", "b@y.example"])
    return Letter.fresh(queue_id, Parcel(number, envelope, CONTENT), "exchange", LAB_MORNING)


def half_done() -> Letter:
    first, *rest = letter().copies
    return replace(letter(), copies=(replace(first, state=State.RELAYED), *rest))


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


# --- everyday life -------------------------------------------------------------------


@pytest.mark.parametrize("durable", [False, True])
def test_a_letter_through_its_life(tmp_path: Path, durable: bool) -> None:
    spool = Spool(tmp_path, durable)
    spool.add(letter(), CONTENT)
    assert names(tmp_path) == {"Q1.eml", "Q1.json"}
    assert (tmp_path / "Q1.eml").read_bytes() == CONTENT == spool.content("Q1")
    spool.update(half_done())
    assert Spool(tmp_path).load().letters == (half_done(),)
    spool.remove("Q1")
    assert names(tmp_path) == set()


def test_letters_come_back_in_the_order_of_their_arrival(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number, queue_id in enumerate(["ZZ", "AA", "MM"]):
        spool.add(letter(queue_id, number), CONTENT)
    assert [each.queue_id for each in spool.load().letters] == ["ZZ", "AA", "MM"]


def test_a_queue_id_is_never_used_twice_or_as_a_path(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.add(letter(), CONTENT)
    with pytest.raises(FileExistsError):
        spool.add(letter(), b"another")
    assert spool.content("Q1") == CONTENT
    for evil in ("../Q1", "", "a/b", "Q1\n", "C:x", "."):
        with pytest.raises(ValueError, match="no queue id"):
            spool.add(replace(letter(), queue_id=evil), CONTENT)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_mail_is_private(tmp_path: Path) -> None:
    Spool(tmp_path).add(letter(), CONTENT)
    assert {entry.stat().st_mode & 0o077 for entry in tmp_path.iterdir()} == {0}


def test_only_a_durable_spool_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps()
    monkeypatch.setattr(module, "os", steps)
    Spool(tmp_path / "quick").add(letter(), CONTENT)
    assert steps.names == ["open", "write", "close", "open", "write", "close", "replace"]
    steps.names.clear()
    Spool(tmp_path / "durable", durable=True).add(letter(), CONTENT)
    file = ["open", "write", "fsync", "close"]
    assert steps.names == [*file, *file, "replace", "open", "fsync", "close"]


# --- damage ----------------------------------------------------------------------------


def test_strangers_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "x y.json").write_text("mine")
    assert Spool(tmp_path).load().letters == ()
    assert names(tmp_path) == {"notes.txt", "x y.json"}


@pytest.mark.parametrize(
    ("file", "damage", "problem"),
    [
        ("Q1.json", b'{"queue_id": "Q1", ', "not a complete JSON text"),
        ("Q1.json", b"[]", "expected one JSON object"),
        ("Q1.eml", b"cut", "Q1.eml has 3 octets, 18 were accepted"),
        ("Q1.eml", None, "the letter itself, is missing"),
    ],
)
def test_a_damaged_letter_is_set_aside_and_the_others_go_on(
    tmp_path: Path, file: str, damage: bytes | None, problem: str
) -> None:
    spool = Spool(tmp_path)
    for queue_id in ("Q1", "Q2"):
        spool.add(letter(queue_id), CONTENT)
    if damage is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(damage)
    loaded = spool.load()
    assert [each.queue_id for each in loaded.letters] == ["Q2"]
    assert problem in loaded.damaged[0].problem
    assert (tmp_path / "damaged" / "Q1.json").exists()
    assert names(tmp_path) == {"damaged", "Q2.eml", "Q2.json"}
    assert spool.load().damaged == ()


def test_a_state_file_under_a_wrong_name_is_set_aside(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.add(letter(), CONTENT)
    (tmp_path / "Q1.json").rename(tmp_path / "Q2.json")
    (tmp_path / "Q1.eml").rename(tmp_path / "Q2.eml")
    assert "about Q1" in spool.load().damaged[0].problem


# --- kill -9, step by step ----------------------------------------------------------------


class Killed(BaseException):
    """The process ended here.  No clean-up code may catch this."""


class Steps:
    """The operating system, which counts the steps that change something and stops at one.

    A write is two steps: half of it can be on the disk.
    """

    COUNTED = ("open", "write", "close", "fsync", "replace", "unlink")

    def __init__(self, stop_at: int = -1, error: BaseException | None = None) -> None:
        self.names: list[str] = []
        self._stop_at = stop_at
        self._error = error or Killed()

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        return self._counted(name, real) if name in self.COUNTED else real

    def _counted(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            self.names.append(name)
            if len(self.names) - 1 == self._stop_at:
                if name == "write":
                    os.write(args[0], bytes(args[1][: len(args[1]) // 2]))
                raise self._error
            return real(*args, **kwargs)

        return step


def killed_at(
    step: int,
    work: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException | None = None,
) -> bool:
    """Do the work, killed at this step; False when it ended before."""
    with monkeypatch.context() as patch:
        patch.setattr(module, "os", Steps(step, error))
        try:
            work()
        except (Killed, OSError):
            return True
    return False


@pytest.mark.parametrize("durable", [False, True])
def test_killed_while_adding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    step, alive = 0, False
    while not alive:
        folder = tmp_path / str(step)
        spool = Spool(folder, durable)
        spool.add(letter("Q0"), CONTENT)
        alive = not killed_at(step, partial(spool.add, letter(), CONTENT), monkeypatch)
        loaded = Spool(folder).load()
        found = [each.queue_id for each in loaded.letters]
        assert found in (["Q0"], ["Q0", "Q1"]), step
        assert not alive or found == ["Q0", "Q1"]
        assert loaded.damaged == ()
        assert names(folder) == {f"{each}.{kind}" for each in found for kind in ("eml", "json")}
        step += 1
    assert step >= 7


@pytest.mark.parametrize("durable", [False, True])
def test_killed_while_updating(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
) -> None:
    step, alive = 0, False
    while not alive:
        folder = tmp_path / str(step)
        spool = Spool(folder, durable)
        spool.add(letter(), CONTENT)
        alive = not killed_at(step, partial(spool.update, half_done()), monkeypatch)
        (found,) = Spool(folder).load().letters
        assert found in (letter(), half_done()), step
        assert not alive or found == half_done()
        assert names(folder) == {"Q1.eml", "Q1.json"}
        step += 1
    assert step >= 4


def test_killed_while_removing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step, alive = 0, False
    while not alive:
        folder = tmp_path / str(step)
        spool = Spool(folder)
        spool.add(letter(), CONTENT)
        alive = not killed_at(step, partial(spool.remove, "Q1"), monkeypatch)
        loaded = Spool(folder).load()
        assert loaded.damaged == ()
        assert loaded.letters in ((), (letter(),))
        assert not alive or loaded.letters == ()
        step += 1
    assert step == 3


def test_a_full_disk_promises_nothing_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(28, "No space left on device")
    for step in range(7):
        folder = tmp_path / str(step)
        spool = Spool(folder)
        assert killed_at(step, partial(spool.add, letter(), CONTENT), monkeypatch, full)
        assert {name for name in names(folder) if not name.endswith(".tmp")} == set(), step
        assert spool.load().letters == ()


# --- kill -9, for real ----------------------------------------------------------------------

ACCEPTING = """
import sys
from pathlib import Path
from labmail.queue.letter import Letter
from labmail.queue.spool import Spool
from labmail.runtime.clock import LAB_MORNING
from labmail.trace.parcel import Envelope, Parcel

spool = Spool(Path(sys.argv[1]))
envelope = Envelope.of("son@hanoi.example", ["a@x.example", "b@y.example"])
for number in range(1_000_000):
    content = b"Subject: %d\\r\\n\\r\\n" % number + b"x" * 5000
    letter = Letter.fresh(f"Q{number}", Parcel(number, envelope, content), "exchange", LAB_MORNING)
    spool.add(letter, content)
    sys.stdout.write(f"{letter.queue_id}\\n")
    sys.stdout.flush()
"""


@pytest.mark.parametrize("accepted", [1, 40, 153])
def test_a_process_killed_while_it_accepts_loses_nothing(tmp_path: Path, accepted: int) -> None:
    """What was acknowledged before SIGKILL is in the spool, whole, and nothing is damaged."""
    root = Path(module.__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", ACCEPTING, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    with process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().decode().strip() for _ in range(accepted)]
        process.kill()
        rest = process.stdout.read().decode()
        acknowledged += [line for line in rest.splitlines(keepends=True) if line.endswith("\n")]
    spool = Spool(tmp_path)
    loaded = spool.load()
    kept = {each.queue_id for each in loaded.letters}
    assert {each.strip() for each in acknowledged} <= kept
    assert len(kept) <= len(acknowledged) + 1
    assert loaded.damaged == ()
    for each in kept:
        assert spool.content(each).startswith(b"Subject: %d\r\n" % int(each[1:]))
    assert names(tmp_path) == {f"{each}.{kind}" for each in kept for kind in ("eml", "json")}
