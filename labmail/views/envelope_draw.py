"""The envelope card as a drawing: the course's icon for a letter.

On the left the envelope, with the addresses that servers obey; on the right the sheet that people
read.  Between them a solid line where both say the same, a broken one with a gap where they do
not, and none where nothing can be compared.  An envelope that is gone has a dashed edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from labmail.views import palette
from labmail.views.paper import Paper, broken, fit, measure

if TYPE_CHECKING:
    from labmail.views.envelope import CardView, Verdict

MARGIN = 18.0
ENVELOPE = 316.0
BRIDGE = 96.0
SHEET = 362.0
LINE = 17.0
FLAP = 30.0
MANY = 7
"""Lines of an envelope or a sheet; what is more is counted."""

_SHOWN = ("From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject")


def drawn_card(view: CardView) -> Paper:
    """The card on paper."""
    outside = shortened(view.envelope)
    inside = sheet_lines(view)
    tall = FLAP + 22 + LINE * max(len(outside), len(inside) + 1)
    top = MARGIN + 44
    paper = Paper(2 * MARGIN + ENVELOPE + BRIDGE + SHEET, top + tall + 40)
    paper.text(MARGIN, MARGIN + 12, fit(view.title, paper.width - 2 * MARGIN, 11, bold=True), 11,
               bold=True)  # fmt: skip
    heads = view.heads
    right = MARGIN + ENVELOPE + BRIDGE
    paper.text(MARGIN, top - 9, heads[0], 8.4, palette.SOFT, bold=True)
    paper.text(right, top - 9, heads[1], 8.4, palette.SOFT, bold=True)
    envelope_at(paper, MARGIN, top, ENVELOPE, tall, outside, gone=view.gone)
    sheet_at(paper, right, top, SHEET, tall, inside, margin=FLAP + 24)
    _bridges(paper, view, top, inside)
    _verdicts(paper, view, top + tall + 22)
    return paper


def shortened(lines: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The lines, or the first of them and how many more there are."""
    if len(lines) <= MANY:
        return list(lines)
    return [*lines[: MANY - 1], ("", f"… and {len(lines) - MANY + 1} more")]


def sheet_lines(view: CardView) -> list[tuple[str, str]]:
    """What of a letter's header is drawn.  A Return-Path beside an envelope was forged, and is
    drawn too; in a mailbox it is the envelope's, and is drawn there."""
    shown = _SHOWN if view.gone else ("Return-Path", *_SHOWN)
    return shortened([(f.name, f.value) for f in view.letter if f.name in shown])


def envelope_at(
    paper: Paper,
    x: float,
    y: float,
    wide: float,
    tall: float,
    lines: Sequence[tuple[str, str]],
    *,
    gone: bool = False,
    size: float = 9.4,
) -> None:
    """An envelope with its flap open at the top, and what is written on it."""
    edge = palette.SOFT if gone else palette.ORANGE
    fill = palette.PAPER if gone else "#fbf1da"
    paper.box(x, y, wide, tall, fill, edge, line=1.6, dash="dashed" if gone else "solid")
    flap = [(x, y), (x + wide / 2, y + FLAP), (x + wide, y)]
    paper.line(flap, edge, 1.3, "dashed" if gone else "solid")
    row = y + FLAP + 24
    for name, value in lines:
        _pair(paper, x + 14, row, wide - 26, name, value, size, mono=True, named=74)
        row += LINE


def sheet_at(
    paper: Paper,
    x: float,
    y: float,
    wide: float,
    tall: float,
    lines: Sequence[tuple[str, str]],
    *,
    size: float = 9.4,
    margin: float = 24.0,
) -> None:
    """A sheet with a folded corner, its header, and lines of writing below."""
    fold = 15.0
    corners = [
        (x, y), (x + wide - fold, y), (x + wide, y + fold), (x + wide, y + tall), (x, y + tall)
    ]  # fmt: skip
    paper.polygon(corners, "#ffffff", palette.BLUE, 1.4)
    paper.line([(x + wide - fold, y), (x + wide - fold, y + fold), (x + wide, y + fold)],
               palette.BLUE, 1.0)  # fmt: skip
    row = y + margin
    for name, value in lines:
        _pair(paper, x + 14, row, wide - 30, name, value, size, named=62)
        row += LINE
    while row < y + tall - 6:
        length = (wide - 28) * (0.55 if row + LINE >= y + tall - 6 else 0.9)
        paper.line([(x + 14, row - 3), (x + 14 + length, row - 3)], palette.FAINT, 1.2)
        row += LINE


def _pair(
    paper: Paper,
    x: float,
    y: float,
    room: float,
    name: str,
    value: str,
    size: float,
    *,
    named: float,
    mono: bool = False,
) -> None:
    paper.text(x, y, name, size - 1, palette.SOFT, bold=True)
    left = max(named, measure(name, size - 1, bold=True) + 8)
    said = fit(value, room - left, size, mono=mono)
    paper.text(x + left, y, said, size, mono=mono)


def _bridges(paper: Paper, view: CardView, top: float, inside: list[tuple[str, str]]) -> None:
    """From what servers obey to what people read."""
    names = [name for name, _ in inside]
    first = top + FLAP + 21
    compared = ((view.sender, "From", 0), (view.recipients, "To", 1))
    for verdict, field, row in compared:
        if field in names and verdict.same is not None:
            left, right = first + LINE * row, first + LINE * names.index(field)
            _bridge(paper, verdict, left, right, (row + 1) / 3)


def _bridge(paper: Paper, verdict: Verdict, left: float, right: float, at: float) -> None:
    x1, x2 = MARGIN + ENVELOPE + 4, MARGIN + ENVELOPE + BRIDGE - 4
    middle = x1 + (x2 - x1) * at
    colour = colour_of(verdict.same)
    path = [(x1, left), (middle, left), (middle, right), (x2, right)]
    if verdict.same:
        paper.line(path, colour, 2.0)
    else:
        paper.line(path, colour, 1.4, "dashed")
    y = (left + right) / 2
    paper.dot(middle, y, 8.0, palette.PAPER, colour)
    paper.text(middle, y + 4.2, verdict.sign, 11.5, colour, align="center", bold=True)


def colour_of(same: bool | None) -> str:
    """Green where both agree, vermilion where they differ; the sign says the same."""
    return {True: palette.GREEN, False: palette.VERMILION, None: palette.SOFT}[same]


def _verdicts(paper: Paper, view: CardView, y: float) -> None:
    x = MARGIN
    room = (paper.width - 2 * MARGIN) / 2 - 8
    for verdict in view.verdicts:
        line = broken(f"{verdict.sign}  {verdict.words}", room, 8.8)[0]
        paper.text(x, y, line, 8.8, colour_of(verdict.same), bold=True)
        x += room + 16
