"""The inventory: fifteen fair questions in two languages; answers outlive the kernel."""

import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from labmail.course import inventory, inventory_review, notes
from labmail.course.baseline import items
from labmail.course.notes import NOTES, read_answers


@pytest.fixture(autouse=True)
def own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Answers of a test do not mix with those of whoever runs it."""
    file = tmp_path / ".labmail" / "answers.json"
    monkeypatch.setattr(notes, "answers_file", lambda: file)
    return file


def test_there_are_fifteen_questions_each_with_four_answers_in_two_languages() -> None:
    assert [item.number for item in items()] == list(range(1, 16))
    for item in items():
        assert list(item.choices) == list("abcd")
        for text in (item.text, *item.choices.values()):
            assert set(text) == {"en", "vi"} and all(text.values())
            assert unicodedata.is_normalized("NFC", "".join(text.values()))
        for language in ("en", "vi"):
            assert len({choice[language] for choice in item.choices.values()}) == 4


def test_no_letter_is_the_usual_answer() -> None:
    assert max(Counter(item.key for item in items()).values()) <= 5


def test_untouched_it_asks(own_file: Path) -> None:
    said = inventory("").text()
    assert said.endswith("Not answered.")
    assert "15. A virus was found." in said
    assert "15. A virus was found." in inventory("").html()
    assert "Phát hiện vi-rút" in inventory(language="vi").text()
    assert "A virus was found" in inventory(language="fr").text()
    assert not own_file.exists()


@pytest.mark.parametrize(
    "answers", ["1b 2C 15d", "1: b, 2) c; 15-d", {1: "b", "2": "c", 15: " D "}, "1b 2c 15d 16a"]
)
def test_answers_are_read_as_people_write_them(answers: object, own_file: Path) -> None:
    said = inventory(answers).text()
    assert said.startswith("3 of 15 answers are kept.")
    assert NOTES.inventory == {1: "b", 2: "c", 15: "d"}
    assert read_answers("inventory") == NOTES.inventory
    assert own_file.is_file()


def test_answers_may_come_in_pieces_and_be_changed() -> None:
    inventory("1b")
    inventory("1c 2a")
    assert NOTES.inventory == {1: "c", 2: "a"}
    said = inventory([item.key for item in items()]).text()
    assert said.startswith("15 of 15")
    assert "Still open" not in said


@pytest.mark.parametrize("answers", ["yes", "1z", 7, {"x": "y"}, {1: "ab"}, [None], object()])
def test_what_cannot_be_read_is_not_an_answer(answers: object) -> None:
    assert "write the number and the letter" in inventory(answers).text()
    assert NOTES.inventory == {}


def test_the_last_notebook_lays_both_beside_each_other() -> None:
    inventory("1b 2a")
    NOTES.forget()
    assert inventory_review().rows[0][2:] == ("b", "–", items()[0].key)


def test_a_disk_that_refuses_is_no_reason_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(notes, "answers_file", lambda: tmp_path / "file" / "answers.json")
    assert "could not be written" in inventory("1b").text()
