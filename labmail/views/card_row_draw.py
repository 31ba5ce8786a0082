"""The cards of a letter in a row, as a drawing: the same letter from left to right.

Envelope above, sheet below, and on the arrow between two stations nothing but the way;
what a station changed stands under it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmail.views import palette
from labmail.views.envelope_draw import FLAP, LINE, envelope_at, sheet_at, sheet_lines, shortened
from labmail.views.paper import Paper, fit

if TYPE_CHECKING:
    from labmail.views.card_row import CardRowView, Station

MARGIN = 18.0
CARD = 236.0
GAP = 34.0
SHEET_GAP = 12.0
NOTE = 12.5
MANY = 5
"""Stations in one row; the next begin a row of their own."""


def drawn_row(view: CardRowView) -> Paper:
    """The row on paper."""
    rows = [view.stations[i : i + MANY] for i in range(0, len(view.stations), MANY)]
    widest = max((len(row) for row in rows), default=1)
    heights = [_height(row) for row in rows]
    width = 2 * MARGIN + widest * CARD + (widest - 1) * GAP
    paper = Paper(max(width, 420), MARGIN + 30 + sum(heights))
    paper.text(MARGIN, MARGIN + 12, view.title, 11, bold=True)
    top, number = MARGIN + 44, 1
    for row, height in zip(rows, heights, strict=True):
        for i, station in enumerate(row):
            _station(paper, station, number, MARGIN + i * (CARD + GAP), top, row)
            number += 1
        top += height
    return paper


def _envelope_height(row: tuple[Station, ...]) -> float:
    return FLAP + 18 + LINE * max(len(shortened(s.view.envelope)) for s in row)


def _sheet_height(row: tuple[Station, ...]) -> float:
    return 22 + LINE * (max(len(sheet_lines(s.view)) for s in row) + 1)


def _notes(station: Station) -> list[str]:
    return [fit(change, CARD - 6, 7.8, bold=True) for change in station.changes]


def _height(row: tuple[Station, ...]) -> float:
    notes = max((len(_notes(s)) for s in row), default=0)
    return 24 + _envelope_height(row) + SHEET_GAP + _sheet_height(row) + 14 + NOTE * notes + 18


def _station(
    paper: Paper, station: Station, number: int, x: float, y: float, row: tuple[Station, ...]
) -> None:
    name = fit(f"{number}. {station.name}", CARD, 8.4, bold=True)
    paper.text(x, y, name, 8.4, palette.SOFT, bold=True)
    top, tall = y + 8, _envelope_height(row)
    outside = shortened(station.view.envelope)
    envelope_at(paper, x, top, CARD, tall, outside, gone=station.view.gone, size=8.2)
    before = row[row.index(station) - 1]
    if station is not row[0] and not before.view.gone:  # from box to box nothing goes
        middle = top + tall / 2
        paper.arrow([(x - GAP + 4, middle), (x - 4, middle)], palette.INK, 1.6, size=8)
    low = top + tall + SHEET_GAP
    sheet_at(paper, x, low, CARD, _sheet_height(row), sheet_lines(station.view), size=8.2)
    line = low + _sheet_height(row) + 16
    for note in _notes(station):
        loud = note[:1] in "+−" or "changed" in note or "gone" in note
        paper.text(x + 2, line, note, 7.8, palette.INK if loud else palette.SOFT, bold=loud)
        line += NOTE
