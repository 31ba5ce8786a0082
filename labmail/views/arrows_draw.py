"""The arrows of a letter as a drawing.

Solid arrows are people's and start at the sheet; dashed ones are machines' and start at the
envelope.  An arrow that goes nowhere ends at a bar, and says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labmail.letter.arrows import Arrow, Kind
from labmail.views import palette
from labmail.views.envelope_draw import FLAP, LINE, envelope_at, sheet_at, sheet_lines, shortened
from labmail.views.paper import Dash, Paper, broken, fit

if TYPE_CHECKING:
    from labmail.views.arrows import ArrowsView

MARGIN = 18.0
CARD = 300.0
WAY = 150.0
GOAL = 400.0
LANE = 62.0

_ORDER: tuple[Kind, ...] = ("reply", "reply all", "list post", "bounce", "auto-reply")
"""Top down: people's arrows at the sheet, then the machines' at the envelope."""
_LOOK: dict[Kind, tuple[str, Dash]] = {
    "reply": (palette.BLUE, "solid"),
    "reply all": (palette.BLUE, "solid"),
    "list post": (palette.GREEN, "solid"),
    "bounce": (palette.VERMILION, "dashed"),
    "auto-reply": (palette.PURPLE, "dotted"),
}


def drawn_arrows(view: ArrowsView) -> Paper:
    """The arrows on paper."""
    top = MARGIN + 34
    inside, outside = sheet_lines(view.card), shortened(view.card.envelope)
    high = max(3 * LANE - 14, 22 + LINE * (len(inside) + 1))
    low = max(2 * LANE - 14, FLAP + 18 + LINE * len(outside))
    paper = Paper(2 * MARGIN + CARD + WAY + GOAL, top + high + 14 + low + MARGIN)
    paper.text(MARGIN, MARGIN + 12, view.title, 11, bold=True)
    sheet_at(paper, MARGIN, top, CARD, high, inside, size=8.8)
    envelope_at(paper, MARGIN, top + high + 14, CARD, low, outside, gone=view.card.gone, size=8.8)
    by_kind = {arrow.kind: arrow for arrow in view.arrows}
    for i, kind in enumerate(_ORDER):
        block, place, count = (top, i, 3) if i < 3 else (top + high + 14, i - 3, 2)
        tall = high if i < 3 else low
        _lane(paper, by_kind[kind], block + tall * (place + 0.5) / count)
    return paper


def _lane(paper: Paper, arrow: Arrow, y: float) -> None:
    from labmail.views.arrows import goal

    x1, x2 = MARGIN + CARD + 6, MARGIN + CARD + WAY - 6
    colour, dash = _LOOK[arrow.kind]
    if arrow.to:
        paper.arrow([(x1, y), (x2, y)], colour, 2.0, dash, size=9)
    else:
        end = (x1 + x2) / 2 + 24
        paper.line([(x1, y), (end, y)], palette.SOFT, 1.4, dash)
        paper.line([(end, y - 9), (end, y + 9)], palette.SOFT, 2.6)
    paper.text(x1 + 4, y - 7, arrow.kind, 9.4, colour if arrow.to else palette.SOFT, bold=True)
    x = MARGIN + CARD + WAY + 4
    said = fit(goal(arrow), GOAL - 8, 9.6, mono=bool(arrow.to), bold=True)
    paper.text(x, y - 2, said, 9.6, palette.INK if arrow.to else palette.SOFT, mono=bool(arrow.to),
               bold=True)  # fmt: skip
    for n, line in enumerate(broken(f"{arrow.because} ({arrow.source})", GOAL - 8, 7.8)[:2]):
        paper.text(x, y + 11 + 11 * n, line, 7.8, palette.SOFT)
