"""The quiz of notebook 04: what counts as an answer, and what is said to a wrong one."""

from pathlib import Path
from typing import Any

import pytest

from labmail import Lab
from labmail.course import check, deck
from labmail.course.nb04 import answer_the_quiz
from labmail.course.quiz import DECK, FREMAN, HOA, LAN, MINH, dealt, plain


def said(answer: object) -> str:
    return " ".join(check("4.4", answer).text().split())


@pytest.mark.parametrize(
    ("other", "feedback"),
    [
        (dict.fromkeys(DECK, ""), "Nothing is answered yet"),
        ({8: ""}, "Still open: 8"),
        ({1: "lan"}, "Card 1 was delivered, and it went otherwise. You read the sheet"),
        ({2: "lan"}, "Look at the envelope, at all of its lines"),
        ({3: "freman.alpha"}, "Is there an envelope in his mailbox?"),
        ({4: "son"}, "Does the author say where replies are wanted?"),
        ({5: "son"}, "A bounce comes from a server"),
        ({6: "lan"}, "A Return-Path that the sender writes is taken off"),
        ({6: "son"}, "Which side of the card does it know?"),
        ({7: "lan"}, "That is where a person's reply goes"),
        ({8: "son"}, "May a program answer here at all?"),
        ({3: "freman"}, "Is there an envelope in his mailbox?"),
        ({8: "hoi@lists.example"}, "May a program answer here at all?"),
    ],
)
def test_eight_cards(lab: Lab, other: dict[int, str], feedback: str) -> None:
    answer = said(answer_the_quiz(lab) | other)
    assert answer.startswith("4.4 not yet")
    assert feedback in answer


@pytest.mark.parametrize(
    "other",
    [
        {1: f"<{MINH}>", 2: [HOA, LAN], 6: "không ai", 8: "No one"},
        {1: "Minh.", 2: "Lan and Hoa", 3: "Sơn", 6: "khong ai", 8: "KHÔNG AI"},
        {2: "lan và hoa", 3: "SƠN@HANOI.EXAMPLE", 6: "-"},
        {2: "hoa & lan", 6: "<>"},
        {2: f"{LAN}; and {HOA}", 8: "none"},
        {2: {"Lan", "Hoa"}},
    ],
)
def test_cards_may_be_answered_in_other_ways(lab: Lab, other: dict[int, Any]) -> None:
    assert said(answer_the_quiz(lab) | other).startswith("4.4 done")


@pytest.mark.parametrize("word", ["lam", "lan@hanoi.com", "andrea", "spammer", "hoi.lists.example"])
def test_a_word_that_is_no_address_is_told(lab: Lab, word: str) -> None:
    answer = said(answer_the_quiz(lab) | {4: word})
    assert f"Card 4: '{word}' is no address of this world." in answer
    assert "went otherwise" not in answer


def test_letters_without_their_marks() -> None:
    assert plain("Đỗ Thị Sơn, KHÔNG") == "do thi son, khong"


def test_the_deck_shows_all_that_is_needed() -> None:
    text = deck().text().replace("\u00a0", " ")
    assert all(card.question.split()[0] in text for card in DECK.values())
    assert text.count("MAIL FROM:<") == len(DECK) == 8
    assert f"MAIL FROM:<{FREMAN}>" in text
    assert {len(dealt(n)) for n in DECK} == {0, 1, 2}


def test_the_deck_is_drawn_and_told(tmp_path: Path) -> None:
    shown = deck()
    assert shown.svg() == shown.svg()
    assert shown.png(tmp_path / "deck.png").stat().st_size > 10_000
    for number, card in DECK.items():
        assert f"{number}. {card.question}" in shown.alt()
