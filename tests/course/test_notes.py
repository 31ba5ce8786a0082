"""What is remembered, and that a damaged memory is an empty one."""

from pathlib import Path

import pytest

from labmail.course import notes
from labmail.course.notes import NOTES, answers_file, read_answers, write_answers


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "answers.json"
    monkeypatch.setattr(notes, "answers_file", lambda: path)
    return path


def test_answers_are_kept_by_kind(file: Path) -> None:
    assert read_answers("inventory") == {}
    assert write_answers("inventory", {2: "b", 1: "a"})
    assert write_answers("other", {1: "c"})
    assert read_answers("inventory") == {1: "a", 2: "b"}
    assert read_answers("other") == {1: "c"}


@pytest.mark.parametrize(
    "content", ["", "{", "[1]", '{"inventory": 3}', '{"inventory": {"x": "a"}}', "\x00"]
)
def test_a_damaged_file_is_an_empty_one(file: Path, content: str) -> None:
    file.write_text(content)
    assert read_answers("inventory") == {}
    assert write_answers("inventory", {1: "a"})
    assert read_answers("inventory") == {1: "a"}


def test_the_file_lies_beside_the_data_and_out_of_version_control() -> None:
    assert answers_file().parts[-2:] == (".labmail", "answers.json")
    ignored = (answers_file().parent.parent / ".gitignore").read_text(encoding="utf-8")
    assert ".labmail/" in ignored.splitlines()


def test_a_fresh_kernel_remembers_nothing() -> None:
    NOTES.predictions["P0.1"] = "a"
    NOTES.hints["0.1"] = 2
    NOTES.forget()
    assert not NOTES.predictions and not NOTES.hints
