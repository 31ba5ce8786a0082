"""The cards: laid, kept, and compared with what was recorded."""

import pytest

from labmail import Lab
from labmail.course import cards, compare, journey
from labmail.course.notes import NOTES
from labmail.course.order import CARDS


def test_untouched_it_lays_out_all_cards() -> None:
    said = cards().text()
    assert "One of them never happens" in said
    assert all(f"{card.letter}) {card.words}" in said for card in CARDS)
    assert "No order yet" in said


def test_an_order_is_kept() -> None:
    assert "F B D" in cards("f, b d").text()
    assert NOTES.predictions["cards"] == "FBD"


@pytest.mark.parametrize(
    ("order", "said"), [("FBX", "no card X"), ("FBF", "twice"), (12, "no card 1")]
)
def test_what_is_no_order_is_asked_again(order: object, said: str) -> None:
    assert said in cards(order).text()
    assert "cards" not in NOTES.predictions


def test_the_comparison_is_read_from_the_trace(lab: Lab) -> None:
    table = compare(journey(lab))
    assert [row[1][0] for row in table.rows] == [*"FBDHGEA", "C"]
    assert table.rows[-1][0] == "never"
    assert "You laid no cards" in table.text()


@pytest.mark.parametrize(
    ("order", "said"),
    [("FBDHGEA", "6 of 6"), ("AEGHDBF", "0 of 6"), ("FBDHGAE", "5 of 6"), ("C", "0 of 6")],
)
def test_neighbours_are_counted(lab: Lab, order: str, said: str) -> None:
    cards(order)
    assert f"{said} steps follow each other" in compare(journey(lab)).text()


def test_a_card_that_was_left_out_is_named_so(lab: Lab) -> None:
    cards("FB")
    rows = compare(journey(lab)).rows
    assert [row[2] for row in rows][:3] == ["1", "2", "left out"]


def test_nothing_happened(lab: Lab) -> None:
    with lab.record() as trace:
        pass
    assert {row[0] for row in compare(trace).rows} == {"never"}
