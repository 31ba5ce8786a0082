"""The eight cards of the quiz as a drawing: two in a row, each an envelope beside a sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmail.course.quiz import DECK, QuizCard
from labmail.views import palette
from labmail.views.envelope_draw import FLAP, LINE, envelope_at, sheet_at
from labmail.views.paper import Paper, fit

if TYPE_CHECKING:
    from labmail.course.quiz import Deck

MARGIN = 18.0
ENVELOPE = 268.0
SHEET = 248.0
BETWEEN = 10.0
GAP = 34.0
HEAD = 26.0
CARD = ENVELOPE + BETWEEN + SHEET
ACROSS = 2


def drawn_deck(deck: Deck) -> Paper:
    """The deck on paper."""
    cards = list(DECK.items())
    rows = [cards[i : i + ACROSS] for i in range(0, len(cards), ACROSS)]
    heights = [max(_tall(card) for _, card in row) for row in rows]
    width = 2 * MARGIN + ACROSS * CARD + (ACROSS - 1) * GAP
    paper = Paper(width, MARGIN + 20 + sum(h + HEAD + 16 for h in heights) + 24)
    paper.text(MARGIN, MARGIN + 12, deck.title, 12, bold=True)
    top = MARGIN + 20
    for row, height in zip(rows, heights, strict=True):
        for i, (number, card) in enumerate(row):
            _card(paper, number, card, MARGIN + i * (CARD + GAP), top + HEAD, height)
        top += height + HEAD + 16
    paper.text(MARGIN, top + 12, fit(deck.note, width - 2 * MARGIN, 9.4), 9.4, palette.SOFT)
    return paper


def _tall(card: QuizCard) -> float:
    return max(FLAP + 20 + LINE * len(card.envelope), 24 + LINE * (len(card.fields) + 1))


def _card(paper: Paper, number: int, card: QuizCard, x: float, y: float, tall: float) -> None:
    paper.text(x, y - 8, f"{number}. {card.question}", 10.4, bold=True)
    envelope_at(paper, x, y, ENVELOPE, tall, card.envelope, size=8.8)
    sheet_at(paper, x + ENVELOPE + BETWEEN, y, SHEET, tall, card.fields, size=8.8)
