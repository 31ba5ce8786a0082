"""Trees, in characters and drawn: what hangs below what.

letter
├─ 1
│  └─ 1.1
└─ 2
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labmail.views import palette

if TYPE_CHECKING:
    from labmail.views.paper import Dash, Paper

_LEFT, _TOP, _STEP = 16.0, 38.0, 30.0
_BOX, _BESIDE = 350.0, 245.0
_TALL, _GAP = 36.0, 8.0


@dataclass(frozen=True, slots=True)
class Twig:
    """A row of a drawn tree: `depth` from the root, two lines in a box, words beside it.

    `hollow` draws it dashed: for what is known of and not there.
    """

    depth: int
    first: str
    second: str
    beside: str
    colour: str
    hollow: bool = False


def branches(last: Sequence[bool]) -> str:
    """The lines before a row.  `last` says for the row, and for each that it hangs below but
    the root, whether it is the last of its brothers; from the outside in."""
    if not last:
        return ""
    return "".join("   " if end else "│  " for end in last[:-1]) + ("└─ " if last[-1] else "├─ ")


def draw(title: str, twigs: Sequence[Twig], notes: Sequence[str] = ()) -> Paper:
    """The tree, and below it what is wrong with it."""
    from labmail.views.paper import Paper

    deepest = max((twig.depth for twig in twigs), default=0)
    height = _TOP + len(twigs) * (_TALL + _GAP) + len(notes) * 16 + 8
    paper = Paper(2 * _LEFT + deepest * _STEP + _BOX + _BESIDE, height)
    paper.text(_LEFT, 24, title, 11, bold=True)
    for parent, child in _links(twigs):
        _draw_link(paper, twigs, parent, child)
    for place, twig in enumerate(twigs):
        _draw_twig(paper, twig, _left(twig), _top(place))
    for line, note in enumerate(notes):
        paper.text(_LEFT, _top(len(twigs)) + 10 + line * 16, f"✘ {note}", 9, palette.VERMILION)
    return paper


def _left(twig: Twig) -> float:
    return _LEFT + twig.depth * _STEP


def _top(place: int) -> float:
    return _TOP + place * (_TALL + _GAP)


def _links(twigs: Sequence[Twig]) -> Iterator[tuple[int, int]]:
    """Each row but the roots, after the row that it hangs below."""
    path: list[int] = []
    for place, twig in enumerate(twigs):
        del path[twig.depth :]
        if path:
            yield path[-1], place
        path.append(place)


def _draw_link(paper: Paper, twigs: Sequence[Twig], parent: int, child: int) -> None:
    x, middle = _left(twigs[parent]) + 14, _top(child) + _TALL / 2
    corner = [(x, _top(parent) + _TALL), (x, middle), (_left(twigs[child]), middle)]
    paper.line(corner, palette.SOFT, 1.2)


def _draw_twig(paper: Paper, twig: Twig, x: float, y: float) -> None:
    from labmail.views.paper import fit

    fill = palette.PAPER if twig.hollow else palette.SHADE
    dash: Dash = "dashed" if twig.hollow else "solid"
    paper.box(x, y, _BOX, _TALL, fill, twig.colour, radius=5, line=1.3, dash=dash)
    if not twig.hollow:
        paper.box(x, y, 6, _TALL, twig.colour)
    room = _BOX - 24
    paper.text(x + 14, y + 15, fit(twig.first, room, 9.5, bold=True), 9.5, bold=True)
    paper.text(x + 14, y + 29, fit(twig.second, room, 9), 9, palette.SOFT)
    paper.text(x + _BOX + 10, y + 21, fit(twig.beside, _BESIDE - 10, 9), 9)
