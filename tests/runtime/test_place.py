from pathlib import Path

import pytest

from labmail.runtime import place
from labmail.runtime.place import temporary_folder


def test_memory_is_taken_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "ENOUGH", 0)
    folder = temporary_folder({}, in_memory=tmp_path)
    assert folder.parent == tmp_path and folder.is_dir()
    assert folder.name.startswith("labmail-")


@pytest.mark.parametrize("why", ["no room", "no such folder", "the user has chosen"])
def test_else_the_ordinary_place_serves(
    why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "ENOUGH", 2**80 if why == "no room" else 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    memory = tmp_path / "memory"
    if why != "no such folder":
        memory.mkdir()
    environment = {"TMPDIR": str(tmp_path)} if why == "the user has chosen" else {}
    assert temporary_folder(environment, in_memory=memory).parent == tmp_path
