import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from labmail.runtime import place
from labmail.runtime.place import TemporaryFolder, sweep


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(place, "ENOUGH", 0)
    return tmp_path


def test_memory_is_taken_where_there_is_room(here: Path) -> None:
    memory = here / "memory"
    memory.mkdir()
    folder = TemporaryFolder({}, in_memory=memory)
    assert folder.path.parent == memory and folder.path.is_dir()
    folder.remove()
    folder.remove()
    assert list(memory.iterdir()) == []


@pytest.mark.parametrize("why", ["no room", "no such folder", "the user has chosen"])
def test_else_the_ordinary_place_serves(
    why: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = here / "memory"
    if why == "no room":
        monkeypatch.setattr(place, "ENOUGH", 2**80)
    if why != "no such folder":
        memory.mkdir()
    environment = {"TMPDIR": str(here)} if why == "the user has chosen" else {}
    folder = TemporaryFolder(environment, in_memory=memory)
    assert folder.path.parent == here
    folder.remove()


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is swept on Windows")
def test_what_a_killed_lab_left_is_swept_and_nothing_else(here: Path) -> None:
    program = (
        "import sys\n"
        "from labmail.runtime.place import TemporaryFolder\n"
        "folder = TemporaryFolder()\n"
        "print(folder.path, flush=True)\n"
        "sys.stdin.read()\n"
    )
    stranger = here / "labmail-notes"
    stranger.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(here)},
    ) as other:
        assert other.stdout is not None
        left = Path(other.stdout.readline().strip())
        assert left.parent == here
        sweep(here)
        assert left.is_dir(), "it is still in use"
        other.send_signal(signal.SIGKILL)
        other.wait()
    mine = TemporaryFolder({"TMPDIR": str(here)})
    assert not left.exists()
    assert stranger.is_dir() and mine.path.is_dir()
    mine.remove()
